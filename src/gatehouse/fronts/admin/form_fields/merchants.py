"""The fields of a merchant's settings."""

from collections.abc import Sequence
from datetime import timedelta

from gatehouse.domain.password_policy import MAX_PASSWORD_BYTES
from gatehouse.fronts.admin.forms import Choice, Choices, Field, Section, yes_or_no
from gatehouse.operations import typed_values
from gatehouse.operations.merchants import LANGUAGES, MAX_PASSWORD_HISTORY, MAX_PASSWORD_STRENGTH
from gatehouse.operations.reset_codes import LEAST_RESET_CODE_LENGTH, MAX_RESET_CODE_LENGTH, VERIFICATION_FIELDS

STRENGTHS = ("anything goes", "very easy ones refused", "easy ones refused", "hard ones only", "very hard ones only")
"""What of passwords is refused, by the strength that is asked for."""

LANGUAGE_NAMES = {"en": "English", "de": "German", "es": "Spanish", "fr": "French"}
VERIFICATION_NAMES = {"phone": "Phone number", "postalCode": "Postal code", "dateOfBirth": "Date of birth"}

LIFETIME = "A number with s, m, h or d, as 30m."
SHORT = {"class": "is-short", "spellcheck": "false"}
_DIGITS = {"inputmode": "numeric", **SHORT}
_MINUTE = timedelta(minutes=1)

MERCHANT: Sequence[Section] = (
    Section(
        "",
        [
            Field(name="name", label="Name", kind=typed_values.text(200), is_required=True, help="As in mails."),
            Field(
                name="region",
                label="Country",
                kind=typed_values.region,
                is_required=True,
                help="Two letters, as US. Phone numbers of this country may be written without their prefix.",
                attributes={"maxlength": "2", "autocapitalize": "characters", **SHORT},
            ),
            Choice(
                name="language",
                label="Language",
                options=[(each, LANGUAGE_NAMES[each]) for each in LANGUAGES],
                help="Of mails, SMS and hosted pages.",
            ),
            Field(
                name="colour",
                label="Colour",
                kind=typed_values.colour,
                is_required=True,
                help="Of mails and hosted pages.",
                attributes={"type": "color"},
            ),
        ],
    ),
    Section(
        "Passwords",
        [
            Field(
                name="password_min_length",
                label="Shortest password",
                kind=typed_values.whole_number(1, MAX_PASSWORD_BYTES),
                is_required=True,
                help="Characters that a new password has at least. Present passwords stay.",
                attributes=_DIGITS,
            ),
            Field(
                name="password_max_length",
                label="Longest password",
                kind=typed_values.whole_number(1, MAX_PASSWORD_BYTES),
                is_required=True,
                help=f"Characters that a new password has at most, up to {MAX_PASSWORD_BYTES}.",
                attributes=_DIGITS,
            ),
            Choice(
                name="password_min_strength",
                label="How hard to guess",
                kind=typed_values.whole_number(0, MAX_PASSWORD_STRENGTH),
                options=[(str(number), text.capitalize()) for number, text in enumerate(STRENGTHS)],
                help="What is asked of a new password besides its length.",
            ),
            Field(
                name="password_history",
                label="Former passwords that are remembered",
                kind=typed_values.whole_number(0, MAX_PASSWORD_HISTORY),
                is_required=True,
                help=f"A remembered one may not come back. 0 to {MAX_PASSWORD_HISTORY}.",
                attributes=_DIGITS,
            ),
        ],
    ),
    Section(
        "ResetPassword",
        [
            Field(
                name="temporary_password_lifetime",
                label="How long a temporary password works",
                kind=typed_values.duration(_MINUTE),
                write=typed_values.written_duration,
                is_required=True,
                help=LIFETIME,
                attributes=SHORT,
            ),
            yes_or_no(
                "reset_replaces_password",
                "When a temporary password is asked for",
                "The present password ends at once",
                "The present password works until the temporary one was used",
            ),
        ],
    ),
    Section(
        "Reset codes",
        [
            Field(
                name="reset_code_lifetime",
                label="How long a reset code works",
                kind=typed_values.duration(_MINUTE),
                write=typed_values.written_duration,
                is_required=True,
                help=LIFETIME,
                attributes=SHORT,
            ),
            Field(
                name="reset_page",
                label="Own page for new passwords",
                kind=typed_values.web_page,
                help="Where the link in the mail leads, as https://shop.example.com/new-password. "
                "Without one it leads to the hosted page.",
                attributes={"type": "url", "inputmode": "url", "spellcheck": "false"},
            ),
            Field(
                name="reset_page_parameter",
                label="Name of the code in that page's address",
                kind=typed_values.text(40),
                is_required=True,
                help="The query parameter that carries the code, as resetCode.",
                attributes={"spellcheck": "false", "autocapitalize": "none"},
            ),
            Field(
                name="reset_code_min_length",
                label="Shortest code of a partner",
                kind=typed_values.whole_number(LEAST_RESET_CODE_LENGTH, MAX_RESET_CODE_LENGTH),
                is_required=True,
                help=f"Partners may choose codes of their own, of {LEAST_RESET_CODE_LENGTH} to {MAX_RESET_CODE_LENGTH} "
                "characters. The shorter, the easier to guess.",
                attributes=_DIGITS,
            ),
            Choices(
                name="verification_fields",
                label="What a guest must tell besides",
                options=[(each, VERIFICATION_NAMES[each]) for each in VERIFICATION_FIELDS],
                help="It must agree with the account before a code is sent. Who has none of it can get no code.",
            ),
            yes_or_no(
                "shows_masked_email",
                "What a stranger learns of the address that the code went to",
                "Enough to recognise it: j***@e***.com",
                "Nothing",
            ),
            yes_or_no(
                "third_party_accounts_of_record",
                "Who keeps the accounts of record",
                "A third party: partners may send codes of their own and set passwords",
                "The merchant itself: partners may ask for a reset, and not set passwords",
            ),
        ],
    ),
)
