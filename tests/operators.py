"""Operators for tests of what the panel may be told."""

from datetime import timedelta

from gatehouse.domain.operators import OperatorRole
from gatehouse.operations.signed_in import SignedIn
from gatehouse.storage.operators import Operator, OperatorSession
from tests.factories import NOON


def make_signed_in(role: OperatorRole = OperatorRole.OWNER, *merchant_ids: int) -> SignedIn:
    """Return an operator who is signed in; one who is no owner works for these merchants."""
    operator = Operator(
        id=1,
        username=role.value,
        role=role.value,
        password_hash="",
        time_zone="UTC",
        totp_secret_sealed=None,
        totp_confirmed_at=None,
        start_password_expires_at=None,
        disabled_at=None,
        last_signed_in_at=NOON,
        created_at=NOON,
    )
    session = OperatorSession(
        id=1,
        operator_id=1,
        owes_code=False,
        source=None,
        last_used_at=NOON,
        expires_at=NOON + timedelta(hours=1),
        ended_at=None,
        created_at=NOON,
    )
    return SignedIn(operator, session, None if role is OperatorRole.OWNER else frozenset(merchant_ids), None)
