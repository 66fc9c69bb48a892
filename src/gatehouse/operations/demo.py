"""The demo data: a merchant with everything that a newcomer or a test needs to make each call.

Its secrets are derived from the installation's secret key, so that they can be shown again without being kept.
"""

import base64
import uuid
from dataclasses import dataclass
from typing import Any

from gatehouse.domain import identity
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.operators import OperatorRole
from gatehouse.domain.password_policy import pincode_weakness
from gatehouse.domain.roles import UserRole
from gatehouse.operations.accounts import add_account
from gatehouse.operations.applications import add_application
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.integrations import AUTHENTICATION_KINDS, add_integration
from gatehouse.operations.merchants import add_merchant
from gatehouse.security import tokens
from gatehouse.security.keys import Keys
from gatehouse.storage import accounts, applications, locks, merchants, operators
from gatehouse.storage.merchants import Merchant

_MERCHANT = "Demo"
_SHOP, _MOBILE = "Demo shop", "Demo mobile"
_CLIENT_ID = "demo-partner"
_OPERATOR = "admin"

_PASSWORD_WORDS, _OPERATOR_PASSWORD_WORDS = 4, 6

# 64 words of five to seven letters, of which none is part of a name below: six bits for each word of a password.
_WORDS = (  # noqa: SIM905  as a list these would be 64 lines
    "Acorn Amber Anchor Basalt Beacon Birch Bramble Breeze Candle Canyon Cedar Cobalt Comet Copper Coral Cotton "
    "Crater Cricket Dapple Delta Ember Falcon Fennel Fjord Garnet Ginger Glacier Hazel Heron Indigo Island Ivory "
    "Jasper Juniper Kettle Lagoon Lantern Lemon Linden Magnet Maple Marble Meadow Nectar Nickel Nutmeg Orchid Otter "
    "Paddle Pebble Pepper Quartz Raven Ribbon Saddle Saffron Sparrow Summit Thistle Timber Velvet Walnut Willow Zephyr"
).split()


@dataclass(frozen=True)
class _Person:
    """Somebody in the demo data. Numbers +1 201 555 01xx are reserved for fiction."""

    username: str
    full_name: str
    phone: str
    card: str
    role: UserRole = UserRole.CUSTOMER

    @property
    def email(self) -> str:
        return f"{self.username}@example.com"


_PEOPLE = (
    _Person("alice.archer", "Alice Archer", "+12015550101", "6006 4912 0000 1001"),
    _Person("bruno.baker", "Bruno Baker", "+12015550102", "6006 4912 0000 1002"),
    _Person("carla.cooper", "Carla Cooper", "+12015550103", "6006 4912 0000 1003"),
    _Person("david.dyer", "David Dyer", "+12015550104", "6006 4912 0000 1004"),
    _Person("erika.fisher", "Erika Fisher", "+12015550105", "6006 4912 0000 1005"),
    _Person("marta.mercer", "Marta Mercer", "+12015550120", "6006 4912 0000 1020", UserRole.MERCHANT),
)


def make_demo(core: Core) -> dict[str, Any]:
    """Make the demo data where there are none yet, and return them under the contract's names.

    However many processes and machines start at the same time, one of them makes them. Raises AdministrationError
    when the secrets that they were made with are not this installation's.
    Source: contract, Running it.
    """
    call = Call(core, Caller(source="demo"))
    secrets = _Secrets(core.keys)
    with call.reading():
        is_there = merchants.find_by_name(call.db, _MERCHANT) is not None
    if not is_there:
        _make(call, secrets)
    with call.reading():
        return _shown(call, secrets)


class _Secrets:
    """The secrets of the demo data, the same each time that they are asked for."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def token(self, application: str) -> str:
        """Return an application token in the GUID form of the seed."""
        return str(uuid.UUID(bytes=self._keys.demo_secret(f"token of {application}")[:16], version=4)).upper()

    def key(self, name: str) -> str:
        """Return a hash key or a client secret."""
        return base64.urlsafe_b64encode(self._keys.demo_secret(f"key of {name}")).decode().rstrip("=")

    def password(self, username: str, words: int = _PASSWORD_WORDS) -> str:
        """Return a password that can be read and typed: words, then four digits."""
        drawn = self._keys.demo_secret(f"password of {username}")
        number = int.from_bytes(drawn[-4:]) % 10_000
        return "-".join([*(_WORDS[byte % len(_WORDS)] for byte in drawn[:words]), f"{number:04d}"])

    def pincode(self, username: str) -> str:
        """Return the first four digits drawn for this name that are allowed as a pincode."""
        tries = 0
        while True:
            drawn = self._keys.demo_secret(f"pincode {tries} of {username}")
            pincode = f"{int.from_bytes(drawn[:4]) % 10_000:04d}"
            if pincode_weakness(pincode) is None:
                return pincode
            tries += 1


def _make(call: Call, secrets: _Secrets) -> None:
    """Add everything in one transaction, unless another process did so while the passwords were hashed."""
    password_hashes = [call.passwords.hash(secrets.password(each.username)) for each in _PEOPLE]
    pincode_hashes = [call.passwords.hash(secrets.pincode(each.username)) for each in _PEOPLE]
    operator_hash = call.passwords.hash(secrets.password(_OPERATOR, _OPERATOR_PASSWORD_WORDS))
    with call.writing():
        locks.take(call.db, locks.DEMO_DATA)
        if merchants.find_by_name(call.db, _MERCHANT) is not None:
            return
        if operators.exists(call.db, _OPERATOR):
            raise AdministrationError(f"the demo data need the operator {_OPERATOR}, and there is another one")
        merchant = add_merchant(call, _MERCHANT, third_party_accounts_of_record=True)
        add_application(call, merchant.id, _SHOP, secrets.token(_SHOP), secrets.key(_SHOP))
        add_application(
            call,
            merchant.id,
            _MOBILE,
            secrets.token(_MOBILE),
            secrets.key(_MOBILE),
            default_role=UserRole.CUSTOMER.value,
            boolean_results=True,
        )
        add_integration(
            call, merchant.id, "Demo partner", AUTHENTICATION_KINDS, _CLIENT_ID, secret=secrets.key(_CLIENT_ID)
        )
        for person, password_hash, pincode_hash in zip(_PEOPLE, password_hashes, pincode_hashes, strict=True):
            add_account(
                call,
                merchant.id,
                person.role,
                email=person.email,
                username=person.username,
                phone=person.phone,
                full_name=person.full_name,
                cards=[person.card],
                password_hash=password_hash,
                pincode_hash=pincode_hash,
            )
        operators.add(
            call.db,
            username=_OPERATOR,
            role=OperatorRole.OWNER.value,
            password_hash=operator_hash,
            created_at=call.now,
        )


def _shown(call: Call, secrets: _Secrets) -> dict[str, Any]:
    merchant = merchants.find_by_name(call.db, _MERCHANT)
    assert merchant is not None, "it was found or made before"
    return {
        "merchantId": merchant.id,
        **_shown_application(call, secrets, merchant, _SHOP),
        "integrations": [
            {
                "clientId": _CLIENT_ID,
                "clientSecret": secrets.key(_CLIENT_ID),
                "authentication": list(AUTHENTICATION_KINDS),
            }
        ],
        "accounts": [_shown_account(call, secrets, merchant, each) for each in _PEOPLE],
        "admin": {"username": _OPERATOR, "password": secrets.password(_OPERATOR, _OPERATOR_PASSWORD_WORDS)},
        "mobile": _shown_application(call, secrets, merchant, _MOBILE),
    }


def _shown_application(call: Call, secrets: _Secrets, merchant: Merchant, name: str) -> dict[str, str]:
    token = secrets.token(name)
    if applications.find_by_token(call.db, tokens.digest(token)) is None:
        raise AdministrationError(
            f"the application {name} of merchant {merchant.id} does not answer to the token of this installation: "
            "it was disabled or given another token, or the demo data were made with another GATEHOUSE_SECRET_KEY"
        )
    return {"applicationToken": token, "hashKey": secrets.key(name)}


def _shown_account(call: Call, secrets: _Secrets, merchant: Merchant, person: _Person) -> dict[str, Any]:
    account = accounts.find_by_username(call.db, merchant.id, identity.username_key(person.username))
    if account is None:
        raise AdministrationError(f"the demo data of merchant {merchant.id} are not complete")
    return {
        "accountId": account.id,
        "email": person.email,
        "username": person.username,
        "password": secrets.password(person.username),
        "pincode": secrets.pincode(person.username),
        "printedCardNumber": person.card,
        "phone": person.phone,
        "userrole": str(person.role.value),
    }
