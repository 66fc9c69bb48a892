"""Damages a request: its bytes, its encoding, its depth, its width, and what HTTP says of it."""

import codecs
import functools
import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import replace

from scripts.fuzzing.cases import Case
from scripts.fuzzing.draw import Draw
from scripts.fuzzing.soap_grammar import SOAP_12

_ENCODINGS = (
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "cp1252",
    "utf-7",
    "cp037",
    "koi8-r",
    "utf-8-sig",
)
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, b"\xff", b"\x00\x00\x00<")

_XML_PIECES = (
    b"<!DOCTYPE x>",
    b'<!DOCTYPE x [<!ENTITY e "boom">]>',
    b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>",
    b"<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]>",
    b"<!doctype x>",
    b"&e;",
    b"&lt",
    b"&#0;",
    b"&#xD800;",
    b"&#99999999999;",
    b"&#x110000;",
    b"]]>",
    b"<![CDATA[",
    b"<![INCLUDE[",
    b"<!--",
    b"-->",
    b"<?xml version='1.0'?>",
    b"<?x",
    b"</s:Body>",
    b"<s:Body/>",
    b"<s:Fault/>",
    b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
    b' xmlns=""',
    b' xmlns:s="urn:other"',
    b' xml:base="file:///"',
    b"\x00",
    b"\x1b",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbf\xbf",
    b"<",
    b">",
    b'"',
    b"=",
)
_JSON_PIECES = (
    b"NaN",
    b"-Infinity",
    b"1e9999",
    b"-",
    b"0123",
    b"1" * 5000,
    b"0." + b"1" * 5000,
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\\x"',
    b'"__proto__":{},',
    b'"Password":null,',
    b'"Options":[[[]]],',
    b"//",
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
)

_MEDIA_TYPES = (
    "text/xml; charset=utf-8",
    "text/xml",
    "TEXT/XML;CHARSET=UTF8",
    "application/soap+xml; charset=utf-8",
    'application/soap+xml; charset=utf-8; action="Login"',
    "application/json",
    "application/json; charset=utf-8",
    "text/json",
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    'multipart/related; type="text/xml"; boundary=x',
    'text/xml; charset="utf-16"',
    "text/xml; charset=iso-8859-1",
    "text/xml; charset=us-ascii",
    "text/xml; charset=rot13",
    "text/xml; charset=unicode_escape",
    "text/xml; charset=idna",
    "text/xml; charset=punycode",
    "text/xml; charset=hex",
    "text/xml; charset=base64",
    "text/xml; charset=zlib",
    "text/xml; charset=utf-7",
    "text/xml; charset=undefined",
    "text/xml; charset=mbcs",
    "text/xml; charset=cp037",
    "text/xml; charset*=utf-8''utf-8",
    "text/xml; charset*0=utf; charset*1=-8",
    "text/xml; charset=",
    "text/xml;;;",
    'text/xml; charset="utf-8',
    "text/xml, text/xml",
    "/",
    ";",
    "",
)

_EDGE, _TAG_END, _BEHIND_MEMBER, _BEFORE_VALUE = map(re.compile, (rb"(?=[<>\"{}\[\],:])", rb">", rb"[{,]", rb"[:\[]"))


def mutate(draw: Draw, case: Case) -> Case:
    """Return the case with some damage; most of the time little of it."""
    for _ in range(draw.one((0, 0, 0, 0, 1, 1, 1, 2, 3, 6))):
        case = draw.one((_damage_bytes, _damage_bytes, _insert, _insert, _reencode, _widen, _deepen, _odd_http))(
            draw, case
        )
    return case


def _damage_bytes(draw: Draw, case: Case) -> Case:
    body = bytearray(case.body)
    if not body:
        return case
    start = draw.random.randrange(len(body))
    end = min(len(body), start + draw.random.randint(1, 40))
    match draw.random.randrange(6):
        case 0:
            for _ in range(draw.random.randint(1, 8)):
                body[draw.random.randrange(len(body))] ^= 1 << draw.random.randrange(8)
        case 1:
            del body[start:end]
        case 2:
            del body[start:]
        case 3:
            body[start:start] = body[start:end] * draw.random.randint(1, 4)
        case 4:
            body[start:end] = draw.random.randbytes(end - start)
        case 5:
            other = draw.random.randrange(len(body))
            body[other:other] = body[start:end]
    return replace(case, body=bytes(body))


def _insert(draw: Draw, case: Case) -> Case:
    pieces = _XML_PIECES if b"<" in case.body[:200] else _JSON_PIECES
    # Where something begins or ends, a piece does more than in the middle of a word.
    place = 0 if draw.chance(0.02) else _place(draw, _EDGE, case.body)
    return replace(case, body=case.body[:place] + draw.one(pieces) + case.body[place:])


def _place(draw: Draw, pattern: re.Pattern[bytes], body: bytes) -> int:
    """Return the end of the first match behind a drawn place, or of the body. All of it is not looked through."""
    found = pattern.search(body, draw.random.randrange(len(body) + 1))
    return found.end() if found else len(body)


def _reencode(draw: Draw, case: Case) -> Case:
    if draw.chance(0.3):
        return replace(case, body=draw.one(_MARKS) + case.body)
    text = case.body.decode("utf-8", "replace")
    encoding = draw.one(_ENCODINGS)
    body = text.encode(encoding, "replace")
    if draw.chance(0.4):
        media_type = (case.header("Content-Type") or "text/xml").partition(";")[0]
        case = case.with_header("Content-Type", f"{media_type}; charset={encoding}")
    return replace(case, body=body)


def _widen(draw: Draw, case: Case) -> Case:
    """Make something very long or very many."""
    count = draw.one((10, 100, 900, 1100, 5000, 20_000))
    is_xml = b"<" in case.body[:200]
    piece = _many(draw.random.randrange(5), count, is_xml)
    place = _place(draw, _TAG_END if is_xml else _BEHIND_MEMBER, case.body)
    return replace(case, body=case.body[:place] + piece + case.body[place:])


@functools.cache
def _many(kind: int, count: int, is_xml: bool) -> bytes:
    match kind:
        case 0:
            return b"x" * count * 4
        case 1:
            return b"<x/>" * count if is_xml else b'"a":1,' * count
        case 2:
            many = b" ".join(b'a%d="v"' % n for n in range(count))
            return b"<x " + many + b"/>" if is_xml else b"[" + b"1," * count + b"1],"
        case 3:
            many = b" ".join(b'xmlns:n%d="urn:%d"' % (n, n) for n in range(count))
            return b"<x " + many + b"/>" if is_xml else b'"' + b"\\u00e9" * count + b'",'
        case _:
            return b"&#65;" * count if is_xml else b" " * count


def _deepen(draw: Draw, case: Case) -> Case:
    depth = draw.one((5, 20, 28, 29, 30, 31, 32, 33, 100, 300, 1000, 10_000))
    if b"<" in case.body[:200]:
        opened, closed = draw.one(((b"<x>", b"</x>"), (b'<x xmlns="urn:x">', b"</x>"), (b"<Options>", b"</Options>")))
        before = _TAG_END
    else:
        opened, closed = draw.one(((b"[", b"]"), (b'{"a":', b"}"), (b'"a":[', b"]"), (b'{"Options":[', b"]}")))
        before = _BEFORE_VALUE
    inner = opened * depth + (closed * depth if draw.chance(0.8) else b"")
    place = _place(draw, before, case.body)
    return replace(case, body=case.body[:place] + inner + case.body[place:])


def _odd_http(draw: Draw, case: Case) -> Case:
    name, value = draw.one(_ODD_HEADERS)(draw, case)
    if name == "Content-Encoding" and value is not None:
        case = replace(case, body=_compress(draw, case.body))
    return case.with_header(name, value)


def _compress(draw: Draw, body: bytes) -> bytes:
    match draw.random.randrange(6):
        case 0 | 1:
            return gzip.compress(body, mtime=0)
        case 2:
            return gzip.compress(body, mtime=0)[: -draw.random.randint(1, 12)]
        case 3:
            return zlib.compress(body)
        case 4:
            # Twenty million blanks in twenty thousand bytes.
            return gzip.compress(body + b" " * draw.one((70_000, 2_000_000, 20_000_000)), 9, mtime=0)
    return body


def _text(draw: Draw) -> str:
    """Return a header's value as servers hand them on: no line ends, and bytes as Latin-1."""
    text = draw.text().encode("utf-8", "replace").decode("latin-1")
    return "".join(each for each in text if each not in "\r\n\0") + (
        draw.one("\x01\x7f\xff\xa0") if draw.chance(0.1) else ""
    )


def _swap_version(case: Case) -> str:
    return "text/xml; charset=utf-8" if SOAP_12.encode() in case.body else "application/soap+xml; charset=utf-8"


_ODD_HEADERS: tuple[Callable[[Draw, Case], tuple[str, str | None]], ...] = (
    lambda draw, _: ("Content-Type", draw.one(_MEDIA_TYPES)),
    lambda draw, _: ("Content-Type", f"{draw.one(('text/xml', 'application/json'))}; charset={_text(draw)}"),
    lambda draw, _: ("Content-Type", _text(draw)),
    lambda draw, _: ("Content-Type", None),
    lambda _, case: ("Content-Type", _swap_version(case)),
    lambda draw, _: ("SOAPAction", draw.one(('""', '"Login"', "LogOff", '"http://tempuri.org/IAccount/Login"', "'x'"))),
    lambda draw, _: ("SOAPAction", _text(draw)),
    lambda draw, case: ("Content-Length", str(len(case.body) + draw.one((-5, -1, 1, 100, 70_000, 10**12)))),
    lambda draw, _: ("Content-Length", draw.one(("", "0", "-1", "abc", "1e3", "²", "٣", " 5 ", "+5", "0x10", "5,5"))),
    lambda draw, _: (
        "Content-Encoding",
        draw.one(("gzip", "GZIP", "x-gzip", "deflate", "br", "identity", "gzip, gzip", "")),
    ),
    lambda draw, _: (
        "Authorization",
        draw.one(("Basic", "Basic ====", "Basic YTpi", "basic /w==", "Bearer x", "Basic Og==")),
    ),
    lambda draw, _: ("Authorization", f"Basic {_text(draw)}"),
    lambda draw, _: (
        "Cookie",
        draw.one((";;;", "=", "credentialsToken", "credentialsToken=", 'credentialsToken="', "a=b; A=B")),
    ),
    lambda draw, _: ("Cookie", f"credentialsToken={_text(draw)}; {_text(draw)}={_text(draw)}"),
    lambda draw, _: ("credentialsToken", _text(draw)),
    lambda draw, _: ("applicationToken", _text(draw)),
    lambda draw, _: (
        "Signature",
        draw.one(("", "bytes-SHA256", "bytes-SHA256, ", "bytes-SHA256, AAAA", "bytes-MD5, AAAA")),
    ),
    lambda draw, _: ("Signature", f"bytes-SHA256, {_text(draw)}"),
    lambda draw, _: ("Origin", draw.one(("null", "https://example.com", "*", _text(draw)))),
    lambda draw, _: ("Host", draw.one(("", "evil.example", "[::1]", "a:b:c", "x" * 300, _text(draw)))),
    lambda draw, _: ("X-Forwarded-For", _text(draw)),
    lambda draw, _: ("X-Forwarded-Host", _text(draw)),
    lambda draw, _: ("Accept", _text(draw)),
    lambda draw, _: ("Accept-Language", _text(draw)),
    lambda draw, _: ("User-Agent", _text(draw)),
    lambda draw, _: ("Expect", draw.one(("100-continue", _text(draw)))),
    lambda draw, _: ("Transfer-Encoding", draw.one(("chunked", "identity", _text(draw)))),
)
"""Each gives a name and a value; None takes the header away."""
