"""The settings: every `GATEHOUSE_*` value, read once and checked at start."""

import ipaddress
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SECRET_KEY_FILE = Path("var/secret.key")
MIN_SECRET_KEY_LENGTH = 32
"""Characters; a key that the service makes has 64 hexadecimal ones, which is 256 bits."""


class SettingsError(Exception):
    """One or more settings are wrong; each line of the text names one and says why, without its value."""


def _text(value: str) -> str:
    return value


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an http:// or https:// address without a query")
    return value.rstrip("/")


def _networks(value: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())


def _folder(value: str) -> Path:
    if not value.startswith("file:") or len(value) == len("file:"):
        raise ValueError("must be a folder, as file:var/mail; other channels are not there yet")
    path = value.removeprefix("file:")
    return Path(path.removeprefix("//") if path.startswith("///") else path)


def _namespace(value: str) -> str:
    if not value.strip() or any(character in value for character in "\"'<>& \t\r\n"):
        raise ValueError("must be a namespace name without blanks, quotes or markup")
    return value


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
    workers: int = _setting(_positive, "gunicorn processes", factory=_cores)
    threads: int = _setting(_positive, "gunicorn threads in each process", 8)
    public_url: str | None = _setting(_web_address, "address that callers use, such as https://login.example.com")
    trusted_proxies: tuple[Network, ...] = _setting(
        _networks, "addresses or networks whose forwarded headers count, separated by commas", ()
    )
    mail_url: Path = _setting(_folder, "where mail goes", Path("var/mail"))
    sms_url: Path = _setting(_folder, "where SMS go", Path("var/sms"))
    mail_from: str = _setting(_sender, "sender of the mails", "Gatehouse <no-reply@localhost>")
    secret_key: str = _setting(_secret_key, "signs and peppers; made on first start in var/", factory=str)
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
    log_level: str = _setting(_log_level, "least level that is logged", "INFO")


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
