"""The certificate of the service and its key, where it speaks https itself."""

import ssl
from pathlib import Path

from gatehouse.config import SettingsError

CERTIFICATE, KEY = "GATEHOUSE_TLS_CERTIFICATE", "GATEHOUSE_TLS_KEY"


def read_certificate(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return what to serve https with: TLS 1.2 and 1.3, without asking clients for certificates.

    Raises SettingsError where the files cannot be used, which says why without their names; without a key, it has to be
    in the certificate's file. Source: RFC 8996; ASVS 5.0, 12.1.1.
    """
    for name, file in ((CERTIFICATE, certificate), (KEY, key)):
        try:
            if file is not None:
                file.read_bytes()
        except OSError as error:
            raise SettingsError(f"{name}: cannot be read ({error.strerror})") from error
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A password would be asked for at the terminal, and where there is none, nothing would start.
        context.load_cert_chain(certificate, key, password=_no_password)
    except _EncryptedKeyError:
        raise SettingsError(f"{KEY}: has a password; the service needs a key without one") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{CERTIFICATE}: it and its key are not PEM, or do not belong together") from error
    return context


class _EncryptedKeyError(Exception):
    """A key that cannot be read without a password."""


def _no_password() -> str:
    raise _EncryptedKeyError
