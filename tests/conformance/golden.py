"""Golden messages: requests as clients send them, each with its answer in one file. See messages/README.md."""

import gzip
import http.client
import io
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

FOLDER = Path(__file__).parent / "messages"

ANSWER = "==> "
"""Begins the line that parts request and answer."""

TOLD_HEADERS = (
    "Content-Type",
    "Set-Cookie",
    "Allow",
    "WWW-Authenticate",
    "Signature",
    "Location",
    "Access-Control-Allow-Origin",
)
"""The headers of an answer that a file tells, all of them. Others are of the server, or the same in every answer."""

PATTERNS = {
    "token": "[A-Za-z0-9_-]{43}",
    "cookie": "[A-Za-z0-9_-]{40,200}",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,7})?Z",
    "milliseconds": "[0-9]{13}",
    "number": "[0-9]{1,18}",
    "sha256": "[A-Za-z0-9+/]{43}=",
}
"""What stands for a part of an answer that is another each time."""

_PLACEHOLDER = re.compile(r"\{([a-zA-Z0-9]+)\}")
_SOAP_11, _SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
_SECONDS = 20

Headers = tuple[tuple[str, str], ...]


class Values(Protocol):
    """Gives the value of a placeholder of a request; the same one as long as a pair is run."""

    def __getitem__(self, name: str) -> str: ...

    def __contains__(self, name: object) -> bool: ...

    def signature(self, body: bytes, is_mobile: bool) -> str:
        """Return the signature of a body."""


@dataclass(frozen=True)
class Message:
    """One side of a pair: its first line, its headers, its body."""

    line: str
    headers: Headers
    body: str

    def header(self, name: str) -> str | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key.casefold() == name.casefold()), None)


@dataclass(frozen=True)
class Pair:
    """A request and its answer, and how the file says that it is to be run."""

    name: str
    about: str
    options: Mapping[str, str]
    request: Message
    answer: Message

    @property
    def also(self) -> list[str]:
        """In what other protocols the same call has the same outcome: `1.2`, `json`."""
        return self.options.get("also", "").split()


@dataclass(frozen=True)
class Answer:
    """What came over the wire."""

    status: int
    headers: Headers
    body: bytes

    @property
    def told(self) -> Headers:
        """The headers that a file tells, in its order."""
        told = {name.casefold(): name for name in TOLD_HEADERS}
        found = [(told[name.casefold()], value) for name, value in self.headers if name.casefold() in told]
        return tuple(sorted(found, key=lambda each: TOLD_HEADERS.index(each[0])))


def read(path: Path) -> Pair:
    """Return the pair of a file."""
    lines = path.read_text(encoding="utf-8").split("\n")
    about = [line.removeprefix("#").strip() for line in lines if line.startswith("#") and not line.startswith("#:")]
    options = dict(line.removeprefix("#:").strip().partition(" ")[::2] for line in lines if line.startswith("#:"))
    lines = lines[len(about) + len(options) :]
    middle = next((number for number, line in enumerate(lines) if line.startswith(ANSWER)), len(lines))
    return Pair(
        name=path.stem,
        about=" ".join(about),
        options=options,
        request=_read_message(lines[:middle]),
        answer=_read_message(lines[middle:-1] if middle < len(lines) else [ANSWER]),
    )


def _read_message(lines: list[str]) -> Message:
    end = lines.index("") if "" in lines else len(lines)
    headers = [line.partition(": ")[::2] for line in lines[1:end]]
    return Message(
        lines[0].removeprefix(ANSWER), tuple((name, value) for name, value in headers), "\n".join(lines[end + 1 :])
    )


def write(path: Path, pair: Pair) -> None:
    """Write a pair as `read` reads it."""
    head = [f"# {pair.about}", *(f"#: {name} {value}".rstrip() for name, value in pair.options.items())]
    request, answer = (
        "\n".join([message.line, *(f"{name}: {value}" for name, value in message.headers), "", message.body])
        for message in (pair.request, pair.answer)
    )
    path.write_text("\n".join([*head, request, ANSWER + answer, ""]), encoding="utf-8")


def in_soap_12(pair: Pair) -> Pair:
    """Return a pair of SOAP 1.1 as a client of SOAP 1.2 would send it, and be answered."""
    action = pair.request.header("SOAPAction")
    media_type = "application/soap+xml; charset=utf-8"
    sent = f'{media_type}; action="{action.strip(chr(34))}"' if action else media_type
    kept = [each for each in pair.request.headers if each[0].casefold() not in ("soapaction", "content-type")]
    answered = [
        ("Content-Type", media_type) if name == "Content-Type" else (name, value) for name, value in pair.answer.headers
    ]
    return replace(
        pair,
        request=Message(
            pair.request.line, (*kept, ("Content-Type", sent)), pair.request.body.replace(_SOAP_11, _SOAP_12)
        ),
        answer=Message(pair.answer.line, tuple(answered), pair.answer.body.replace(_SOAP_11, _SOAP_12)),
    )


def fill(text: str, values: Values) -> str:
    """Return a text of a request with values in the places of their names."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]] if found[1] in values else found[0], text)


def matches(expected: str, got: str, values: Values) -> bool:
    """Whether an answer is what a file says, to the byte but for the places of patterns."""
    parts: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(expected):
        if found[1] in PATTERNS:
            part = PATTERNS[found[1]]
        elif found[1] in values:
            part = re.escape(values[found[1]])
        else:
            continue
        parts += [re.escape(expected[end : found.start()]), part]
        end = found.end()
    return re.fullmatch("".join(parts) + re.escape(expected[end:]), got) is not None


def encode(pair: Pair, values: Values) -> bytes:
    """Return the request as bytes for the wire."""
    options = pair.options
    text = fill(pair.request.body, values)
    if "crlf" in options:
        text = text.replace("\n", "\r\n")
    body = text.encode(options.get("encoding", "utf-8"))
    if "bom" in options:
        body = b"\xef\xbb\xbf" + body
    if "gzip" in options:
        body = gzip.compress(body)
    signed: dict[str, Callable[[], str]] = {
        "{signature}": lambda: values.signature(body, is_mobile=False),
        "{mobileSignature}": lambda: values.signature(body, is_mobile=True),
    }
    line = pair.request.line if " HTTP/" in pair.request.line else f"{pair.request.line} HTTP/1.1"
    headers = [
        (name, next((value.replace(each, sign()) for each, sign in signed.items() if each in value), value))
        for name, value in pair.request.headers
    ]
    names = {name.casefold() for name, _ in headers}
    if "host" not in names:
        headers.append(("Host", "accounts.example.com"))
    if "connection" not in names:
        headers.append(("Connection", "close"))
    if "chunked" in options:
        headers.append(("Transfer-Encoding", "chunked"))
        size = int(options["chunked"] or 100)
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*pieces, b""])
    elif body or line.startswith("POST"):
        headers.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {fill(value, values)}\r\n" for name, value in headers)
    return f"{line}\r\n{head}\r\n".encode() + body


def send(port: int, request: bytes) -> Answer:
    """Send bytes to the service of this port, and return its answer."""
    method = request.split(b" ", 1)[0].decode()
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        body = response.read()
        return Answer(response.status, tuple(response.getheaders()), body)


def show(answer: Answer) -> str:
    """Return an answer as a file has it."""
    text = io.StringIO()
    text.write(f"{ANSWER}{answer.status}\n")
    for name, value in answer.told:
        text.write(f"{name}: {value}\n")
    text.write(f"\n{answer.body.decode()}")
    return text.getvalue()
