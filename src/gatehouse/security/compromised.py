"""Whether a password is known to those who guess: by a filter of the most used ones, and by a service where one is set.

The service is asked in the manner of Pwned Passwords: it learns five of the forty digits of the password's SHA-1, which
hundreds of breached passwords share. Source: haveibeenpwned.com/API/v3, Searching by range.
"""

import contextlib
import hashlib
import http.client
import logging
import queue
import re
import socket
import threading
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from gatehouse.domain.password_policy import bytes_of

PREFIX_BYTES = 8
"""Bytes of a digest that the filter keeps. With four, one in fifty thousand good passwords was refused by chance."""

MAX_ANSWER_BYTES = 1 << 20
"""Bytes of an answer; a thousand lines of 45 are usual."""

_ASKED_AT_ONCE = 8
"""Questions under way in a process. While the service hangs, more are not asked."""

_LINE = re.compile("([0-9A-F]{35}):([0-9]{1,12})")
"""The rest of a digest, and how often it was seen."""

_LETTERS = str.maketrans("@4831!05$7", "aabeiiosst")
"""Digits and signs that people put in the place of letters: some of them, so both sides are compared without any."""

_log = logging.getLogger("gatehouse.passwords")


class CompromisedPasswords:
    """The filter and, where its address is set, the service."""

    def __init__(self, service: str | None = None, seconds: float = 2.0) -> None:
        """Take the service's address, before the digits, and how long an answer may take in all."""
        self._service = service
        self._seconds = seconds
        self._slots = threading.BoundedSemaphore(_ASKED_AT_ONCE)

    def is_common(self, password: str) -> bool:
        """Whether it is one of the most used passwords, in whatever case, also with digits in the place of letters."""
        return _is_in_filter(common_form(password))

    def is_breached(self, password: str) -> bool:
        """Whether the service knows it from a breach. This waits for the service.

        No when there is none, and also when it does not answer in time or as it should, which is logged: nobody must
        be kept from a new password because another service is away.
        """
        if self._service is None:
            return False
        digest = hashlib.sha1(bytes_of(password), usedforsecurity=False).hexdigest().upper()
        try:
            return digest[5:] in self._ask(self._service, digest[:5])
        except (OSError, http.client.HTTPException, ValueError) as error:
            _log.warning("a password was not compared with the breached ones: %s", type(error).__name__)
            return False

    def _ask(self, service: str, digits: str) -> frozenset[str]:
        """Return what the service knows to follow these digits. Raises OSError, HTTPException or ValueError."""
        question = _Question(service, digits, self._seconds)
        if not self._slots.acquire(blocking=False):
            raise TimeoutError

        def ask() -> None:
            try:
                question.ask()
            finally:
                self._slots.release()

        # In a thread, because neither the look-up of a name nor an answer in drops ends at a socket's time-out.
        try:
            threading.Thread(target=ask, name="breached passwords", daemon=True).start()
        except RuntimeError as error:  # the system has no thread left
            self._slots.release()
            raise TimeoutError from error
        return question.wait()


class _Question:
    """One request, whose connection is cut when its time is over."""

    def __init__(self, service: str, digits: str, seconds: float) -> None:
        parts = urlsplit(service)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=seconds)
        self._path = f"{parts.path}/{digits}"
        self._seconds = seconds
        self._outcome: queue.SimpleQueue[frozenset[str] | Exception] = queue.SimpleQueue()

    def ask(self) -> None:
        """Ask, and keep the answer or what went wrong."""
        try:
            self._outcome.put(self._read())
        except Exception as error:
            self._outcome.put(error)
        finally:
            self._connection.close()

    def wait(self) -> frozenset[str]:
        """Return the answer. Raises what went wrong, and TimeoutError."""
        try:
            outcome = self._outcome.get(timeout=self._seconds)
        except queue.Empty:
            self._cut()
            raise TimeoutError from None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _read(self) -> frozenset[str]:
        # With padding, who watches the line cannot tell the digits from the length of the answer.
        headers = {"Add-Padding": "true", "User-Agent": "Gatehouse", "Accept": "text/plain"}
        self._connection.request("GET", self._path, headers=headers)
        with self._connection.getresponse() as answer:
            body = answer.read(MAX_ANSWER_BYTES + 1)
        if answer.status != http.HTTPStatus.OK or len(body) > MAX_ANSWER_BYTES:
            raise http.client.HTTPException
        return frozenset(_suffixes(body.decode("ascii")))

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            if self._connection.sock is not None:
                self._connection.sock.shutdown(socket.SHUT_RDWR)


def _suffixes(text: str) -> Iterator[str]:
    """Give the suffixes of digests that were seen at least once; those of the padding were never. Raises ValueError."""
    for line in text.splitlines():
        found = _LINE.fullmatch(line.strip().upper())
        if found is None:
            raise ValueError("not a line of a range")
        if int(found[2]):
            yield found[1]


def common_form(password: str) -> str:
    """Return the form under which common passwords are compared: NFKC, case folded, and without such digits."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", password).casefold()).translate(_LETTERS)


def prefix_of(form: str) -> bytes:
    """Return what the filter keeps of a password in its common form."""
    return hashlib.sha256(form.encode(errors="surrogatepass")).digest()[:PREFIX_BYTES]


def _is_in_filter(form: str) -> bool:
    prefixes, wanted = _filter(), prefix_of(form)
    index = bisect_left(range(len(prefixes) // PREFIX_BYTES), wanted, key=lambda each: _prefix_at(prefixes, each))
    return _prefix_at(prefixes, index) == wanted


def _prefix_at(prefixes: bytes, index: int) -> bytes:
    return prefixes[index * PREFIX_BYTES : (index + 1) * PREFIX_BYTES]


@cache
def _filter() -> bytes:
    return files(__package__).joinpath("common_passwords.bin").read_bytes()
