"""What every answer must be, whatever was sent. Source: contract."""

import json
import logging
import re
from collections.abc import Iterator

from lxml import etree

from scripts.fuzzing.cases import GUEST_PATH, SOAP_PATH, Case
from scripts.fuzzing.soap_grammar import SOAP_11, SOAP_12, TARGET
from scripts.fuzzing.target import Answer

MOST_CPU_SECONDS = 0.050
"""CPU of one answer. Hashing is not in it, since the fuzzer's costs nothing."""

_SOAP_TYPES = {SOAP_11: "text/xml; charset=utf-8", SOAP_12: "application/soap+xml; charset=utf-8"}
_SOAP_PATHS = {SOAP_PATH, f"{SOAP_PATH}/soap", f"{SOAP_PATH}/basic"}
_JSON_TYPE = "application/json; charset=utf-8"
_SOAP_STATUSES = {200, 400, 413, 415, 500}
_JSON_STATUSES = {200, 400, 403, 405, 413, 415}
_GUEST_STATUSES = {200, 400, 401, 405, 413, 415, 429}
_OTHER_STATUSES = {200, 204, 301, 302, 308, 400, 404, 405, 413}

_OUR_FAILURES = {"90", "99", 90, 99}

_TELLTALES = re.compile(
    rb"Traceback|File \"|lxml|libxml|spyne|xmlns:\w+=\"\"|pydantic|sqlalchemy|sqlite|werkzeug|flask|gunicorn|"
    rb"json\.decoder|JSONDecode|Expecting |Extra data|Unterminated|Invalid control|Invalid \\\\|char \d+|codec can|"
    rb"[Ll]ine \d+|[Cc]olumn \d+|Start tag|[Oo]pening and ending|Premature end|EntityRef|xmlParse|Namespace prefix|"
    rb"not properly ended|Document is empty|PCDATA|\w+Error:|\w+Exception|gzip|zlib|/usr/|/etc/|site-packages|\.py\b",
)
"""Words of parsers, libraries and paths; no text of ours has one of them."""

_REPEATED = re.compile(rb"<s:NotUnderstood [^>]*>|<w:RelatesTo [^>]*>[^<]*</w:RelatesTo>")
"""What SOAP itself wants to be repeated: the name of a header, and the id of a message."""

_ID = re.compile(r" request=\S+")
_STRICT = etree.XMLParser(resolve_entities=False, no_network=True)


def problems_of(case: Case, answer: Answer) -> list[str]:
    """Return what is wrong with the answer, each beginning with a word for its kind; nothing, most of the time."""
    return list(_problems_of(case, answer))


def is_slow(answer: Answer) -> bool:
    """Whether an answer took longer than it may. Told apart, because it is measured again before it counts."""
    return answer.cpu_seconds > MOST_CPU_SECONDS


def _problems_of(case: Case, answer: Answer) -> Iterator[str]:
    if answer.error is not None:
        yield f"exception: {type(answer.error).__name__} left the application"
        return
    if answer.started != 1:
        yield f"start: the answer was started {answer.started} times"
        return
    for level, text in answer.log:
        if level >= logging.ERROR:
            yield f"error log: {_ID.sub('', text)}"
    yield from _leaks(case, answer)
    yield from _framing(case, answer)
    if case.method == "HEAD" or (case.method == "OPTIONS" and not answer.body):
        return
    path = case.path.partition("?")[0].casefold().rstrip("/")
    media_type = answer.header("Content-Type") or ""
    if case.method == "POST" and path in _SOAP_PATHS:
        yield from _soap(answer)
    elif path.startswith(f"{SOAP_PATH}/") and media_type == _JSON_TYPE:
        yield from _json(answer)
    elif GUEST_PATH in path and media_type == _JSON_TYPE:
        yield from _guest(answer)
    elif media_type.startswith(("text/xml", "application/soap+xml")):
        yield from _xml(answer)
    elif answer.status not in _OTHER_STATUSES:
        yield f"status: {answer.status} for {case.method}"


def _leaks(case: Case, answer: Answer) -> Iterator[str]:
    # A guest's own e-mail address comes back where the mail goes to it.
    is_sent = GUEST_PATH in case.path and b'"result":"success"' in answer.body
    told = b"" if is_sent else _REPEATED.sub(b"", answer.body)
    everything = (told + "".join(f"\n{name}: {value}" for name, value in answer.headers).encode()).lower()
    logged = "\n".join(text for _, text in answer.log).lower()
    # The addresses in a description are those by which the caller came.
    host = (case.header("Host") or "") if case.method in ("GET", "HEAD") else ""
    for canary in case.canaries:
        if canary.encode() in everything and canary not in host:
            yield "leak: something sent is in the answer"
        if canary in logged:
            yield "log leak: something sent is in the log"
    is_ours = answer.header("Content-Type") not in ("text/html; charset=utf-8",) and "?" not in case.path
    if is_ours and (found := _TELLTALES.search(told)):
        yield f"telltale: {found[0].decode(errors='replace')} is in the answer"


def _framing(case: Case, answer: Answer) -> Iterator[str]:
    length = answer.header("Content-Length")
    if case.method == "HEAD":
        if answer.body:
            yield "framing: HEAD was answered with a body"
    elif length is not None and length != str(len(answer.body)):
        yield "framing: Content-Length is not that of the body"
    for name, value in answer.headers:
        try:
            f"{name}{value}".encode("latin-1")
        except UnicodeError:
            yield f"framing: the header {name} cannot be written"
        if any(each in f"{name}{value}" for each in "\r\n\0"):
            yield f"framing: the header {name} has a line end"


def _xml(answer: Answer) -> Iterator[str]:
    try:
        etree.fromstring(answer.body, _STRICT)
    except etree.XMLSyntaxError:
        yield "form: the answer is not XML"


def _soap(answer: Answer) -> Iterator[str]:
    if answer.status not in _SOAP_STATUSES:
        yield f"status: {answer.status} of SOAP"
    try:
        root = etree.fromstring(answer.body, _STRICT)
    except etree.XMLSyntaxError:
        yield "form: the answer is not XML"
        return
    name = etree.QName(root)
    if name.localname != "Envelope" or answer.header("Content-Type") != _SOAP_TYPES.get(name.namespace or ""):
        yield "form: the media type is not that of the envelope"
        return
    bodies = root.findall(f"{{{name.namespace}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        yield "form: the envelope has not one body with one child"
        return
    content = etree.QName(bodies[0][0])
    if content.namespace == name.namespace and content.localname == "Fault":
        if answer.status == 200:
            yield "status: 200 for a fault"
        if b"s:Server" in answer.body or b"s:Receiver" in answer.body:
            yield "ours: an internal fault"
    elif content.namespace != TARGET or answer.status != 200:
        yield "form: neither a result nor a fault"
    elif bodies[0].findtext(".//{*}Code") in _OUR_FAILURES:
        yield f"ours: the result {bodies[0].findtext('.//{*}Key')}"


def _parsed(answer: Answer) -> object:
    """Return the answer's JSON, and None where it is none."""

    def refuse(_: str) -> object:
        raise ValueError

    try:
        return json.loads(answer.body.decode(), parse_constant=refuse)
    except ValueError:
        return None


def _json(answer: Answer) -> Iterator[str]:
    if answer.status not in _JSON_STATUSES:
        yield f"status: {answer.status} of JSON"
    match _parsed(answer):
        case {"d": bool()} if answer.status == 200:
            pass
        case {"d": {"Code": code, "Key": key}} if answer.status == 200:
            if code in _OUR_FAILURES:
                yield f"ours: the result {key}"
        case {"Message": str()} if answer.status != 200:
            pass
        case _:
            yield "form: neither a result nor a message"


def _guest(answer: Answer) -> Iterator[str]:
    if answer.status not in _GUEST_STATUSES:
        yield f"status: {answer.status} of guest management"
    match _parsed(answer):
        case {"result": "success"} | {"result": "more_info", "fields": [*_]} if answer.status == 200:
            pass
        case {"result": "failure", "errorCode": str(code), "errorMessage": str()}:
            if code.endswith((".internal_error", ".service_unavailable")):
                yield f"ours: {code}"
        case _:
            yield "form: none of the answers of guest management"
