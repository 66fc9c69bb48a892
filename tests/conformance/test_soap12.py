"""SOAP 1.2 at the same address: answered in its own version, with faults of its own shape."""

import pytest
from lxml import etree

from tests.conformance import soap
from tests.conformance.conftest import LOGIN
from tests.conformance.soap import Answer

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
MEDIA_TYPE = "application/soap+xml; charset=utf-8"
NONE = "http://schemas.microsoft.com/ws/2005/05/addressing/none"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ROLE = f"{ENVELOPE}/role"
UNREADABLE = "{http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher}DeserializationFailed"
SECRET = "s3cr3t-value"


def envelope(content: str, header: str = "") -> str:
    """Return a SOAP 1.2 envelope."""
    return soap.envelope(content, header).replace(soap.ENVELOPE, ENVELOPE)


def post(front, body: str, content_type: str = MEDIA_TYPE, **headers: str) -> Answer:
    """Send an envelope with the application's token."""
    return front.client.post(body, {"applicationToken": front.token} | headers, content_type)


def login(front, header: str = "", content_type: str = MEDIA_TYPE) -> Answer:
    """Call Login with the right password."""
    return post(front, envelope(soap.call("Login", soap.members(LOGIN)), header), content_type)


def fault(answer: Answer) -> tuple[int, str, str | None, str]:
    """Return status, code, subcode and text of a fault, the codes as `{namespace}name`; nothing else may be in it."""
    (detail,) = answer.root.find(f"{{{ENVELOPE}}}Body")
    assert [etree.QName(child).localname for child in detail] == ["Code", "Reason"]
    values = detail.iterfind(f".//{{{ENVELOPE}}}Value")
    codes = [f"{{{value.nsmap[value.text.partition(':')[0]]}}}{value.text.partition(':')[2]}" for value in values]
    (text,) = detail.iterfind(f"{{{ENVELOPE}}}Reason/{{{ENVELOPE}}}Text")
    assert text.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-US"
    assert SECRET not in answer.body.decode()
    return answer.status, codes[0], codes[1] if len(codes) > 1 else None, text.text


def test_login_is_answered_in_its_own_version(front):
    """A client reads the media type before the envelope."""
    answer = login(front)

    assert answer.status == 200
    assert answer.header("Content-Type") == MEDIA_TYPE
    assert answer.root.tag == f"{{{ENVELOPE}}}Envelope"
    assert answer.root.findtext(".//{*}Key") == "Success"
    assert answer.body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    soap.assert_valid(answer)


def test_the_older_version_is_answered_as_before(front):
    """The version is a matter of each request."""
    login(front)

    answer = front.login()

    assert answer.header("Content-Type") == soap.XML
    assert answer.root.tag == f"{{{soap.ENVELOPE}}}Envelope"


@pytest.mark.parametrize("action", ["http://tempuri.org/IAccount/Login", "Login", ""])
def test_action_comes_with_the_media_type(front, action):
    """SOAP 1.2 has no SOAPAction header."""
    answer = login(front, content_type=f'application/soap+xml; charset=utf-8; action="{action}"')

    assert answer.root.findtext(".//{*}Key") == "Success"


@pytest.mark.parametrize(
    ("content_type", "header"),
    [
        ('application/soap+xml; action="http://tempuri.org/IAccount/LogOff"', ""),
        (f'application/soap+xml; action="{SECRET}"', ""),
        (MEDIA_TYPE, f'<a:Action xmlns:a="{ADDRESSING}">http://tempuri.org/IAccount/LogOff</a:Action>'),
    ],
)
def test_action_of_another_operation_is_refused(front, content_type, header):
    """What is called must not depend on which of the two a proxy looks at."""
    status, code, subcode, _ = fault(login(front, header, content_type))

    assert (status, code, subcode) == (400, f"{{{ENVELOPE}}}Sender", f"{{{NONE}}}ActionNotSupported")


@pytest.mark.parametrize(
    "namespace",
    [ADDRESSING, "http://schemas.xmlsoap.org/ws/2004/08/addressing", NONE],
)
def test_message_id_is_related_to(front, namespace):
    """A client that waits for several answers finds its own by it."""
    header = (
        f'<a:Action xmlns:a="{namespace}" s:mustUnderstand="1">http://tempuri.org/IAccount/Login</a:Action>'
        f'<a:MessageID xmlns:a="{namespace}">urn:uuid:1&amp;2</a:MessageID>'
    )

    answer = login(front, header)

    assert answer.root.findtext(f".//{{{namespace}}}RelatesTo") == "urn:uuid:1&2"
    assert answer.root.findtext(f".//{{{namespace}}}Action") == "http://tempuri.org/IAccount/LoginResponse"
    assert answer.root.findtext(".//{*}Key") == "Success"


def test_id_is_related_to_in_its_own_namespace(front):
    """Modern .NET puts its action into the "none" namespace, beside addressing headers of another."""
    header = (
        f'<n:Action xmlns:n="{NONE}" s:mustUnderstand="1">http://tempuri.org/IAccount/Login</n:Action>'
        f'<a:MessageID xmlns:a="{ADDRESSING}">urn:uuid:1</a:MessageID>'
    )

    answer = login(front, header)

    (relates_to,) = answer.root.iterfind(".//{*}RelatesTo")
    assert (etree.QName(relates_to).namespace, relates_to.text) == (ADDRESSING, "urn:uuid:1")


@pytest.mark.parametrize("namespace", [ADDRESSING, "http://schemas.xmlsoap.org/ws/2004/08/addressing", NONE])
@pytest.mark.parametrize("name", ["To", "From", "ReplyTo", "FaultTo", "RelatesTo", "MessageID"])
def test_every_addressing_header_is_understood(front, namespace, name):
    """In each of its versions, and whatever it says: the answer goes back on the connection."""
    header = f'<a:{name} xmlns:a="{namespace}" s:mustUnderstand="1"><a:Address>urn:x</a:Address></a:{name}>'

    assert login(front, header).root.findtext(".//{*}Key") == "Success"


def test_our_own_headers_are_understood(front):
    """The application's and the session's token, in any namespace."""
    header = f'<x:applicationToken xmlns:x="urn:x" s:mustUnderstand="1">{front.token}</x:applicationToken>'

    answer = front.client.post(envelope(soap.call("Login", soap.members(LOGIN)), header), None, MEDIA_TYPE)

    assert answer.root.findtext(".//{*}Key") == "Success"


def test_older_version_answers_no_message_id(front):
    """Its binding has no addressing: a header that a client did not expect could be one that it must understand."""
    header = f'<a:MessageID xmlns:a="{ADDRESSING}">urn:uuid:1</a:MessageID>'

    assert front.login(header=header).root.find(f"{{{soap.ENVELOPE}}}Header") is None


def test_without_a_message_id_there_is_no_header(front):
    """A client that does not use addressing need not know it."""
    assert login(front).root.find(f"{{{ENVELOPE}}}Header") is None


def test_header_that_is_not_understood_is_named(front):
    """SOAP 1.2 part 1, 5.4.8: its name, and nothing of its content."""
    answer = login(front, f'<x:Security xmlns:x="urn:example" s:mustUnderstand="true">{SECRET}</x:Security>')

    assert fault(answer)[:3] == (500, f"{{{ENVELOPE}}}MustUnderstand", None)
    (named,) = answer.root.iterfind(f"{{{ENVELOPE}}}Header/{{{ENVELOPE}}}NotUnderstood")
    prefix, _, name = named.get("qname").partition(":")
    assert (named.nsmap[prefix], name) == ("urn:example", "Security")


@pytest.mark.parametrize(
    ("role", "is_refused"),
    [
        (f"{ROLE}/next", True),
        (f"{ROLE}/ultimateReceiver", True),
        (f" {ROLE}/next ", True),
        ("", True),
        (f"{ROLE}/none", False),
        ("http://example.com/another/node", False),
    ],
)
def test_header_counts_for_the_role_that_it_names(front, role, is_refused):
    """A header for another node is none of ours."""
    answer = login(front, f'<x s:mustUnderstand="1" s:role="{role}">x</x>')

    assert (answer.status == 500) is is_refused


@pytest.mark.parametrize(
    ("attributes", "is_refused"),
    [
        ('s:relay="true"', False),
        ('s:relay="true" s:mustUnderstand="0"', False),
        ('s:relay="true" s:mustUnderstand="false"', False),
        ('s:relay="true" s:mustUnderstand="1"', True),
        ('mustUnderstand="1"', False),
        ('o:mustUnderstand="1" xmlns:o="OLDER"', False),
        ('s:mustUnderstand="1" o:actor="urn:another" xmlns:o="OLDER"', True),
    ],
)
def test_header_counts_by_the_attributes_of_its_own_version(front, attributes, is_refused):
    """Nobody is behind us to relay to; an attribute of the other version, or of none, says nothing."""
    document = envelope(soap.call("Login", soap.members(LOGIN)), f"<x {attributes}>x</x>")

    assert (post(front, document.replace("OLDER", soap.ENVELOPE)).status == 500) is is_refused


def test_envelope_of_the_other_version_is_a_mismatch(front):
    """SOAP 1.2 part 1, 5.4.7: the answer says which versions there are."""
    answer = post(front, soap.envelope(soap.call("Login", soap.members(LOGIN))))

    assert fault(answer)[:3] == (500, f"{{{ENVELOPE}}}VersionMismatch", None)
    supported = answer.root.iterfind(f"{{{ENVELOPE}}}Header/{{{ENVELOPE}}}Upgrade/{{{ENVELOPE}}}SupportedEnvelope")
    assert [each.nsmap[each.get("qname").partition(":")[0]] for each in supported] == [ENVELOPE, soap.ENVELOPE]


@pytest.mark.parametrize(
    ("body", "status", "code", "subcode"),
    [
        (f"<s:Envelope><{SECRET}", 400, "Sender", UNREADABLE),
        ("", 400, "Sender", UNREADABLE),
        (f"<!DOCTYPE x>{envelope(soap.call('LogOff'))}", 400, "Sender", UNREADABLE),
        (envelope(f"<Nonsense>{SECRET}</Nonsense>"), 400, "Sender", f"{{{NONE}}}ActionNotSupported"),
        (envelope(""), 400, "Sender", f"{{{NONE}}}ActionNotSupported"),
        (envelope(soap.call("LogOff") * 2), 400, "Sender", f"{{{NONE}}}ActionNotSupported"),
        (envelope("<x>" * 40 + "</x>" * 40), 400, "Sender", UNREADABLE),
        (envelope(" " * 70_000), 413, "Sender", UNREADABLE),
    ],
)
def test_bad_request_is_a_fault_of_its_version(front, body, status, code, subcode):
    """HTTP 400 for a sender's fault; the next good request is served."""
    answer = post(front, body)

    assert fault(answer)[:3] == (status, f"{{{ENVELOPE}}}{code}", subcode)
    assert answer.header("Content-Type") == MEDIA_TYPE
    assert login(front).root.findtext(".//{*}Key") == "Success"


def test_the_description_names_the_binding(front):
    """`?wsdl` describes SOAP 1.1 alone, so that a generated .NET configuration has one endpoint."""
    older = front.client.get(f"{soap.PATH}?wsdl").body
    newer = etree.fromstring(front.client.get(f"{soap.PATH}?singleWsdl&binding=soap12").body)

    assert b"soap12" not in older
    wsdl, soap12 = "{http://schemas.xmlsoap.org/wsdl/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}"
    (binding,) = newer.iterfind(f"{wsdl}binding")
    (port,) = newer.iterfind(f"{wsdl}service/{wsdl}port")
    assert (binding.get("name"), port.get("name")) == ("WSHttpBinding_IAccount", "WSHttpBinding_IAccount")
    assert port.find(f"{soap12}address").get("location") == "http://accounts.example.com/v2/account.svc"
    assert len(binding.findall(f"{wsdl}operation/{soap12}operation")) == 9


def test_the_description_of_the_newer_version_in_parts(front):
    """What it imports is served, too, and describes the same messages."""
    description = etree.fromstring(front.client.get(f"{soap.PATH}?wsdl&binding=soap12").body)

    (service,) = description.iterfind("{http://schemas.xmlsoap.org/wsdl/}service")
    assert service.get("name") == "Account"
    for imported in description.iterfind(".//{http://www.w3.org/2001/XMLSchema}import"):
        path = imported.get("schemaLocation").removeprefix("http://accounts.example.com")
        assert front.client.get(path).status == 200
