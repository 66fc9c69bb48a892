"""The channel to a mail server: SMTP with STARTTLS or TLS from the start, one connection for many mails.

Source: RFC 5321 (SMTP), 3207 (STARTTLS), 4954 (AUTH), 8314 (TLS from the start).
"""

import contextlib
import re
import smtplib
import socket
import ssl
from email.utils import parseaddr

from gatehouse.config import MailServer
from gatehouse.delivery.channels import DeliveryError, PermanentDeliveryError
from gatehouse.delivery.mails import make_mail, recipient_address
from gatehouse.delivery.templates import RenderedMessage

TIMEOUT = 10
"""Seconds that the server has for each answer."""

_SERVICE_CLOSES = 421
_OURS_TO_PUT_RIGHT = {530, 534, 535, 538}
"""The server wants another login or TLS: the settings are wrong, and the mail may be sent when they are right."""

_ENHANCED_CODE = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")


class _ConnectionGoneError(Exception):
    """The server closed the connection before it was given the mail."""


class SmtpChannel:
    """Hands mails to one mail server."""

    def __init__(self, server: MailServer, sender: str) -> None:
        """Take the server, and the sender as `Name <address>`."""
        self._server = server
        self._sender = sender
        self._sender_address = parseaddr(sender)[1]
        self._connection: smtplib.SMTP | None = None

    def deliver(self, message: RenderedMessage) -> None:
        """Hand the mail over, on the connection of the mail before where it still stands.

        Raises PermanentDeliveryError for a refusal of the mail (5xx), DeliveryError for everything else.
        """
        mail = make_mail(message, self._sender)
        is_reused = self._connection is not None
        try:
            try:
                self._send(mail, message)
            except _ConnectionGoneError:
                if not is_reused:
                    raise
                # A server ends a connection that rested, or carried many mails. It has not seen this one yet.
                self._drop()
                self._send(mail, message)
        except _ConnectionGoneError as error:
            self._drop()
            raise DeliveryError("the mail server closed the connection") from error
        except smtplib.SMTPServerDisconnected as error:
            self._drop()
            raise DeliveryError("the mail server closed the connection") from error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise DeliveryError(f"the connection to the mail server failed ({type(error).__name__})") from error

    def check(self) -> None:
        """Connect and log in, then leave. Raises DeliveryError."""
        try:
            self._connected()
        except smtplib.SMTPServerDisconnected as error:
            raise DeliveryError("the mail server closed the connection") from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"the connection to the mail server failed ({type(error).__name__})") from error
        finally:
            self.close()

    def interrupt(self) -> None:
        """Break the connection under a delivery that hangs."""
        connection = self._connection
        link = getattr(connection, "sock", None)
        if link is not None:
            with contextlib.suppress(OSError):
                # Not the method of a TLS socket, which would take the connection apart under the other thread.
                socket.socket.shutdown(link, socket.SHUT_RDWR)

    def close(self) -> None:
        """Take leave of the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _send(self, mail: bytes, message: RenderedMessage) -> None:
        connection = self._connected()
        recipient = recipient_address(message).addr_spec
        options: list[str] = []
        if not (recipient + self._sender_address).isascii():
            if not connection.has_extn("smtputf8"):
                raise PermanentDeliveryError("the mail server takes no address beyond ASCII")
            options.append("SMTPUTF8")
            connection.command_encoding = "utf-8"
        try:
            answer = connection.mail(self._sender_address, options)
        except smtplib.SMTPServerDisconnected as error:
            raise _ConnectionGoneError from error
        if answer[0] == _SERVICE_CLOSES:
            raise _ConnectionGoneError
        self._expect(answer, "MAIL", 250)
        self._expect(connection.rcpt(recipient), "RCPT", 250, 251)
        try:
            answer = connection.data(mail)
        except smtplib.SMTPDataError as error:
            answer = (error.smtp_code, _bytes(error.smtp_error))
        self._expect(answer, "DATA", 250)

    def _expect(self, answer: tuple[int, bytes], command: str, *codes: int) -> None:
        """Raise what the answer of the server means, and leave the connection ready for the next mail."""
        code, text = answer
        if code in codes:
            return
        # The text may repeat the address; its codes do not.
        enhanced = _ENHANCED_CODE.match(text)
        said = f"{command} {code}" + (f" {enhanced[0].decode()}" if enhanced else "")
        try:
            if code == _SERVICE_CLOSES or self._connection is None or self._connection.rset()[0] != 250:
                self._drop()
        except (smtplib.SMTPException, OSError):
            self._drop()
        if 500 <= code <= 599 and code not in _OURS_TO_PUT_RIGHT:
            raise PermanentDeliveryError(f"the mail server refused it: {said}")
        raise DeliveryError(f"the mail server does not take it now: {said}")

    def _connected(self) -> smtplib.SMTP:
        if self._connection is not None:
            return self._connection
        server = self._server
        connection: smtplib.SMTP
        if server.implicit_tls:
            connection = smtplib.SMTP_SSL(
                local_hostname=self._own_name(), timeout=TIMEOUT, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(local_hostname=self._own_name(), timeout=TIMEOUT)
        # The standard library checks the certificate for this name; it sets it only when it connects by itself.
        connection._host = server.host  # type: ignore[attr-defined]
        # Known before the connection stands, so that `interrupt` finds it.
        self._connection = connection
        try:
            code, _ = connection.connect(server.host, server.port)
            if code != 220:
                raise DeliveryError(f"the mail server does not serve now: {code}")
            self._greet(connection)
            if server.starttls != "never":
                self._start_tls(connection)
            if server.user is not None and server.password is not None:
                self._log_in(connection, server.user, server.password)
        except BaseException:
            self._drop()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP) -> None:
        code, _ = connection.ehlo()
        if not 200 <= code <= 299:
            code, _ = connection.helo()
        if not 200 <= code <= 299:
            raise DeliveryError(f"the mail server refused the greeting: {code}")

    def _start_tls(self, connection: smtplib.SMTP) -> None:
        if not connection.has_extn("starttls"):
            if self._server.starttls == "always":
                raise DeliveryError("the mail server does not offer STARTTLS; ?starttls=never would do without")
            return
        try:
            code, _ = connection.starttls(context=ssl.create_default_context())
        except ssl.SSLCertVerificationError as error:
            raise DeliveryError("the certificate of the mail server is not trusted, or not for its name") from error
        if code != 220:
            raise DeliveryError(f"the mail server refused STARTTLS: {code}")
        self._greet(connection)

    def _log_in(self, connection: smtplib.SMTP, user: str, password: str) -> None:
        try:
            connection.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryError(f"the mail server refused the login: {error.smtp_code}") from None
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryError("the mail server offers no login that is known here") from error
        except smtplib.SMTPServerDisconnected:
            raise
        except (smtplib.SMTPException, ValueError):
            # Without the cause, in whose text or frames a password might be.
            raise DeliveryError("the login to the mail server failed") from None

    def _own_name(self) -> str:
        """Return the name for EHLO. Not the standard library's, which may wait for the name service."""
        name = socket.gethostname()
        domain = self._sender_address.rpartition("@")[2]
        return name if "." in name else domain if "." in domain and domain.isascii() else "localhost"


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("ascii", "replace")
