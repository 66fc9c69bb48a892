"""An authority for one test run, and the certificates that it signs."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "login.example.com"


class Authority:
    """Signs certificates for NAME, `localhost` and 127.0.0.1. `certificate` is the file that clients trust."""

    def __init__(self, folder: Path) -> None:
        """Make the authority's own certificate in this folder."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority")
        usage = x509.BasicConstraints(ca=True, path_length=0)
        built = _builder(self._name, self._name, self._key, 1).add_extension(usage, critical=True)
        self.certificate = folder / "authority.pem"
        self.certificate.write_bytes(_pem(built.sign(self._key, hashes.SHA256())))

    def sign(self, file: str, days: float = 90) -> tuple[Path, Path]:
        """Make a certificate that ends after these days; return its file, and that of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(NAME), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        built = _builder(_name(NAME), self._name, key, days)
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate, private = self._folder / f"{file}.pem", self._folder / f"{file}.key"
        certificate.write_bytes(_pem(built.sign(self._key, hashes.SHA256())))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        private.chmod(0o600)
        return certificate, private


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
