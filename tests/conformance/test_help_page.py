"""The help page and the table of return codes: what is on them, and how they are served."""

import html
import re

import pytest
from lxml import html as lxml_html

from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts.data_contracts import REQUESTS, Blocks
from gatehouse.fronts.soap.help import advice, methods
from gatehouse.fronts.soap.help.methods import Need
from tests import factories
from tests.conformance.soap import PATH
from tests.conformance.test_samples import LANGUAGES, samples_on

CODES = f"{PATH}/help/codes"
FILES = {"help.css": "text/css", "help.js": "text/javascript", "icon.svg": "image/svg+xml"}
DEVICE = "a device of the help page's tests"

FULL = {
    "Login": {
        "Email": factories.EMAIL,
        "username": None,
        "Password": factories.PASSWORD,
        "userrole": "15",
        "appName": "Till/1.0",
        "deviceId": DEVICE,
        "pushToken": "push",
        "setCookie": True,
    },
    "DecodeLoginCookie": {"Cookie": "no cookie"},
    "DeviceActivate": {"deviceId": DEVICE, "activationCode": "000000"},
    "DeviceSendActivationCode": {"deviceId": DEVICE},
    "LogOff": {},
    "RegisterDevice": {"deviceId": DEVICE, "phoneNumber": "+12015550123"},
    "ResetPassword": {"Email": factories.EMAIL},
    "UpdatePassword": {"oldPassword": "wrong", "newPassword": "loud badgers dig south"},
    "UpdatePincode": {"Password": "wrong", "newPincode": "7391"},
}
"""Every member that a call may have, but for the application's token and the block of options."""


def page(front, target=PATH, **rest):
    """Return a page as a tree."""
    answer = front.client.get(target, **rest)
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=utf-8")
    return lxml_html.fromstring(answer.body.decode())


@pytest.fixture
def session(front):
    """A session whose device is registered."""
    token = front.log_in()
    assert front.call("RegisterDevice", FULL["RegisterDevice"], session=token).outcome == ("0", "Success")
    return token


def test_every_method_with_every_field_and_code(front):
    """A reader needs no other document."""
    tree = page(front)

    for method, members in REQUESTS.items():
        section = tree.get_element_by_id(method)
        terms = [each.text_content().split() for each in section.xpath(".//dl[1]/div/dt")]
        assert [each[0] for each in terms[: len(members)]] == list(members)
        for name, member in members.items():
            if isinstance(member, Blocks):
                (shown,) = section.xpath(f".//div[dt/code='{name}']/dd")
                assert [each.text for each in shown.iter("code")] == list(member.members)
        chips = [each.text_content().split() for each in section.xpath(".//ul[@class='chips']/li")]
        assert chips == [[str(each.code), each.key] for each in ReturnCode if each in methods.METHODS[method].codes]


def test_every_return_code_in_its_table(front):
    """With what a caller does about it, and who gives it."""
    rows = page(front, CODES).xpath("//tbody/tr")

    assert [row.get("id") for row in rows] == [each.key for each in ReturnCode]
    for row, code in zip(rows, ReturnCode, strict=True):
        number, key, meaning, given = (each.text_content().split() for each in row)
        assert (number, key) == ([str(code.code)], [code.key])
        assert " ".join(meaning).endswith(advice.ADVICE[code])
        givers = advice.methods_giving(code)
        other = ["guest", "management", "only"] if code in advice.GUEST_MANAGEMENT_ONLY else ["no", "method", "yet"]
        assert given == (["every", "method"] if len(givers) == len(REQUESTS) else givers or other)


@pytest.mark.parametrize(
    ("method", "name"),
    [(method, name) for method, members in FULL.items() for name in members if name != "username"],
)
def test_what_the_page_calls_mandatory_is(front, session, method, name):
    """Without a mandatory field the service says which one is missing; without another one it does not."""
    answer = front.call(method, FULL[method] | {name: None}, session=session)

    need = methods.field_of(method, name).need
    if need is Need.OPTIONAL:
        assert answer.result["Key"] != "MissingField"
    else:
        assert answer.result["Key"] == "MissingField"
        assert f": {name}." in answer.result["Message"]


def test_one_of_two_identities_is_enough(front):
    """Which is what the page says of Email and username."""
    for name in ("Email", "username"):
        assert methods.field_of("Login", name).need is Need.EITHER
    answer = front.call("Login", FULL["Login"] | {"Email": None, "username": factories.USERNAME, "deviceId": None})
    assert answer.outcome == ("0", "Success")


def test_without_the_applications_token_nothing_begins(front):
    """Mandatory in a field or in a header."""
    for method in ("Login", "DecodeLoginCookie"):
        assert methods.field_of(method, "applicationToken").need is Need.HERE_OR_IN_HEADER
        assert front.call(method, FULL[method], token=None).outcome == ("21", "ApplicationTokenRequired")


def test_links_lead_somewhere(front):
    """On every form of the addresses, relative to where the browser is."""
    tails = ("", "/", "/help", "/help/", "/HELP/codes", "/help/codes/")
    for target in [f"{PATH}{tail}" for tail in tails] + ["/V2/Account.SVC"]:
        tree = page(front, target)
        tree.make_links_absolute(f"http://accounts.example.com{target}")
        links = {link for _, _, link, _ in tree.iterlinks()}
        assert any(link.endswith("help/help.css") for link in links)
        for link in links:
            assert link.startswith("http://accounts.example.com/"), link
            path, _, anchor = link.removeprefix("http://accounts.example.com").partition("#")
            answer = front.client.get(path)
            assert answer.status == 200, link
            assert not anchor or f'id="{anchor}"'.encode() in answer.body, link


@pytest.mark.parametrize("target", ["?", "?anything", "?codes=1", "/?x=y", "/help?wsdl", "/help/codes?x"])
def test_other_queries_show_the_page(front, target):
    """Nobody shall be turned away for a query that we do not know."""
    assert front.client.get(PATH + target).header("Content-Type") == "text/html; charset=utf-8"


@pytest.mark.parametrize("target", [PATH, CODES, *(f"{PATH}/help/{name}" for name in FILES)])
def test_headers_keep_the_page_to_itself(front, target):
    """As those of the hosted pages; and HEAD says what GET would bring."""
    got, head = front.client.get(target), front.client.request("HEAD", target)

    policy = dict(part.split(" ", 1) for part in got.header("Content-Security-Policy").split("; "))
    assert {
        name: policy[name] for name in ("default-src", "frame-ancestors", "base-uri", "form-action")
    } == dict.fromkeys(("default-src", "frame-ancestors", "base-uri", "form-action"), "'none'")
    assert {policy[name] for name in ("style-src", "script-src", "connect-src", "img-src")} == {"'self'"}
    assert got.header("Referrer-Policy") == "no-referrer"
    assert got.header("X-Content-Type-Options") == "nosniff"
    assert got.header("X-Frame-Options") == "DENY"
    assert (head.status, head.body) == (200, b"")
    assert head.header("Content-Length") == got.header("Content-Length") == str(len(got.body))


@pytest.mark.parametrize(("name", "media_type"), FILES.items())
def test_files_of_the_page(front, name, media_type):
    """Each under its media type, without which `nosniff` would refuse it."""
    answer = front.client.get(f"{PATH}/help/{name}")

    assert answer.status == 200
    assert answer.header("Content-Type").startswith(media_type)


@pytest.mark.parametrize("tail", ["/help/no", "/help/../pages.py", "/help/codes/codes", "/helpless", "/help.css"])
def test_nothing_else_is_below(front, tail):
    """Above all no file that only lies near."""
    assert front.client.get(PATH + tail).status == 404


def test_the_pages_are_read_only(front):
    """A call that went to the wrong address must hear of it."""
    answer = front.client.request("POST", f"{PATH}/help", b"{}", CONTENT_TYPE="application/json")

    assert (answer.status, answer.header("Allow")) == (405, "GET, HEAD")


def test_no_secret_is_on_the_page(sqlite_service, front):
    """Not even of the demo data: whoever calls must know the token."""
    served = front.client.get(PATH).body + front.client.get(CODES).body

    for secret in (front.token, factories.PASSWORD, sqlite_service.demo["applicationToken"]):
        assert secret.encode() not in served


def test_nothing_is_inline(front):
    """The policy would forbid it, and the page would lack it."""
    for target in (PATH, CODES):
        tree = page(front, target)
        assert not tree.xpath("//style | //@style | //@*[starts-with(name(), 'on')] | //script[not(@src)]")


def test_address_and_namespace_are_those_of_the_installation(make_front):
    """The samples call what this service answers, also behind a prefix and under other names."""
    front = make_front(public_url="https://login.example.org/a'b", soap_namespace="urn:acme/")

    text = front.client.get(PATH).body.decode()
    programs = samples_on(text)

    assert "tempuri" not in text
    assert "accounts.example.com" not in text
    address = "https://login.example.org/a'b/v2/account.svc"
    assert programs.keys() == {(language, method) for language in LANGUAGES for method in REQUESTS}
    for (language, method), program in programs.items():
        assert address in program
        if language in ("curl", "java"):
            assert "urn:acme/" in program, method
    assert f'href="{html.escape(address)}?wsdl"' in text


def test_each_host_gets_its_own_address(front):
    """What is kept for one reader is not shown to another."""
    for host in ("one.example", "two.example", "one.example"):
        text = front.client.get(PATH, headers={"Host": host}).body.decode()
        assert set(re.findall(r"http://([\w.]+)/v2/account\.svc", text)) == {host}
