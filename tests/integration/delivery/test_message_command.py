"""Tests of `gatehouse message` and of what `gatehouse doctor` says of mail and SMS."""

import dataclasses
import json

import pytest
from click.testing import CliRunner

from gatehouse.cli.main import main
from gatehouse.delivery.worker import Worker
from gatehouse.domain.messages import MessageKind
from gatehouse.operations.core import utc_now
from gatehouse.operations.messages import resend_message
from tests.factories import SECRET_KEY


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    """A function that runs a command on the test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", database_url)
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", SECRET_KEY)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_list_is_paged_and_filtered(run, shop, queue):
    """An operator looks for what was abandoned."""
    now = utc_now()
    first, second = queue("a@example.com", "b@example.com", now=now)
    [third] = queue("c@example.com", now=now, state="abandoned", failure="refused")

    def numbers(*options):
        done = run("message", "list", "--json", *options)
        assert done.exit_code == 0, done.output
        return [each["messageNumber"] for each in json.loads(done.stdout)]

    assert numbers() == [first, second, third]
    assert numbers("--after", str(first)) == [second, third]
    assert numbers("--state", "abandoned") == [third]
    assert numbers("--merchant", str(shop.merchant.id)) == [first, second, third]
    assert "there is no merchant" in run("message", "list", "--merchant", "99").output


def test_show_has_the_history_and_neither_recipient_nor_content(run, shop, queue):
    """Who may run it need not know the guests."""
    [number] = queue("jane@example.com", now=utc_now(), content={"merchant": "Acme", "link": "https://secret"})

    done = run("message", "show", str(number), "--json")

    shown = json.loads(done.stdout)
    assert (shown["state"], shown["recipient"], shown["canBeResent"]) == ("queued", "j***@e***.com", False)
    assert [(step["state"], step["detail"]) for step in shown["history"]] == [("queued", None)]
    for output in (done.output, run("message", "show", str(number)).output):
        assert "secret" not in output
        assert "jane" not in output
    assert "no message" in run("message", "show", "99").output


def test_abandoned_message_is_sent_again(run, shop, queue, core, tmp_path):
    """When the mail server has been put right."""
    [number] = queue("jane@example.com", now=utc_now(), state="abandoned", attempts=9, failure="refused")

    done = run("message", "resend", str(number), "--json")

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["state"] == "queued"
    history = json.loads(run("message", "show", str(number), "--json").stdout)["history"]
    assert history[-1]["detail"] == "sent again by an operator"
    [row] = shop.messages()
    assert (row.attempts, row.requeued_at is None) == (0, False)


def test_message_that_cannot_be_sent_again_says_why(run, shop, queue):
    """A guest has to ask for a new one then."""
    now = utc_now()
    [queued] = queue("a@example.com", now=now)
    [wiped] = queue("b@example.com", now=now, state="abandoned", content=None)
    [expired] = queue("c@example.com", now=now, state="abandoned", expires_at=now)

    assert "only an abandoned one can be sent again" in run("message", "resend", str(queued)).output
    assert "its content was wiped" in run("message", "resend", str(wiped)).output
    assert "has expired" in run("message", "resend", str(expired)).output
    assert [row.state for row in shop.messages()] == ["queued", "abandoned", "abandoned"]


@pytest.mark.parametrize("kind", MessageKind)
def test_preview_shows_every_message(run, shop, kind):
    """As it would be sent, for a merchant or without any."""
    done = run("message", "preview", kind.value, "--language", "de", "--merchant", str(shop.merchant.id), "--json")

    shown = json.loads(done.stdout)
    assert shop.merchant.name in shown["text"]
    assert (shown["html"] is None) == (shown["medium"] == "sms")
    text = run("message", "preview", kind.value)
    assert text.exit_code == 0, text.output
    assert "Example Shop" in text.output
    html = run("message", "preview", kind.value, "--html")
    assert html.output.startswith("<!DOCTYPE html>") or "no HTML part" in html.output


def test_preview_tells_of_a_broken_template(run, tmp_path, monkeypatch):
    """Before a guest's mail waits for it."""
    folder = tmp_path / "own" / "0" / "reset_code"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("{{ nothing }}")
    monkeypatch.setenv("GATEHOUSE_TEMPLATES_DIR", str(tmp_path / "own"))

    done = run("message", "preview", "reset_code")

    assert done.exit_code == 1
    assert "'nothing' is undefined" in done.output


def test_doctor_connects_to_the_mail_server(run, mail_port, mailbox, monkeypatch):
    """And sends nothing; passwords are not shown."""
    monkeypatch.setenv("GATEHOUSE_MAIL_URL", f"smtp://127.0.0.1:{mail_port}")
    login = f"AC{'0' * 32}:{'hunter2x' * 4}"
    monkeypatch.setenv("GATEHOUSE_SMS_URL", f"twilio://{login}@12015550100/{{to}}")
    done = run("doctor")
    assert "ok   mail server: answers" in done.output
    assert "ok   SMS gateway: Apprise knows it" in done.output
    assert "hunter2" not in done.output

    monkeypatch.setenv("GATEHOUSE_MAIL_URL", f"smtp://jane:hunter2@127.0.0.1:{mail_port}?starttls=always")
    monkeypatch.setenv("GATEHOUSE_SMS_URL", "nonsense://hunter2@{to}")
    done = run("doctor")
    assert done.exit_code == 1
    assert "fail mail server: the mail server does not offer STARTTLS" in done.output
    assert "fail SMS gateway: GATEHOUSE_SMS_URL is no URL that Apprise knows" in done.output
    assert "hunter2" not in done.output
    assert mailbox.mails == []


def test_message_that_was_sent_again_has_24_hours_of_its_own(run, shop, queue, core, tmp_path):
    """It was abandoned because they had passed."""
    now = core.now()
    [number] = queue("jane@example.com", now=now.replace(year=2025), state="abandoned", failure="refused")
    resend_message(shop.call(), number)
    blocked = tmp_path / "file"
    blocked.write_text("")
    settings = dataclasses.replace(core.settings, mail_url=blocked / "mail", sms_url=tmp_path / "sms")
    Worker(dataclasses.replace(core, settings=settings)).run_once()

    assert shop.messages()[0].state == "queued"
