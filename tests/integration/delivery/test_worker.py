"""Tests of delivery/worker.py and delivery/lane.py on both databases, with real channels."""

import dataclasses
import http.server
import json
import threading
import time
from collections import Counter

import pytest

from gatehouse.config import MailServer, SmsGateway
from gatehouse.delivery import smtp
from gatehouse.delivery.lane import BROKEN_OFF_AFTER
from gatehouse.delivery.worker import Worker
from gatehouse.domain.codes import ReturnCode
from gatehouse.operations import devices
from gatehouse.operations.core import utc_now
from gatehouse.operations.messages import show_message
from gatehouse.operations.removal import Remover
from gatehouse.storage import outbox
from tests.integration.delivery.mail_servers import serving


@pytest.fixture
def make_worker(core):
    """A function that makes a worker with these settings; its connections are closed after the test."""
    made = []

    def make(**settings):
        now = settings.pop("now", core.now)
        made.append(Worker(dataclasses.replace(core, settings=dataclasses.replace(core.settings, **settings), now=now)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def stopped_soon(monkeypatch):
    """A worker that stops does not wait long for what hangs."""
    monkeypatch.setattr("gatehouse.delivery.worker._STOPPED_WITHIN", 0.3)


@pytest.fixture
def patient_channel(monkeypatch):
    """A channel that waits for a mail server for longer than a lane does, and than any test here."""
    monkeypatch.setattr(smtp, "TIMEOUT", 100)


@pytest.fixture
def worker(make_worker, mail_port):
    """A worker that hands mails to the mail server of the test."""
    return make_worker(mail_url=MailServer(host="127.0.0.1", port=mail_port))


@pytest.fixture
def gateway():
    """An HTTP gateway for SMS: what it was given, and with which status it answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.given.append((body["number"], body["message"]))
            self.send_response(self.server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.given, server.status = [], 200
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def history(shop, number):
    """Return state and detail of each step of a message."""
    return [(step.state, step.detail) for step in show_message(shop.call(), number)[1]]


def drain(worker):
    """Deliver all that is due."""
    while worker.run_once():
        pass


def test_sent_message_is_wiped_and_keeps_its_history(shop, queue, worker, mailbox):
    """The record stays, what was secret goes."""
    [number] = queue("jane@example.com")

    assert worker.run_once() == 1

    [row] = shop.messages()
    assert (row.state, row.content, row.failure, row.sent_at) == ("sent", None, None, shop.clock())
    assert history(shop, number) == [("queued", None), ("sending", None), ("sent", None)]
    assert mailbox.recipients == {"jane@example.com": 1}
    assert worker.run_once() == 0


def test_permanent_refusal_abandons_at_once_and_holds_up_nobody(shop, queue, worker, mailbox):
    """To try it again would be refused again."""
    mailbox.answer_to_recipient = lambda recipient: "550 5.1.1 unknown" if recipient.startswith("bad") else None
    numbers = queue("a@example.com", "bad@example.com", "b@example.com", "no address", "c@example.com")

    drain(worker)

    assert [row.state for row in shop.messages()] == ["sent", "abandoned", "sent", "abandoned", "sent"]
    assert history(shop, numbers[1])[-1] == ("abandoned", "the mail server refused it: RCPT 550 5.1.1")
    assert history(shop, numbers[3])[-1] == ("abandoned", "the recipient is not an address")
    assert mailbox.recipients == {"a@example.com": 1, "b@example.com": 1, "c@example.com": 1}


def test_passing_refusal_is_tried_again_within_seconds(shop, queue, worker, mailbox):
    """A short outage costs a guest nothing."""
    mailbox.answer_to_mail = lambda _: "451 4.3.0 try later"
    [number] = queue("jane@example.com")
    worker.run_once()
    mailbox.answer_to_mail = lambda _: None

    assert worker.run_once() == 0
    shop.clock.advance(seconds=2.6)
    assert worker.run_once() == 1

    failure = "the mail server does not take it now: DATA 451 4.3.0"
    assert history(shop, number) == [
        ("queued", None),
        ("sending", None),
        ("queued", failure),
        ("sending", None),
        ("sent", None),
    ]
    assert mailbox.recipients == {"jane@example.com": 1}


def test_server_that_was_down_gets_each_mail_once(shop, queue, make_worker, mailbox):
    """Nothing lost, nothing doubled."""
    with serving(mailbox) as port:
        pass
    worker = make_worker(mail_url=MailServer(host="127.0.0.1", port=port))
    recipients = [f"guest-{number}@example.com" for number in range(25)]
    queue(*recipients)
    for _ in range(4):
        drain(worker)
        shop.clock.advance(seconds=20)
    assert {row.state for row in shop.messages()} == {"queued"}

    with serving(mailbox, port):
        shop.clock.advance(minutes=1)
        drain(worker)

    assert {row.state for row in shop.messages()} == {"sent"}
    assert mailbox.recipients == dict.fromkeys(recipients, 1)


def test_message_is_given_up_visibly_after_24_hours(shop, queue, worker, mailbox):
    """Not before, because a mail server may be down for a night."""
    mailbox.answer_to_mail = lambda _: "451 4.3.0 try later"
    [number] = queue("jane@example.com")
    drain(worker)
    shop.clock.advance(hours=23, minutes=59)
    drain(worker)
    assert shop.messages()[0].state == "queued"

    shop.clock.advance(minutes=20)
    drain(worker)

    assert history(shop, number)[-1] == ("abandoned", "the mail server does not take it now: DATA 451 4.3.0")


def test_message_whose_purpose_has_expired_is_not_sent_late(shop, queue, worker, mailbox):
    """A code that is no longer valid would only confuse; and it is wiped at once."""
    [number] = queue("jane@example.com", expires_at=shop.clock())

    worker.run_once()

    assert history(shop, number)[-1] == ("abandoned", "expired")
    assert shop.messages()[0].content is None
    assert mailbox.mails == []


def test_content_of_an_abandoned_message_is_wiped_in_time(shop, queue, worker, mailbox):
    """For a day an operator may have it sent again, unless what it brings expires before."""
    mailbox.answer_to_recipient = lambda _: "550 5.1.1 unknown"
    queue("a@example.com")
    queue("b@example.com", expires_at=shop.core.now().replace(minute=30))
    drain(worker)

    Remover(shop.core).remove_old()
    assert [row.content is None for row in shop.messages()] == [False, False]
    shop.clock.advance(minutes=30)
    Remover(shop.core).remove_old()
    assert [row.content is None for row in shop.messages()] == [False, True]
    shop.clock.advance(hours=24)
    Remover(shop.core).remove_old()
    assert [row.content is None for row in shop.messages()] == [True, True]


def test_message_that_cannot_be_worded_holds_up_nobody(shop, queue, worker, mailbox):
    """A fault of ours in one message is tried again, and named without its values."""
    queue("a@example.com", content={"merchant": "Acme"})
    queue("b@example.com")

    drain(worker)

    assert [row.state for row in shop.messages()] == ["queued", "sent"]
    assert shop.messages()[0].failure.startswith("UndefinedError at ")


def test_several_workers_send_each_message_once(shop, queue, make_worker, mailbox, mail_port):
    """On one machine or on many: the database picks who sends."""
    recipients = [f"guest-{number}@example.com" for number in range(200)]
    queue(*recipients)
    stop = threading.Event()
    workers = [make_worker(mail_url=MailServer(host="127.0.0.1", port=mail_port)) for _ in range(4)]
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in workers]
    for thread in threads:
        thread.start()
    # The last ones are noted a moment after they arrived, and who stops before that breaks them off.
    wait_until(lambda: all(row.state == "sent" for row in shop.messages()))
    stop.set()
    for thread in threads:
        thread.join()

    assert mailbox.recipients == dict.fromkeys(recipients, 1)
    assert Counter(row.state for row in shop.messages()) == {"sent": 200}


@pytest.mark.usefixtures("patient_channel")
def test_slow_message_does_not_hold_up_the_others(shop, queue, make_worker, mailbox, mail_port, tmp_path):
    """Neither those behind it in the outbox, nor those that were claimed together with it, nor SMS."""
    mailbox.hangs_for = "slow@example.com"
    now = utc_now()
    recipients = [f"guest-{number}@example.com" for number in range(40)]
    queue(*recipients[:10], "slow@example.com", *recipients[10:], now=now)
    queue(
        "+12015550123",
        now=now,
        kind="activation_code",
        medium="sms",
        content={"merchant": "Acme", "code": "1", "minutes": "5"},
    )
    worker = make_worker(mail_url=MailServer(host="127.0.0.1", port=mail_port), sms_url=tmp_path / "sms", now=utc_now)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        wait_until(
            lambda: len(mailbox.mails) >= len(recipients) and list((tmp_path / "sms").glob("*.txt")),
            seconds=BROKEN_OFF_AFTER - 5,
        )
        assert mailbox.recipients == dict.fromkeys(recipients, 1)
        # The last of them is noted a moment after it arrived.
        wait_until(lambda: [row.recipient for row in shop.messages() if row.state != "sent"] == ["slow@example.com"])
    finally:
        stop.set()
        thread.join()


@pytest.mark.usefixtures("patient_channel")
def test_claim_of_a_message_under_way_is_renewed(shop, queue, make_worker, mailbox, mail_port, monkeypatch):
    """Otherwise another worker would take it for that of a dead one, and send it too."""
    monkeypatch.setattr("gatehouse.delivery.lane.RENEWED_EVERY", 0.1)
    mailbox.hangs_for = "slow@example.com"
    now = utc_now()
    queue("slow@example.com", now=now)
    worker = make_worker(mail_url=MailServer(host="127.0.0.1", port=mail_port), now=utc_now)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: shop.messages()[0].state == "sending")
        begun = shop.messages()[0].due_at
        wait_until(lambda: shop.messages()[0].due_at > begun, seconds=BROKEN_OFF_AFTER - 5)
    finally:
        stop.set()
        thread.join()

    # A worker that stops does not wait for it for long.
    wait_until(lambda: shop.messages()[0].state == "queued")


@pytest.mark.usefixtures("patient_channel")
def test_delivery_that_never_ends_is_broken_off(shop, queue, make_worker, mailbox, mail_port, monkeypatch):
    """A server that sends a byte now and then would pass every time-out of a single answer."""
    monkeypatch.setattr("gatehouse.delivery.lane.BROKEN_OFF_AFTER", 2.0)
    mailbox.hangs_for = "slow@example.com"
    queue("slow@example.com", now=utc_now())
    worker = make_worker(mail_url=MailServer(host="127.0.0.1", port=mail_port), now=utc_now)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: shop.messages()[0].failure is not None)
        assert shop.messages()[0].failure == "the mail server closed the connection"
    finally:
        stop.set()
        thread.join()


def test_sms_goes_through_the_gateway_behind_apprise(shop, gateway, make_worker):
    """The number is put into the URL, with its plus."""
    session = shop.log_in()
    shop.register(session)
    code = shop.send_code(session)
    url = f"json://127.0.0.1:{gateway.server_port}/send?:number={{to}}"

    worker = make_worker(sms_url=SmsGateway(url))
    drain(worker)

    [(number, text)] = gateway.given
    assert number == "+12015550123"
    assert text == f"Your activation code is {code}. It is valid for 10 minutes. {shop.merchant.name}"
    assert shop.messages()[-1].state == "sent"


def test_gateway_that_fails_is_tried_again(shop, gateway, make_worker):
    """Apprise does not tell a refusal from an outage."""
    gateway.status = 503
    session = shop.log_in()
    shop.register(session)
    shop.send_code(session)
    worker = make_worker(sms_url=SmsGateway(f"json://user:hunter2@127.0.0.1:{gateway.server_port}/?:number={{to}}"))
    drain(worker)
    assert (shop.messages()[-1].state, shop.messages()[-1].failure) == ("queued", "the SMS gateway did not take it")

    gateway.status = 200
    shop.clock.advance(seconds=3)
    drain(worker)

    assert shop.messages()[-1].state == "sent"
    assert len(gateway.given) == 2


def test_url_that_apprise_does_not_know_is_told(shop, make_worker):
    """The SMS wait until it is put right."""
    session = shop.log_in()
    shop.register(session)
    shop.send_code(session)

    drain(make_worker(sms_url=SmsGateway("nonsense://user:hunter2@{to}")))

    assert shop.messages()[-1].failure == "GATEHOUSE_SMS_URL is no URL that Apprise knows, or lacks a part"


def test_eleventh_sms_to_a_number_within_15_minutes_is_not_sent(shop, make_worker, tmp_path):
    """Source: limits against SMS pumping. The caller cannot tell."""
    session = shop.log_in()
    shop.register(session)
    answers = [devices.device_send_activation_code(shop.call(session), "till-1") for _ in range(12)]
    assert {answer.return_code for answer in answers} == {ReturnCode.SUCCESS}

    rows = shop.messages("activation_code")
    assert [row.state for row in rows] == ["queued"] * 10 + ["abandoned"] * 2
    assert (rows[-1].failure, rows[-1].content) == ("limit of SMS to the number", None)
    assert history(shop, rows[-1].id) == [("abandoned", "limit of SMS to the number")]

    shop.clock.advance(minutes=16)
    session = shop.log_in()
    devices.device_send_activation_code(shop.call(session), "till-1")
    assert shop.messages("activation_code")[-1].state == "queued"


@pytest.mark.parametrize(
    ("settings", "failure"),
    [
        ({"sms_per_merchant": 2}, "limit of SMS of the merchant"),
        ({"sms_per_country": {"*": 500, "US": 2}}, "limit of SMS to the country US"),
        ({"sms_per_country": {"*": 2}}, "limit of SMS to the country US"),
    ],
)
def test_limits_of_merchant_and_country(shop, settings, failure):
    """Pumping goes to many numbers."""
    shop.core = dataclasses.replace(shop.core, settings=dataclasses.replace(shop.core.settings, **settings))
    session = shop.log_in()
    for number in range(3):
        shop.register(session, f"till-{number}", f"+1201555012{number}")
        devices.device_send_activation_code(shop.call(session), f"till-{number}")

    assert [row.failure for row in shop.messages("activation_code")] == [None, None, failure]


def test_parallel_calls_do_not_pass_a_limit_together(shop):
    """Each would see the count of before."""
    session = shop.log_in()
    shop.register(session)
    for number in range(20):
        shop.register(session, f"till-{number}", "+12015550123")
    barrier = threading.Barrier(20)

    def ask(number):
        barrier.wait()
        devices.device_send_activation_code(shop.call(session), f"till-{number}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(row.state for row in shop.messages("activation_code")) == {"queued": 10, "abandoned": 10}


def test_message_that_another_worker_took_over_is_left_to_it(shop, queue, worker, mailbox):
    """Its claim had run out; what the first says of it comes too late."""
    queue("a@example.com", "b@example.com", "c@example.com")
    worker.run_once()  # the first batch is one message
    real_renew = outbox.renew
    taken = []

    def take_over_first(db, number, claim, now):
        if not taken:
            taken.append(number)
            outbox.release(db, [number], claim, now.replace(hour=23))
        return real_renew(db, number, claim, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "renew", take_over_first)
        patch.setattr("gatehouse.delivery.lane.FRESH_FOR", 0.0)
        worker.run_once()

    assert [row.state for row in shop.messages()] == ["sent", "queued", "sent"]
    assert mailbox.recipients == {"a@example.com": 1, "c@example.com": 1}


def wait_until(is_so, seconds=60.0):
    """Wait for something that other threads do."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
