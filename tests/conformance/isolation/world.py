"""Two merchants that hold the same people, in one service, and everything that each of them has issued to those."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from gatehouse.operations import devices, fulfilment, login_cookies, passwords
from gatehouse.operations.applications import NewApplication
from gatehouse.operations.core import Core
from gatehouse.storage import tables
from tests import factories
from tests.conformance.soap import Client
from tests.factories import EMAIL, PHONE, USERNAME
from tests.partner import Partner, make_partner

PASSWORDS = {"North": "north wind & seven otters", "South": "south wind & nine badgers"}
"""Of the account that has the same address, username and card at both."""

CARD = "6035 7100 1234"
PINCODE = "4711"
SHARED_DEVICE = "phone-of-both"
SHARED_CODE = "the same code at both"
"""A partner's own reset code, which the partners of both merchants chose."""

ROOM = dict.fromkeys(
    ("guesses_per_account", "guesses_per_account_and_source", "guesses_per_source", "guesses_per_application"), 10_000
)
"""Settings with which nothing is refused here for being guessed too often."""

Dump = Mapping[tuple[str, str], frozenset[tuple[Any, ...]]]


@dataclass(repr=False)
class House:
    """One merchant with all that it issued: by its name, what a stranger might carry to the other merchant."""

    name: str
    shop: factories.Shop
    partner: Partner
    other_application: NewApplication
    only_here: dict[str, str]
    issued: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The token of the application that the people use."""
        return self.shop.application.token

    @property
    def password(self) -> str:
        """The password of the account that is at both merchants."""
        return PASSWORDS[self.name]

    @property
    def things(self) -> dict[str, str]:
        """Everything that was issued or kept here, by its name."""
        named = {
            "token": self.token,
            "hash key": self.shop.application.hash_key,
            "web token": self.other_application.token,
            "web hash key": self.other_application.hash_key,
            "password": self.password,
            "client id": self.partner.integration.client_id,
            "client secret": self.partner.secret,
            "merchantId": str(self.shop.merchant.id),
        }
        alone = {f"only {name}": value for name, value in self.only_here.items()}
        places = {f"{kind} device": f"{kind}-at-{self.name}" for kind in ("registered", "activated", "blocked")}
        return named | alone | places | self.issued


@dataclass(repr=False)
class World:
    """The service and both merchants."""

    core: Core
    north: House
    south: House
    client: Client

    def work(self) -> None:
        """Do what calls left for the worker to do for accounts; messages stay in the outbox."""
        while fulfilment.fulfil_next(self.core):
            pass

    def dump(self) -> Dump:
        """Return every row of every table, by the merchant that it belongs to (or "nobody") and the table."""
        owners = {house.shop.merchant.id: house.name for house in (self.north, self.south)}
        found: dict[tuple[str, str], set[tuple[Any, ...]]] = {}
        with self.core.database.reading() as db:
            for table in tables.metadata.sorted_tables:
                names = [column.name for column in table.c]
                merchant = "id" if table is tables.merchants else "merchant_id"
                # As the driver gives them: thousands of rows need not become our types to be compared.
                for row in db.exec_driver_sql(str(sa.select(table))):
                    owner = owners[row[names.index(merchant)]] if merchant in names else "nobody"
                    found.setdefault((owner, table.name), set()).add(tuple(row))
        return {key: frozenset(rows) for key, rows in found.items()}


def changed(before: Dump, after: Dump) -> set[tuple[str, str]]:
    """Return whose rows of which tables are not as they were."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def make_houses(core: Core) -> tuple[House, House]:
    """Make both merchants: the same people and names, other passwords; each with all that it can issue."""
    north, south = _make_house(core, "North"), _make_house(core, "South")
    for house in (north, south):
        _issue(house)
    return north, south


def moved(house: House, core: Core) -> House:
    """Return the house over another database that holds the same."""
    shop = replace(house.shop, core=core)
    return replace(house, shop=shop, partner=replace(house.partner, shop=shop), issued=dict(house.issued))


def _make_house(core: Core, name: str) -> House:
    merchant = factories.make_merchant(core, name=name)
    origins = [f"https://{name.lower()}.example.com"]
    till = factories.make_application(core, merchant, name="till", origins=origins)
    web = factories.make_application(core, merchant, name="web", origins=[f"https://web.{name.lower()}.example.com"])
    shared = {"email": EMAIL, "username": USERNAME, "phone": PHONE, "full_name": "Jane Doe", "cards": [CARD]}
    account = factories.make_account(core, merchant, password=PASSWORDS[name], pincode=PINCODE, **shared)
    only_here = {
        "email": f"only.{name.lower()}@example.com",
        "username": f"only-{name.lower()}",
        "card": f"9900 {len(name)} {merchant.id} 77",
        "password": f"of {name} alone & three herons",
    }
    alone = factories.make_account(
        core,
        merchant,
        email=only_here["email"],
        username=only_here["username"],
        password=only_here["password"],
        cards=[only_here["card"]],
    )
    only_here["accountId"] = str(alone.id)
    shop = factories.Shop(core, merchant, till, account)
    return House(name, shop, make_partner(shop, f"partner-of-{name.lower()}"), web, only_here)


def _issue(house: House) -> None:
    """Have the merchant issue one of everything, live and unused."""
    shop, issued = house.shop, house.issued
    login = shop.login(password=house.password, set_cookie=True)
    assert login.is_success
    issued["session"], issued["cookie"] = str(login.credentials_token), str(login.encoded_cookie)
    web = shop.login(password=house.password, set_cookie=True, token=house.other_application.token)
    issued["web session"], issued["web cookie"] = str(web.credentials_token), str(web.encoded_cookie)
    issued["accountId"] = str(shop.account.id)

    # A cookie that was replaced long ago: shown at home it raises the alarm.
    first = shop.login(password=house.password, set_cookie=True)
    issued["replaced cookie"] = str(first.encoded_cookie)
    for cookie in _rotations(shop, issued["replaced cookie"], 2):
        issued["rotated cookie"] = cookie

    for device in (SHARED_DEVICE, f"registered-at-{house.name}", f"activated-at-{house.name}"):
        shop.register(issued["session"], device)
        issued[f"code of {device}"] = shop.send_code(issued["session"], device)
    activated = f"activated-at-{house.name}"
    result = devices.device_activate(shop.call(issued["session"]), activated, issued[f"code of {activated}"])
    assert result.is_success
    # From another session, because blocking a device ends those that are from it.
    blocked = shop.register(shop.log_in(password=house.password), f"blocked-at-{house.name}")
    devices.set_device_blocked(shop.call(), blocked, is_blocked=True)

    for email in (EMAIL, house.only_here["email"]):
        assert passwords.reset_password(shop.call(), email).is_success
    while fulfilment.fulfil_next(shop.core):
        pass
    mailed = [message for message in shop.messages("temporary_password") if message.merchant_id == shop.merchant.id]
    issued["temporary password"] = mailed[0].content["temporary_password"]

    assert house.partner.send(SHARED_CODE).is_success
    assert house.partner.generate(username=house.only_here["username"]).is_success
    issued["generated code"] = house.partner.codes()[-1]


def _rotations(shop: factories.Shop, cookie: str, count: int) -> Iterator[str]:
    for _ in range(count):
        cookie = str(login_cookies.decode_login_cookie(shop.call(), cookie).encoded_cookie)
        yield cookie
