"""A Gatehouse that runs on demo data, and the calls that clients with these data make."""

from collections.abc import Sequence
from typing import Any

from scripts.benchmark import envelopes, load
from scripts.benchmark.load import Outcome, Series
from scripts.benchmark.measuring import Arm
from scripts.benchmark.processes import Cores, Service, pinned

CONNECTIONS = 16


class Gatehouse:
    """The service under one server on one database."""

    def __init__(self, service: Service, url: str, demo: dict[str, Any], cores: Cores) -> None:
        """Take the service, its database, what `gatehouse demo --json` would print, and the core that loads it."""
        self.service = service
        self.url = url
        self._demo = demo
        self._token: str = demo["applicationToken"]
        self._cores = cores

    def arm(self, name: str, many: Sequence[Series]) -> Arm:
        """Return these calls as an arm."""
        return loaded(name, self.service, many, self._cores)

    def logins(self, count: int = CONNECTIONS, with_cookie: bool = False) -> list[Series]:
        """Return series of Login, of the customers in turn."""
        customers = [account for account in self._demo["accounts"] if account["userrole"] == "15"]
        success = envelopes.soap_mark("Success")
        return [
            Series(self._login(customers[number % len(customers)], with_cookie), success) for number in range(count)
        ]

    def refusals(self, count: int = CONNECTIONS) -> list[Series]:
        """Return series of UpdatePassword without a session."""
        request = envelopes.request("UpdatePassword", self._token, **_PASSWORDS)
        return [Series(request, envelopes.soap_mark("SessionRequired")) for _ in range(count)]

    def json_refusals(self, count: int = CONNECTIONS) -> list[Series]:
        """Return series of the same call as JSON."""
        request = envelopes.json_request("UpdatePassword", self._token, **_PASSWORDS)
        return [Series(request, envelopes.json_mark("SessionRequired")) for _ in range(count)]

    def decodes(self, count: int = CONNECTIONS) -> list[Series]:
        """Return series of DecodeLoginCookie, each with a login of its own at the beginning."""
        return [
            Decodes(self._token, envelopes.cookie_in(load.ask(self.service.port, login.request)))
            for login in self.logins(count, with_cookie=True)
        ]

    def session_reads(self, count: int = CONNECTIONS) -> list[Series]:
        """Return series of DeviceSendActivationCode without a device, each with a session of its own.

        Of the calls that need a session it does least beside reading it: it is refused for what is missing, which
        leaves an audit entry, and neither ends the session nor queues a message.
        """
        found = []
        for login in self.logins(count):
            token = envelopes.credentials_token_in(load.ask(self.service.port, login.request))
            found.append(Series(self.session_read(token), envelopes.soap_mark("MissingField")))
        return found

    def login_as(self, email: str) -> bytes:
        """Return a Login of an account with the password of the first demo account."""
        return self._login(self._demo["accounts"][0] | {"email": email}, with_cookie=False)

    def decode(self, cookie: str) -> bytes:
        """Return a DecodeLoginCookie with this cookie."""
        return envelopes.request("DecodeLoginCookie", self._token, Cookie=cookie)

    def session_read(self, token: str) -> bytes:
        """Return a call of `session_reads` with this session's token."""
        return envelopes.request("DeviceSendActivationCode", self._token, token)

    def recording(self, method: str, reply: str, secret_key: str) -> dict[str, Any]:
        """Return what `bare_server.py` needs to make these calls once, and then to repeat what they send."""
        return {
            "method": method,
            "url": self.url,
            "secretKey": secret_key,
            "token": self._token,
            "logins": [each.request.decode() for each in self.logins(with_cookie=True)],
            "reply": reply,
        }

    def _login(self, account: dict[str, str], with_cookie: bool) -> bytes:
        return envelopes.request(
            "Login",
            self._token,
            Email=account["email"],
            Password=account["password"],
            userrole=account["userrole"],
            setCookie="true" if with_cookie else "false",
        )


_PASSWORDS = {"oldPassword": "what it was", "newPassword": "what it shall be"}


class Decodes(Series):
    """DecodeLoginCookie, each time with the cookie that came last."""

    def __init__(self, token: str, cookie: str) -> None:
        """Take the application's token and the first cookie."""
        # All but the cookie stays the same, so that each request is made of two ready parts.
        before, _, self._after = envelopes.request("DecodeLoginCookie", token, Cookie=cookie).rpartition(
            cookie.encode()
        )
        self._before, self._size = before, len(cookie)
        super().__init__(before + cookie.encode() + self._after, envelopes.soap_mark("Success"))

    def take(self, reply: bytes) -> None:
        """Take the next cookie of the series."""
        super().take(reply)
        cookie = envelopes.cookie_in(reply).encode()
        assert len(cookie) == self._size, "the length of a cookie is fixed"
        self.request = self._before + cookie + self._after


def loaded(name: str, service: Service, many: Sequence[Series], cores: Cores) -> Arm:
    """Return these calls of a service as an arm."""

    def measure(seconds: float) -> Outcome:
        with pinned(cores.load):
            return load.run(service.port, many, seconds, service.cpu_seconds)

    return Arm(name, measure)
