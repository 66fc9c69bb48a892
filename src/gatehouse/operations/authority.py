"""Makes sure that an operator may do what is asked, at the merchant that it is asked for.

Commands act for whoever runs the machine, and clients' calls have rules of their own: of both nothing is asked here.
"""

from gatehouse.domain.errors import AdministrationError, NotAllowedError
from gatehouse.domain.operators import Right
from gatehouse.operations.calls import Call


def require(call: Call, right: Right, merchant_id: int | None = None) -> None:
    """Refuse what the operator behind the call may not do, of another merchant as if it were not there.

    Raises AdministrationError, or NotAllowedError where the right alone is missing.
    """
    authority = call.authority
    if authority is None:
        return
    if merchant_id is not None and not authority.works_for(merchant_id):
        raise AdministrationError("there is no merchant of this number")
    if right not in authority.rights:
        raise NotAllowedError("your role does not have this right; ask an owner")


def require_another(call: Call, operator_id: int) -> None:
    """Refuse an operator who would do this to itself. Raises AdministrationError."""
    if call.authority is not None and call.authority.operator_id == operator_id:
        raise AdministrationError("nobody does this to itself; ask another owner, or see your own account")


def require_proof(call: Call) -> None:
    """Refuse an operator who has not proved of late who it is. Raises NotAllowedError."""
    if call.authority is not None and not call.authority.has_fresh_proof(call.now):
        raise NotAllowedError("confirm first that it is you")
