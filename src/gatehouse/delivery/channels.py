"""Channels: the ways in which a rendered message leaves this service, chosen by the settings.

So far there are folders. A channel for SMTP or for a gateway of SMS is one more class with `deliver`, which
`open_channels` picks by the address in `GATEHOUSE_MAIL_URL` or `GATEHOUSE_SMS_URL`.
"""

import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Protocol

from gatehouse.config import Settings
from gatehouse.delivery.templates import RenderedMessage
from gatehouse.domain.messages import Medium


class DeliveryError(Exception):
    """A message could not be handed over now and may be tried again. The text holds no value of the message."""


class Channel(Protocol):
    """A way to people. `deliver` returns when the message is handed over for good."""

    def deliver(self, message: RenderedMessage) -> None:
        """Hand the message over. Raises DeliveryError when that failed and may be tried again."""
        ...


def open_channels(settings: Settings) -> Mapping[Medium, Channel]:
    """Return the channel of each medium."""
    return {
        Medium.MAIL: MailFolder(settings.mail_url, settings.mail_from),
        Medium.SMS: SmsFolder(settings.sms_url),
    }


class _Folder(ABC):
    """A folder of files, one for a message.

    A file appears whole or not at all, under a name that sorts by time. A message that is delivered again,
    after a crash between delivery and the note of it, replaces its file.
    """

    suffix: str

    def __init__(self, folder: Path) -> None:
        """Take the folder and make it, so that whoever watches it need not wait for the first message."""
        self._folder = folder
        # Where it cannot be made now, each delivery tries again and tells why not.
        with suppress(OSError):
            _make_private(folder)

    def deliver(self, message: RenderedMessage) -> None:
        """Write the file of this message. Raises DeliveryError."""
        content = self._content(message)
        name = f"{message.created_at:%Y%m%dT%H%M%S.%fZ}-{message.number:010d}{self.suffix}"
        fresh = self._folder / f".{name}.{secrets.token_hex(4)}"
        try:
            _make_private(self._folder)
            try:
                _write_private(fresh, content)
                fresh.replace(self._folder / name)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise DeliveryError(f"the folder cannot be written: {error.strerror}") from error

    @abstractmethod
    def _content(self, message: RenderedMessage) -> bytes:
        """Return the bytes of the file."""


class MailFolder(_Folder):
    """A folder of `.eml` files, which mail programs open and a mail server's pickup folder takes."""

    suffix = ".eml"

    def __init__(self, folder: Path, sender: str) -> None:
        """Take the folder and the sender, as `Name <address>`."""
        super().__init__(folder)
        self._sender = sender

    def _content(self, message: RenderedMessage) -> bytes:
        return make_mail(message, self._sender).as_bytes()


class SmsFolder(_Folder):
    """A folder of `.txt` files: the number, a blank line, the text."""

    suffix = ".txt"

    def _content(self, message: RenderedMessage) -> bytes:
        return f"To: {message.recipient}\n\n{message.text}".encode()


def make_mail(message: RenderedMessage, sender: str) -> EmailMessage:
    """Return the complete mail. Raises DeliveryError when the address cannot stand in one. Source: RFC 5322."""
    name, address = parseaddr(sender)
    local_part, _, domain = message.recipient.rpartition("@")
    # A local part may hold any character between quotes, which Address adds; a domain may not.
    if not local_part or any(character in ' ()<>,;:"\\' for character in domain):
        raise DeliveryError("the recipient is not an address")
    # An address beyond ASCII can be written in UTF-8 headers only (RFC 6532).
    mail = EmailMessage(SMTP if (address + message.recipient).isascii() else SMTPUTF8)
    mail["From"] = Address(display_name=name, addr_spec=address)
    mail["To"] = Address(username=local_part, domain=domain)
    mail["Subject"] = message.subject or ""
    mail["Date"] = format_datetime(message.created_at)
    # Always the same for one message, so that a mail program shows a second delivery of it once.
    mail["Message-ID"] = f"<{message.created_at:%Y%m%d%H%M%S%f}.{message.number}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # asks for no out-of-office answers (RFC 3834)
    # Not quoted-printable: who looks into the folder can read and search the text as it is.
    mail.set_content(message.text, cte="7bit" if message.text.isascii() else "8bit")
    return mail


def _make_private(folder: Path) -> None:
    """Make the folder, and those above it that are missing, for its owner alone."""
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)


def _write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, down to the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
