"""A partner's integration, and what its guests read in their mails."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gatehouse.operations import reset_codes
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.integrations import AUTHENTICATION_KINDS, Integration, add_integration
from gatehouse.operations.reset_codes import GuestIdentity, GuestRequest
from tests.factories import USERNAME, Shop

CLIENT_ID = "partner"
CODE = "a-code-of-the-partner"
NEW = "a new long password"


@dataclass(repr=False)
class Partner:
    """An integration of a shop, which keeps its accounts of record with it."""

    shop: Shop
    integration: Integration
    secret: str

    @property
    def basic(self) -> str:
        """The `Authorization` header."""
        return basic(self.integration.client_id, self.secret)

    def call(self, secret: str | None = None) -> Call:
        """Return a new call of the integration."""
        caller = Caller(client_id=self.integration.client_id, client_secret=secret or self.secret, source="192.0.2.9")
        return Call(self.shop.core, caller)

    def request(self, authentication: str | None = None, verification: Any = None, **identity: Any) -> GuestRequest:
        """Return a request about the shop's account, or about the identity given."""
        return GuestRequest(
            merchant_id=identity.pop("merchant_id", self.shop.merchant.id),
            identity=GuestIdentity(**(identity or {"username": USERNAME})),
            authentication=authentication,
            verification=verification or {},
        )

    def generate(self, authentication: str | None = None, verification: Any = None, **identity: Any) -> Any:
        """Have a code generated and sent."""
        return reset_codes.generate_and_send(self.call(), self.request(authentication, verification, **identity))

    def send(self, code: str | None = CODE, **identity: Any) -> Any:
        """Have a code of its own sent."""
        return reset_codes.send(self.call(), self.request(**identity), code)

    def redeem(self, code: str = CODE, new: str = NEW, merchant_id: int | None = None) -> Any:
        """Redeem a code."""
        return reset_codes.redeem(self.call(), merchant_id or self.shop.merchant.id, None, code, new)

    def links(self) -> list[str]:
        """Return the links of the mails, oldest first."""
        return [message.content["link"] for message in self.shop.messages("reset_code")]

    def codes(self) -> list[str]:
        """Return the codes in the links of the mails, as the page gets them."""
        return [parse_qsl(urlsplit(link).query)[-1][1] for link in self.links()]


def basic(client_id: str, secret: str) -> str:
    """Return an `Authorization` header."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def make_partner(shop: Shop, client_id: str = CLIENT_ID, kinds: tuple[str, ...] = AUTHENTICATION_KINDS) -> Partner:
    """Add an integration to the shop; its merchant then keeps its accounts of record with a third party."""
    shop.set_merchant(third_party_accounts_of_record=True)
    integration, secret = add_integration(Call(shop.core, Caller()), shop.merchant.id, client_id, kinds, client_id)
    return Partner(shop, integration, secret)
