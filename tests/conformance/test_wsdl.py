"""The description of the service: what is served, what stands in `wsdl/`, and what the contract says of both."""

import ipaddress
import re
from pathlib import Path

import pytest
import zeep
from lxml import etree

from gatehouse.fronts.soap import wsdl
from gatehouse.fronts.soap.protocol import make_application
from tests.conformance.soap import DATA, PATH, TARGET

FOLDER = Path(__file__).parents[2] / "wsdl"
FILES = {
    "?wsdl": "account.wsdl",
    "?singleWsdl": "account.single.wsdl",
    "?wsdl&binding=soap12": "account.soap12.wsdl",
    "?singleWsdl&binding=soap12": "account.soap12.single.wsdl",
    "?xsd=xsd0": "xsd0.xsd",
    "?xsd=xsd1": "xsd1.xsd",
    "?xsd=xsd2": "xsd2.xsd",
}
ADDRESS = "http://accounts.example.com/v2/account.svc"

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
XS = "{http://www.w3.org/2001/XMLSchema}"
ACTION = "{http://www.w3.org/2006/05/addressing/wsdl}Action"

STRING, FLAG, DATE = ("xs:string", True), ("xs:boolean", False), ("xs:dateTime", True)
OPTIONS = ("q1:ArrayOfAccount.LoginOptions", True)

REQUESTS = {
    "Login": [
        ("Email", STRING),
        ("username", STRING),
        ("Password", STRING),
        ("Options", OPTIONS),
        ("userrole", STRING),
        ("appName", STRING),
        ("applicationToken", STRING),
        ("deviceId", STRING),
        ("pushToken", STRING),
        ("setCookie", FLAG),
    ],
    "DecodeLoginCookie": [("applicationToken", STRING), ("Cookie", STRING)],
    "DeviceActivate": [("deviceId", STRING), ("activationCode", STRING)],
    "DeviceSendActivationCode": [("deviceId", STRING)],
    "LogOff": [],
    "RegisterDevice": [("deviceId", STRING), ("phoneNumber", STRING)],
    "ResetPassword": [("Email", STRING)],
    "UpdatePassword": [("oldPassword", STRING), ("newPassword", STRING)],
    "UpdatePincode": [("Password", STRING), ("newPincode", STRING)],
}
RESULTS = dict.fromkeys(REQUESTS, "q1:ServiceResult") | {
    "Login": "q1:Account.LoginResult",
    "DecodeLoginCookie": "q1:Account.DecodeCookieResult",
}
DATA_TYPES = {
    "ServiceResult": [
        ("Code", ("xs:int", False)),
        ("IsSuccess", FLAG),
        ("Key", STRING),
        ("Message", STRING),
        ("Number", STRING),
    ],
    "Account.LoginResult": [
        ("AccountStatus", STRING),
        ("CredentialsHeaderName", STRING),
        ("CredentialsToken", STRING),
        ("CustomerNumber", STRING),
        ("Email", STRING),
        ("EncodedCookie", STRING),
        ("IsDeviceActivated", FLAG),
        ("IsDeviceBlocked", FLAG),
        ("IsDeviceRegistered", FLAG),
        ("IsDeviceRegistrationRequired", FLAG),
        ("IsFirstLogin", FLAG),
        ("IsPasswordChangeRequired", FLAG),
        ("LastLogin", DATE),
        ("VersionUpdateRequired", FLAG),
    ],
    "Account.DecodeCookieResult": [
        ("CredentialsHeaderName", STRING),
        ("CredentialsToken", STRING),
        ("Email", STRING),
        ("EncodedCookie", STRING),
        ("FullName", STRING),
    ],
    "Account.LoginOptions": [
        ("appName", STRING),
        ("applicationToken", STRING),
        ("deviceId", STRING),
        ("pushToken", STRING),
        ("setCookie", FLAG),
        ("userrole", STRING),
    ],
    "ArrayOfAccount.LoginOptions": [("Account.LoginOptions", ("q1:Account.LoginOptions", True))],
}


def canonical(document):
    """Return a document as bytes that do not depend on quotes, blanks in tags or the order of attributes."""
    return etree.tostring(etree.fromstring(document), method="c14n")


def members(sequence):
    """Return name, type and nillable of each element of a sequence, all of which must be optional."""
    assert {each.get("minOccurs") for each in sequence} <= {"0"}
    return [(each.get("name"), (each.get("type"), each.get("nillable") == "true")) for each in sequence]


@pytest.fixture
def definitions(front):
    """The root of ?wsdl."""
    return etree.fromstring(front.client.get(f"{PATH}?wsdl").body)


@pytest.fixture
def messages(front):
    """The schema of requests and replies."""
    return etree.fromstring(front.client.get(f"{PATH}?xsd=xsd0").body)


@pytest.fixture
def data_contracts(front):
    """The schema of what results and options are made of."""
    return etree.fromstring(front.client.get(f"{PATH}?xsd=xsd2").body)


@pytest.mark.parametrize("query", FILES)
def test_what_is_served_is_the_file_but_for_the_address(front, query):
    """The files are the contract; a client must get them and nothing else."""
    answer = front.client.get(PATH + query)

    assert answer.status == 200
    assert answer.header("Content-Type") == "text/xml; charset=utf-8"
    assert answer.body.startswith(b"<?xml version=")
    file = (FOLDER / FILES[query]).read_bytes().replace(b"http://localhost:8080/v2/account.svc", ADDRESS.encode())
    assert canonical(answer.body) == canonical(file)


def test_files_are_what_the_spyne_application_yields():
    """Types and methods may not drift away from the contract unseen; `gatehouse wsdl` writes the files anew."""
    built = wsdl.build_documents(make_application())

    assert sorted(built) == sorted(path.name for path in FOLDER.iterdir())
    for name, content in built.items():
        assert canonical(content) == canonical((FOLDER / name).read_bytes()), name


def test_every_import_leads_to_a_schema_of_its_namespace(front, definitions):
    """A proxy generator follows them one by one."""
    imports = definitions.findall(f"{WSDL}types/{XS}schema/{XS}import")

    assert [each.get("schemaLocation") for each in imports] == [f"{ADDRESS}?xsd=xsd{n}" for n in range(3)]
    for each in imports:
        answer = front.client.get(each.get("schemaLocation").removeprefix("http://accounts.example.com"))
        assert etree.fromstring(answer.body).get("targetNamespace") == each.get("namespace")


def test_single_file_has_the_same_schemas_and_imports_none_by_address(front):
    """Mono's svcutil does not follow imports, and ?singleWsdl is there for such."""
    single = etree.fromstring(front.client.get(f"{PATH}?singleWsdl").body)

    assert [each.get("targetNamespace") for each in single.findall(f"{WSDL}types/{XS}schema")] == [
        TARGET,
        "http://schemas.microsoft.com/2003/10/Serialization/",
        DATA,
    ]
    assert not single.xpath("//@schemaLocation")


def test_toolkit_reads_both_descriptions_alike(sqlite_service):
    """Over HTTP, as a proxy generator does it."""
    ports = [
        zeep.Client(f"{sqlite_service.url}{PATH}{query}").wsdl.services["Account"].ports["BasicHttpBinding_IAccount"]
        for query in ("?wsdl", "?singleWsdl")
    ]

    # The prefixes are zeep's own.
    signatures = [
        {name: re.sub(r"ns\d:", "", str(each)) for name, each in port.binding._operations.items()} for port in ports
    ]
    assert signatures[0] == signatures[1]
    assert {port.binding_options["address"] for port in ports} == {f"{sqlite_service.url}{PATH}"}


def test_names_of_service_port_and_binding(definitions):
    """Configurations of .NET clients name them."""
    service = definitions.find(f"{WSDL}service")
    port = service.find(f"{WSDL}port")
    binding = definitions.find(f"{WSDL}binding")

    assert definitions.get("targetNamespace") == TARGET
    assert [etree.QName(each).localname for each in definitions][-3:] == ["portType", "binding", "service"]
    assert service.get("name") == "Account"
    assert (port.get("name"), port.get("binding")) == ("BasicHttpBinding_IAccount", "tns:BasicHttpBinding_IAccount")
    assert port.find(f"{SOAP}address").get("location") == ADDRESS
    assert (binding.get("name"), binding.get("type")) == ("BasicHttpBinding_IAccount", "tns:IAccount")
    assert binding.find(f"{SOAP}binding").get("transport") == "http://schemas.xmlsoap.org/soap/http"
    assert [each.get("name") for each in definitions.findall(f"{WSDL}portType")] == ["IAccount"]


def test_actions_and_messages_of_every_operation(definitions):
    """A WCF client dispatches by them."""
    operations = definitions.findall(f"{WSDL}portType/{WSDL}operation")

    assert [each.get("name") for each in operations] == list(REQUESTS)
    for operation in operations:
        name = operation.get("name")
        sides = [(etree.QName(each).localname, dict(each.attrib)) for each in operation]
        assert sides == [
            (
                "input",
                {ACTION: f"http://tempuri.org/IAccount/{name}", "message": f"tns:IAccount_{name}_InputMessage"},
            ),
            (
                "output",
                {
                    ACTION: f"http://tempuri.org/IAccount/{name}Response",
                    "message": f"tns:IAccount_{name}_OutputMessage",
                },
            ),
        ]
        bound = definitions.find(f"{WSDL}binding/{WSDL}operation[@name='{name}']")
        assert dict(bound.find(f"{SOAP}operation").attrib) == {
            "soapAction": f"http://tempuri.org/IAccount/{name}",
            "style": "document",
        }
        assert [each.get("use") for each in bound.iter(f"{SOAP}body")] == ["literal", "literal"]
        for direction, element in (("Input", name), ("Output", f"{name}Response")):
            (part,) = definitions.find(f"{WSDL}message[@name='IAccount_{name}_{direction}Message']")
            assert dict(part.attrib) == {"name": "parameters", "element": f"tns:{element}"}


def test_members_of_every_request_and_reply(messages):
    """Names, order, types and what may be nil, as the seed and the contract have them."""
    assert (messages.get("targetNamespace"), messages.get("elementFormDefault")) == (TARGET, "qualified")
    assert not messages.findall(f"{XS}complexType"), "wrappers have anonymous types"
    found = {
        each.get("name"): members(each.find(f"{XS}complexType/{XS}sequence"))
        for each in messages.iter(f"{XS}element")
        if each.get("type") is None
    }

    expected = {}
    for method, request in REQUESTS.items():
        expected[method] = request
        expected[f"{method}Response"] = [(f"{method}Result", (RESULTS[method], True))]
    assert found == expected


def test_members_of_every_data_contract(data_contracts):
    """WCF reads the members of a data contract in this order, and drops others in silence."""
    assert (data_contracts.get("targetNamespace"), data_contracts.get("elementFormDefault")) == (DATA, "qualified")
    found = {
        each.get("name"): members(next(each.iter(f"{XS}sequence")))
        for each in data_contracts.findall(f"{XS}complexType")
    }
    bases = {
        each.getparent().getparent().get("name"): each.get("base") for each in data_contracts.iter(f"{XS}extension")
    }

    assert found == DATA_TYPES
    assert bases == {"Account.LoginResult": "q1:ServiceResult", "Account.DecodeCookieResult": "q1:ServiceResult"}
    items = data_contracts.find(f"{XS}complexType[@name='ArrayOfAccount.LoginOptions']/{XS}sequence/{XS}element")
    assert items.get("maxOccurs") == "unbounded"
    assert {each.get("name"): each.get("nillable") for each in data_contracts.findall(f"{XS}element")} == dict.fromkeys(
        DATA_TYPES, "true"
    )


@pytest.mark.parametrize(
    ("target", "file"),
    [
        ("/v2/account.svc?WSDL", "account.wsdl"),
        ("/v2/account.svc?Wsdl", "account.wsdl"),
        ("/v2/account.svc?wsdl=", "account.wsdl"),
        ("/v2/account.svc/?wsdl", "account.wsdl"),
        ("/V2/Account.SVC?wsdl", "account.wsdl"),
        ("/V2/ACCOUNT.svc/?SINGLEWSDL", "account.single.wsdl"),
        ("/v2/account.svc?singlewsdl", "account.single.wsdl"),
        ("/v2/account.svc?XSD=XSD0", "xsd0.xsd"),
        ("/v2/account.svc?Xsd=xsD2", "xsd2.xsd"),
    ],
)
def test_letters_of_path_and_query_may_be_of_any_case(front, target, file):
    """IIS does not mind, and clients have learnt not to."""
    answer = front.client.get(target)

    assert answer.status == 200
    expected = (FOLDER / file).read_bytes().replace(b"http://localhost:8080/v2/account.svc", ADDRESS.encode())
    assert canonical(answer.body) == canonical(expected)


@pytest.mark.parametrize("query", ["", *FILES])
def test_head_answers_like_get_without_a_body(front, query):
    """Proxy generators and monitors ask so."""
    got, head = front.client.get(PATH + query), front.client.request("HEAD", PATH + query)

    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Type", "Content-Length"):
        assert head.header(name) == got.header(name)
    assert head.header("Content-Length") == str(len(got.body))


@pytest.mark.parametrize(
    "target",
    [
        "/v2/account.svc?xsd=xsd3",
        "/v2/account.svc?xsd=",
        "/v2/account.svc?xsd=../account",
        "/v2/account.svc?wsdl&binding=soap13",
        "/v2/account.svc/unknown",
        "/v2",
        "/",
    ],
)
def test_unknown_document_is_not_found(front, target):
    """A name that nobody knows is 404 and no other document."""
    assert front.client.get(target).status == 404


def test_each_host_gets_its_own_address(front):
    """Spyne alone would keep the first Host that anybody sends, for everybody."""
    evil = front.client.get(f"{PATH}?wsdl", headers={"Host": "evil.example.net"})
    good = front.client.get(f"{PATH}?wsdl", headers={"Host": "accounts.example.com:8443"})

    assert b"http://evil.example.net/v2/account.svc?xsd=xsd0" in evil.body
    assert b"http://accounts.example.com:8443/v2/account.svc?xsd=xsd0" in good.body
    assert b"evil" not in good.body


@pytest.mark.parametrize("query", ["", *FILES])
@pytest.mark.parametrize(
    "host",
    [
        'x"><script>alert(1)</script>',
        "x'onload='y",
        "a b.example",
        "<b>",
        "user@evil.example",
        "evil.example/path",
        "evil.example?x",
        "evil.example#x",
        "evil.example:abc",
        "évil.example",
        "",
    ],
)
def test_hostile_host_never_appears(front, host, query):
    """What is no host name is as if it had not been sent: the address is then the server's own."""
    answer = front.client.get(PATH + query, headers={"Host": host})

    assert answer.status == 200
    if host:
        assert host.encode() not in answer.body
        assert b"evil" not in answer.body
    if query in ("?wsdl", "?singleWsdl"):
        locations = etree.fromstring(answer.body).xpath("//@location")
        assert locations == ["http://10.0.0.1:8080/v2/account.svc"]


def test_public_url_goes_before_the_request(make_front):
    """An operator who says how callers reach the service is right."""
    front = make_front(public_url="https://login.example.org/base")

    answer = front.client.get(f"{PATH}?wsdl", headers={"Host": "evil.example.net", "X-Forwarded-Host": "evil.example"})

    assert b'location="https://login.example.org/base/v2/account.svc"' in answer.body
    assert b"evil" not in answer.body


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "login.example.org"}


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("10.1.2.3", FORWARDED, "https://login.example.org/v2/account.svc"),
        ("192.0.2.7", FORWARDED, ADDRESS),
        ("10.1.2.3", {}, ADDRESS),
        # What stands last was written by the nearest proxy; a client may have sent the rest.
        (
            "10.1.2.3",
            {"X-Forwarded-Proto": "http, https", "X-Forwarded-Host": "evil.example, login.example.org"},
            "https://login.example.org/v2/account.svc",
        ),
        ("10.1.2.3", {"X-Forwarded-Host": '"><x>'}, "http://10.0.0.1:8080/v2/account.svc"),
        ("10.1.2.3", {"X-Forwarded-Proto": "javascript"}, ADDRESS),
    ],
)
def test_forwarded_headers_count_from_trusted_proxies_only(make_front, peer, headers, address):
    """Anybody can send them."""
    front = make_front(trusted_proxies=(ipaddress.ip_network("10.0.0.0/8"),))

    answer = front.client.get(f"{PATH}?wsdl", headers=headers, REMOTE_ADDR=peer)

    assert etree.fromstring(answer.body).xpath("//@location") == [address]


def test_forwarded_headers_count_from_nobody_by_default(front):
    """Not even from the machine itself."""
    answer = front.client.get(f"{PATH}?wsdl", headers=FORWARDED, REMOTE_ADDR="127.0.0.1")

    assert etree.fromstring(answer.body).xpath("//@location") == [ADDRESS]


def test_namespaces_may_be_set(make_front):
    """A vendor's clients may have been made from another WSDL: names, actions, requests and replies follow."""
    front = make_front(soap_namespace="urn:acme/", data_namespace="urn:acme:data?a=1")

    documents = {query: front.client.get(PATH + query).body for query in FILES}
    login = front.login(headers={"SOAPAction": '"urn:acme/IAccount/Login"'})

    for query, document in documents.items():
        assert b"tempuri.org" not in document, query
        assert b"2004/07/Gatehouse" not in document, query
    definitions = etree.fromstring(documents["?wsdl"])
    assert definitions.get("targetNamespace") == "urn:acme/"
    assert definitions.nsmap["tns"] == "urn:acme/"
    assert definitions.xpath("//@soapAction")[0] == "urn:acme/IAccount/Login"
    assert etree.fromstring(documents["?xsd=xsd2"]).get("targetNamespace") == "urn:acme:data?a=1"
    assert login.root.find(".//{urn:acme/}LoginResult/{urn:acme:data?a=1}Key").text == "Success"


def test_bare_address_shows_a_page_for_a_person(front):
    """Whoever opens the address in a browser learns what it is, and no script can run there."""
    answer = front.client.get(PATH)

    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=utf-8")
    assert f'<a href="{ADDRESS}?wsdl">'.encode() in answer.body
    assert "default-src 'none'" in answer.header("Content-Security-Policy")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_verbs_are_not_allowed(front, method):
    """Neither for the WSDL nor for calls."""
    answer = front.client.request(method, PATH, b"x")

    assert (answer.status, answer.header("Allow")) == (405, "OPTIONS, GET, HEAD, POST")
