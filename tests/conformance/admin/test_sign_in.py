"""Signing in to the panel: the pages, cookies and headers around operations/operators.py."""

import re

import pyotp
import pytest
from werkzeug.test import Client

from gatehouse.app import create_app
from gatehouse.operations import operators
from tests import factories
from tests.conformance.admin.conftest import OLGA, PASSWORDS, Visitor, World

SECRET = re.compile(r'class="secret">([A-Z2-7 ]+)<')
SESSION = "gatehouse-operator"


def code_of(world: World, secret: str, seconds: int = 0) -> str:
    """Return what an authenticator application shows."""
    return pyotp.TOTP(secret.replace(" ", "")).at(int(world.shop.clock.moment.timestamp()) + seconds)


def enrol(world: World, olga: Visitor) -> tuple[str, list[str]]:
    """Add a second factor; return its secret and the recovery codes."""
    olga.get("/admin/own-account/second-factor")
    page = olga.post("/admin/own-account/second-factor", {"password": PASSWORDS[OLGA]})
    secret = SECRET.search(page.text)[1]
    page = olga.post("/admin/own-account/second-factor", {"code": code_of(world, secret)})
    return secret, re.findall(r"<li><code>([\w-]+)</code>", page.text)


def test_nothing_is_shown_to_who_is_not_signed_in(visitor: Visitor):
    """Each page leads to the one for signing in, and from there back."""
    for path in ("/admin", "/admin/", "/admin/merchants", "/admin/merchants/1/accounts/1001", "/admin/nothing"):
        answer = visitor.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["Location"].startswith("/admin/sign-in"), path

    visitor.get("/admin/sign-in?next=/admin/merchants?name=x")
    fields = {"username": OLGA, "password": PASSWORDS[OLGA], "next": "/admin/merchants?name=x"}
    assert visitor.post("/admin/sign-in", fields).headers["Location"] == "/admin/merchants?name=x"


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "/reset", "/admin\\@evil", "/admin/../x"])
def test_signing_in_leads_to_no_other_place(visitor: Visitor, where: str):
    """A link in a mail could otherwise lead through our page to one that looks like it."""
    visitor.get("/admin/sign-in")
    fields = {"username": OLGA, "password": PASSWORDS[OLGA], "next": where}

    assert visitor.post("/admin/sign-in", fields).headers["Location"] == "/admin/"


def test_wrong_name_and_wrong_password_are_one_answer(visitor: Visitor):
    """Besides the name that was typed, byte for byte."""
    one = visitor.sign_in(OLGA, "wrong")
    other = visitor.sign_in("nobody", "wrong")

    assert one.status_code == other.status_code == 422
    assert "The name or the password is wrong." in one.text
    volatile = re.compile(r'value="[^"]*"|Request [0-9a-f-]+')
    assert volatile.sub("", one.text) == volatile.sub("", other.text)


def test_too_many_wrong_passwords_have_to_wait(visitor: Visitor, world: World):
    """The page says for how long."""
    for _ in range(world.shop.core.settings.guesses_per_account_and_source):
        visitor.sign_in(OLGA, "wrong")

    answer = visitor.sign_in(OLGA)
    assert answer.status_code == 429
    assert "Try again in 1 minute." in answer.text


def test_session_cookie_is_for_this_host_alone(world: World):
    """HttpOnly and SameSite=Strict; under https with Secure and the prefix."""
    plain = Visitor(Client(world.app)).sign_in(OLGA).headers["Set-Cookie"]
    assert re.fullmatch(rf"{SESSION}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=Strict", plain)

    settings = factories.make_core(world.shop.core.database, public_url="https://login.example.com").settings
    visitor = Visitor(Client(create_app(settings, _with_settings(world, settings)), use_cookies=True))
    answer = visitor.client.get("/admin/sign-in", base_url="https://login.example.com")
    visitor.token = re.search(r'name="form_token" value="([^"]+)"', answer.text)[1]
    fields = {"username": OLGA, "password": PASSWORDS[OLGA]}
    secure = visitor.post("/admin/sign-in", fields, base_url="https://login.example.com").headers["Set-Cookie"]
    assert re.fullmatch(rf"__Host-{SESSION}=[\w-]{{43}}; Secure; HttpOnly; Path=/; SameSite=Strict", secure)


def _with_settings(world: World, settings):
    core = factories.make_core(world.shop.core.database, public_url=settings.public_url)
    core.now.moment = world.shop.clock.moment
    return core


def test_every_answer_is_guarded(visit, world: World):
    """No script, no inline style, no other host, no frame, no copy in a cache."""
    olga = visit(OLGA)
    for path in ("/admin/", "/admin/sign-in", "/admin/nothing", "/admin/static/admin.css"):
        answer = olga.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'")
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"
        if "static" not in path:
            assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script|\sstyle=|\son\w+=|https?://(?!www\.w3\.org)", answer.text), path


def test_form_of_another_session_is_refused(visit, world: World):
    """CSRF: without a token, with another one's, or with one from before signing in."""
    olga, other = visit(OLGA), visit(OLGA)
    for token in ("", "x" * 43, other.token):
        olga.token, kept = token, olga.token
        answer = olga.post("/admin/own-account/time-zone", {"time_zone": "Europe/Vienna"})
        assert answer.status_code == 403
        assert "Nothing was done" in answer.text
        olga.token = kept
    assert world.operator(OLGA).time_zone == "UTC"
    answer = olga.post("/admin/own-account/time-zone", {"time_zone": "Europe/Vienna"})
    assert answer.status_code == 303


def test_sign_in_form_of_another_browser_is_refused(world: World, visitor: Visitor):
    """Who could sign somebody in as himself could watch what they do."""
    visitor.get("/admin/sign-in")
    stranger = Visitor(Client(world.app), visitor.token)
    fields = {"username": OLGA, "password": PASSWORDS[OLGA]}

    assert stranger.post("/admin/sign-in", fields).status_code == 403
    assert visitor.post("/admin/sign-in", fields).status_code == 303


def test_session_expires(visit, world: World):
    """The next page says that nothing was changed, and a form does nothing."""
    olga = visit(OLGA)
    world.shop.clock.advance(minutes=21)

    answer = olga.post("/admin/own-account/time-zone", {"time_zone": "Europe/Vienna"})
    assert answer.headers["Location"].startswith("/admin/sign-in?done=expired")
    assert "Nothing was changed" in olga.get(answer.headers["Location"]).text
    assert world.operator(OLGA).time_zone == "UTC"


def test_signing_out_ends_the_session(visit, world: World):
    """Also for who has kept the cookie."""
    olga = visit(OLGA)
    kept = olga.client.get_cookie(SESSION).value
    olga.post("/admin/sign-out")
    assert olga.client.get_cookie(SESSION) is None

    olga.client.set_cookie(SESSION, kept)
    assert olga.get("/admin/").status_code == 303


def test_signing_out_everywhere(visit):
    """It asks first, and says of how many."""
    olga, elsewhere = visit(OLGA), visit(OLGA)
    assert "Your 2 sessions end" in olga.get("/admin/own-account/sign-out-everywhere").text
    olga.post("/admin/own-account/sign-out-everywhere")

    assert elsewhere.get("/admin/").status_code == 303


def test_second_factor_from_enrolment_to_recovery(visit, visitor: Visitor, world: World):
    """The picture and the key, the first code, recovery codes once, and signing in with each of them."""
    olga = visit(OLGA)
    assert "Your present password is wrong." in _begin(olga, "wrong").text
    page = _begin(olga, PASSWORDS[OLGA])
    assert "<svg" in page.text
    assert page.status_code == 200
    assert "This code is wrong." in olga.post("/admin/own-account/second-factor", {"code": "000000"}).text
    secret, codes = enrol(world, olga)
    assert len(codes) == 10
    assert codes[0] not in olga.get("/admin/own-account").text

    world.shop.clock.advance(seconds=60)
    answer = visitor.sign_in(OLGA)
    assert answer.headers["Location"] == "/admin/sign-in/code"
    assert visitor.get("/admin/").status_code == 303, "half a session opens nothing"
    visitor.get("/admin/sign-in/code")
    assert visitor.post("/admin/sign-in/code", {"code": "123456"}).status_code == 422
    half = visitor.client.get_cookie(SESSION).value
    code = code_of(world, secret)
    assert visitor.post("/admin/sign-in/code", {"code": code}).headers["Location"] == "/admin/"
    assert visitor.client.get_cookie(SESSION).value != half, "the token is another one"
    assert visitor.get("/admin/").status_code == 200

    again = Visitor(Client(world.app))
    again.sign_in(OLGA)
    again.get("/admin/sign-in/code")
    assert again.post("/admin/sign-in/code", {"code": code}).status_code == 422, "it was used"
    assert again.post("/admin/sign-in/code", {"code": codes[3]}).status_code == 303
    assert "9 recovery codes left" in again.get("/admin/own-account").text


def _begin(olga: Visitor, password: str):
    olga.get("/admin/own-account/second-factor")
    return olga.post("/admin/own-account/second-factor", {"password": password})


def test_password_is_changed(visit, visitor: Visitor):
    """Typed twice alike, by the rules, and with the old one."""
    olga, elsewhere = visit(OLGA), visit(OLGA)
    new = "ten white storks wade"
    olga.get("/admin/own-account/password")
    for old, one, two, text in (
        ("wrong", new, new, "Your present password is wrong."),
        (PASSWORDS[OLGA], new, new + "x", "typed in two ways"),
        (PASSWORDS[OLGA], "tiny-77", "tiny-77", "shorter than 12 characters"),
    ):
        fields = {"old_password": old, "new_password": one, "new_password_again": two}
        answer = olga.post("/admin/own-account/password", fields)
        assert answer.status_code == 422
        assert text in answer.text
        assert one not in answer.text
    fields = {"old_password": PASSWORDS[OLGA], "new_password": new, "new_password_again": new}
    assert olga.post("/admin/own-account/password", fields).status_code == 303

    assert olga.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 303
    assert visitor.sign_in(OLGA, new).status_code == 303


def test_disabled_operator_is_out_at_once(visit, world: World):
    """Between two pages."""
    max_ = visit("max")
    operators.set_operator_disabled(world.call(), world.operator("max").id, True)

    assert max_.get("/admin/").status_code == 303


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"username=%ff", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % number for number in range(500)), "application/x-www-form-urlencoded", 400),
    ],
)
def test_odd_forms_are_refused(visitor: Visitor, body: bytes, kind: str, status: int):
    """With a page, and without a trace."""
    answer = visitor.client.post("/admin/sign-in", data=body, content_type=kind)

    assert answer.status_code == status
    assert "<h1>" in answer.text
