"""The fields of an operator."""

from collections.abc import Sequence

from gatehouse.domain.operators import MAX_OPERATOR_NAME_LENGTH, OperatorRole
from gatehouse.fronts.admin.forms import Choice, Choices, Field, Section
from gatehouse.operations import typed_values
from gatehouse.operations.merchants import Merchant

ROLE_TEXTS = {
    OperatorRole.OWNER: "Owner: everything, for every merchant; adds merchants and operators",
    OperatorRole.MANAGER: "Manager: everything at the merchants that are chosen below",
    OperatorRole.SUPPORT: "Support: looks, with personal values masked; starts resets; blocks devices",
}


def operator_fields(merchants: Sequence[Merchant], is_new: bool) -> Sequence[Section]:
    """Return the fields of an operator; the name of one that is there stays."""
    name = Field(
        name="username",
        label="Name",
        kind=typed_values.text(MAX_OPERATOR_NAME_LENGTH),
        is_required=True,
        help="What the operator signs in with.",
        attributes={"spellcheck": "false", "autocapitalize": "none"},
    )
    rights: list[Field] = [
        Choice(
            name="role",
            label="Role",
            kind=OperatorRole,
            options=[(each.value, ROLE_TEXTS[each]) for each in OperatorRole],
        )
    ]
    if merchants:
        rights.append(
            Choices(
                name="merchant_ids",
                label="Merchants",
                kind=int,
                options=[(str(each.id), f"{each.name} (number {each.id})") for each in merchants],
                help="Choose none for an owner, who works for all of them.",
            )
        )
    return [Section("", [name, *rights] if is_new else rights)]
