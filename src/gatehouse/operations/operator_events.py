"""Writes down what happens to operators."""

from typing import Any

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.events import INSTALLATION
from gatehouse.domain.operators import REFUSALS, OperatorEvent
from gatehouse.operations import audit
from gatehouse.operations.calls import Call


def note(call: Call, operator_id: int, event: OperatorEvent, changes: dict[str, Any] | None = None) -> None:
    """Add an entry to the trail of the installation, since operators belong to no merchant."""
    audit.record(
        call,
        event,
        merchant_id=INSTALLATION,
        outcome=ReturnCode.INVALID_CREDENTIALS if event in REFUSALS else None,
        subject=str(operator_id),
        changes=changes,
    )
