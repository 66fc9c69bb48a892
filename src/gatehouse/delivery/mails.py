"""Mails: a rendered message with its headers, as every mail channel sends it.

They are put together here and not by the standard library's `email`, which parses and folds each header that it
is given: that took 4 ms a mail, which was most of what a worker did.
"""

import binascii
import contextlib
from email.headerregistry import Address
from email.utils import format_datetime, formataddr, parseaddr
from functools import cache

from gatehouse.delivery.channels import PermanentDeliveryError
from gatehouse.delivery.templates import RenderedMessage

_MAX_LINE = 900
"""Characters; a longer line is encoded. Source: RFC 5321, 4.5.3.1.6 (998 bytes)."""

_MAX_WORD_BYTES = 39
"""Bytes of UTF-8 in an encoded word, so that in base64 it has at most 75 characters, and fits behind `Subject: `.
Source: RFC 2047, 2."""


def make_mail(message: RenderedMessage, sender: str, is_8bit: bool = False) -> bytes:
    """Return the complete mail. Raises PermanentDeliveryError when the address cannot stand in one.

    `is_8bit` leaves letters beyond ASCII as they are, which not every server takes. Source: RFC 5322, 2046.
    """
    from_text, own_domain = _sender_parts(sender)
    headers = [
        ("From", from_text),
        ("To", _address_text(recipient_address(message))),
        ("Subject", _subject_text(message.subject or "")),
        ("Date", format_datetime(message.created_at)),
        # Always the same for one message, so that a mail program shows a second delivery of it once.
        ("Message-ID", f"<{message.created_at:%Y%m%d%H%M%S%f}.{message.number}@{own_domain}>"),
        ("Auto-Submitted", "auto-generated"),  # asks for no out-of-office answers (RFC 3834)
        ("MIME-Version", "1.0"),
    ]
    if message.html is None:
        return _lines(headers) + _part(message.text, "plain", is_8bit)
    # Fixed by the message, as everything is, so that each try sends the same; no line of ours looks like it.
    boundary = f"=_gatehouse_{message.number}_="
    headers.append(("Content-Type", f'multipart/alternative; boundary="{boundary}"'))
    parts = [_part(message.text, "plain", is_8bit), _part(message.html, "html", is_8bit)]
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return _lines(headers) + b"\r\n" + body + f"--{boundary}--\r\n".encode()


def recipient_address(message: RenderedMessage) -> Address:
    """Return the recipient, its domain in ASCII. Raises PermanentDeliveryError when it is no address."""
    local_part, _, domain = message.recipient.rpartition("@")
    # A local part may hold any character between quotes, which Address adds; a domain may not.
    is_address = local_part and domain and not any(character in ' ()<>,;:"\\' for character in domain)
    if not is_address or not message.recipient.isprintable():
        raise PermanentDeliveryError("the recipient is not an address")
    if not domain.isascii():
        # Without it, only servers that know SMTPUTF8 would take the mail.
        with contextlib.suppress(UnicodeError):
            domain = domain.encode("idna").decode("ascii")
    return Address(username=local_part, domain=domain)


@cache
def _sender_parts(sender: str) -> tuple[str, str]:
    """Return the sender as a header has it, and the domain of its address."""
    name, address = parseaddr(sender)
    return _address_text(Address(display_name=name, addr_spec=address)), address.rpartition("@")[2]


def _lines(headers: list[tuple[str, str]]) -> bytes:
    """Return the headers as lines; an address beyond ASCII makes them UTF-8. Source: RFC 6532."""
    for name, value in headers:
        # Every value was made one line before; this is the last place where one that was not could do harm.
        if not value.replace("\r\n =?", "").isprintable():
            raise ValueError(f"the header {name} has a line break or another control character")
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode()


def _part(text: str, subtype: str, is_8bit: bool) -> bytes:
    """Return a part with its headers, and with the line ends of a mail."""
    is_long = any(len(line) > _MAX_LINE for line in text.splitlines())
    content = text.replace("\r\n", "\n").encode()
    if is_long or not (is_8bit or text.isascii()):
        encoding, content = "quoted-printable", binascii.b2a_qp(content)
    else:
        encoding = "7bit" if text.isascii() else "8bit"
    headers = [("Content-Type", f'text/{subtype}; charset="utf-8"'), ("Content-Transfer-Encoding", encoding)]
    return _lines(headers) + b"\r\n" + content.replace(b"\n", b"\r\n")


def _address_text(address: Address) -> str:
    if address.addr_spec.isascii():
        return formataddr((address.display_name, address.addr_spec))
    return str(address)


def _subject_text(subject: str) -> str:
    """Return the subject; one that only looks encoded is encoded too, so that it is read as it is."""
    if subject.isascii() and "=?" not in subject:
        return subject
    words, word = [], b""
    for character in subject:
        letter = character.encode()
        if len(word) + len(letter) > _MAX_WORD_BYTES:
            words.append(word)
            word = b""
        word += letter
    encoded = (binascii.b2a_base64(each, newline=False).decode() for each in (*words, word))
    return "\r\n ".join(f"=?utf-8?b?{each}?=" for each in encoded)
