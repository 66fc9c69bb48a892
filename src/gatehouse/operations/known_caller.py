"""What a call has found out about who makes it, for the audit trail."""

from dataclasses import dataclass

from gatehouse.storage.integrations import Integration
from gatehouse.storage.sessions import Session


@dataclass
class KnownCaller:
    """Filled in on the way by operations/callers.py and the operations; nothing is decided by it.

    The merchant is known once somebody has proved who he is, by a session or an integration's secret. `device_id` and
    `identities` are what was sent, of which the audit trail keeps keyed digests alone.
    """

    merchant_id: int | None = None
    application_id: int | None = None
    account_id: int | None = None
    integration_id: int | None = None
    device_id: str | None = None
    identities: tuple[str | None, ...] = ()
    is_audited: bool = False

    def note_session(self, session: Session) -> None:
        """Remember the account behind the call."""
        self.merchant_id, self.application_id = session.merchant_id, session.application_id
        self.account_id = session.account_id
        self.device_id = self.device_id or session.device_id

    def note_integration(self, integration: Integration, merchant_id: int | None = None) -> None:
        """Remember the partner behind the call, and the merchant that it may call for, else its own."""
        self.integration_id = integration.id
        self.merchant_id = merchant_id or integration.merchant_id
