"""What clients of other makes send, through the whole service: read, answered, and counted for an operator."""

import codecs
import gzip
import json
import zlib

import pytest

from gatehouse.operations.clients import list_clients, write_counts
from tests.conformance.conftest import LOGIN
from tests.conformance.soap import ENVELOPE, PATH, call, envelope, members
from tests.factories import EMAIL

SUCCESS = ("0", "Success")
DOCUMENT = envelope(call("Login", members(LOGIN)))
SOAP_12 = DOCUMENT.replace(ENVELOPE, "http://www.w3.org/2003/05/soap-envelope")
SUFFIXES = ["/soap", "/basic", "/SOAP", "/Basic/", "/soap/"]
ACTION = "http://tempuri.org/IAccount/Login"


def post(front, body, content_type="text/xml", path=PATH, **headers):
    """Send bytes with the application's token."""
    given = {"applicationToken": front.token, "SOAPAction": ACTION} | headers
    return front.client.request(
        "POST", path, body if isinstance(body, bytes) else body.encode(), given, CONTENT_TYPE=content_type
    )


def clients(front):
    """Return the client stacks that were counted, with the names of their methods and tolerances."""
    write_counts(front.shop.core)
    return {
        each.stack: ({seen.name: seen.calls for seen in each.methods}, [seen.name for seen in each.tolerances])
        for each in list_clients(front.shop.call(), None)
    }


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/xml; charset=utf8", "utf-8"),
        ("text/xml; charset='utf-8'", "utf-8"),
        ('text/xml; charset="utf-8', "utf-8"),
        ("text/xml; charset=UTF-8;", "utf-8"),
        ("text/xml charset=utf-8", "utf-8"),
        ("text/xml; utf-8", "utf-8"),
        ("text/xml, text/xml; charset=utf-8", "utf-8"),
        ("text/xml; charset=utf-16", "utf-16"),
        ("text/xml; charset=utf-16", "utf-16-le"),
        ("text/xml; charset=utf-16", "utf-16-be"),
        ("text/xml; charset=utf-16LE", "utf-16-le"),
        ("text/xml; charset=utf-16BE", "utf-16-be"),
        ("text/xml", "utf-16"),
        ("text/xml; charset=utf-8", "utf-16"),
        ("text/xml; charset=utf-16", "utf-8-sig"),
        ("text/xml; charset=latin1", "iso-8859-1"),
        ("text/xml; charset=Windows-1252", "cp1252"),
    ],
)
def test_charset_is_found_out(front, content_type, encoding):
    """From a media type however it is written, from the mark, or from the first letter."""
    assert post(front, DOCUMENT.encode(encoding), content_type).outcome == SUCCESS


def test_letters_beyond_ascii_arrive_in_every_charset(front):
    """Compared with what was stored."""
    session = front.log_in()
    password = "Zürich façade 12"
    changed = front.call("UpdatePassword", {"oldPassword": LOGIN["Password"], "newPassword": password}, session=session)
    assert changed.outcome == SUCCESS
    document = DOCUMENT.replace(LOGIN["Password"], password)

    for encoding in ("utf-8", "utf-16", "iso-8859-1", "windows-1252"):
        assert post(front, document.encode(encoding), f"text/xml; charset={encoding}").outcome == SUCCESS
        declared = f'<?xml version="1.0" encoding="{encoding}"?>{document}'
        assert post(front, declared.encode(encoding)).outcome == SUCCESS


def test_document_type_is_refused_in_every_charset(front):
    """What looks for it must not look at bytes alone."""
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"):
        answer = post(front, f"<!DOCTYPE x>{DOCUMENT}".encode(encoding))
        assert answer.fault[2] == "A document type declaration is not allowed in a SOAP message."


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "cp037"])
def test_limits_hold_in_every_charset(front, encoding):
    """Also where an angle bracket is no byte of its own; an unknown charset may be refused as such."""
    wide = f'<?xml version="1.0" encoding="{encoding}"?>' + envelope(call("Login", "<x/>" * 1_000))
    deep = f'<?xml version="1.0" encoding="{encoding}"?>' + envelope("<x>" * 40 + "</x>" * 40)
    texts = {"The request is not well-formed XML."}

    assert post(front, wide.encode(encoding)).fault[2] in {*texts, "The request has too many elements and attributes."}
    assert post(front, deep.encode(encoding)).fault[2] in {*texts, "The elements of the request are nested too deep."}


@pytest.mark.parametrize(
    ("coding", "compress"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_compressed_body_is_read(front, coding, compress):
    """In every version, and as JSON."""
    header = {"Content-Encoding": coding}

    assert post(front, compress(DOCUMENT.encode()), **header).outcome == SUCCESS
    newer = post(front, compress(SOAP_12.encode()), "application/soap+xml", **header)
    assert newer.root.findtext(".//{*}Key") == "Success"
    body = compress(json.dumps(LOGIN).encode())
    answer = post(front, body, "application/json", f"{PATH}/Login", **header)
    assert json.loads(answer.body)["d"]["Key"] == "Success"


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (gzip.compress(DOCUMENT.encode() + b" " * 70_000), 413, "The request is too large."),
        (gzip.compress(b"x" * 50_000_000), 413, "The request is too large."),
        (gzip.compress(DOCUMENT.encode())[:-3], 500, "The request is not well-formed XML."),
        (DOCUMENT.encode(), 500, "The request is not well-formed XML."),
    ],
)
def test_compressed_body_beyond_the_limit_or_corrupt(front, body, status, text):
    """The limit is that of what comes out."""
    answer = post(front, body, **{"Content-Encoding": "gzip"})

    assert (answer.status, answer.fault[2]) == (status, text)
    as_json = post(front, body, "application/json", f"{PATH}/Login", **{"Content-Encoding": "gzip"})
    assert as_json.status == (413 if status == 413 else 400)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_address_of_an_endpoint(front, suffix):
    """As configurations of WCF have it; the description is the same there."""
    for document, media in ((DOCUMENT, "text/xml"), (SOAP_12, "application/soap+xml")):
        answer = post(front, document, media, PATH + suffix)
        assert answer.root.findtext(".//{*}Key") == "Success"
    for query in ("?wsdl", "?singleWsdl", "?xsd=xsd0", "?wsdl&binding=soap12"):
        there, here = front.client.get(PATH + suffix + query), front.client.get(PATH + query)
        assert (there.status, there.body) == (200, here.body)
    page = front.client.get(PATH + suffix)
    assert (page.status, page.header("Location")) == (302, "http://accounts.example.com/v2/account.svc")


@pytest.mark.parametrize("path", [f"{PATH}/soaps", f"{PATH}/soap/x", f"{PATH}/basic/soap", "/soap"])
def test_other_addresses_are_none_of_ours(front, path):
    """Only the two."""
    assert post(front, DOCUMENT, path=path).status == 404


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", "/V2/Account.SVC", f"{PATH}/soap"])
def test_options_tell_what_is_allowed(front, path):
    """As IIS does, for monitors and proxies that ask; a page of another origin is allowed nothing here."""
    asked = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}
    answer = front.client.request("OPTIONS", path, headers=asked)

    assert (answer.status, answer.header("Allow"), answer.body) == (200, "OPTIONS, GET, HEAD, POST", b"")
    assert answer.header("Access-Control-Allow-Origin") is None
    refused = front.client.request("PUT", path)
    assert (refused.status, refused.header("Allow")) == (405, "OPTIONS, GET, HEAD, POST")


def test_calls_are_counted_by_stack_and_method(front):
    """What an operator looks at before something is changed or switched off."""
    post(front, DOCUMENT, **{"User-Agent": "Zeep/4.3.1 (www.python-zeep.org)"})
    post(front, DOCUMENT, **{"User-Agent": "Zeep/4.3.2 (www.python-zeep.org)"})
    body = json.dumps({"Email": EMAIL}).encode()
    post(front, body, "application/json", f"{PATH}/ResetPassword", **{"User-Agent": "Till/2.3 CFNetwork/1"})
    session = front.log_in()
    front.call("LogOff", session=session, token=None, headers={"SOAPAction": "http://tempuri.org/IAccount/LogOff"})

    assert clients(front) == {
        "Zeep 4.3": ({"Login": 2}, []),
        "Till 2.3": ({"ResetPassword": 1}, []),
        "(none)": ({"Login": 1, "LogOff": 1}, ["action_missing"]),
    }


def test_tolerances_are_counted_for_soap(front):
    """All of what one call needed, once each."""
    odd = call("Login", members(LOGIN).replace("Email>", "EMAIL>") + "<Colour/><Colour/>")
    body = gzip.compress(codecs.BOM_UTF8 + envelope(odd).encode())
    headers = {"Content-Encoding": "gzip", "SOAPAction": ""}
    assert post(front, body, "text/xml; charset=utf8", f"{PATH}/basic", **headers).outcome == SUCCESS

    assert clients(front) == {
        "(none)": (
            {"Login": 1},
            sorted(
                [
                    "action_missing",
                    "byte_order_mark",
                    "gzip",
                    "odd_charset",
                    "other_case",
                    "soap_suffix",
                    "unknown_member",
                ]
            ),
        )
    }


def test_tolerances_are_counted_for_json(front):
    """As for SOAP."""
    body = gzip.compress(json.dumps({**LOGIN, "userrole": 15, "colour": "red"}).encode("utf-16"))
    answer = post(front, body, "text/json", f"{PATH}/Login", **{"Content-Encoding": "gzip"})
    assert json.loads(answer.body)["d"]["Key"] == "Success"

    kinds = ["byte_order_mark", "gzip", "number_for_text", "odd_media_type", "unknown_member", "utf_16"]
    assert clients(front) == {"(none)": ({"Login": 1}, kinds)}


def test_calls_of_nobody_known_are_not_counted(front):
    """Whoever has no application's token leaves no rows, whatever it sends."""
    front.login(token="unknown")
    front.login(token=None)
    post(front, "<")
    post(front, json.dumps(LOGIN), "application/json", f"{PATH}/Login", applicationToken="unknown")
    front.call("LogOff", session="unknown", token=None)

    assert clients(front) == {}


def test_unsigned_call_is_not_counted_where_a_signature_is_required(front):
    """The token alone does not prove that it is the application's."""
    front.shop.set_application(signature="required")
    post(front, json.dumps(LOGIN), "application/json", f"{PATH}/Login")

    assert clients(front) == {}
