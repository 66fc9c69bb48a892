"""Tests of delivery/smtp.py against a real mail server, with and without TLS."""

import logging

import pytest

from gatehouse.config import read_settings
from gatehouse.delivery import smtp
from gatehouse.delivery.channels import DeliveryError, PermanentDeliveryError
from gatehouse.delivery.smtp import SmtpChannel
from gatehouse.delivery.templates import RenderedMessage
from tests.factories import NOON
from tests.integration.delivery.mail_servers import PASSWORD, USER, server_context, serving

SECRET_KEY = "0123456789abcdef0123456789abcdef"
LOGIN = f"{USER}:{PASSWORD.replace(' ', '%20')}"


@pytest.fixture
def open_channel():
    """A function that opens the channel of a URL; it is closed after the test."""
    opened = []

    def open_one(url):
        settings = read_settings({"GATEHOUSE_SECRET_KEY": SECRET_KEY, "GATEHOUSE_MAIL_URL": url})
        opened.append(SmtpChannel(settings.mail_url, "Acme <no-reply@example.com>"))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def rendered(number=1, recipient="jane@example.com", **parts):
    """Return a message with sensible parts."""
    values = {"subject": "Hello", "text": "A text.\n", "html": "<p>A text.</p>\n"} | parts
    return RenderedMessage(number=number, created_at=NOON, recipient=recipient, **values)


def test_mail_arrives_with_its_headers_and_both_parts(mailbox, mail_port, open_channel):
    """As a mail program shows it."""
    open_channel(f"smtp://127.0.0.1:{mail_port}").deliver(
        rendered(7, subject="Grüße", text="Zwölf\n.\n..zwei\n", html="<p>Zwölf</p>\n")
    )

    [(recipient, mail)] = mailbox.mails
    assert recipient == "jane@example.com"
    assert mail["From"] == "Acme <no-reply@example.com>"
    assert mail["To"] == "jane@example.com"
    assert mail["Subject"] == "Grüße"
    assert mail["Message-ID"] == "<20260301120000000000.7@example.com>"
    assert mail.get_body(("plain",)).get_content() == "Zwölf\n.\n..zwei\n"
    assert mail.get_body(("html",)).get_content() == "<p>Zwölf</p>\n"


def test_many_mails_go_over_one_connection(mailbox, mail_port, open_channel):
    """A connection takes longer than a mail."""
    channel = open_channel(f"smtp://127.0.0.1:{mail_port}")
    for number in range(30):
        channel.deliver(rendered(number))

    assert len(mailbox.mails) == 30
    assert mailbox.greetings == 1


def test_refused_mail_leaves_the_connection_for_the_next(mailbox, mail_port, open_channel):
    """One bad address does not cost the others a connection."""
    mailbox.answer_to_recipient = lambda recipient: (
        "550 5.1.1 <jane@example.com> is unknown" if "jane" in recipient else None
    )
    channel = open_channel(f"smtp://127.0.0.1:{mail_port}")

    with pytest.raises(PermanentDeliveryError, match=r"^the mail server refused it: RCPT 550 5\.1\.1$"):
        channel.deliver(rendered())
    channel.deliver(rendered(2, "joe@example.com"))

    assert mailbox.recipients == {"joe@example.com": 1}
    assert mailbox.greetings == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("554 5.7.1 looks like spam", PermanentDeliveryError),
        ("552 5.2.2 mailbox full", PermanentDeliveryError),
        ("451 4.3.0 try later", DeliveryError),
        ("421 4.3.2 closing", DeliveryError),
        ("530 5.7.0 authentication required", DeliveryError),
    ],
)
@pytest.mark.parametrize("rule", ["answer_to_recipient", "answer_to_mail"])
def test_refusal_is_permanent_or_passing(mailbox, mail_port, open_channel, rule, answer, kind):
    """What the settings can put right is passing; nothing of the server's text is passed on."""
    setattr(mailbox, rule, lambda _: answer)

    with pytest.raises(DeliveryError) as raised:
        open_channel(f"smtp://127.0.0.1:{mail_port}").deliver(rendered())

    assert type(raised.value) is kind
    assert answer[:3] in str(raised.value)
    assert answer.split(" ", 2)[2] not in str(raised.value)


def test_connection_that_ended_while_it_rested_is_opened_again(mailbox, open_channel):
    """A server ends one that rests; no mail should wait for that."""
    with serving(mailbox) as port:
        channel = open_channel(f"smtp://127.0.0.1:{port}")
        channel.deliver(rendered(1))
    with serving(mailbox, port):
        channel.deliver(rendered(2))

    assert len(mailbox.mails) == 2


def test_server_that_is_down_is_a_passing_failure(mailbox, open_channel):
    """It will be back."""
    with serving(mailbox) as port:
        pass

    with pytest.raises(DeliveryError, match=r"failed \(ConnectionRefusedError\)") as raised:
        open_channel(f"smtp://127.0.0.1:{port}").deliver(rendered())
    assert type(raised.value) is DeliveryError


def test_server_that_hangs_is_left_after_the_timeout(mailbox, mail_port, open_channel, monkeypatch):
    """Otherwise the worker would hang with it."""
    mailbox.hangs_for = "jane@example.com"
    channel = open_channel(f"smtp://127.0.0.1:{mail_port}")

    with monkeypatch.context() as impatient:
        impatient.setattr(smtp, "TIMEOUT", 0.3)
        with pytest.raises(DeliveryError, match=r"the mail server|failed"):
            channel.deliver(rendered())
    # A busy machine may take its time for what does not hang.
    channel.deliver(rendered(2, "joe@example.com"))

    assert mailbox.recipients == {"joe@example.com": 1}


def test_starttls_and_login_with_a_trusted_certificate(mailbox, certificate, trusted, open_channel):
    """The login crosses the network encrypted."""
    tls = server_context(certificate)
    with serving(mailbox, tls_context=tls, require_starttls=True, authenticator=mailbox.authenticate) as port:
        channel = open_channel(f"smtp://{LOGIN}@127.0.0.1:{port}?starttls=always")
        channel.deliver(rendered())
        channel.close()

    assert mailbox.logins == [(USER.encode(), PASSWORD.encode(), True)]
    assert mailbox.recipients == {"jane@example.com": 1}


def test_implicit_tls_and_login(mailbox, certificate, trusted, open_channel):
    """As on port 465."""
    options = {"authenticator": mailbox.authenticate, "auth_require_tls": False}
    with serving(mailbox, implicit_tls=server_context(certificate), **options) as port:
        channel = open_channel(f"smtps://{LOGIN}@127.0.0.1:{port}")
        channel.deliver(rendered())
        channel.close()

    assert len(mailbox.logins) == 1
    assert mailbox.recipients == {"jane@example.com": 1}


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_certificate_that_is_not_trusted_ends_it_before_the_login(mailbox, certificate, open_channel, scheme):
    """Somebody in between could have made one."""
    tls = server_context(certificate)
    options = {"implicit_tls": tls} if scheme == "smtps" else {"tls_context": tls}
    with (
        serving(mailbox, authenticator=mailbox.authenticate, **options) as port,
        pytest.raises(DeliveryError, match=r"certificate|SSLCertVerificationError"),
    ):
        open_channel(f"{scheme}://{LOGIN}@127.0.0.1:{port}").deliver(rendered())

    assert mailbox.logins == []
    assert mailbox.mails == []


def test_no_mail_and_no_login_goes_without_the_tls_that_was_asked_for(mailbox, open_channel):
    """Somebody in between could have taken the offer away."""
    with (
        serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as port,
        pytest.raises(DeliveryError, match="does not offer STARTTLS"),
    ):
        open_channel(f"smtp://{LOGIN}@127.0.0.1:{port}?starttls=always").deliver(rendered())

    assert mailbox.logins == []
    assert mailbox.mails == []


def test_wrong_login_is_a_passing_failure_that_shows_no_password(mailbox, open_channel, caplog):
    """An operator can put it right within 24 hours; logs are read by others."""
    caplog.set_level(logging.DEBUG)
    with serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as port:
        channel = open_channel(f"smtp://{USER}:hunter2hunter2@127.0.0.1:{port}?starttls=never")
        with pytest.raises(DeliveryError, match=r"^the mail server refused the login: 535$") as raised:
            channel.deliver(rendered())

    assert type(raised.value) is DeliveryError
    assert raised.value.__cause__ is None
    assert "hunter2" not in caplog.text + repr(channel._server)


def test_address_beyond_ascii_arrives(mailbox, mail_port, open_channel):
    """Its domain in IDNA, its local part in UTF-8."""
    channel = open_channel(f"smtp://127.0.0.1:{mail_port}")
    channel.deliver(rendered(1, "jane@bücher.example"))
    channel.deliver(rendered(2, "jörg@example.com"))

    assert mailbox.recipients == {"jane@xn--bcher-kva.example": 1, "jörg@example.com": 1}


@pytest.mark.parametrize("recipient", ["jane@example.com\r\nBcc: joe@example.com", "jane", "@example.com", "a@b>c"])
def test_recipient_that_is_no_address_is_refused_for_good(mailbox, mail_port, open_channel, recipient):
    """It could add commands or headers."""
    with pytest.raises(PermanentDeliveryError):
        open_channel(f"smtp://127.0.0.1:{mail_port}").deliver(rendered(1, recipient))

    assert mailbox.mails == []


def test_long_lines_are_encoded(mailbox, mail_port, open_channel):
    """A server may cut a line after 998 bytes, and with it a link."""
    link = "https://example.com/" + "a" * 3000
    open_channel(f"smtp://127.0.0.1:{mail_port}").deliver(rendered(text=f"{link}\n", html=f"<p>{link}</p>\n"))

    [(_, mail)] = mailbox.mails
    assert mail.get_body(("plain",)).get_content() == f"{link}\n"


def test_check_connects_and_logs_in_and_sends_nothing(mailbox, open_channel):
    """What doctor does."""
    with serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as port:
        open_channel(f"smtp://{LOGIN}@127.0.0.1:{port}").check()
        with pytest.raises(DeliveryError):
            open_channel(f"smtp://{USER}:wrong@127.0.0.1:{port}").check()

    assert {login[1] for login in mailbox.logins} == {PASSWORD.encode(), b"wrong"}
    assert mailbox.mails == []
