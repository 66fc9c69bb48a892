"""The fields of an account."""

from collections.abc import Sequence

from gatehouse.domain.identity import MAX_EMAIL_LENGTH, MAX_USERNAME_LENGTH
from gatehouse.domain.roles import UserRole
from gatehouse.fronts.admin.forms import Choice, Choices, Field, Lines, Section
from gatehouse.operations import typed_values

_PLAIN = {"spellcheck": "false", "autocapitalize": "none"}

ACCOUNT: Sequence[Section] = (
    Section(
        "",
        [
            Field(
                name="email",
                label="E-mail address",
                kind=typed_values.text(MAX_EMAIL_LENGTH),
                help="It may belong to several accounts. An account has an address, a username, or both.",
                attributes={"type": "email", "inputmode": "email", **_PLAIN},
            ),
            Field(
                name="username",
                label="Username",
                kind=typed_values.text(MAX_USERNAME_LENGTH),
                help="It belongs to one account of the merchant.",
                attributes=_PLAIN,
            ),
            Choices(
                name="allow_lookalike",
                label="Is it right all the same?",
                asked_when_refused=True,
                options=[("yes", "Yes: this is another person, and nobody will take one for the other")],
            ),
            Choice(
                name="role",
                label="Role",
                kind=typed_values.role,
                write=lambda value: str(int(value)),
                options=[(str(each.value), each.wire_name) for each in UserRole],
                help="As whom it may log in.",
            ),
        ],
    ),
    Section(
        "Who it is",
        [
            Field(name="full_name", label="Name", kind=typed_values.text(200), help="As in mails."),
            Field(
                name="phone",
                label="Phone number",
                kind=typed_values.text(40),
                help="Activation codes of devices go there.",
                attributes={"type": "tel", "inputmode": "tel"},
            ),
            Field(
                name="customer_number",
                label="Customer number",
                kind=typed_values.text(100),
                help="In the merchant's own books; it belongs to one account.",
                attributes=_PLAIN,
            ),
            Lines(
                name="cards",
                label="Printed card numbers",
                kind=typed_values.text(64),
                help="One in each line. A card belongs to one account.",
            ),
            Field(name="postal_code", label="Postal code", kind=typed_values.text(20)),
            Field(
                name="date_of_birth",
                label="Date of birth",
                kind=typed_values.past_date,
                write=lambda value: str(value.isoformat()),
                attributes={"type": "date"},
            ),
        ],
    ),
)
