"""The calls that a load is made of, and the mix that says how often each comes.

Some need what another one gave, such as a login cookie. Where it is not there yet, the call that gives it is made
instead.
"""

import itertools
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gatehouse.load.people import Person
from gatehouse.load.target import Target

_KEY = re.compile(rb"<(?:\w+:)?Key>([^<]+)<|\"(?:Key|result)\": ?\"([^\"]+)\"")
_COOKIE = re.compile(rb"<(?:\w+:)?EncodedCookie>([^<]+)<")
_SESSION = re.compile(rb"<(?:\w+:)?CredentialsToken>([^<]+)<")

SUCCESS = "Success"

_KEPT_SESSIONS = 1000
"""Sessions that are kept for later calls at most."""

_USED_SECONDS = 30.0
"""How long a session is used, which is half of the life that `scripts/soak` gives it. Clients then log in again."""

_SPOILED = frozenset({"InvalidCookie", "CookieExpired", "CookieReplayed", "SessionExpired"})
"""What says that a cookie or a session is of no use any more."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One call: what is sent, what the answer should say, and who takes the answer's body, or None when none came."""

    name: str
    request: bytes
    expected: str
    take: Callable[[str, bytes], None]


@dataclass(slots=True)
class _Series:
    """A login cookie that is used by one call at a time."""

    person: Person
    cookie: str


@dataclass(frozen=True, slots=True)
class _Session:
    """A session, when it was given, and the device that was registered with it, if one was."""

    person: Person
    token: str
    given: float
    device: str | None = None


def outcome_of(status: int, body: bytes) -> str:
    """Return the key of the return code in an answer; of one without, its HTTP status."""
    found = _KEY.search(body)
    return (found[1] or found[2]).decode() if found else f"HTTP {status}"


class Calls:
    """Makes the calls of some people, one after the other through all of them."""

    def __init__(self, target: Target, people: Sequence[Person]) -> None:
        """Take where they go and who calls."""
        self._target = target
        self._people = itertools.cycle(people)
        self._series: deque[_Series] = deque()
        self._sessions: deque[_Session] = deque(maxlen=_KEPT_SESSIONS)
        self._devices: deque[_Session] = deque(maxlen=_KEPT_SESSIONS)
        self._numbers = itertools.count(1)
        self._requests: dict[tuple[str, Person], bytes] = {}
        self.makers: Mapping[str, Callable[[], Turn]] = {
            "login": self._login,
            "decode": self._decode,
            "logoff": self._log_off,
            "refused": self._refused,
            "reset": self._reset,
            "register": self._register,
            "code": self._send_code,
        }

    @property
    def cookies(self) -> int:
        """How many login cookies wait for their next call."""
        return len(self._series)

    def login_for_cookie(self) -> Turn:
        """Return a login that asks for a login cookie, which later calls decode."""
        person = next(self._people)

        def take(outcome: str, body: bytes) -> None:
            found = _COOKIE.search(body)
            if outcome == SUCCESS and found:
                self._series.append(_Series(person, found[1].decode()))

        return Turn("login", self._login_request(person, setCookie="true"), SUCCESS, take)

    def _login(self) -> Turn:
        person = next(self._people)
        request = self._requests.get(("login", person))
        if request is None:
            request = self._requests["login", person] = self._login_request(person)

        def take(outcome: str, body: bytes) -> None:
            found = _SESSION.search(body)
            if outcome == SUCCESS and found:
                self._sessions.append(_Session(person, found[1].decode(), time.monotonic()))

        return Turn("login", request, SUCCESS, take)

    def _login_request(self, person: Person, **members: str) -> bytes:
        return self._target.soap(
            "Login", person.token, Email=person.email, Password=person.password, userrole=person.role, **members
        )

    def _decode(self) -> Turn:
        if not self._series:
            return self.login_for_cookie()
        series = self._series.popleft()

        def take(outcome: str, body: bytes) -> None:
            found = _COOKIE.search(body)
            if outcome == SUCCESS and found:
                series.cookie = found[1].decode()
            # An answer that was lost may have rotated the cookie; the old one is good for a while.
            if outcome not in _SPOILED:
                self._series.append(series)

        request = self._target.soap("DecodeLoginCookie", series.person.token, Cookie=series.cookie)
        return Turn("decode", request, SUCCESS, take)

    def _log_off(self) -> Turn:
        session = _take_fresh(self._sessions)
        if session is None:
            return self._login()
        return Turn("logoff", self._target.soap("LogOff", session.person.token, session.token), SUCCESS, _ignore)

    def _refused(self) -> Turn:
        person = next(self._people)
        request = self._requests.get(("refused", person))
        if request is None:
            request = self._requests["refused", person] = self._target.soap(
                "UpdatePassword",
                person.token,
                oldPassword="old",
                newPassword="new",
            )
        return Turn("refused", request, "SessionRequired", _ignore)

    def _reset(self) -> Turn:
        person = next(self._people)
        return Turn("reset", self._target.soap("ResetPassword", person.token, Email=person.email), SUCCESS, _ignore)

    def _register(self) -> Turn:
        session = _take_fresh(self._sessions)
        if session is None:
            return self._login()
        # As many devices as people have, not one more with each call.
        device = f"load-{next(self._numbers) % 4}-{session.person.email}"

        def take(outcome: str, _body: bytes) -> None:
            if outcome == SUCCESS:
                self._devices.append(replace(session, device=device))

        request = self._target.soap("RegisterDevice", session.person.token, session.token, deviceId=device)
        return Turn("register", request, SUCCESS, take)

    def _send_code(self) -> Turn:
        session = _take_fresh(self._devices)
        if session is None:
            return self._register()

        def take(outcome: str, _body: bytes) -> None:
            if outcome not in _SPOILED:
                self._devices.append(session)

        request = self._target.soap(
            "DeviceSendActivationCode", session.person.token, session.token, deviceId=session.device or ""
        )
        return Turn("code", request, SUCCESS, take)


def read_mix(text: str, known: Sequence[str]) -> Mapping[str, int]:
    """Return how often each call comes, of a text as `login=1,decode=20`. Raises ValueError."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, separator, weight = part.strip().partition("=")
        if name not in known or (separator and not weight.isdecimal()):
            raise ValueError(f"must be calls with their shares, as login=1,decode=20, of {', '.join(known)}")
        found[name] = int(weight) if separator else 1
    if not any(found.values()):
        raise ValueError("must have one share above 0")
    return {name: weight for name, weight in found.items() if weight}


def mixed(makers: Mapping[str, Callable[[], Turn]], mix: Mapping[str, int]) -> Iterator[Turn]:
    """Give turn after turn without an end, each kind as often as the mix says and as evenly as can be."""
    total, credit = sum(mix.values()), dict.fromkeys(mix, 0)
    while True:
        for name, weight in mix.items():
            credit[name] += weight
        chosen = max(credit, key=credit.__getitem__)
        credit[chosen] -= total
        yield makers[chosen]()


def _take_fresh(sessions: deque[_Session]) -> _Session | None:
    """Return the first session that is still used, and forget those before it; None when there is none."""
    oldest = time.monotonic() - _USED_SECONDS
    while sessions:
        session = sessions.popleft()
        if session.given >= oldest:
            return session
    return None


def _ignore(_outcome: str, _body: bytes) -> None:
    """Take an answer that nothing follows from."""
