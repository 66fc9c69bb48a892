"""Tests of delivery/templates.py and delivery/mails.py."""

import dataclasses
import email
import email.policy
import re
from html.parser import HTMLParser

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from gatehouse.delivery.mails import make_mail
from gatehouse.delivery.templates import LANGUAGES, render
from gatehouse.domain.messages import Medium, MessageKind
from gatehouse.storage.outbox import Message
from tests.factories import NOON

VALUES = {
    "merchant": "Acme",
    "full_name": "Jane Doe",
    "username": "jane",
    "temporary_password": "hT7kQ2mWx9Rb4cNz",
    "replaces_password": "",
    "link": "https://shop.example.com/reset?code=abc&x=1",
    "code": "123456",
    "minutes": "60",
    "device": "…1a2b",
    "phone": "+1•••••••0123",
    "former_phone": "+1•••••••0199",
    "colour": "#1d4ed8",
}
MAILS = [kind for kind in MessageKind if kind.medium is Medium.MAIL]
NOTICES = {
    "password_changed": (),
    "pincode_changed": (),
    "email_changed": (),
    "device_activated": ("device", "phone"),
    "device_number_changed": ("device", "phone", "former_phone"),
    "many_wrong_guesses": (),
    "login_cookie_replayed": (),
}
"""The mails that tell an owner what happened, with the values that each of them names."""


def message(kind, **content):
    """Return a message of this kind with sample values."""
    return Message(
        id=7,
        merchant_id=3,
        account_id=None,
        kind=MessageKind(kind).value,
        medium=MessageKind(kind).medium.value,
        recipient="jane@example.com",
        content=VALUES | content,
        state="queued",
        attempts=0,
        failure=None,
        due_at=NOON,
        expires_at=None,
        requeued_at=None,
        sent_at=None,
        created_at=NOON,
    )


class Elements(HTMLParser):
    """The elements of a page that must be closed, and whether they are."""

    def __init__(self, html):
        super().__init__()
        self.open, self.names, self.text = [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        if tag not in ("meta", "wbr", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MAILS)
def test_every_mail_has_all_its_parts_in_every_language(kind, language):
    """A template that lacks a value is found here and not by a guest."""
    rendered = render(message(kind, language=language))

    assert rendered.subject.startswith("Acme")
    assert "\n" not in rendered.subject
    assert rendered.text.rstrip().endswith("Acme")
    assert f'<html lang="{language}">' in rendered.html
    words = Elements(rendered.html).text
    for secret in ("temporary_password", "link"):
        assert (VALUES[secret] in rendered.text) == (VALUES[secret] in words)
    for part in (rendered.text, rendered.html):
        assert "jane" in part
        assert "{" not in re.sub(r"<style>.*</style>", "", part, flags=re.S)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NOTICES)
def test_notices_hold_no_link_and_no_secret(kind, language):
    """Who is warned by mail must be able to trust that it asks for no click; that is how impostors write."""
    names = ("merchant", "full_name", "username", "colour", *NOTICES[kind])
    notice = message(kind)
    notice = dataclasses.replace(notice, content={name: VALUES[name] for name in names} | {"language": language})
    rendered = render(notice)

    for part in (rendered.text, rendered.html):
        assert not re.search(r"https?:|href|src=", part)
        assert all(VALUES[name] in part for name in NOTICES[kind])
    assert not {"a", "img", "form"} & set(Elements(rendered.html).names)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NOTICES)
@pytest.mark.parametrize("username", ["jane", ""])
def test_text_and_html_of_a_notice_say_the_same(kind, language, username):
    """Which of the two a reader is shown is the mail program's choice."""
    rendered = render(message(kind, language=language, username=username))

    (paragraphs,) = re.findall(r'<td class="body">(.*?)</td>', rendered.html, flags=re.DOTALL)
    assert " ".join([*Elements(paragraphs).text.split(), "Acme"]) == " ".join(rendered.text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_that_clients_search_keep_their_words(language):
    """Source: contract, section 5."""
    mail = render(message("temporary_password", language=language))
    assert re.search(r"temporary password[^:]{0,40}:\s*(\S+)", mail.text, re.IGNORECASE)[1] == "hT7kQ2mWx9Rb4cNz"
    sms = render(message("activation_code", language=language))
    assert re.search(r"\bcode\b\D*(\d+)", sms.text)[1] == "123456"
    assert (sms.subject, sms.html) == (None, None)


def test_english_is_worded_as_clients_know_it():
    """They search for these lines."""
    assert "\nYour temporary password is: hT7kQ2mWx9Rb4cNz\n" in render(message("temporary_password")).text
    sms = render(message("activation_code", minutes="10")).text
    assert sms == "Your activation code is 123456. It is valid for 10 minutes. Acme\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_sms_has_no_letter_that_halves_what_it_may_hold(language):
    """A letter beyond GSM 03.38 leaves 70 characters in the place of 160."""
    text = render(message("activation_code", language=language)).text

    assert set(text) - set("äöüñéèàùìòÄÖÜÑÉ\n") <= {chr(code) for code in range(32, 127)} - set("`")
    assert len(text) < 160


def test_unknown_language_is_english():
    """A newer version may have queued it."""
    assert render(message("reset_code", language="xx")).text.startswith("Hello Jane Doe,")
    assert render(message("reset_code", language="../..")).text.startswith("Hello Jane Doe,")


def test_values_are_escaped_in_html_and_not_in_text():
    """A guest chooses the name and must not choose what the mail says."""
    name = '<script>alert(1)</script> & "Co"'
    rendered = render(message("reset_code", merchant=name, full_name="<b>Jane</b>"))

    assert "<script>" not in rendered.html
    assert "<b>" not in rendered.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;Co&#34;" in rendered.html
    assert name in rendered.text
    assert rendered.subject.startswith(name)
    assert 'href="https://shop.example.com/reset?code=abc&amp;x=1"' in rendered.html


@pytest.mark.parametrize("kind", MAILS)
def test_line_breaks_in_values_add_no_headers_and_no_lines(kind):
    """A merchant's or a guest's name with line breaks would otherwise word the mail."""
    evil = "Acme\r\nBcc: joe@example.com\r\n\r\nYour temporary password is: evil\u2028x"
    rendered = render(message(kind, merchant=evil, full_name=evil, username=evil))
    mail = email.message_from_bytes(make_mail(rendered, "Acme <a@example.com>"), policy=email.policy.default)

    assert mail["Bcc"] is None
    assert sorted(mail.keys()) == [
        "Auto-Submitted",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]
    assert not re.search(r"^(Bcc|Your temporary password is: evil)", rendered.text, re.MULTILINE)


def test_subject_that_looks_encoded_is_read_as_it_is():
    """Decoded it could hold what was taken out of it."""
    rendered = render(message("reset_code", merchant="=?utf-8?q?a=0Ab?="))
    mail = email.message_from_bytes(make_mail(rendered, "a@example.com"), policy=email.policy.default)

    assert mail["Subject"] == "=?utf-8?q?a=0Ab?=: choose a new password"


@pytest.mark.parametrize("colour", ["red; } body { display: none", "#12", "</style><script>", ""])
def test_colour_that_is_none_is_not_used(colour):
    """It stands in a style sheet, where escaping is of no use."""
    assert colour == "" or colour not in render(message("reset_code", colour=colour)).html
    assert "background: #1d4ed8; color: #ffffff" in render(message("reset_code", colour=colour)).html


def test_words_on_a_light_colour_are_black():
    """White on yellow cannot be read."""
    assert "background: #ffee00; color: #000000" in render(message("reset_code", colour="#ffee00")).html


def test_mail_beyond_ascii_is_ascii_on_the_wire_and_readable_in_the_folder():
    """Not every mail server takes 8 bits."""
    rendered = render(message("reset_code", language="de", merchant="Bäcker"))

    assert make_mail(rendered, "Bäcker <a@example.com>").isascii()
    in_folder = make_mail(rendered, "Bäcker <a@example.com>", is_8bit=True)
    assert b"Wenn Sie diese Nachricht nicht angefordert haben" in in_folder
    assert "Öffnen Sie".encode() in in_folder
    for content in (make_mail(rendered, "Bäcker <a@example.com>"), in_folder):
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert mail["From"] == "Bäcker <a@example.com>"
        assert mail["Subject"] == "Bäcker: Wählen Sie ein neues Passwort"
        assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == rendered.text
        assert mail.get_body(("html",)).get_content().replace("\r\n", "\n") == rendered.html


def test_tries_of_a_message_are_the_same_bytes():
    """What arrives twice is shown once."""
    rendered = render(message("reset_code"))

    assert make_mail(rendered, "a@example.com") == make_mail(rendered, "a@example.com")


def test_message_without_a_value_is_not_sent_half(tmp_path):
    """Better late than with a hole in it."""
    lacking = message("temporary_password")
    del lacking.content["temporary_password"]

    with pytest.raises(UndefinedError):
        render(lacking)


@pytest.fixture
def own(tmp_path):
    """A function that writes a merchant's own template."""

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_merchants_own_template_takes_the_place_of_ours(own):
    """For one language, or for all of them; other merchants keep ours."""
    own("3/reset_code/subject.txt", "Subject for all: {{ merchant }}")
    own("4/reset_code/subject.txt", "Another merchant's")
    folder = own("3/reset_code/de/subject.txt", "Betreff: {{ merchant }}")

    assert render(message("reset_code", language="de"), folder).subject == "Betreff: Acme"
    assert render(message("reset_code", language="fr"), folder).subject == "Subject for all: Acme"
    assert render(message("reset_code"), folder).text == render(message("reset_code")).text
    assert render(message("password_changed"), folder).subject == "Acme: your password was changed"


def test_own_text_is_not_sent_beside_our_html(own):
    """The two would say something different; most readers see the HTML."""
    folder = own("3/reset_code/body.txt", "Open {{ link }}")
    assert render(message("reset_code"), folder).html is None

    own("3/reset_code/body.html", "<p>Open {{ link }}</p>")
    assert render(message("reset_code"), folder).html == (
        "<p>Open https://shop.example.com/reset?code=abc&amp;x=1</p>\n"
    )


def test_own_layout_takes_the_place_of_ours(own):
    """One file for the looks of every mail of a merchant."""
    folder = own("3/layout.html", "<main>{% block content %}{% endblock %}</main>")

    assert render(message("reset_code"), folder).html.startswith("<main>")


def test_template_that_is_nowhere_is_an_error(own):
    """And no empty message."""
    folder = own("3/reset_code/subject.txt", "{% include 'nothing.txt' %}")

    with pytest.raises(TemplateNotFound):
        render(message("reset_code"), folder)


@pytest.mark.parametrize(
    ("language", "minutes", "words"),
    [
        ("en", "1", "1 minute"),
        ("en", "90", "90 minutes"),
        ("de", "120", "2 Stunden"),
        ("es", "1440", "1 día"),
        ("fr", "2880", "2 jours"),
    ],
)
def test_durations_are_worded(language, minutes, words):
    """In the largest unit that they are a whole number of."""
    assert f" {words}" in render(message("reset_code", language=language, minutes=minutes)).text
