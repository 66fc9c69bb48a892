"""The hosted pages by plain requests: headers, the form's token, odd codes and bodies, bounds, and what is kept."""

import html
import logging
import re
import sqlite3
from urllib.parse import urlencode

import pytest

from gatehouse.fronts.hosted.languages import texts
from gatehouse.operations import hosted_reset
from tests.conformance.hosted.conftest import Hosted
from tests.conformance.soap import Answer

FORM = "application/x-www-form-urlencoded"
NEW_PASSWORD = "quiet otters & 7 löwen"


def inputs_of(answer: Answer) -> dict[str, str]:
    """Return the hidden fields of the page's main form."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.body.decode())
    return {name: html.unescape(value) for name, value in found}


def cookie_of(answer: Answer) -> str:
    """Return what a browser sends back."""
    (cookie,) = answer.cookies
    return cookie.partition(";")[0]


def post(hosted: Hosted, fields: dict[str, str], cookie: str = "", **environ) -> Answer:
    """Send a form."""
    headers = {"Cookie": cookie} if cookie else {}
    body = urlencode(fields).encode()
    return hosted.client.request("POST", "/reset", body, headers, **({"CONTENT_TYPE": FORM} | environ))


def choose(hosted: Hosted, path: str, password: str, **environ) -> Answer:
    """Open the page and send its form with this password."""
    opened = hosted.client.get(path, **environ)
    return post(hosted, inputs_of(opened) | {"new_password": password}, cookie_of(opened), **environ)


def heading(answer: Answer) -> str:
    """Return the heading that says what the page is."""
    (found,) = re.findall(r"<h1>(.*?)</h1>", answer.body.decode())
    return html.unescape(found)


def test_looking_never_uses_a_code_up(hosted: Hosted):
    """Mail scanners follow links, with GET and with HEAD."""
    path = hosted.send()

    for method in ("GET", "HEAD", "GET"):
        assert hosted.client.request(method, path).status == 200
    assert heading(choose(hosted, path, NEW_PASSWORD)) == "Your password has been changed"
    hosted.shop.log_in(password=NEW_PASSWORD)


def test_every_page_keeps_to_itself(hosted: Hosted):
    """No script or style of others, no frame, no copy anywhere, no address told to the next page."""
    path = hosted.send()
    answers = [
        hosted.client.get(path),
        choose(hosted, path, "short"),
        post(hosted, {}),
        hosted.client.get("/reset"),
        hosted.client.get("/reset?code=wrong"),
        hosted.client.request("POST", "/reset", b"{}", CONTENT_TYPE="application/json"),
    ]

    assert [answer.status for answer in answers] == [200, 422, 404, 404, 404, 415]
    for answer in answers:
        policy = (answer.header("Content-Security-Policy") or "").split("; ")
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "base-uri 'none'" in policy
        assert not any("unsafe" in each for each in policy)
        assert answer.header("Referrer-Policy") == "no-referrer"
        assert answer.header("Cache-Control") == "no-store"
        assert answer.header("X-Frame-Options") == "DENY"
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert answer.header("Permissions-Policy") is not None
        assert answer.header("Content-Language") == "en"
        page = answer.body.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script>", page)
        assert set(re.findall(r'(?:src|href|action)="([^"]*)"', page)) <= {
            "reset",
            "reset/static/icon.svg",
            "reset/static/reset.css",
            "reset/static/reset.js",
            "reset/colours/0f766e.css",
            "reset/colours/334155.css",
        }


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("http", r"gatehouse-form=[\w-]{43}; HttpOnly; Path=/; SameSite=Strict"),
        ("https", r"__Host-gatehouse-form=[\w-]{43}; Secure; HttpOnly; Path=/; SameSite=Strict"),
    ],
)
def test_the_cookie_of_the_form_is_as_narrow_as_can_be(hosted: Hosted, scheme: str, expected: str):
    """No script reads it, no other site sends it, and with https no other host sets it."""
    (cookie,) = hosted.client.get(hosted.send(), **{"wsgi.url_scheme": scheme}).cookies

    assert re.fullmatch(expected, cookie)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_form_that_is_not_ours_changes_nothing(hosted: Hosted, scheme: str):
    """The token is in the form and in the browser's cookie; then the same page asks once more, and works."""
    opened = hosted.client.get(hosted.send(), **{"wsgi.url_scheme": scheme})
    fields, cookie = inputs_of(opened) | {"new_password": NEW_PASSWORD}, cookie_of(opened)
    name = cookie.partition("=")[0]
    before = hosted.shop.present_account().password_hash

    for wrong, sent in (
        (fields, ""),
        (fields | {"csrf_token": ""}, cookie),
        (fields | {"csrf_token": ""}, f"{name}="),
        (fields | {"csrf_token": "é"}, cookie),
        (fields | {"csrf_token": "A" * 43}, cookie),
        (fields | {"csrf_token": "short"}, f"{name}=short"),
        ({each: value for each, value in fields.items() if each != "csrf_token"}, cookie),
        (fields | {"action": "send"}, ""),
    ):
        answer = post(hosted, wrong, sent, **{"wsgi.url_scheme": scheme})
        assert answer.status == 403
        assert "This page was out of date, so nothing was changed." in html.unescape(answer.body.decode())
        assert NEW_PASSWORD not in html.unescape(answer.body.decode())
    assert hosted.shop.present_account().password_hash == before
    if scheme == "https":
        # The cookie without the prefix may be another host's.
        plain = cookie.removeprefix("__Host-")
        assert post(hosted, fields, plain, **{"wsgi.url_scheme": scheme}).status == 403
    again = inputs_of(answer) | {"new_password": NEW_PASSWORD}
    assert post(hosted, again, cookie_of(answer), **{"wsgi.url_scheme": scheme}).status == 200


@pytest.mark.parametrize(
    "code",
    ["with blank + plus", "100% <b>&amp;\"'", "line\nend\r\nend", "zero\x00byte", "ключ-🔑-code", "../../etc?a=b&c#d"],
)
def test_a_code_may_hold_any_character(hosted: Hosted, code: str):
    """A partner chooses its own; the form brings it back as it was."""
    answer = choose(hosted, hosted.send(code), NEW_PASSWORD)

    assert (answer.status, heading(answer)) == (200, "Your password has been changed")


@pytest.mark.parametrize(
    "password",
    [
        " \t quiet otters ",
        "<script>&\"'%41+",
        "пароль-длинный",
        "🔑🐎🔋📎🐙🧭🎻🪁",
        "+++===%%%quiet",
    ],
)
def test_a_password_is_taken_as_it_is_sent(hosted: Hosted, password: str):
    """Not trimmed, not decoded twice, not normalised to something else than at the login."""
    assert choose(hosted, hosted.send(), password).status == 200
    hosted.shop.log_in(password=password)


def test_a_password_that_could_not_be_sent_elsewhere_is_refused(hosted: Hosted):
    """Neither SOAP nor JSON takes a zero byte, so its owner could never log in with it."""
    answer = choose(hosted, hosted.send(), "zero\x00byte-quiet")

    assert answer.status == 422
    assert "has a character that cannot be used when you log in" in answer.body.decode()


def test_a_password_of_the_longest_kind_is_taken(hosted: Hosted):
    """1,024 bytes, which the form triples; one more is refused with its reason."""
    hosted.shop.set_merchant(password_max_length=1024)
    longest = "quiet otters 🔑" + "x7!yz" * 400
    longest = longest.encode()[:1024].decode()
    path = hosted.send()

    assert "too long" in choose(hosted, path, longest + "x").body.decode()
    assert choose(hosted, path, longest).status == 200
    hosted.shop.log_in(password=longest)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"code=a", "multipart/form-data; boundary=x", 415),
        (b"code=a", None, 415),
        (b"new_password=%ff%fe", FORM, 400),
        (b"new_password=\xff\xfe", FORM, 400),
        (b"code=%25ff", FORM, 400),
        (b"&".join(b"a=b" for _ in range(30)), FORM, 400),
        (b"new_password=" + b"a" * 20_000, FORM, 413),
    ],
)
def test_a_body_that_is_no_form_of_ours_is_refused_calmly(
    hosted: Hosted, body: bytes, content_type: str | None, status: int
):
    """With a page of the same look, and nothing of what was sent in it."""
    answer = hosted.client.request("POST", "/reset", body, CONTENT_TYPE=content_type)

    assert (answer.status, heading(answer)) == (status, "Something went wrong")


@pytest.mark.parametrize(("method", "allowed"), [("PUT", "POST"), ("DELETE", "POST")])
def test_other_verbs_are_refused(hosted: Hosted, method: str, allowed: str):
    """A page is read or its form is sent."""
    answer = hosted.client.request(method, "/reset")

    assert answer.status == 405
    assert allowed in (answer.header("Allow") or "")


def test_states_have_their_status(hosted: Hosted):
    """A tool, such as a checker of links, understands them as well."""
    path = hosted.send()
    assert hosted.client.get(path).status == 200
    hosted.shop.clock.advance(minutes=59)
    assert hosted.client.get(path).status == 200
    hosted.shop.clock.advance(minutes=1)
    assert (hosted.client.get(path).status, heading(hosted.client.get(path))) == (410, "This link has expired")

    path = hosted.send("another code")
    assert choose(hosted, path, NEW_PASSWORD).status == 200
    assert (hosted.client.get(path).status, heading(hosted.client.get(path))) == (410, "This link has been used")
    assert hosted.client.get("/reset?code=a-partner%27s+code+of+their+own").status == 404


def test_a_code_works_once(hosted: Hosted):
    """A form that was sent twice sets one password."""
    opened = hosted.client.get(hosted.send())
    fields, cookie = inputs_of(opened), cookie_of(opened)

    assert post(hosted, fields | {"new_password": NEW_PASSWORD}, cookie).status == 200
    answer = post(hosted, fields | {"new_password": "another new password"}, cookie)

    assert (answer.status, heading(answer)) == (410, "This link has been used")
    hosted.shop.log_in(password=NEW_PASSWORD)


def test_a_merchant_with_a_page_of_its_own_is_not_served_here(hosted: Hosted):
    """Its partner checks the codes itself."""
    path = hosted.send()
    hosted.shop.set_merchant(reset_page="https://shop.example.com/reset")

    assert hosted.client.get(path).status == 404


def test_asking_again_is_bounded_and_tells_nothing(hosted: Hosted):
    """Four links in an hour to one mailbox, however often the button is pressed, and always the same answer."""
    path = hosted.send()
    answers = []
    for _ in range(6):
        opened = hosted.client.get(path)
        hosted.shop.clock.advance(minutes=1)
        with sqlite3.connect(hosted.shop.core.database.engine.url.database or "") as other:
            other.execute("UPDATE reset_codes SET expires_at = created_at")
        other.close()
        opened = hosted.client.get(path)
        answers.append(post(hosted, inputs_of(opened) | {"action": "send"}, cookie_of(opened)))
        path = hosted.shop.messages("reset_code")[-1].content["link"].removeprefix("http://127.0.0.1:8080")

    assert [(answer.status, heading(answer)) for answer in answers] == [(200, "Check your e-mail")] * 6
    assert len(hosted.shop.messages("reset_code")) == hosted_reset.MAX_LINKS
    unknown = hosted.client.get("/reset")
    answer = post(
        hosted,
        inputs_of(unknown) | {"csrf_token": cookie_of(unknown).partition("=")[2], "action": "send"},
        cookie_of(unknown),
    )
    assert heading(answer) == "Check your e-mail"
    hosted.shop.clock.advance(minutes=61)
    opened = hosted.client.get(path)
    post(hosted, inputs_of(opened) | {"action": "send"}, cookie_of(opened))
    assert len(hosted.shop.messages("reset_code")) == hosted_reset.MAX_LINKS + 1


def test_a_link_that_works_is_not_replaced_by_another(hosted: Hosted):
    """Who holds a link may not make mails with it as long as it is good."""
    opened = hosted.client.get(hosted.send())

    post(hosted, inputs_of(opened) | {"action": "send"}, cookie_of(opened))

    assert len(hosted.shop.messages("reset_code")) == 1


def test_guesses_of_partners_codes_are_bounded(hosted: Hosted):
    """By their source first; links of ours, which nobody can guess, are never refused, old ones neither."""
    path = hosted.send()
    for number in range(hosted_reset.MAX_WRONG_OF_NETWORK):
        assert hosted.client.get(f"/reset?code=guess-{number}").status == 404
    for answer in (hosted.client.get("/reset?code=guess"), hosted.client.get(path), post(hosted, {"code": "guess"})):
        assert answer.status == 429
        assert answer.header("Retry-After") == "900"
    assert hosted.client.get("/reset?code=" + "A" * 32).status == 404
    assert hosted.client.get(path, REMOTE_ADDR="192.0.2.8").status == 200

    for source in range(hosted_reset.MAX_WRONG_OF_ALL // hosted_reset.MAX_WRONG_OF_NETWORK):
        for number in range(hosted_reset.MAX_WRONG_OF_NETWORK):
            hosted.client.get(f"/reset?code=guess-{number}", REMOTE_ADDR=f"2001:db8:{source}::{number}")
    assert hosted.client.get(path, REMOTE_ADDR="192.0.2.8").status == 429
    hosted.shop.clock.advance(minutes=15)
    assert hosted.client.get(path).status == 200


def test_trouble_is_told_calmly_and_logged_without_what_was_sent(hosted: Hosted, caplog, monkeypatch):
    """A database that is away is 503 with a time to wait; a bug is 500; neither writes code or password down."""
    caplog.set_level(logging.DEBUG)
    path = hosted.send("the-partners-code")
    opened = hosted.client.get(path)
    fields = inputs_of(opened) | {"new_password": NEW_PASSWORD}
    file = hosted.shop.core.database.engine.url.database or ""
    with sqlite3.connect(file) as other:
        other.execute("ALTER TABLE reset_codes RENAME TO away")
    other.close()
    for answer in (hosted.client.get(path), post(hosted, fields, cookie_of(opened))):
        assert (answer.status, heading(answer)) == (503, texts("en")["unavailable_title"])
        assert answer.header("Retry-After") == "30"
    monkeypatch.setattr(hosted_reset, "open_page", lambda call, code: 1 / 0)
    answer = post(hosted, fields, cookie_of(opened))

    assert (answer.status, heading(answer)) == (500, "Something went wrong")
    assert "ZeroDivisionError" in caplog.text
    assert answer.header("X-Request-Id") in caplog.text
    for secret in ("the-partners-code", "quiet", "otters", cookie_of(opened).partition("=")[2]):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("de", "de"),
        ("ja, fr;q=0.5", "fr"),
        ("pt-BR, *;q=0.1", "es"),
        ("en;q=0, de;q=0.1", "de"),
        ("x" * 500, "es"),
        ("", "es"),
    ],
)
def test_the_language_is_the_browsers_else_the_merchants(hosted: Hosted, accepted: str, expected: str):
    """`*` means no language of ours in particular."""
    hosted.shop.set_merchant(language="es")

    answer = hosted.client.get(hosted.send(), headers={"Accept-Language": accepted})

    assert answer.header("Content-Language") == expected


def test_the_colours_are_a_style_sheet(hosted: Hosted):
    """So that the page needs no style of its own; only colours are taken."""
    answer = hosted.client.get("/reset/colours/0f766e.css")

    assert answer.header("Content-Type") == "text/css; charset=utf-8"
    assert b"--brand: #0f766e; --on-brand: #ffffff;" in answer.body
    for wrong in ("0F766E", "red", "0f766e;", "%7d%7d"):
        assert hosted.client.get(f"/reset/colours/{wrong}.css").status == 404
