"""The fields of an integration."""

from collections.abc import Sequence

from gatehouse.fronts.admin.forms import Choices, Field, Secret, Section
from gatehouse.operations import typed_values
from gatehouse.operations.integrations import AUTHENTICATION_KINDS
from gatehouse.operations.merchants import Merchant

KIND_TEXTS = {
    "anonymous": "Anonymous: for somebody who is not logged in; it learns nothing of who has an account",
    "b2b": "B2B: in its own name; it learns whether an account is there, and may send codes of its own",
}

_NAME = Field(name="name", label="Name", kind=typed_values.text(200), is_required=True)
_AUTHENTICATION = Choices(
    name="authentication",
    label="How it may call",
    is_required=True,
    options=[(each, KIND_TEXTS[each]) for each in AUTHENTICATION_KINDS],
)

NEW_INTEGRATION: Sequence[Section] = (
    Section(
        "",
        [
            _NAME,
            Field(
                name="client_id",
                label="Client id",
                kind=typed_values.text(100),
                is_required=True,
                help="The name that the partner calls under. It cannot be changed later, and has no colon.",
                attributes={"spellcheck": "false", "autocapitalize": "none"},
            ),
            _AUTHENTICATION,
        ],
    ),
    Section(
        "A partner that calls already",
        [
            Secret(
                name="secret",
                label="The secret that it has",
                kind=typed_values.text(200),
                help="Leave it empty for a new one, which is shown once on the next page.",
            )
        ],
    ),
)


def integration_fields(others: Sequence[Merchant]) -> Sequence[Section]:
    """Return the fields of an integration that may call for these merchants besides its own."""
    fields: list[Field] = [_NAME, _AUTHENTICATION]
    if others:
        fields.append(
            Choices(
                name="merchant_ids",
                label="Other merchants that it may call for",
                kind=int,
                options=[(str(each.id), f"{each.name} (number {each.id})") for each in others],
            )
        )
    return [Section("", fields)]
