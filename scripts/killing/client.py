"""A caller of `account.svc` by JSON, which tells an answer that came from one that was lost."""

import http
import http.client
import json
from dataclasses import dataclass
from typing import Any

PATH = "/v2/account.svc"
_TIMEOUT = 60.0
"""Seconds after which an answer is lost; a writer on SQLite may have to wait for 20."""


class LostError(Exception):
    """No whole answer came: whether the call was done, nobody can tell. `was_begun` is whether a part of it came."""

    def __init__(self, reason: str, *, was_begun: bool = False) -> None:
        """Take the kind of the failure."""
        super().__init__(reason)
        self.was_begun = was_begun


@dataclass(frozen=True)
class Answer:
    """An answer: its HTTP status, and its JSON, of which `result` is what the method returned."""

    status: int
    body: dict[str, Any]

    @property
    def result(self) -> dict[str, Any]:
        """The result, empty where there is none."""
        found = self.body.get("d", {})
        return found if isinstance(found, dict) else {}

    @property
    def key(self) -> str:
        """The outcome as the contract names it, or the HTTP status where there is no result."""
        return str(self.result.get("Key", self.status))

    @property
    def is_unavailable(self) -> bool:
        """Whether the service says that a part of it is away: by a result, or where it cannot sign one by HTTP."""
        return self.key == "ServiceUnavailable" or self.status == http.HTTPStatus.SERVICE_UNAVAILABLE


class Client:
    """One connection, kept from call to call as an application keeps it, and made anew when it is gone."""

    def __init__(self, port: int, application_token: str, *, asks_again: bool = False) -> None:
        """Take where the service is. Nothing is connected yet.

        With `asks_again`, a call on a connection that was kept, and closed without a byte of an answer, is made once
        more on a new one, as HTTP libraries do.
        """
        self._port, self._token, self._asks_again = port, application_token, asks_again
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, members: dict[str, Any], session: str | None = None) -> Answer:
        """Call a method. Raises LostError."""
        headers = {"Content-Type": "application/json", "applicationToken": self._token}
        if session is not None:
            headers["credentialsToken"] = session
        return self.request("POST", f"{PATH}/{method}", json.dumps(members).encode(), headers)

    def request(self, verb: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Ask for anything that answers in JSON. Raises LostError."""
        is_reused = self._connection is not None
        try:
            return self._request(verb, path, body, headers or {})
        except LostError as error:
            if not (self._asks_again and is_reused) or error.was_begun:
                raise
        return self._request(verb, path, body, headers or {})

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _request(self, verb: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        was_begun = False
        try:
            self._connection.request(verb, path, body, headers)
            response = self._connection.getresponse()
            was_begun = True
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            is_closed = isinstance(error, ConnectionError) and not was_begun
            raise LostError(type(error).__name__, was_begun=not is_closed) from error
        if response.will_close:
            self.close()
        return Answer(response.status, json.loads(text))
