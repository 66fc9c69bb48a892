"""Those who call while the service is killed. Each has a ledger of what was acknowledged, and compares."""

import random
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.killing.client import Answer, Client, LostError

_ROLE = "15"
_PHONE = "+12015550142"


@dataclass
class Ledger:
    """What the service has acknowledged to one caller, and what it may or may not have done.

    `other_password` is the new one of a change whose answer was lost. `ended_cookie` must not work any more.
    `owner` is who gets the temporary passwords.
    """

    email: str
    owner: str
    password: str
    other_password: str | None = None
    session: str | None = None
    cookie: str | None = None
    ended_cookie: str | None = None
    devices: list[str] = field(default_factory=list)
    passwords_changed: int = 0
    resets: int = 0
    resets_lost: int = 0


class Caller:
    """An account's owner: logs in, decodes the cookie, changes the password, registers devices, asks for resets."""

    def __init__(self, client: Client, ledger: Ledger, seed: str) -> None:
        """Take the connection, and what is known in the beginning."""
        self._client, self.ledger = client, ledger
        self._random = random.Random(seed)  # noqa: S311  a run that can be repeated
        self.acknowledged: Counter[str] = Counter()
        self.answers = self.lost = self.cut_off = self.unavailable = 0
        self.problems: list[str] = []

    def work(self, stop: threading.Event) -> None:
        """Hold the service to the ledger, then call until an answer is lost or `stop` is set."""
        try:
            self._compare()
            while not stop.is_set():
                self._step()
        except LostError as error:
            self.lost += 1
            self.cut_off += error.was_begun
        except Exception as error:
            self.problems.append(f"{self.ledger.email}: {error!r}")
            raise
        finally:
            self._client.close()

    def compare(self) -> None:
        """Hold the service to the ledger. What is not so is a problem."""
        try:
            self._compare()
        except LostError as error:
            self.problems.append(f"{self.ledger.email}: no answer ({error})")
        finally:
            self._client.close()

    def _step(self) -> None:
        if self.ledger.session is None:
            self._log_in()
        steps: list[Callable[[], None]] = [self._log_in, self._change_password, self._register_device, self._ask_reset]
        if self.ledger.cookie is not None:
            # As often as everything else together: it is what a telephone does all day.
            steps += [self._decode] * len(steps)
        self._random.choice(steps)()

    def _compare(self) -> None:
        ledger = self.ledger
        self._settle_password()
        if ledger.ended_cookie is not None:
            # The change of the password and the end of the cookies are one transaction.
            answer = self._call("DecodeLoginCookie", {"Cookie": ledger.ended_cookie})
            self._expect(answer.key, "InvalidCookie", "a cookie that a change of the password has ended")
            ledger.ended_cookie = None
        elif ledger.cookie is not None:
            self._decode()
        if ledger.session is not None:
            known = ledger.devices[-1:] or [f"{uuid.uuid4()}"]
            self._register_device(known[0])
        if ledger.devices:
            answer = self._log_in(ledger.devices[-1])
            if not answer.result.get("IsDeviceRegistered"):
                self.problems.append(f"{ledger.email}: an acknowledged device is not registered")

    def _settle_password(self) -> None:
        """Find out what became of a change in doubt, if there is one: one of both passwords must be right.

        A database that froze may commit what was sent to it as late as between two logins. So the new password is
        tried again where neither was right: the login with the old one has waited for that commit.
        """
        ledger, new = self.ledger, self.ledger.other_password
        if new is not None:
            for password in (new, ledger.password, new):
                answer = self._call("Login", {"Email": ledger.email, "Password": password, "userrole": _ROLE})
                if answer.key != "InvalidCredentials":
                    break
            self._expect(answer.key, "Success", "one of both passwords of a change in doubt")
            if password == new:
                ledger.password = new
                ledger.passwords_changed += 1
                ledger.ended_cookie, ledger.cookie = ledger.cookie, None
            ledger.other_password = None
        self._log_in(keeps_session=True)

    def _log_in(self, device: str | None = None, *, keeps_session: bool = False) -> Answer:
        ledger = self.ledger
        members = {
            "Email": ledger.email,
            "Password": ledger.password,
            "userrole": _ROLE,
            "setCookie": not keeps_session,
        }
        answer = self._call("Login", members | ({"deviceId": device} if device else {}))
        self._expect(answer.key, "Success", "a login")
        if not keeps_session:
            ledger.session, ledger.cookie = answer.result["CredentialsToken"], answer.result["EncodedCookie"]
        return answer

    def _decode(self) -> None:
        answer = self._call("DecodeLoginCookie", {"Cookie": self.ledger.cookie})
        self._expect(answer.key, "Success", "an acknowledged cookie")
        self.ledger.session, self.ledger.cookie = answer.result["CredentialsToken"], answer.result["EncodedCookie"]

    def _change_password(self) -> None:
        ledger = self.ledger
        ledger.other_password = secrets.token_urlsafe(15)
        members = {"oldPassword": ledger.password, "newPassword": ledger.other_password}
        answer = self._call("UpdatePassword", members, ledger.session)
        self._expect(answer.key, "Success", "a change of the password")
        ledger.password, ledger.other_password = ledger.other_password, None
        ledger.ended_cookie, ledger.cookie = ledger.cookie, None
        ledger.passwords_changed += 1

    def _register_device(self, device: str | None = None) -> None:
        device = device or str(uuid.uuid4())
        members = {"deviceId": device, "phoneNumber": _PHONE}
        answer = self._call("RegisterDevice", members, self.ledger.session)
        self._expect(answer.key, "Success", "a registration in an acknowledged session")
        if device not in self.ledger.devices:
            self.ledger.devices.append(device)

    def _ask_reset(self) -> None:
        self.ledger.resets_lost += 1
        answer = self._call("ResetPassword", {"Email": self.ledger.owner})
        self._expect(answer.key, "Success", "a request for a temporary password")
        self.ledger.resets_lost -= 1
        self.ledger.resets += 1

    def _call(self, method: str, members: dict[str, Any], session: str | None = None) -> Answer:
        answer = self._client.call(method, members, session)
        if answer.is_unavailable:
            # Whether it was done is as uncertain as if no answer had come.
            self.unavailable += 1
            raise LostError(answer.key)
        self.acknowledged[method] += 1
        self.answers += 1
        return answer

    def _expect(self, key: str, expected: str, what: str) -> None:
        if key != expected:
            self.problems.append(f"{self.ledger.email}: {what} was answered {key}, not {expected}")
            raise LostError(key)
