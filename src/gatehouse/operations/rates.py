"""How often callers may call: by network, and by the application or integration that they name."""

from datetime import timedelta

from gatehouse.domain.networks import network_of
from gatehouse.operations.calls import Call
from gatehouse.security import tokens


def wait(call: Call) -> timedelta | None:
    """Count a request; return how long its sender has to wait where it is one too many, else None.

    What a caller names is not verified yet: its network is counted first, so that nobody can use up by a flood what
    an application may, beyond what the own network may.
    """
    limits, settings, caller = call.rate_limits, call.settings, call.caller
    network = network_of(caller.source)
    if network is not None and (found := limits.wait("source", network, settings.requests_per_source)):
        return found
    named = caller.application_token or caller.client_id or settings.default_application
    if named is None:
        return None
    return limits.wait("application", tokens.digest(named).hex(), settings.requests_per_application)
