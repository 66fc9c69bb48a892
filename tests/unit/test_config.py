"""Tests of config.py."""

import base64
import stat
import threading
from ipaddress import ip_network
from pathlib import Path

import pytest

from gatehouse.config import MailServer, Settings, SettingsError, SmsGateway, read_settings, unknown_settings

SECRET_KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder, in which `var/` is made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(**values: str) -> Settings:
    """Read settings that have a secret key."""
    return read_settings({"GATEHOUSE_SECRET_KEY": SECRET_KEY} | values)


def test_defaults_are_the_contracts():
    """An operator relies on the table of section 5."""
    settings = read()

    assert settings.database_url == "sqlite:///var/gatehouse.db"
    assert settings.bind == "127.0.0.1:8080"
    assert settings.public_url is None
    assert settings.trusted_proxies == ()
    assert settings.mail_url == Path("var/mail")
    assert settings.sms_url == Path("var/sms")
    assert settings.default_application is None
    assert settings.soap_namespace == "http://tempuri.org/"
    assert settings.data_namespace == "http://schemas.datacontract.org/2004/07/Gatehouse"
    assert settings.soap_max_bytes == 65536
    assert settings.soap_max_depth == 32
    assert settings.workers >= 1
    assert settings.hash_slots >= 1


def test_values_are_read_from_the_environment():
    """Each has its own kind."""
    settings = read(
        GATEHOUSE_DATABASE_URL="postgresql+psycopg://db/gatehouse",
        GATEHOUSE_WORKERS="3",
        GATEHOUSE_PUBLIC_URL="https://login.example.com/",
        GATEHOUSE_TRUSTED_PROXIES="10.0.0.1, 192.0.2.0/24,2001:db8::/32",
        GATEHOUSE_MAIL_URL="file:///srv/mail",
        GATEHOUSE_SMS_URL="file:out/sms",
    )

    assert settings.database_url == "postgresql+psycopg://db/gatehouse"
    assert settings.workers == 3
    assert settings.public_url == "https://login.example.com"
    assert settings.trusted_proxies == (
        ip_network("10.0.0.1/32"),
        ip_network("192.0.2.0/24"),
        ip_network("2001:db8::/32"),
    )
    assert settings.mail_url == Path("/srv/mail")
    assert settings.sms_url == Path("out/sms")


def test_empty_value_is_the_default():
    """Container files often set what they do not fill in."""
    assert read(GATEHOUSE_WORKERS="", GATEHOUSE_BIND="").bind == "127.0.0.1:8080"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEHOUSE_WORKERS", "0"),
        ("GATEHOUSE_WORKERS", "many-secret"),
        ("GATEHOUSE_THREADS", "-1"),
        ("GATEHOUSE_SERVER", "secret"),
        ("GATEHOUSE_PUBLIC_URL", "login.secret.example"),
        ("GATEHOUSE_PUBLIC_URL", "ftp://secret.example"),
        ("GATEHOUSE_PUBLIC_URL", "https://secret.example/?a=b"),
        ("GATEHOUSE_PUBLIC_URL", "https://[secret]/"),
        ("GATEHOUSE_PUBLIC_URL", "https://secret\u2100.example/"),
        ("GATEHOUSE_TRUSTED_PROXIES", "10.0.0.1, secret.example"),
        ("GATEHOUSE_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("GATEHOUSE_MAIL_URL", "smtp://user:secret@host:port"),
        ("GATEHOUSE_SMS_URL", "secret"),
        ("GATEHOUSE_SECRET_KEY", "too-short-secret"),
        ("GATEHOUSE_SOAP_NAMESPACE", 'urn:secret"><x'),
        ("GATEHOUSE_ARGON2_PASSES", "2.5"),
    ],
)
def test_wrong_value_is_named_and_never_shown(name, value):
    """Settings hold secrets, and their errors end in logs."""
    with pytest.raises(SettingsError) as raised:
        read(**{name: value})

    assert str(raised.value).startswith(f"{name}: ")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "port", "user", "starttls", "implicit_tls"),
    [
        ("smtp://mail.example.com", 25, None, "auto", False),
        ("smtp://mail.example.com:587", 587, None, "always", False),
        ("smtp://jane%40x:p%2Fw@mail.example.com", 587, "jane@x", "always", False),
        ("smtp://jane:pw@mail.example.com:2525?starttls=never", 2525, "jane", "never", False),
        ("smtp://jane:pw@127.0.0.1:1025", 1025, "jane", "auto", False),
        ("smtps://jane:pw@mail.example.com", 465, "jane", "never", True),
    ],
)
def test_mail_server_is_read_from_its_url(url, port, user, starttls, implicit_tls):
    """A login goes without TLS only where an operator says so, or where nothing leaves the machine."""
    server = read(GATEHOUSE_MAIL_URL=url).mail_url

    assert isinstance(server, MailServer)
    assert (server.port, server.user, server.starttls, server.implicit_tls) == (port, user, starttls, implicit_tls)
    if "%2F" in url:
        assert server.password == "p/w"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEHOUSE_MAIL_URL", "smtp://secret@host"),
        ("GATEHOUSE_MAIL_URL", "smtp://user:secret@"),
        ("GATEHOUSE_MAIL_URL", "smtp://user:secret@host:99999"),
        ("GATEHOUSE_MAIL_URL", "smtp://user:secret@host?starttls=perhaps"),
        ("GATEHOUSE_MAIL_URL", "smtp://user:secret@host?tls=secret"),
        ("GATEHOUSE_MAIL_URL", "http://user:secret@host"),
        ("GATEHOUSE_SMS_URL", "twilio://secret@12015550100"),
        ("GATEHOUSE_SMS_PER_COUNTRY", "secret"),
        ("GATEHOUSE_SMS_PER_COUNTRY", "US=-1"),
    ],
)
def test_wrong_way_of_delivery_is_named_and_never_shown(name, value):
    """As with every other setting."""
    with pytest.raises(SettingsError) as raised:
        read(**{name: value})

    assert str(raised.value).startswith(f"{name}: ")
    assert "secret" not in str(raised.value)


def test_passwords_of_servers_are_not_in_what_is_printed_of_settings():
    """A traceback or a log line may hold it."""
    settings = read(GATEHOUSE_MAIL_URL="smtp://jane:hunter2@host", GATEHOUSE_SMS_URL="jsons://jane:hunter2@host/{to}")

    assert isinstance(settings.sms_url, SmsGateway)
    assert "hunter2" not in f"{settings!r} {settings.mail_url} {settings.sms_url}"
    assert (str(settings.mail_url), str(settings.sms_url)) == ("smtp://host:587", "jsons://…")


def test_limits_by_country_keep_the_default_for_the_others():
    """An operator names the countries that matter."""
    assert read().sms_per_country == {"*": 500}
    assert read(GATEHOUSE_SMS_PER_COUNTRY="us=2000, DE=0").sms_per_country == {"*": 500, "US": 2000, "DE": 0}
    assert read(GATEHOUSE_SMS_PER_COUNTRY="*=0,US=5").sms_per_country == {"*": 0, "US": 5}


def test_folder_without_a_name_is_refused():
    """It would be the current folder, which nobody means."""
    with pytest.raises(SettingsError, match=r"^GATEHOUSE_MAIL_URL: must name the folder"):
        read(GATEHOUSE_MAIL_URL="file:")


def test_every_wrong_value_is_told_at_once():
    """An operator should not have to start five times to learn of five errors."""
    with pytest.raises(SettingsError) as raised:
        read(GATEHOUSE_WORKERS="0", GATEHOUSE_THREADS="x", GATEHOUSE_MAIL_URL="x")

    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == [
        "GATEHOUSE_WORKERS",
        "GATEHOUSE_THREADS",
        "GATEHOUSE_MAIL_URL",
    ]


def test_names_that_are_no_settings_are_found():
    """Most often they are typing errors."""
    environment = {"GATEHOUSE_WORKER": "3", "GATEHOUSE_WORKERS": "3", "HOME": "/", "GATEHOUSE_": ""}

    assert unknown_settings(environment) == ["GATEHOUSE_", "GATEHOUSE_WORKER"]


def test_secret_key_is_made_once_and_is_its_owners_alone(folder):
    """Whoever reads it can sign login cookies."""
    first = read_settings({})
    second = read_settings({})

    file = folder / "var" / "secret.key"
    assert len(first.secret_key) == 64
    assert first.secret_key == second.secret_key == file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["secret.key"]


def test_no_file_is_made_where_the_key_is_set(folder):
    """Two keys would be one too many to look after."""
    read()

    assert list(folder.iterdir()) == []


def test_processes_that_start_together_have_one_key(folder):
    """Otherwise the cookies of one worker would be invalid at the next."""
    barrier, keys = threading.Barrier(16), []

    def start():
        barrier.wait()
        keys.append(read_settings({}).secret_key)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 16
    assert len(set(keys)) == 1
    assert [each.name for each in (folder / "var").iterdir()] == ["secret.key"]


def test_key_file_that_was_spoiled_is_refused_without_showing_it(folder):
    """A short key in the file is an accident that must not go unnoticed."""
    (folder / "var").mkdir()
    (folder / "var" / "secret.key").write_text("too-short\n")

    with pytest.raises(SettingsError) as raised:
        read_settings({})

    assert str(raised.value) == "the secret key file: must have at least 32 characters"


def test_pepper_keys_are_read_newest_first():
    """The order says which one is used for new hashes; no representation shows a key."""
    one, two = base64.b64encode(b"1" * 32).decode(), base64.b64encode(b"2" * 40).decode()

    settings = read(GATEHOUSE_PEPPER_KEYS=f"2:{two}, first-1:{one}")

    assert [(each.name, each.key) for each in settings.pepper_keys] == [("2", b"2" * 40), ("first-1", b"1" * 32)]
    assert "222" not in repr(settings)
    assert two not in repr(settings)
    assert read().pepper_keys == ()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("c2VjcmV0", "must be names"),
        ("2:c2VjcmV0", "a key must have at least 32 bytes before base64"),
        ("2:" + "s" * 60 + "!", "a key is not base64"),
        ("derived-1:" + "cw==" * 20, "must be names"),
        ("Two:" + "cw==" * 20, "must be names"),
        ("2:" + "A" * 44 + ",2:" + "A" * 44, "two keys have one name"),
    ],
)
def test_wrong_pepper_keys_are_refused_without_showing_them(value, reason):
    """A log must not hold half of a key."""
    with pytest.raises(SettingsError) as refused:
        read(GATEHOUSE_PEPPER_KEYS=value)

    assert str(refused.value).startswith(f"GATEHOUSE_PEPPER_KEYS: {reason}")
    assert not any(part.partition(":")[2][:8] in str(refused.value) for part in value.split(",") if ":" in part)


@pytest.mark.parametrize(("value", "days"), [("", 400), ("0", 0), ("3650", 3650)])
def test_days_of_the_audit_trail(value, days):
    """Nothing given is a little more than a year; nought is for ever."""
    assert read(GATEHOUSE_AUDIT_DAYS=value).audit_days == days
    with pytest.raises(SettingsError, match="GATEHOUSE_AUDIT_DAYS: must not be negative"):
        read(GATEHOUSE_AUDIT_DAYS="-1")


@pytest.mark.parametrize("value", ["0", "1441", "-5", "ten"])
def test_activation_codes_live_for_minutes_of_a_day(value):
    """A code of six digits that lives for long is guessed some day."""
    assert read().activation_code_minutes == 10
    assert read(GATEHOUSE_ACTIVATION_CODE_MINUTES="1440").activation_code_minutes == 1440
    with pytest.raises(SettingsError, match="GATEHOUSE_ACTIVATION_CODE_MINUTES: "):
        read(GATEHOUSE_ACTIVATION_CODE_MINUTES=value)
