"""The people who administer this installation: their roles, and what each role may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gatehouse.domain.password_policy import PasswordPolicy

OPERATOR_IDLE_LIFETIME = timedelta(minutes=20)
OPERATOR_SESSION_LIFETIME = timedelta(hours=12)
"""How long an operator stays signed in without doing anything, and at most. Source: NIST SP 800-63B-4, 2.2.3 (AAL2)."""

START_PASSWORD_LIFETIME = timedelta(days=3)
"""How long a password that was drawn for an operator lets it sign in, to choose one of its own."""

PROOF_LIFETIME = timedelta(minutes=10)
"""How long after signing in an operator may change who signs in without proving once more who it is."""

CODE_WAIT = timedelta(minutes=10)
"""How long the second factor may be owed after the password was right."""

MAX_WRONG_CODES = 5
"""Wrong codes of the second factor in 15 minutes. Of a million codes three are right at any moment."""

RECOVERY_CODES = 10
"""Recovery codes that an operator gets at a time."""

OPERATOR_PASSWORDS = PasswordPolicy(min_length=12, min_strength=3)
"""The rules for operators' passwords, who may see everybody's data."""

MAX_OPERATOR_NAME_LENGTH = 64


class OperatorRole(StrEnum):
    """What an operator is there for."""

    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"


class Right(StrEnum):
    """Something that an operator may do, at the merchants that the operator works for."""

    READ = "read"
    READ_UNMASKED = "read_unmasked"
    START_RESETS = "start_resets"
    BLOCK_DEVICES = "block_devices"
    CHANGE_ACCOUNTS = "change_accounts"
    FORGET_DEVICES = "forget_devices"
    RESEND_MESSAGES = "resend_messages"
    EXPORT_AUDIT = "export_audit"
    CHANGE_MERCHANT = "change_merchant"
    ADD_MERCHANTS = "add_merchants"
    MANAGE_OPERATORS = "manage_operators"


OWNERS_ALONE = frozenset({Right.ADD_MERCHANTS, Right.MANAGE_OPERATORS})
"""Rights that are about no merchant that somebody was given."""


RIGHTS: Mapping[OperatorRole, frozenset[Right]] = {
    OperatorRole.OWNER: frozenset(Right),
    OperatorRole.MANAGER: frozenset(Right) - OWNERS_ALONE,
    OperatorRole.SUPPORT: frozenset({Right.READ, Right.START_RESETS, Right.BLOCK_DEVICES}),
}
"""What each role may do. An owner works for every merchant, the others for those that they were given."""


@dataclass(frozen=True)
class Authority:
    """In whose name something is done: what the operator may do, and at which merchants, or None for all of them.

    `proved_at` is when the operator last proved who it is, with everything that signing in takes.
    """

    operator_id: int | None = None
    rights: frozenset[Right] = frozenset()
    merchant_ids: frozenset[int] | None = frozenset()
    proved_at: datetime | None = None

    def works_for(self, merchant_id: int) -> bool:
        """Whether the operator may know anything of this merchant."""
        return self.merchant_ids is None or merchant_id in self.merchant_ids

    def has_fresh_proof(self, now: datetime) -> bool:
        """Whether the operator proved of late who it is. Source: ASVS 5.0, 7.5.1 and 7.5.3."""
        return self.proved_at is not None and now < self.proved_at + PROOF_LIFETIME


NO_AUTHORITY = Authority()
"""That of somebody who is not signed in."""


class OperatorEvent(StrEnum):
    """What happened to an operator, as `operator.past_participle`."""

    ADDED = "operator.added"
    CHANGED = "operator.changed"
    SIGNED_IN = "operator.signed_in"
    SIGN_IN_REFUSED = "operator.sign_in_refused"
    CODE_REFUSED = "operator.code_refused"
    CONFIRMED = "operator.confirmed"
    CONFIRMATION_REFUSED = "operator.confirmation_refused"
    SIGNED_OUT = "operator.signed_out"
    PASSWORD_CHANGED = "operator.password_changed"
    SECOND_FACTOR_ADDED = "operator.second_factor_added"
    SECOND_FACTOR_REMOVED = "operator.second_factor_removed"
    RECOVERY_CODES_MADE = "operator.recovery_codes_made"
    RECOVERY_CODE_USED = "operator.recovery_code_used"


REFUSALS = frozenset({OperatorEvent.SIGN_IN_REFUSED, OperatorEvent.CODE_REFUSED, OperatorEvent.CONFIRMATION_REFUSED})
"""Events of somebody who did not know the operator's secret."""
