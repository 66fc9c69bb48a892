"""A mail server of the tests' own, which takes, refuses, defers or hangs as a test tells it."""

import asyncio
import contextlib
import email
import email.policy
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "gatehouse", "s3cret of the mail server"

_LEFT_WITHIN = 30.0


@dataclass
class Mailbox:
    """What a server was given, and how it answers. A rule gets the recipient and returns the answer, or None."""

    answer_to_recipient: Callable[[str], str | None] = lambda _: None
    answer_to_mail: Callable[[str], str | None] = lambda _: None
    hangs_for: str | None = None
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes, bool]] = field(default_factory=list)
    greetings: int = 0
    on_step: Callable[[str], None] = lambda _: None
    connections: set[SMTP] = field(default_factory=set)

    @property
    def recipients(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(recipient for recipient, _ in self.mails)

    def wait_until_left(self) -> None:
        """Wait until no connection is open: what callers sent before they were killed is taken by then, or never."""
        deadline = time.monotonic() + _LEFT_WITHIN
        while any(each.transport is not None for each in list(self.connections)):
            assert time.monotonic() < deadline, "somebody is still connected"
            time.sleep(0.001)

    async def handle_EHLO(self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: Any) -> Any:  # noqa: N802  aiosmtpd's name
        """Count connections, for TLS twice."""
        self.greetings += 1
        self.on_step("EHLO")
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Take or refuse a recipient."""
        self.on_step("RCPT")
        if answer := self.answer_to_recipient(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Take or refuse a mail."""
        (recipient,) = envelope.rcpt_tos
        if recipient == self.hangs_for:
            await asyncio.sleep(3600)
        if answer := self.answer_to_mail(recipient):
            return answer
        mail = email.message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((recipient, mail))
        self.on_step("DATA")
        return "250 OK"

    def authenticate(self, _server: Any, session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Take the one login that there is."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password, session.ssl is not None))
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=is_right)


@contextlib.contextmanager
def serving(
    mailbox: Mailbox, port: int = 0, implicit_tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[int]:
    """Serve a mailbox on the loopback address, and give the port. Options are those of aiosmtpd's SMTP."""
    loop = asyncio.new_event_loop()
    connections = mailbox.connections

    def make() -> SMTP:
        made = SMTP(mailbox, hostname="localhost", loop=loop, enable_SMTPUTF8=True, **options)
        connections.add(made)
        return made

    server = loop.run_until_complete(loop.create_server(make, "127.0.0.1", port, ssl=implicit_tls))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:

        async def end() -> None:
            server.close()
            for each in connections:
                if each.transport is not None:
                    each.transport.abort()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return what a server needs to speak TLS with this certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
