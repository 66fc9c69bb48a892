"""Calls of `account.svc` as a test describes them, over SOAP or as JSON, and what came back of either in one shape."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance import soap
from tests.conformance.isolation.world import House, World
from tests.conformance.soap import Answer

PROTOCOLS = ("SOAP", "JSON")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One call. A value `here …` or `there …` stands for a thing of the merchant called, or of the other one.

    `session_by` is how the credentials token comes: `header`, `cookie` or `SOAP header`; `token_by` likewise, and
    `member`. `may_change` are tables of the merchant called in which rows may change.
    """

    method: str
    members: Mapping[str, str] = field(default_factory=dict)
    token: str | None = "here token"
    token_by: str = "header"
    session: str | None = None
    session_by: str = "header"
    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    expects: str = "Success"
    shows: Mapping[str, str] = field(default_factory=dict)
    may_change: tuple[str, ...] = ()

    @property
    def protocols(self) -> tuple[str, ...]:
        """By which it can be made."""
        return ("SOAP",) if "SOAP header" in (self.token_by, self.session_by) else PROTOCOLS


@dataclass(frozen=True)
class Outcome:
    """The key of a result and its members; a session that is not taken is a status of its own in JSON."""

    key: str
    members: Mapping[str, str]
    answer: Answer


def named(value: str, here: House, there: House) -> str:
    """Return what a value stands for: `there cookie` is the other merchant's cookie; any other text is itself."""
    whose, _, thing = value.partition(" ")
    houses = {"here": here, "there": there}
    return houses[whose].things[thing] if whose in houses else value


def make(world: World, attempt: Attempt, protocol: str, here: House, there: House) -> Outcome:
    """Make the call, and let the worker do what it left."""

    def fill(values: Mapping[str, str]) -> dict[str, str]:
        return {name: named(value, here, there) for name, value in values.items()}

    members, headers, cookies = fill(attempt.members), fill(attempt.headers), fill(attempt.cookies)
    blocks = ""
    for name, value, by in (
        ("applicationToken", attempt.token, attempt.token_by),
        ("credentialsToken", attempt.session, attempt.session_by),
    ):
        if value is not None:
            text = named(value, here, there)
            if by == "SOAP header":
                blocks += f"<{name}>{text}</{name}>"
            else:
                {"header": headers, "cookie": cookies, "member": members}[by][name] = text
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    send = _soap if protocol == "SOAP" else _json
    found = send(world, attempt.method, members, headers, blocks)
    world.work()
    return found


def _soap(world: World, method: str, members: Mapping[str, str], headers: dict[str, str], blocks: str) -> Outcome:
    order = ("Email", "username", "Password", "userrole", "appName", "applicationToken", "deviceId", "setCookie")
    ordered = sorted(members, key=lambda name: order.index(name) if name in order else 0)
    content = soap.members({name: members[name] for name in ordered})
    answer = world.client.post(soap.envelope(soap.call(method, content), blocks), headers)
    result = answer.result
    return Outcome(str(result["Key"]), {name: value or "" for name, value in result.items()}, answer)


def _json(world: World, method: str, members: Mapping[str, str], headers: dict[str, str], _blocks: str) -> Outcome:
    body = json.dumps(members).encode()
    answer = world.client.request("POST", f"{soap.PATH}/{method}", body, headers, CONTENT_TYPE="application/json")
    if answer.status == 403:
        return Outcome("SessionExpired", {}, answer)
    assert answer.status == 200, answer
    result: dict[str, Any] = json.loads(answer.body)["d"]
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in result.items()}
    return Outcome(result["Key"], texts, answer)
