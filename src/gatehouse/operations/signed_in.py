"""The operator behind a visit to the panel."""

from dataclasses import dataclass

from gatehouse.domain.operators import RIGHTS, Authority, OperatorRole, Right
from gatehouse.storage.operators import Operator, OperatorSession


@dataclass(frozen=True)
class SignedIn:
    """The operator behind a visit, the merchants that it works for, or None for all of them, and its address."""

    operator: Operator
    session: OperatorSession
    merchant_ids: frozenset[int] | None
    source: str | None

    @property
    def role(self) -> OperatorRole:
        """The operator's role."""
        return OperatorRole(self.operator.role)

    @property
    def has_second_factor(self) -> bool:
        """Whether a code is asked for after the password."""
        return self.operator.totp_confirmed_at is not None

    @property
    def owes_password(self) -> bool:
        """Whether the password was drawn for the operator, who may do nothing but choose another one."""
        return self.operator.start_password_expires_at is not None

    @property
    def authority(self) -> Authority:
        """What operations let the operator do."""
        rights = frozenset[Right]() if self.owes_password else RIGHTS[self.role]
        # A confirmation begins another session, so that a session is as old as the last proof.
        return Authority(self.operator.id, rights, self.merchant_ids, self.session.created_at)

    def may(self, right: Right) -> bool:
        """Whether the role has this right."""
        return right in RIGHTS[self.role]

    def works_for(self, merchant_id: int) -> bool:
        """Whether the operator may know anything of this merchant."""
        return self.authority.works_for(merchant_id)
