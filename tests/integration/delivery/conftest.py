"""Fixtures of the delivery: messages that wait, and certificates made for the session."""

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatehouse.storage import outbox
from tests.integration.delivery.mail_servers import Mailbox, serving


@pytest.fixture
def mailbox():
    """What the mail server was given."""
    return Mailbox()


@pytest.fixture
def mail_port(mailbox):
    """The port of a mail server without TLS and login."""
    with serving(mailbox) as port:
        yield port


@pytest.fixture
def queue(core, shop):
    """A function that queues a mail to each of these addresses."""

    def add(*recipients, **values):
        now = values.pop("now", core.now())
        with core.database.writing() as db:
            return [
                outbox.add(
                    db,
                    **{
                        "merchant_id": shop.merchant.id,
                        "kind": "password_changed",
                        "medium": "mail",
                        "recipient": recipient,
                        "content": {"merchant": "Acme", "full_name": "Jane Doe", "username": "jane"},
                        "state": "queued",
                        "attempts": 0,
                        "due_at": now,
                        "created_at": now,
                    }
                    | values,
                )
                for recipient in recipients
            ]

    return add


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A file with a key and a certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of the tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def trusted(certificate, monkeypatch):
    """Let this process trust the certificate, as an operator does for a server of the house."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
