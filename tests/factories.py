"""Records with sensible defaults, made through the operations, so that a test states only what it is about."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gatehouse.config import Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import LoginResult
from gatehouse.domain.roles import UserRole
from gatehouse.operations import devices
from gatehouse.operations.accounts import add_account
from gatehouse.operations.applications import NewApplication, add_application, change_application
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.fulfilment import fulfil_next
from gatehouse.operations.login import LoginRequest, login
from gatehouse.operations.merchants import add_merchant, change_merchant
from gatehouse.security.keys import Keys
from gatehouse.security.passwords import PasswordHasher
from gatehouse.security.peppers import Peppers
from gatehouse.storage import audit, tables
from gatehouse.storage.accounts import Account
from gatehouse.storage.engine import Database
from gatehouse.storage.merchants import Merchant

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET_KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "correct horse battery"
EMAIL = "jane@example.com"
USERNAME = "jane"
PHONE = "+12015550123"

_numbers = itertools.count(1)


class Clock:
    """The present moment, which stands still until a test moves it."""

    def __init__(self, start: datetime = NOON) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> None:
        """Move on by `minutes=10` or the like."""
        self.moment += timedelta(**duration)


def make_hasher(passes: int = 1, slots: int = 4, peppers: Peppers | None = None) -> PasswordHasher:
    """Return a hasher with Argon2's cheapest parameters; its pepper key is of SECRET_KEY unless given."""
    peppers = peppers or Peppers([Keys(SECRET_KEY).pepper()])
    return PasswordHasher(memory_kib=8, passes=passes, lanes=1, slots=slots, peppers=peppers)


def make_core(database: Database, **settings: Any) -> Core:
    """Return the parts that operations work with; `core.now` is a Clock."""
    return Core(
        settings=Settings(secret_key=SECRET_KEY, **settings),
        database=database,
        passwords=make_hasher(),
        keys=Keys(SECRET_KEY),
        now=Clock(),
    )


def make_merchant(core: Core, **policies: Any) -> Merchant:
    """Add a merchant; its name is new each time unless given."""
    name = policies.pop("name", f"Merchant {next(_numbers)}")
    return add_merchant(Call(core, Caller()), name, **policies)


def make_application(core: Core, merchant: Merchant, **options: Any) -> NewApplication:
    """Add an application; its name is new each time unless given."""
    name = options.pop("name", f"Application {next(_numbers)}")
    return add_application(Call(core, Caller()), merchant.id, name, **options)


def make_account(core: Core, merchant: Merchant, role: UserRole = UserRole.CUSTOMER, **values: Any) -> Account:
    """Add an account; it has PASSWORD, and a username that is new each time unless it is given a name."""
    if not values.keys() & {"email", "username"}:
        values["username"] = f"account-{next(_numbers)}"
    return add_account(Call(core, Caller()), merchant.id, role, **({"password": PASSWORD} | values))


@dataclass(repr=False)
class Shop:
    """One merchant with one application and one account (EMAIL, USERNAME, PASSWORD, PHONE, Customer)."""

    core: Core
    merchant: Merchant
    application: NewApplication
    account: Account

    @property
    def clock(self) -> Clock:
        """The clock of all its calls."""
        assert isinstance(self.core.now, Clock)
        return self.core.now

    def call(self, session: str | None = None, token: str | None = None) -> Call:
        """Return a new call of the application, with the credentials token of a session where given."""
        caller = Caller(
            application_token=token or self.application.token, credentials_token=session, source="192.0.2.7"
        )
        return Call(self.core, caller)

    def login(self, **members: Any) -> LoginResult:
        """Call Login as the account, besides what is said otherwise."""
        request = {"email": EMAIL, "password": PASSWORD, "user_role": "15"} | members
        return login(self.call(token=request.pop("token", None)), LoginRequest(**request))

    def log_in(self, **members: Any) -> str:
        """Log in, which must succeed, and return the credentials token."""
        result = self.login(**members)
        assert result.return_code is ReturnCode.SUCCESS, result
        assert result.credentials_token is not None
        return result.credentials_token

    def set_application(self, **options: Any) -> None:
        """Change options of the application."""
        change_application(Call(self.core, Caller()), self.application.application.id, **options)

    def set_merchant(self, **policies: Any) -> None:
        """Change policies of the merchant."""
        change_merchant(Call(self.core, Caller()), self.merchant.id, **policies)

    def register(self, session: str, device_id: str = "till-1", phone: str | None = None) -> int:
        """Register a device, which must succeed, and return its registration number."""
        result = devices.register_device(self.call(session), device_id, phone)
        assert result.return_code is ReturnCode.SUCCESS, result
        return int(result.number or "")

    def send_code(self, session: str, device_id: str = "till-1") -> str:
        """Have an activation code sent, and return it as its receiver reads it."""
        result = devices.device_send_activation_code(self.call(session), device_id)
        assert result.return_code is ReturnCode.SUCCESS, result
        return self.messages("activation_code")[-1].content["code"]

    def activate(self, session: str, device_id: str = "till-1") -> None:
        """Activate a registered device."""
        result = devices.device_activate(self.call(session), device_id, self.send_code(session, device_id))
        assert result.return_code is ReturnCode.SUCCESS, result

    def messages(self, kind: str | None = None) -> list[Any]:
        """Return the rows of the outbox, oldest first."""
        rows = self.rows(tables.messages)
        return [row for row in rows if kind in (None, row.kind)]

    def events(self, since: int = 0) -> list[tuple[str, str | None]]:
        """Return event and outcome of the merchant's audit entries, besides the first `since` ones."""
        with self.core.database.reading() as db:
            entries = audit.find_every(db, self.merchant.id)
        return [(entry.event, entry.outcome) for entry in entries][since:]

    def rows(self, table: sa.Table) -> list[Any]:
        """Return every row of a table by number, after what calls have asked for accounts was done."""
        while fulfil_next(self.core):
            pass
        with self.core.database.reading() as db:
            return list(db.execute(sa.select(table).order_by(table.c.id)))

    def present_account(self) -> Any:
        """Return the account's row as it is now."""
        return next(row for row in self.rows(tables.accounts) if row.id == self.account.id)


def make_shop(core: Core, **values: Any) -> Shop:
    """Make a shop; `values` are the account's besides the defaults."""
    merchant = make_merchant(core)
    account = {"email": EMAIL, "username": USERNAME, "phone": PHONE, "full_name": "Jane Doe"} | values
    return Shop(core, merchant, make_application(core, merchant), make_account(core, merchant, **account))
