"""`gatehouse doctor`: checks what the service will meet when it starts."""

import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import click
from cryptography import x509

from gatehouse.cli.opening import open_core
from gatehouse.cli.printing import json_option, print_records
from gatehouse.config import (
    SECRET_KEY_FILE,
    MailServer,
    Settings,
    SettingsError,
    SmsGateway,
    is_loopback,
    unknown_settings,
)
from gatehouse.delivery.channels import DeliveryError, open_channel
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError
from gatehouse.domain.messages import Medium
from gatehouse.operations import callers
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.merchants import list_merchants
from gatehouse.operations.peppers import count_pepper_use
from gatehouse.operations.schema import is_schema_current
from gatehouse.security.certificates import read_certificate

_CERTIFICATE_WARNING = timedelta(days=30)
"""Authorities have theirs renewed when a third of 90 days is left."""


_SINGLE_FACTOR_LENGTH = 15
"""Characters of a password that is the only factor. Source: NIST SP 800-63B-4, 3.1.1.2."""


@dataclass(frozen=True)
class _Check:
    """What was found out about one thing. Its text never holds the value of a setting."""

    state: Literal["ok", "warn", "fail"]
    subject: str
    text: str


@click.command
@json_option
def doctor(as_json: bool) -> None:
    """Check the configuration. The exit status is 1 when anything failed.

    Each line begins with ok, warn (it works, but look at it) or fail (it does not work).
    """
    checks = list(_checks())
    if as_json:
        shown = [{"state": each.state, "subject": each.subject, "text": each.text} for each in checks]
        print_records(shown, [], as_json)
    else:
        for each in checks:
            click.echo(f"{each.state:<4} {each.subject}: {each.text}")
    if any(each.state == "fail" for each in checks):
        raise click.exceptions.Exit(1)


def _checks() -> Iterator[_Check]:
    for name in unknown_settings(os.environ):
        yield _Check("warn", name, "is no setting of this version; is it a typing error?")
    try:
        with open_core() as core:
            yield _Check("ok", "settings", "can be read")
            yield from _check_secret_key()
            yield from _check_database(core)
            yield _check_channel("mail", core.settings.mail_url, Medium.MAIL, core.settings)
            yield _check_channel("SMS", core.settings.sms_url, Medium.SMS, core.settings)
            yield from _check_templates(core.settings)
            yield _check_public_url(core.settings)
            yield from _check_tls(core.settings)
            yield _check_rate_limits(core)
    except SettingsError as error:
        for line in str(error).splitlines():
            yield _Check("fail", "settings", line)
    except (OSError, UnicodeError) as error:
        yield _Check("fail", "secret key", f"the file cannot be read or made ({type(error).__name__})")


def _check_secret_key() -> Iterator[_Check]:
    if os.environ.get("GATEHOUSE_SECRET_KEY"):
        yield _Check("ok", "secret key", "comes from the environment")
        return
    readers = stat.S_IMODE(SECRET_KEY_FILE.stat().st_mode) & 0o077
    if readers:
        yield _Check("fail", "secret key", f"other users may use its file; chmod 600 {SECRET_KEY_FILE}")
    else:
        yield _Check("ok", "secret key", f"is kept in {SECRET_KEY_FILE}, for its owner alone")


def _check_database(core: Core) -> Iterator[_Check]:
    try:
        is_current = is_schema_current(core)
    except UnavailableError as error:
        yield _Check("fail", "database", f"does not answer ({error})")
        return
    yield _Check("ok", "database", "answers")
    if not is_current:
        yield _Check("fail", "schema", 'is not current; run "gatehouse migrate"')
        return
    yield _Check("ok", "schema", "is current")
    yield _check_default_application(core)
    yield from _check_peppers(core)
    yield _check_password_lengths(core)
    yield _check_breached_passwords(core.settings)


def _check_default_application(core: Core) -> _Check:
    if not core.settings.default_application:
        return _Check("ok", "default application", "none: each caller must send its application token")
    call = Call(core, Caller())
    with call.reading():
        found = callers.find_application(call)
    if isinstance(found, ReturnCode):
        return _Check("fail", "default application", "no application that is enabled has this token")
    return _Check("ok", "default application", f"is number {found.id} of merchant {found.merchant_id}")


def _check_peppers(core: Core) -> Iterator[_Check]:
    """Tell which keys the passwords need, so that an operator knows when an old one may go."""
    use = count_pepper_use(Call(core, Caller()))
    (newest, count), *older = use.by_name.items()
    if use.missing:
        text = f"{use.missing} hashes need one that is neither in GATEHOUSE_PEPPER_KEYS nor of the secret key"
        yield _Check("fail", "pepper keys", text)
    needed = ", ".join(f"{others} need {name}" for name, others in older if others)
    text = f"{newest} is the newest, and {count} passwords and pincodes have it"
    yield _Check("ok", "pepper keys", f"{text}; {needed}: keep it" if needed else text)


def _check_password_lengths(core: Core) -> _Check:
    """Tell where shorter passwords are taken than NIST asks for; whether they may is a matter of the clients."""
    found = list_merchants(Call(core, Caller()))
    short = [each for each in found if each.password_min_length < _SINGLE_FACTOR_LENGTH]
    if not short:
        return _Check("ok", "password length", f"no merchant takes fewer than {_SINGLE_FACTOR_LENGTH} characters")
    text = f"{len(short)} of {len(found)} merchants take new passwords of fewer than {_SINGLE_FACTOR_LENGTH} characters"
    advice = f"gatehouse merchant set {short[0].id} --password-min-length {_SINGLE_FACTOR_LENGTH}"
    return _Check("ok", "password length", f'{text}, which NIST asks for; where clients allow it, "{advice}"')


def _check_breached_passwords(settings: Settings) -> _Check:
    if settings.breached_passwords_url is None:
        text = (
            "new passwords are compared with the most used ones; GATEHOUSE_BREACHED_PASSWORDS_URL adds all known ones"
        )
    else:
        text = "new passwords are looked up in the service that is set"
    return _Check("ok", "breached passwords", text)


def _check_channel(name: str, target: Path | MailServer | SmsGateway, medium: Medium, settings: Settings) -> _Check:
    """Do all that a delivery does but deliver."""
    if isinstance(target, Path):
        return _check_folder(f"{name} folder", target)
    subject = "mail server" if isinstance(target, MailServer) else "SMS gateway"
    try:
        open_channel(medium, settings).check()
    except DeliveryError as error:
        return _Check("fail", subject, str(error))
    if isinstance(target, SmsGateway):
        return _Check("ok", subject, "Apprise knows it; only an SMS can tell whether it is there")
    how = "takes the login" if target.user else "asks for no login"
    if target.implicit_tls or target.starttls == "always":
        return _Check("ok", subject, f"answers over TLS and {how}")
    if target.starttls == "never" and target.user and not is_loopback(target.host):
        return _Check("warn", subject, "answers, but the login and the mails cross the network in the clear")
    return _Check("ok", subject, f"answers and {how}; STARTTLS: {target.starttls}")


def _check_templates(settings: Settings) -> Iterator[_Check]:
    if settings.templates_dir is not None:
        is_there = settings.templates_dir.is_dir()
        text = "the folder is there" if is_there else f"there is no folder {settings.templates_dir}"
        yield _Check("ok" if is_there else "fail", "templates", text)


def _check_folder(subject: str, folder: Path) -> _Check:
    """Write and remove a file, because access rights alone do not tell of full or read-only disks."""
    existing = next((each for each in (folder, *folder.parents) if each.exists()), Path("."))
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".doctor-"):
            pass
    except OSError as error:
        return _Check("fail", subject, f"{existing} cannot be written ({error.strerror})")
    return _Check("ok", subject, f"{folder} can be written" if existing == folder else f"{folder} can be made")


def _check_public_url(settings: Settings) -> _Check:
    if settings.public_url is None and settings.tls_certificate is not None:
        return _Check("ok", "public URL", "is not set: the addresses in the WSDL follow each request, which is https")
    if settings.public_url is None:
        return _Check("warn", "public URL", "is not set: the addresses in the WSDL follow each request")
    if not settings.public_url.startswith("https://"):
        return _Check("warn", "public URL", "is not https: passwords would be sent in the clear")
    return _Check("ok", "public URL", "is set, and https")


def _check_rate_limits(core: Core) -> _Check:
    """Count a request in Redis, as the service does. Counts of guesses are in the database whatever comes of it."""
    subject, settings = "rate limits", core.settings
    if settings.rate_limit_url.startswith("memory://"):
        if settings.workers == 1 and not settings.database_url.startswith("postgresql"):
            return _Check("ok", subject, "are counted in memory, by the one process")
        text = "are counted by each process for itself; with redis:// they hold over all processes and machines"
        return _Check("ok", subject, f"{text}. Limits on guesses hold anyway")
    core.rate_limits.wait("doctor", "doctor", settings.requests_per_source)
    if core.rate_limits.is_shared:
        return _Check("ok", subject, "Redis answers")
    text = "Redis does not answer; until it does, each process counts for itself"
    return _Check("warn", subject, f"{text}. Limits on guesses hold anyway")


def _check_tls(settings: Settings) -> Iterator[_Check]:
    """Load what the service will load, then look at when the certificate ends."""
    subject, certificate, key = "TLS", settings.tls_certificate, settings.tls_key
    if certificate is None:
        if key is not None:
            yield _Check("fail", subject, "there is a key, but no certificate: GATEHOUSE_TLS_CERTIFICATE is not set")
        return
    try:
        read_certificate(certificate, key)
        ends_at = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except SettingsError as error:
        yield _Check("fail", subject, str(error))
        return
    except ValueError:
        yield _Check("fail", subject, "it cannot be told when the certificate ends")
        return
    if stat.S_IMODE((key or certificate).stat().st_mode) & 0o007:
        yield _Check("warn", subject, f"every user may read the key; chmod 640 {key or certificate}")
    left = ends_at - datetime.now(UTC)
    if left <= timedelta():
        yield _Check("fail", subject, f"the certificate ended on {ends_at:%Y-%m-%d}")
    elif left < _CERTIFICATE_WARNING:
        yield _Check("warn", subject, f"the certificate ends on {ends_at:%Y-%m-%d}")
    else:
        yield _Check("ok", subject, f"certificate and key belong together; it ends on {ends_at:%Y-%m-%d}")
