"""One request of the fuzzer: what is sent, which of it may not come back, and how it is kept in a file."""

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SOAP_PATH = "/v2/account.svc"
GUEST_PATH = "/guestmanagement/"

Header = tuple[str, str]


@dataclass(frozen=True)
class Case:
    """A request as a server hands it on. Header values are texts of Latin-1, as in WSGI.

    `canaries` are texts that stand in the request and nowhere else; `kind` says which generator made it.
    """

    kind: str
    origin: str
    method: str
    path: str
    headers: tuple[Header, ...]
    body: bytes
    canaries: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key.casefold() == name.casefold()), None)

    def with_header(self, name: str, value: str | None) -> "Case":
        """Return the case with this header in place of any other of the name; None leaves it out."""
        kept = tuple(each for each in self.headers if each[0].casefold() != name.casefold())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


def save(case: Case, problems: list[str], folder: Path) -> Path:
    """Keep a case that failed, and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.kind}-{case.origin.replace(':', '-')}.json"
    kept = {
        "problems": problems,
        "kind": case.kind,
        "origin": case.origin,
        "method": case.method,
        "path": case.path,
        "headers": case.headers,
        "canaries": case.canaries,
        "body": base64.b64encode(case.body).decode(),
        "readable": case.body.decode("utf-8", "backslashreplace")[:2000],
    }
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return path


def load(path: Path) -> Case:
    """Return the case of a file that `save` wrote."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Case(
        kind=kept["kind"],
        origin=kept["origin"],
        method=kept["method"],
        path=kept["path"],
        headers=tuple((name, value) for name, value in kept["headers"]),
        body=base64.b64decode(kept["body"]),
        canaries=tuple(kept["canaries"]),
    )
