"""The cases, in groups: each is a module with `run`, which measures and returns its rows of the table."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.benchmark.bench import Bench
from scripts.benchmark.cases import (
    account_services,
    decoding,
    deliveries,
    latency,
    load_limit,
    login,
    memory,
    native_argon2,
    panel,
    queueing,
    refused,
    scale,
    session_reading,
    soap_stacks,
    starting,
)
from scripts.benchmark.measuring import Row


@dataclass(frozen=True)
class Group:
    """Cases that are chosen together. A run without names leaves out the slow ones, --all those for names only."""

    name: str
    run: Callable[[Bench], list[Row]]
    is_slow: bool = False
    is_named_only: bool = False


GROUPS = (
    Group("load", load_limit.run),
    Group("login", login.run),
    Group("refused", refused.run),
    Group("decode", decoding.run),
    Group("session", session_reading.run),
    Group("latency", latency.run),
    Group("start", starting.run),
    Group("memory", memory.run, is_slow=True),
    Group("mails", deliveries.run, is_slow=True),
    Group("queueing", queueing.run, is_slow=True),
    Group("stacks", soap_stacks.run, is_slow=True),
    Group("reading", account_services.run_reading, is_slow=True),
    Group("native", native_argon2.run, is_slow=True),
    Group("better-auth", account_services.run_login, is_slow=True),
    Group("panel", panel.run, is_slow=True, is_named_only=True),
    Group("scale", scale.run, is_slow=True, is_named_only=True),
)
