"""What the readers of SOAP and JSON note of a request that they read all the same."""

import codecs
import json

import pytest

from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts.soap import reading as soap
from gatehouse.fronts.soap.versions import SoapVersion
from gatehouse.fronts.wcf_json import reading as wcf_json

TARGET = "http://tempuri.org/"
DATA = "http://schemas.datacontract.org/2004/07/Gatehouse"
ACTION = f'"{TARGET}IAccount/Login"'
XSI = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
BLOCK = f'<a:Account.LoginOptions xmlns:a="{DATA}"><a:deviceId>x</a:deviceId></a:Account.LoginOptions>'


def document(members, method="Login", namespace=TARGET):
    """Return an envelope."""
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<{method} xmlns="{namespace}">{members}</{method}></s:Body></s:Envelope>'
    )


def read(body, charset="utf-8", action=ACTION):
    """Return the envelope that the reader makes of it."""
    reader = soap.EnvelopeReader(TARGET, DATA, soap.Limits(32, 1_000))
    return reader.read(body if isinstance(body, bytes) else body.encode(), SoapVersion.SOAP_11, charset, action)


GENERATED = {
    "flat": document("<Email>a</Email><Password>b</Password><userrole>15</userrole>"),
    "as WCF writes it": document(
        f'<Email>a</Email><username i:nil="true" {XSI}/><Options>{BLOCK}</Options><setCookie>false</setCookie>'
    ),
    "nothing": document(""),
    "two blocks": document(f"<Options>{BLOCK}{BLOCK}</Options>"),
    "prefixes": f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:q="{TARGET}"><e:Header/>'
    "<e:Body><q:Login><q:Email>a</q:Email></q:Login></e:Body></e:Envelope>",
}


@pytest.mark.parametrize("name", GENERATED)
def test_nothing_is_noted_of_what_generated_clients_send(name):
    """Else every client would be odd, and none."""
    assert read(GENERATED[name]).tolerances == set()


@pytest.mark.parametrize(
    ("members", "noted"),
    [
        ("<EMAIL>a</EMAIL>", {"other_case"}),
        ("<Password>b</Password><Email>a</Email>", {"other_order"}),
        ("<Email>a</Email><Email>a</Email>", {"repeated_member"}),
        ("<Email>a</Email><username>b</username><Email>a</Email>", {"repeated_member"}),
        ('<Email xmlns="">a</Email>', {"other_namespace"}),
        ('<email xmlns="urn:x">a</email>', {"other_namespace", "other_case"}),
        ("<Colour>red</Colour>", {"unknown_member"}),
        ("<Options><userrole>15</userrole></Options>", {"single_block"}),
        ("<Options><item/></Options>", {"other_item_name"}),
        (f"<Options>{BLOCK.replace('deviceId', 'DeviceID')}</Options>", {"other_case"}),
        (f'<setCookie i:nil="true" {XSI}/>', {"odd_nil"}),
        (f'<Email i:nil="true" {XSI}>a</Email>', {"odd_nil"}),
        (f'<Email i:type="string" {XSI}>a</Email>', {"xsi_type"}),
        ('<Email i:type="string" xmlns:i="http://www.w3.org/1999/XMLSchema-instance">a</Email>', {"xsi_type"}),
        ('<Email href="#1"/>', {"soap_encoding"}),
        ("<Email><![CDATA[a]]></Email>", {"cdata"}),
        ("<!-- x --><Email>a</Email>", {"comment"}),
    ],
)
def test_oddities_of_an_envelope(members, noted):
    """Each under its own kind, and no other."""
    assert read(document(members)).tolerances == noted


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        (document("", method="LOGIN"), {"other_case"}),
        (document("", namespace="urn:x"), {"other_namespace"}),
        (document("").replace("<Login ", f'<Login i:nil="true" {XSI} '), {"odd_nil"}),
        (document("").replace("<s:Body>", '<s:Body s:encodingStyle="x">'), {"soap_encoding"}),
        (document("").replace("<s:Envelope ", '<s:Envelope s:encodingStyle="x" '), {"soap_encoding"}),
    ],
)
def test_oddities_of_the_operation(body, noted):
    """And of what stands around it."""
    assert read(body).tolerances == noted


@pytest.mark.parametrize(
    ("action", "noted"),
    [
        (f"{TARGET}IAccount/Login", set()),
        (None, {"action_missing"}),
        ('""', {"action_missing"}),
        (" ", {"action_missing"}),
        ("Login", {"bare_action"}),
        (ACTION.upper(), {"bare_action"}),
    ],
)
def test_oddities_of_the_action(action, noted):
    """WCF would not have found the operation without it."""
    assert read(document(""), action=action).tolerances == noted


NAME = "<Email>Zoë</Email>"
DECLARED = '<?xml version="1.0" encoding="{}"?>'


@pytest.mark.parametrize(
    ("encoding", "mark", "declared", "charset", "noted"),
    [
        ("utf-8", b"", "utf-8", None, set()),
        ("utf-8", b"", None, None, set()),
        ("utf-8", codecs.BOM_UTF8, None, "utf-8", {"byte_order_mark"}),
        ("utf-8", codecs.BOM_UTF8, None, None, {"byte_order_mark"}),
        ("utf-8", codecs.BOM_UTF8, "iso-8859-1", None, {"byte_order_mark"}),
        ("utf-8", codecs.BOM_UTF8, None, "utf-16le", {"byte_order_mark", "odd_charset"}),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16", None, {"byte_order_mark", "utf_16"}),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16", None, {"byte_order_mark", "utf_16"}),
        ("utf-16-le", codecs.BOM_UTF16_LE, None, "utf-16le", {"byte_order_mark", "utf_16"}),
        ("utf-16-be", codecs.BOM_UTF16_BE, None, "utf-16le", {"byte_order_mark", "utf_16"}),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-8", "utf-8", {"byte_order_mark", "utf_16", "odd_charset"}),
        ("utf-16-le", b"", "utf-16", None, {"utf_16"}),
        ("utf-16-be", b"", "utf-16", None, {"utf_16"}),
        ("utf-16-le", b"", None, "utf-16le", {"utf_16"}),
        ("utf-16-be", b"", None, "utf-16le", {"utf_16"}),
        ("utf-16-be", b"", None, "utf-16be", {"utf_16"}),
        ("utf-16-le", b"", None, None, {"utf_16"}),
        ("iso-8859-1", b"", "iso-8859-1", None, {"latin_1"}),
        ("iso-8859-1", b"", None, "iso-8859-1", {"latin_1"}),
        ("iso-8859-1", b"", "utf-8", "iso-8859-1", {"latin_1"}),
        ("windows-1252", b"", "windows-1252", None, {"latin_1"}),
        ("windows-1252", b"", None, "windows-1252", {"latin_1"}),
        ("windows-1250", b"", "windows-1250", None, {"other_charset"}),
        ("cp850", b"", "cp850", None, {"other_charset"}),
        ("gb18030", b"", None, "gb18030", {"other_charset"}),
    ],
)
def test_charsets_of_an_envelope(encoding, mark, declared, charset, noted):
    """The bytes go before the media type, and that before the document; the letters are the same in all of them."""
    text = (DECLARED.format(declared) if declared else "") + document(NAME)

    envelope = read(mark + text.encode(encoding), charset)

    assert envelope.members == [("Email", "Zoë")]
    assert envelope.tolerances == noted


def test_comment_and_cdata_are_seen_in_utf_16():
    """Where between all letters there is a null byte."""
    body = document("<!-- x --><Email><![CDATA[a]]></Email>").encode("utf-16")

    assert read(body, None).tolerances >= {"comment", "cdata"}


def read_json(body, charset=None, method="Login"):
    """Return the members and what was noted."""
    noted = set()
    members = wcf_json.read_members(method, body, charset, 32, noted)
    return members, noted


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        ({"Email": "a", "Options": [{"userrole": "15", "setCookie": True}], "setCookie": False}, set()),
        ({"Email": None}, set()),
        ({"email": "a"}, {"other_case"}),
        ({"Colour": "red"}, {"unknown_member"}),
        ({"userrole": 15}, {"number_for_text"}),
        ({"Email": True}, {"number_for_text"}),
        ({"Options": {"userRole": 15}}, {"other_case", "number_for_text"}),
        ({"Email": "a", "EMAIL": "a"}, {"repeated_member", "other_case"}),
    ],
)
def test_oddities_of_json(body, noted):
    """As of an envelope."""
    assert read_json(json.dumps(body).encode())[1] == noted


@pytest.mark.parametrize(
    ("encoding", "mark", "charset", "noted"),
    [
        ("utf-8", b"", None, set()),
        ("utf-8", b"", "utf-8", set()),
        ("utf-8", codecs.BOM_UTF8, "utf-8", {"byte_order_mark"}),
        ("utf-16-le", codecs.BOM_UTF16_LE, None, {"byte_order_mark", "utf_16"}),
        ("utf-16-be", b"", None, {"utf_16"}),
        ("utf-16-le", b"", "utf-16le", {"utf_16"}),
        ("iso-8859-1", b"", "iso-8859-1", {"latin_1"}),
        ("shift_jis", b"", "shift_jis", {"other_charset"}),
    ],
)
def test_charsets_of_json(encoding, mark, charset, noted):
    """As of an envelope, besides that JSON cannot name its own."""
    name = "Zoe" if encoding == "shift_jis" else "Zoë"

    assert read_json(mark + f'{{"Email": "{name}"}}'.encode(encoding), charset) == ([("Email", name)], noted)


def test_kinds_fit_into_their_column():
    """And have a name of their own each."""
    assert all(len(kind.value) <= 30 and kind.value.isidentifier() for kind in Tolerance)
    assert len(set(Tolerance)) == len(Tolerance.__members__)
