"""The values that golden messages have placeholders for, from the demo data and from calls made for them."""

import base64
import hashlib
import itertools
import json
import re
import secrets
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.conformance.service import Service

_ACCOUNT, _MERCHANT_ACCOUNT = 3, 5
"""Which of the demo accounts: one that no other test changes, and the one with the role of a merchant."""

_DELIVERY_SECONDS = 60


class LiveValues:
    """The values of one service.

    A session lasts from pair to pair, unless a pair ends it. Everything whose name begins with `new` or `fresh` is
    made for each pair.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        demo = service.demo
        account, merchant = demo["accounts"][_ACCOUNT], demo["accounts"][_MERCHANT_ACCOUNT]
        partner = demo["integrations"][0]
        basic = base64.b64encode(f"{partner['clientId']}:{partner['clientSecret']}".encode()).decode()
        self._known: dict[str, str] = {
            "applicationToken": demo["applicationToken"],
            "mobileToken": demo["mobile"]["applicationToken"],
            "email": account["email"],
            "upperEmail": account["email"].upper(),
            "username": account["username"],
            "password": account["password"],
            "phone": account["phone"],
            "accountId": str(account["accountId"]),
            "card": account["printedCardNumber"],
            "merchantEmail": merchant["email"],
            "merchantPassword": merchant["password"],
            "otherEmail": demo["accounts"][_ACCOUNT + 1]["email"],
            "merchantId": str(demo["merchantId"]),
            "clientId": partner["clientId"],
            "clientSecret": partner["clientSecret"],
            "basic": basic,
        }
        self._numbers = itertools.count(130)
        self._kept: dict[str, str] = {}
        self._made: dict[str, str] = {}
        self._makers: Mapping[str, Callable[[], str]] = {
            "session": lambda: self._login()["CredentialsToken"],
            "mobileSession": lambda: self._login(applicationToken=self._known["mobileToken"])["CredentialsToken"],
            "endedSession": self._ended_session,
            "freshSession": lambda: self._login()["CredentialsToken"],
            "freshCookie": lambda: self._login(setCookie=True)["EncodedCookie"],
            "freshDevice": self._device,
            "newDevice": lambda: f"golden-{secrets.token_hex(8)}",
            "newEmail": lambda: f"{secrets.token_hex(6)}@example.com",
            "newPassword": lambda: f"Zürich Пароль 密码 🔐 {secrets.token_hex(4)}",
            "newPincode": lambda: "8520",
            "newActivationCode": self._activation_code,
            "newResetCode": self._reset_code,
        }
        # What an account's first login says is said once; the messages are of later ones.
        self._login()
        self._login(Email=merchant["email"], Password=merchant["password"], userrole="20")

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._makers

    def __getitem__(self, name: str) -> str:
        if name in self._known:
            return self._known[name]
        place = self._made if name.startswith(("new", "fresh")) else self._kept
        if name not in place:
            place[name] = self._makers[name]()
        return place[name]

    @property
    def used(self) -> dict[str, str]:
        """Everything that has a value now, by its name."""
        return self._known | self._kept | self._made

    @contextmanager
    def for_one_pair(self) -> Iterator[None]:
        """Forget afterwards what was made for this pair, and put back the password and the pincode that it set."""
        self._made.clear()
        try:
            yield
        finally:
            if "newPassword" in self._made:
                # A change of the password ends the account's other sessions.
                self._kept.pop("session", None)
                session = self._login(Password=self._made["newPassword"], is_needed=False).get("CredentialsToken")
                if session:
                    change = {"oldPassword": self._made["newPassword"], "newPassword": self._known["password"]}
                    self.call("UpdatePassword", change, session)
            if "newPincode" in self._made:
                pincode = self._service.demo["accounts"][_ACCOUNT]["pincode"]
                self.call(
                    "UpdatePincode", {"Password": self._known["password"], "newPincode": pincode}, self["session"]
                )
            self._made.clear()

    def signature(self, body: bytes, is_mobile: bool = False) -> str:
        """Return the signature of a body by the hash key of an application."""
        demo = self._service.demo
        key = (demo["mobile"] if is_mobile else demo)["hashKey"]
        return base64.b64encode(hashlib.sha256(body + key.encode()).digest()).decode()

    def call(self, method: str, members: Mapping[str, Any], session: str | None = None) -> dict[str, Any]:
        """Call a method by JSON and return its result."""
        headers = {"Content-Type": "application/json"}
        if "applicationToken" not in members:
            headers["applicationToken"] = self._known["applicationToken"]
        if session:
            headers["credentialsToken"] = session
        result: dict[str, Any] = self._post(f"/v2/account.svc/{method}", members, headers)["d"]
        return result

    def _post(self, path: str, members: Mapping[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(self._service.url + path, json.dumps(members).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=_DELIVERY_SECONDS) as answer:  # noqa: S310  the test's own service
            found: dict[str, Any] = json.load(answer)
            return found

    def _login(self, is_needed: bool = True, **members: Any) -> dict[str, Any]:
        right = {"Email": self._known["email"], "Password": self._known["password"], "userrole": "15"}
        result = self.call("Login", right | members)
        assert not is_needed or result["Code"] == 0, result
        return result

    def _ended_session(self) -> str:
        session: str = self._login()["CredentialsToken"]
        self.call("LogOff", {}, session)
        return session

    def _device(self) -> str:
        device = f"golden-{secrets.token_hex(8)}"
        # A number of its own, since one number is sent few messages; 01xx is reserved for fiction.
        phone = f"+12015550{next(self._numbers):03d}"
        result = self.call("RegisterDevice", {"deviceId": device, "phoneNumber": phone}, self["session"])
        assert result["Code"] == 0, result
        return device

    def _activation_code(self) -> str:
        folder = self._service.folder / "var/sms"
        before = set(folder.glob("[!.]*")) if folder.is_dir() else set()
        result = self.call("DeviceSendActivationCode", {"deviceId": self["freshDevice"]}, self["session"])
        assert result["Code"] == 0, result
        return self._delivered(
            lambda: next(
                (
                    found[1]
                    for path in set(folder.glob("[!.]*")) - before
                    if (found := re.search(r"code\D{0,40}(\d{4,10})", path.read_text(encoding="utf-8")))
                ),
                None,
            )
        )

    def _reset_code(self) -> str:
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {self._known['basic']}"}
        code = secrets.token_hex(8)
        members = {"merchantId": self._known["merchantId"], "email": self._known["email"], "resetCode": code}
        path = "/guestmanagement/sendGuestResetPasswordCode.json"
        assert self._post(path, members, headers)["result"] == "success"
        return code

    def _delivered(self, find: Callable[[], str | None]) -> str:
        deadline = time.monotonic() + _DELIVERY_SECONDS
        while time.monotonic() < deadline:
            if found := find():
                return found
            time.sleep(0.1)
        raise AssertionError("nothing was delivered")
