"""The settings: every `GATEHOUSE_*` value, read once and checked at start."""

import base64
import ipaddress
import logging
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SECRET_KEY_FILE = Path("var/secret.key")
MIN_SECRET_KEY_LENGTH = 32
"""Characters; a key that the service makes has 64 hexadecimal ones, which is 256 bits."""


SMTP_PORT, SUBMISSION_PORT, SMTPS_PORT = 25, 587, 465
"""Ports of mail servers: without a login, with one, and with TLS from the start. Source: RFC 5321, 6409, 8314."""

MINUTES_OF_A_DAY = 24 * 60

RECIPIENT_PLACEHOLDER = "{to}"
"""Where the recipient's number belongs in the URL of an SMS gateway."""


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """A mail server to hand mails to. Its password is in no representation of it.

    `starttls` is `always` (no mail without TLS), `auto` (TLS where the server offers it) or `never`;
    with `implicit_tls` the connection begins with TLS.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    implicit_tls: bool = False
    starttls: str = "auto"

    def __str__(self) -> str:
        """Return what may be shown of it."""
        return f"{'smtps' if self.implicit_tls else 'smtp'}://{self.host}:{self.port}"


@dataclass(frozen=True)
class SmsGateway:
    """A gateway for SMS, as the URL by which Apprise knows it. What is secret in it nobody but Apprise can tell."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        """Return what may be shown of it."""
        return f"{self.url.partition(':')[0]}://…"


@dataclass(frozen=True)
class PepperKey:
    """A key that passwords are peppered with, under the name that is kept with each hash."""

    name: str
    key: bytes = field(repr=False)


MIN_PEPPER_BYTES = 32
"""Bytes of a pepper key. Source: NIST SP 800-63B-4, 3.1.1.2, which asks for 112 bits; HMAC-SHA-256 takes 256."""

DEFAULT_SMS_PER_COUNTRY = 500
"""SMS in an hour to the numbers of a country for which the settings say nothing."""


class SettingsError(Exception):
    """One or more settings are wrong; each line of the text names one and says why, without its value."""


def _text(value: str) -> str:
    return value


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _not_negative(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _minutes_of_a_day(value: str) -> int:
    minutes = int(value)
    if not 1 <= minutes <= MINUTES_OF_A_DAY:
        raise ValueError(f"must be from 1 to {MINUTES_OF_A_DAY}")
    return minutes


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an http:// or https:// address without a query")
    return value.rstrip("/")


def _networks(value: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())


def _folder(value: str) -> Path:
    path = value.removeprefix("file:")
    if not path:
        raise ValueError("must name the folder, as file:var/mail")
    return Path(path.removeprefix("//") if path.startswith("///") else path)


def _mail_target(value: str) -> Path | MailServer:
    if value.startswith("file:"):
        return _folder(value)
    parts = urlsplit(value)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("must be file:FOLDER, smtp://user:password@host:587 or smtps://user:password@host")
    try:
        given_port = parts.port
    except ValueError:
        # The standard library's text holds the value, and with it the password.
        raise ValueError("the port must be a number from 1 to 65535") from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("must have user and password, or neither")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    implicit_tls = parts.scheme == "smtps"
    port = given_port or (SMTPS_PORT if implicit_tls else SUBMISSION_PORT if user else SMTP_PORT)
    starttls = options.pop("starttls", None)
    if options or starttls not in (None, "always", "auto", "never") or (implicit_tls and starttls):
        raise ValueError("the only option is ?starttls=always, auto or never, and smtps:// has none")
    if starttls is None:
        # A password must not cross a network in the clear because somebody there took the offer of TLS away.
        is_needed = port == SUBMISSION_PORT or bool(user)
        starttls = "always" if is_needed and not is_loopback(parts.hostname) else "auto"
    return MailServer(
        host=parts.hostname,
        port=port,
        user=user or None,
        password=password or None,
        implicit_tls=implicit_tls,
        starttls="never" if implicit_tls else starttls,
    )


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host does not leave the machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sms_target(value: str) -> Path | SmsGateway:
    if value.startswith("file:"):
        return _folder(value)
    url = value.replace("%7Bto%7D", RECIPIENT_PLACEHOLDER).replace("%7bto%7d", RECIPIENT_PLACEHOLDER)
    scheme, separator, _ = url.partition("://")
    if not separator or not scheme.isalnum():
        raise ValueError("must be file:FOLDER or an Apprise URL, as twilio://SID:TOKEN@FROM/{to}")
    if RECIPIENT_PLACEHOLDER not in url:
        raise ValueError("must have {to} in the place of the recipient's number")
    return SmsGateway(url)


def _limits_by_country(value: str) -> Mapping[str, int]:
    limits: dict[str, int] = {}
    for part in value.split(","):
        country, separator, count = (each.strip() for each in part.partition("="))
        is_country = country == "*" or (len(country) == 2 and country.isascii() and country.isalpha())
        if not (is_country and separator and count.isascii() and count.isdigit()):
            raise ValueError("must be numbers for countries, as *=200,US=1000,DE=1000")
        limits[country.upper()] = int(count)
    return {"*": DEFAULT_SMS_PER_COUNTRY} | limits


def _rate_limit_url(value: str) -> str:
    parts = urlsplit(value)
    if value != "memory://" and not (parts.scheme in ("redis", "rediss") and parts.hostname):
        raise ValueError("is neither memory:// nor redis://host:port")
    return value


def _namespace(value: str) -> str:
    if not value.strip() or any(character in value for character in "\"'<>& \t\r\n"):
        raise ValueError("must be a namespace name without blanks, quotes or markup")
    return value


def _prefix(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", value):
        raise ValueError("must be a path, as /rest/24.1")
    return value.rstrip("/")


def _sender(value: str) -> str:
    name, address = parseaddr(value)
    try:
        is_address = bool(Address(display_name=name, addr_spec=address).domain)
    except (ValueError, IndexError):
        # The parser of the standard library raises either, depending on what is wrong.
        is_address = False
    if not is_address:
        raise ValueError("must be an address, as Acme <no-reply@example.com>")
    return value


def _log_level(value: str) -> str:
    if value.upper() not in logging.getLevelNamesMapping():
        raise ValueError("must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return value.upper()


def _log_format(value: str) -> str:
    if value.casefold() not in ("auto", "json", "text"):
        raise ValueError("must be auto, json or text")
    return value.casefold()


def _forwarded_header(value: str) -> str:
    if value.casefold() not in ("x-forwarded", "forwarded"):
        raise ValueError("must be x-forwarded or forwarded")
    return value.casefold()


def _server(value: str) -> str:
    if value.casefold() not in ("gunicorn", "granian"):
        raise ValueError("must be gunicorn or granian")
    return value.casefold()


def _pepper_keys(value: str) -> tuple[PepperKey, ...]:
    keys: dict[str, PepperKey] = {}
    for part in value.split(","):
        name, separator, encoded = part.strip().partition(":")
        if not separator or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,19}", name) or name.startswith("derived"):
            raise ValueError("must be names (small letters and digits) with keys in base64, newest first, as 2:…,1:…")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            raise ValueError("a key is not base64") from None
        if len(key) < MIN_PEPPER_BYTES:
            raise ValueError(f"a key must have at least {MIN_PEPPER_BYTES} bytes before base64")
        if name in keys:
            raise ValueError("two keys have one name")
        keys[name] = PepperKey(name, key)
    return tuple(keys.values())


def _secret_key(value: str) -> str:
    if len(value) < MIN_SECRET_KEY_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_KEY_LENGTH} characters")
    return value


def _cores() -> int:
    """Return how many cores this process may use, which is fewer than the machine has where it is pinned."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _setting(parse: Callable[[str], Any], help_text: str, default: Any = None, factory: Any = None) -> Any:
    metadata = {"parse": parse, "help": help_text}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator may set. A field `x` is read from the environment as `GATEHOUSE_X`."""

    database_url: str = _setting(_text, "any SQLAlchemy URL", "sqlite:///var/gatehouse.db")
    bind: str = _setting(_text, "address and port of the service", "127.0.0.1:8080")
    server: str = _setting(_server, "what speaks HTTP in the processes: gunicorn or granian", "gunicorn")
    workers: int = _setting(_positive, "processes", factory=_cores)
    threads: int = _setting(_positive, "threads in each process", 8)
    public_url: str | None = _setting(_web_address, "address that callers use, such as https://login.example.com")
    trusted_proxies: tuple[Network, ...] = _setting(
        _networks, "addresses or networks whose forwarded headers count, separated by commas", ()
    )
    forwarded_header: str = _setting(
        _forwarded_header, "which headers the trusted proxies write: x-forwarded or forwarded", "x-forwarded"
    )
    tls_certificate: Path | None = _setting(Path, "file of the certificate and its chain, to serve https itself")
    tls_key: Path | None = _setting(Path, "file of the certificate's private key, unless it is in the same file")
    hsts_seconds: int = _setting(
        _not_negative, "seconds for which browsers come by https alone, once they came so; 0 for none", 365 * 24 * 3600
    )
    request_seconds: int = _setting(_positive, "seconds that a request may take to arrive", 30)
    mail_url: Path | MailServer = _setting(_mail_target, "where mail goes", Path("var/mail"))
    sms_url: Path | SmsGateway = _setting(_sms_target, "where SMS go", Path("var/sms"))
    rate_limit_url: str = _setting(_rate_limit_url, "where requests are counted: memory:// or redis://", "memory://")
    requests_per_source: int = _setting(_positive, "requests from one address in a minute", 60_000)
    requests_per_application: int = _setting(_positive, "requests of one application in a minute", 600_000)
    guesses_per_account: int = _setting(_positive, "wrong passwords for one account in 15 minutes", 10)
    guesses_per_account_and_source: int = _setting(
        _positive, "wrong passwords for one account from one address before waits begin", 5
    )
    guesses_per_source: int = _setting(_positive, "wrong passwords from one address in 15 minutes", 100)
    guesses_per_application: int = _setting(
        _positive, "wrong passwords in one application in 15 minutes before suspect addresses wait", 10_000
    )
    mails_per_account: int = _setting(_positive, "most mails that anybody may ask for to one account in 15 minutes", 8)
    activation_code_minutes: int = _setting(_minutes_of_a_day, "minutes that an activation code lives", 10)
    sms_per_number: int = _setting(_positive, "most SMS to one number in 15 minutes", 10)
    sms_per_merchant: int = _setting(_positive, "most SMS of one merchant in an hour", 1000)
    sms_per_country: Mapping[str, int] = _setting(
        _limits_by_country,
        "most SMS to the numbers of a country in an hour, as *=200,US=1000; 0 forbids a country",
        factory=lambda: {"*": DEFAULT_SMS_PER_COUNTRY},
    )
    templates_dir: Path | None = _setting(Path, "folder of the merchants' own templates")
    mail_from: str = _setting(_sender, "sender of the mails", "Gatehouse <no-reply@localhost>")
    secret_key: str = _setting(_secret_key, "signs and peppers; made on first start in var/", factory=str)
    pepper_keys: tuple[PepperKey, ...] = _setting(
        _pepper_keys, "keys that pepper passwords, newest first, as 2:BASE64,1:BASE64; else one of the secret key", ()
    )
    breached_passwords_url: str | None = _setting(
        _web_address, "service to ask for breached passwords, as https://api.pwnedpasswords.com/range"
    )
    breached_passwords_seconds: int = _setting(_positive, "seconds that it may take to answer", 2)
    rest_prefix: str | None = _setting(_prefix, "what may stand before /guestmanagement/, as /rest/24.1")
    default_application: str | None = _setting(_text, "application token for callers that send none")
    soap_namespace: str = _setting(_namespace, "target namespace of the SOAP service", "http://tempuri.org/")
    data_namespace: str = _setting(
        _namespace, "data contract namespace", "http://schemas.datacontract.org/2004/07/Gatehouse"
    )
    soap_max_bytes: int = _setting(_positive, "largest request body in bytes", 64 * 1024)
    soap_max_depth: int = _setting(_positive, "deepest nesting of a request's elements", 32)
    soap_max_nodes: int = _setting(_positive, "most elements and attributes of a request", 1000)
    argon2_memory_kib: int = _setting(_positive, "Argon2id memory of one hash in KiB", 19 * 1024)
    argon2_passes: int = _setting(_positive, "Argon2id passes over the memory", 2)
    argon2_lanes: int = _setting(_positive, "Argon2id lanes", 1)
    hash_slots: int = _setting(_positive, "password hashes at the same time in each process", factory=_cores)
    audit_days: int = _setting(_not_negative, "days that the audit trail is kept; 0 for ever", 400)
    message_days: int = _setting(_not_negative, "days that the record of a mail or SMS is kept; 0 for ever", 400)
    log_level: str = _setting(_log_level, "least level that is logged", "INFO")
    log_format: str = _setting(_log_format, "json, text, or auto: text where the log goes to a terminal", "auto")

    @property
    def own_url(self) -> str:
        """The address that callers use, as far as the settings tell: the public one, else that of the socket."""
        return self.public_url or f"{'https' if self.tls_certificate else 'http'}://{self.bind}"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of this environment, with the secret key read from or made in `var/`.

    Raises SettingsError with a line for each value that is wrong.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    known = {f"GATEHOUSE_{each.name.upper()}": each for each in fields(Settings)}
    for name, each in known.items():
        text = environment.get(name, "")
        if not text:
            continue
        try:
            values[each.name] = each.metadata["parse"](text)
        except ValueError as error:
            # A parser of the standard library may repeat the value; ours do not.
            own = each.metadata["parse"].__module__ == __name__ and "'" not in str(error)
            problems.append(f"{name}: {error if own else 'is not a value of this kind'}")
    if problems:
        raise SettingsError("\n".join(problems))
    if "secret_key" not in values:
        values["secret_key"] = _kept_secret_key(SECRET_KEY_FILE)
    return Settings(**values)


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Return the names that look like settings but are none: most often a typing error."""
    known = {f"GATEHOUSE_{each.name.upper()}" for each in fields(Settings)}
    return sorted(name for name in environment if name.startswith("GATEHOUSE_") and name not in known)


def _kept_secret_key(path: Path) -> str:
    """Return the key of this file, made first where there is none. Only its owner may read it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
        try:
            # A link fails where another process was first, and never shows a half-written key.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = path.read_text(encoding="ascii").strip()
    try:
        return _secret_key(key)
    except ValueError as error:
        raise SettingsError(f"the secret key file: {error}") from error
