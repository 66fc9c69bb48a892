"""Makes the cases: case number N of a seed is the same each time, on the same demo data."""

import base64
import hashlib

from gatehouse.fronts.data_contracts import REQUESTS
from scripts.fuzzing.cases import GUEST_PATH, SOAP_PATH, Case, Header
from scripts.fuzzing.draw import Draw
from scripts.fuzzing.json_grammar import GUEST_MEMBERS, account_body, guest_body
from scripts.fuzzing.known import APPLICATION_HEADER, CREDENTIALS_HEADER, Known
from scripts.fuzzing.mutations import mutate
from scripts.fuzzing.soap_grammar import SOAP_11, SOAP_12, TARGET, Envelope

KINDS = ("soap",) * 6 + ("json",) * 3 + ("guest",) * 2
"""How often each kind is drawn."""

_VERBS = ("POST",) * 150 + ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "post")


def generate(seed: int, number: int, known: Known) -> Case:
    """Return a case."""
    draw = Draw(f"{seed}:{number}")
    kind = draw.one(KINDS)
    path, headers, text = {"soap": _soap, "json": _json, "guest": _guest}[kind](draw, known)
    case = Case(
        kind=kind,
        origin=f"{seed}:{number}",
        method=draw.one(_VERBS),
        path=_odd_path(draw, path),
        headers=tuple(headers),
        body=text.encode("utf-8", "surrogatepass"),
    )
    case = mutate(draw, case)
    return Case(**{**vars(case), "canaries": tuple(draw.canaries)})


def _soap(draw: Draw, known: Known) -> tuple[str, list[Header], str]:
    version = draw.one((SOAP_11, SOAP_11, SOAP_12))
    envelope = Envelope(draw, known, version)
    headers = _tokens(draw, known)
    action = draw.one(('""', f'"{TARGET}IAccount/{envelope.method}"', envelope.method, f'"{envelope.method}"'))
    if version == SOAP_11:
        headers += [("Content-Type", "text/xml; charset=utf-8"), ("SOAPAction", action)]
    else:
        action = f"; action={action}" if draw.chance(0.5) else ""
        headers.append(("Content-Type", f"application/soap+xml; charset=utf-8{action}"))
    return SOAP_PATH, headers, envelope.text()


def _json(draw: Draw, known: Known) -> tuple[str, list[Header], str]:
    method = draw.one(tuple(REQUESTS))
    body = account_body(draw, known, method)
    headers = [*_tokens(draw, known), ("Content-Type", "application/json; charset=utf-8")]
    if draw.chance(0.1):
        key = draw.one((known.demo["hashKey"], known.demo["mobile"]["hashKey"]))
        digest = hashlib.sha256(body.encode("utf-8", "surrogatepass") + key.encode()).digest()
        headers.append(("Signature", f"bytes-SHA256, {base64.b64encode(digest).decode()}"))
    return f"{SOAP_PATH}/{draw.case_of(method)}", headers, body


def _guest(draw: Draw, known: Known) -> tuple[str, list[Header], str]:
    name = draw.one(tuple(GUEST_MEMBERS))
    headers: list[Header] = [("Content-Type", "application/json")]
    if draw.chance(0.9):
        partner = known.demo["integrations"][0]
        client_id, secret = partner["clientId"], partner["clientSecret"]
        if draw.chance(0.2):
            client_id, secret = draw.text((client_id,)), draw.text((secret,))
        pair = f"{client_id}:{secret}".encode("utf-8", "replace")
        headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode()}"))
    prefix = "/rest/24.1" if draw.chance(0.3) else ""
    return f"{prefix}{GUEST_PATH}{name}.json", headers, guest_body(draw, known, name)


def _tokens(draw: Draw, known: Known) -> list[Header]:
    headers: list[Header] = []
    if draw.chance(0.7):
        headers.append((draw.case_of(APPLICATION_HEADER), draw.one(known.application_tokens)))
    if draw.chance(0.5):
        headers.append((CREDENTIALS_HEADER, draw.one(known.sessions)))
    elif draw.chance(0.2):
        headers.append(("Cookie", f"x=y; {CREDENTIALS_HEADER}={draw.one(known.sessions)}"))
    return headers


def _odd_path(draw: Draw, path: str) -> str:
    if draw.chance(0.9):
        return path
    odd = draw.one(
        ("/", "/soap", "/basic", "/x", "?wsdl", "?xsd=xsd0", "?singleWsdl", "?x=y", "//", ";x", "/..", ".json")
    )
    query = f"?{draw.one(('wsdl', 'xsd', 'binding', 'x'))}={draw.canary()}"
    return draw.one((path.upper(), path.lower(), path + odd, path + query, path.replace("/", "//", 1)))
