"""Channels into folders: for trying out, for tests, and for a mail server's pickup folder."""

import os
import secrets
import tempfile
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from gatehouse.delivery.channels import DeliveryError
from gatehouse.delivery.mails import make_mail
from gatehouse.delivery.templates import RenderedMessage


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

    def check(self) -> None:
        """Write and remove a file, because access rights alone do not tell of full or read-only disks."""
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".check-"):
                pass
        except OSError as error:
            raise DeliveryError(f"the folder cannot be written: {error.strerror}") from error

    def interrupt(self) -> None:  # noqa: B027  there is nothing to do, in any kind of folder
        """A write to a disk cannot be broken off."""

    def close(self) -> None:  # noqa: B027  as above
        """Nothing is kept open."""

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
        # Who looks into the folder can read and search the text as it is.
        return make_mail(message, self._sender, is_8bit=True)


class SmsFolder(_Folder):
    """A folder of `.txt` files: the number, a blank line, the text."""

    suffix = ".txt"

    def _content(self, message: RenderedMessage) -> bytes:
        return f"To: {message.recipient}\n\n{message.text}".encode()


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
