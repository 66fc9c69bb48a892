"""What is no call of this service: the fault that it gets, and that nothing of it is told, kept or logged.

Source: contract, Faults; what Spyne does not catch, and what it costs, is in the notes on Spyne 2.14.
"""

import logging
import time

import pytest

from tests.conformance.soap import ENVELOPE, PATH, call, envelope, members
from tests.factories import EMAIL, PASSWORD

SECRET = "sentinel-5e1f"
"""Stands in everything that is sent here; it must not come back, nor be logged."""

CLIENT = f"{{{ENVELOPE}}}Client"
SERVER = f"{{{ENVELOPE}}}Server"
VERSION_MISMATCH = f"{{{ENVELOPE}}}VersionMismatch"
MUST_UNDERSTAND = f"{{{ENVELOPE}}}MustUnderstand"
ACTION = "{http://schemas.microsoft.com/ws/2005/05/addressing/none}ActionNotSupported"

NOT_XML = (500, CLIENT, "The request is not well-formed XML.")
DOCTYPE = (500, CLIENT, "A document type declaration is not allowed in a SOAP message.")
TOO_DEEP = (500, CLIENT, "The elements of the request are nested too deep.")
TOO_WIDE = (500, CLIENT, "The request has too many elements and attributes.")
TOO_LARGE = (413, CLIENT, "The request is too large.")
NOT_SOAP = (415, CLIENT, "The media type of the request is not that of a SOAP message.")
INCOMPLETE = (400, CLIENT, "The request ended before it was complete.")
NO_BODY = (500, CLIENT, "The envelope has no body.")
WRONG_VERSION = (500, VERSION_MISMATCH, "The envelope is not of the SOAP version of its media type.")
NOT_UNDERSTOOD = (500, MUST_UNDERSTAND, "A header that must be understood is not understood.")
NO_SUCH_ACTION = (
    500,
    ACTION,
    "The message cannot be processed at the receiver, because its action and its body do not name one operation of "
    "this contract.",
)

LOGIN = members({"Email": EMAIL, "Password": PASSWORD, "userrole": "15"})
GOOD = envelope(call("Login", LOGIN))
SOAP_12 = GOOD.replace(ENVELOPE, "http://www.w3.org/2003/05/soap-envelope")

LAUGHS = "<!DOCTYPE x [<!ENTITY l0 'sentinel-5e1f'>{}]>".format(
    "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
)
ATTRIBUTES = " ".join(f'a{n}=""' for n in range(100_000))


def login(content):
    """Return a Login with this in place of its members."""
    return envelope(call("Login", content))


def nested(depth):
    """Return an envelope of elements this deep, the envelope itself counted."""
    inner = depth - 3
    return envelope(call("Login", "<x>" * inner + SECRET + "</x>" * inner))


BAD = {
    # What is not XML.
    "no bytes": (b"", NOT_XML),
    "blanks": (b"  \n", NOT_XML),
    "text": (SECRET, NOT_XML),
    "json": (f'{{"Password": "{SECRET}"}}', NOT_XML),
    "cut off": (GOOD[:-20], NOT_XML),
    "something after the end": (GOOD + SECRET, NOT_XML),
    "two documents": (GOOD + GOOD, NOT_XML),
    "tags that cross": (login(f"<Email><Password>{SECRET}</Email></Password>"), NOT_XML),
    "prefix that is not declared": (login(f"<q:Email>{SECRET}</q:Email>"), NOT_XML),
    "attribute twice": (login(f'<Email a="1" a="{SECRET}"/>'), NOT_XML),
    "control character": (login(f"<Password>{SECRET}\x01</Password>"), NOT_XML),
    "character reference to one": (login(f"<Password>{SECRET}&#1;</Password>"), NOT_XML),
    "character reference to null": (login(f"<Password>{SECRET}&#0;</Password>"), NOT_XML),
    "entity in a value": (login(f"<Password>{SECRET}&unknown;</Password>"), NOT_XML),
    "entity in the body": (envelope("&unknown;"), NOT_XML),
    "entity among the members": (login("&unknown;"), NOT_XML),
    "bytes that are not of the charset": (login(f"<Email>{SECRET}\xff</Email>").encode("latin-1"), NOT_XML),
    "null bytes": (GOOD.encode() + b"\x00", NOT_XML),
    # Document types.
    "doctype": ("<!DOCTYPE x>" + GOOD, DOCTYPE),
    "doctype with a declaration before it": ("<?xml version='1.0'?>\n<!DOCTYPE x []>" + GOOD, DOCTYPE),
    "entity": (f"<!DOCTYPE x [<!ENTITY e '{SECRET}'>]>" + login("<Email>a&e;b</Email>"), DOCTYPE),
    "external entity": (
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + login("<Email>&e;</Email>"),
        DOCTYPE,
    ),
    "external subset": ("<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'>" + GOOD, DOCTYPE),
    "parameter entity": ("<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]>" + GOOD, DOCTYPE),
    "billion laughs": (LAUGHS + login("<Email>&l9;</Email>"), DOCTYPE),
    "billion laughs in an attribute": (LAUGHS + login("<Email a='&l9;'/>"), DOCTYPE),
    # Documents beyond the limits.
    "too large": (login(f"<Password>{SECRET}{'x' * 65_536}</Password>"), TOO_LARGE),
    "too deep": (nested(33), TOO_DEEP),
    "much too deep": (nested(400), TOO_DEEP),
    "too many elements": (login("<x/>" * 1_000), TOO_WIDE),
    "very many elements": (login("<x/>" * 15_000), TOO_WIDE),
    "too many attributes": (login(f"<x {ATTRIBUTES[: ATTRIBUTES.index(' a5000=')]}/>"), TOO_WIDE),
    "too many attributes on many elements": (login('<x a="" b="" c=""/>' * 300), TOO_WIDE),
    # Envelopes.
    "another root": (f"<Login>{LOGIN}{SECRET}</Login>", WRONG_VERSION),
    "envelope without namespace": (f"<Envelope><Body><Login>{LOGIN}</Login></Body></Envelope>", WRONG_VERSION),
    "envelope of SOAP 1.2": (SOAP_12, WRONG_VERSION),
    "no body": (f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Header/></s:Envelope>', NO_BODY),
    "body of another namespace": (f'<s:Envelope xmlns:s="{ENVELOPE}"><Body>{SECRET}</Body></s:Envelope>', NO_BODY),
    # Operations.
    "empty body": (envelope(""), NO_SUCH_ACTION),
    "text in the body": (envelope(SECRET), NO_SUCH_ACTION),
    "unknown operation": (envelope(call(SECRET)), NO_SUCH_ACTION),
    "fault in the request": (envelope(f"<s:Fault><faultcode>{SECRET}</faultcode></s:Fault>"), NO_SUCH_ACTION),
    "reply in the request": (envelope(call("LoginResponse", LOGIN)), NO_SUCH_ACTION),
    "second body child": (envelope(call("LogOff") + call("Login", LOGIN)), NO_SUCH_ACTION),
    "second body child for references": (
        envelope(call("Login", '<Email href="#a"/>') + f'<multiRef id="a">{SECRET}</multiRef>'),
        NO_SUCH_ACTION,
    ),
    # Headers.
    "header to be understood": (envelope(call("LogOff"), f'<x s:mustUnderstand="1">{SECRET}</x>'), NOT_UNDERSTOOD),
    "header to be understood, as a word": (envelope(call("LogOff"), '<x s:mustUnderstand="true"/>'), NOT_UNDERSTOOD),
    "header to be understood by the next node": (
        envelope(call("LogOff"), '<x s:mustUnderstand="1" s:actor="http://schemas.xmlsoap.org/soap/actor/next"/>'),
        NOT_UNDERSTOOD,
    ),
    "security header": (
        envelope(
            call("LogOff"),
            '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" '
            f's:mustUnderstand="1">{SECRET}</w:Security>',
        ),
        NOT_UNDERSTOOD,
    ),
}

MEDIA = {
    "text/plain": ("text/plain", GOOD),
    "form": ("application/x-www-form-urlencoded", GOOD),
    "application/xml": ("application/xml", GOOD),
    "MTOM": ('multipart/related; type="application/xop+xml"; boundary=x', GOOD),
    "attachments": ('multipart/related; type="text/xml"; boundary=x', GOOD),
    "nonsense": (SECRET, GOOD),
    "blank": (" ", GOOD),
    "empty": ("", GOOD),
    "missing": (None, GOOD),
    "unknown charset": (f"text/xml; charset={SECRET}", GOOD),
    "charset that is a codec of Python's alone": ("text/xml; charset=rot13", GOOD),
}


@pytest.fixture(autouse=True)
def every_log_line(caplog):
    """Logs at the least level, so that what would be logged on the worst day is looked at."""
    caplog.set_level(logging.DEBUG)


def assert_refused_and_forgotten(front, answer, expected, caplog):
    """The fault is the expected one, tells nothing, and the next good request is served."""
    assert answer.fault == expected
    assert answer.header("Content-Type") == "text/xml; charset=utf-8"
    assert answer.body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert SECRET not in answer.body.decode() + str(answer.headers)
    logged = caplog.text
    assert "gatehouse.calls" in logged
    for told in (SECRET, PASSWORD, EMAIL, "Traceback", "lxml", "line 1"):
        assert told not in logged
    assert front.login().outcome == ("0", "Success")


@pytest.mark.parametrize("name", BAD)
def test_bad_document_is_a_fault(front, caplog, name):
    """Each of them was an exception, a wrong answer or a danger in Spyne as it comes."""
    document, expected = BAD[name]

    answer = front.client.post(document, {"applicationToken": front.token})

    assert_refused_and_forgotten(front, answer, expected, caplog)


@pytest.mark.parametrize("name", MEDIA)
def test_other_media_type_is_415(front, caplog, name):
    """Multipart would even reach a parser with entities switched on."""
    content_type, document = MEDIA[name]

    answer = front.client.post(document, {"applicationToken": front.token}, content_type)

    assert_refused_and_forgotten(front, answer, NOT_SOAP, caplog)


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "iso-8859-1", "windows-1252", "utf-16"])
def test_known_charsets_are_read(front, charset):
    """The charset of the media type goes before anything that the document says of itself."""
    document = '<?xml version="1.0" encoding="koi8-r"?>' + envelope(call("Login", LOGIN))

    answer = front.client.post(
        document.encode(charset.strip('"')), {"applicationToken": front.token}, f"text/xml; charset={charset}"
    )

    assert answer.outcome == ("0", "Success")


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16", "windows-1251"])
def test_without_a_charset_the_document_tells_its_own(front, encoding):
    """As XML has it, and as old ASP clients send it."""
    document = f'<?xml version="1.0" encoding="{encoding}"?>' + GOOD

    answer = front.client.post(document.encode(encoding), {"applicationToken": front.token}, "text/xml")

    assert answer.outcome == ("0", "Success")


def test_byte_order_mark_is_read_over(front):
    """.NET's StreamWriter puts one before everything."""
    answer = front.client.post(b"\xef\xbb\xbf" + GOOD.encode(), {"applicationToken": front.token})

    assert answer.outcome == ("0", "Success")


def test_encoding_that_the_document_names_and_nobody_knows(front, caplog):
    """Not the media type's fault, so it is malformed XML."""
    answer = front.client.post(f'<?xml version="1.0" encoding="{SECRET}"?>' + GOOD, None, "text/xml")

    assert_refused_and_forgotten(front, answer, NOT_XML, caplog)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", SECRET])
def test_coding_that_is_not_read_is_refused(front, caplog, coding):
    """As a media type that is none of ours."""
    answer = front.client.post(GOOD, {"Content-Encoding": coding})

    assert_refused_and_forgotten(front, answer, NOT_SOAP, caplog)


def test_declared_length_beyond_the_limit_is_refused_unread(front, caplog):
    """A stranger may declare what it likes; nothing is read for it."""

    class Unread:
        def read(self, *_):
            raise AssertionError("the body was read")

    answer = front.client.post("", CONTENT_LENGTH="65537", **{"wsgi.input": Unread()})

    assert_refused_and_forgotten(front, answer, TOO_LARGE, caplog)


def test_body_without_length_is_read_up_to_the_limit(front, caplog):
    """Chunked bodies have no length; one that never ends must not fill the memory."""

    class Endless:
        given = 0

        def read(self, size=-1):
            assert 0 <= size <= 65_537
            self.given += size
            return b"<" * size

    endless = Endless()
    answer = front.client.post("", CONTENT_LENGTH=None, **{"wsgi.input": endless})

    assert endless.given == 65_537
    assert_refused_and_forgotten(front, answer, TOO_LARGE, caplog)


def test_length_that_is_no_number_is_as_if_it_were_not_there(front):
    """Servers refuse it; what does not is served by what was sent."""
    answer = front.client.post(GOOD, {"applicationToken": front.token}, CONTENT_LENGTH="abc")

    assert answer.outcome == ("0", "Success")


def test_body_shorter_than_declared_is_incomplete(front, caplog):
    """A client that went away in the middle must not have half of its call performed."""
    answer = front.client.post(GOOD, CONTENT_LENGTH=str(len(GOOD) + 1))

    assert_refused_and_forgotten(front, answer, INCOMPLETE, caplog)


def test_documents_at_the_limits_are_served(front):
    """The limits are WCF's own: 64 KiB and a depth of 32, both inclusive."""
    headers = {"applicationToken": front.token}
    padding = 65_536 - len(login(LOGIN + "<x></x>"))
    inner = 32 - 3

    deep = front.client.post(login(LOGIN + "<x>" * inner + "</x>" * inner), headers)
    large = front.client.post(login(LOGIN + f"<x>{'y' * padding}</x>"), headers)

    assert deep.outcome == ("0", "Success")
    assert large.outcome == ("0", "Success")


def test_limits_may_be_set(make_front, caplog):
    """100,000 attributes cost Spyne 46 s of CPU; larger bodies do not bring that back."""
    front = make_front(soap_max_bytes=2_000_000, soap_max_depth=8)

    wide = front.client.post(login(f"<x {ATTRIBUTES}/>"))
    deep = front.client.post(nested(9))

    assert wide.fault == TOO_WIDE
    assert deep.fault == TOO_DEEP
    assert_refused_and_forgotten(front, front.client.post("x" * 2_000_001), TOO_LARGE, caplog)


@pytest.mark.parametrize(
    "name", ["too large", "too deep", "much too deep", "too many elements", "very many elements", "too many attributes"]
)
def test_document_beyond_the_limits_costs_less_than_5_ms_of_cpu(front, name):
    """A stranger must not be able to keep a processor busy. Best of several, because the machine does other things."""
    document = BAD[name][0].encode()

    def cost():
        started = time.process_time()
        front.client.post(document)
        return time.process_time() - started

    assert min(cost() for _ in range(10)) < 0.005


def test_hundred_thousand_attributes_cost_less_than_5_ms_of_cpu(make_front):
    """Also where larger bodies are allowed."""
    front = make_front(soap_max_bytes=2_000_000)
    document = login(f"<x {ATTRIBUTES}/>").encode()

    def cost():
        started = time.process_time()
        front.client.post(document)
        return time.process_time() - started

    assert min(cost() for _ in range(10)) < 0.005


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.w3.org/2005/08/addressing",
        "http://schemas.xmlsoap.org/ws/2004/08/addressing",
        "http://schemas.xmlsoap.org/ws/2004/03/addressing",
        "http://schemas.xmlsoap.org/ws/2003/03/addressing",
        "http://schemas.microsoft.com/ws/2005/05/addressing/none",
    ],
)
def test_addressing_headers_of_every_version_are_understood(front, namespace):
    """Requests copied from WCF traces carry them with mustUnderstand."""
    names = ("Action", "To", "MessageID", "ReplyTo")
    header = "".join(f'<w:{name} xmlns:w="{namespace}" s:mustUnderstand="1">x</w:{name}>' for name in names)

    assert front.login(header=header).outcome == ("0", "Success")


@pytest.mark.parametrize(
    "header",
    [
        '<x s:mustUnderstand="0">x</x>',
        '<x s:mustUnderstand="false">x</x>',
        "<x>x</x>",
        '<x mustUnderstand="1">x</x>',
        '<x s:mustUnderstand="1" s:actor="http://example.com/another/node">x</x>',
        '<credentialsToken s:mustUnderstand="1">x</credentialsToken>',
    ],
)
def test_header_that_need_not_be_understood_here_does_not_hurt(front, header):
    """For another node, for nobody, or one of our own."""
    assert front.login(header=header).outcome == ("0", "Success")


@pytest.mark.parametrize("action", ["Nonsense", '"http://tempuri.org/IAccount/Nonsense"', "LogOff", SECRET])
def test_action_that_does_not_name_the_operation_of_the_body(front, caplog, action):
    """WCF dispatches by the action, Spyne by the body; where they differ, nothing is done."""
    answer = front.login(headers={"SOAPAction": action})

    assert_refused_and_forgotten(front, answer, NO_SUCH_ACTION, caplog)


def test_bug_in_the_front_is_a_fault_without_a_word(front, caplog, monkeypatch):
    """Whatever goes wrong outside of the operations is one fault, too."""

    def fail(*_):
        raise RuntimeError(SECRET)

    with monkeypatch.context() as broken:
        broken.setattr("gatehouse.fronts.soap.reading.EnvelopeReader.read", fail)
        answer = front.login()

    expected = (500, SERVER, "The server was unable to process the request due to an internal error.")
    assert_refused_and_forgotten(front, answer, expected, caplog)


def test_fault_is_written_as_wcf_writes_it(front):
    """Byte for byte: the addressing namespace is declared on the code, and there is no detail and no actor."""
    answer = front.client.post(envelope(""))

    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        '<faultcode xmlns:a="http://schemas.microsoft.com/ws/2005/05/addressing/none">a:ActionNotSupported</faultcode>'
        '<faultstring xml:lang="en-US">The message cannot be processed at the receiver, because its action and its '
        "body do not name one operation of this contract.</faultstring></s:Fault></s:Body></s:Envelope>"
    )


def test_nothing_is_kept_of_a_session_that_a_bad_request_names(front):
    """A refusal does not end the session beside it."""
    session = front.log_in()

    front.client.request("POST", PATH, b"<", {"credentialsToken": session}, CONTENT_TYPE="text/xml")

    assert front.call("LogOff", session=session).outcome == ("0", "Success")
