"""The fields of an application's options."""

from collections.abc import Sequence
from datetime import timedelta

from gatehouse.domain.roles import UserRole
from gatehouse.fronts.admin.form_fields.merchants import LIFETIME, SHORT
from gatehouse.fronts.admin.forms import Choice, Field, Lines, Secret, Section, yes_or_no
from gatehouse.operations import typed_values
from gatehouse.operations.applications import SIGNATURES

SIGNATURE_TEXTS = {
    "off": "Never: a signature is not looked at",
    "optional": "When there is one: a wrong one is refused",
    "required": "Always: a call without one is refused",
}

APPLICATION: Sequence[Section] = (
    Section(
        "",
        [
            Field(name="name", label="Name", kind=typed_values.text(200), is_required=True),
            Choice(
                name="default_role",
                label="Role of a Login that names none",
                kind=typed_values.role,
                write=lambda value: str(int(value)),
                options=[("", "None: it is refused"), *((str(each.value), each.wire_name) for each in UserRole)],
                help="Old clients send no role; those of customers mean Customer.",
            ),
            Field(
                name="minimum_version",
                label="Oldest version that needs no update",
                kind=typed_values.version,
                help="Older programs are told to update, as 2.10.3.",
                attributes=SHORT,
            ),
        ],
    ),
    Section(
        "Sessions and login cookies",
        [
            Field(
                name="session_lifetime",
                label="Longest life of a session",
                kind=typed_values.duration(),
                write=typed_values.written_duration,
                attributes=SHORT,
                is_required=True,
                help=f"{LIFETIME} Sessions that are open keep the end that they have.",
            ),
            Field(
                name="session_idle_lifetime",
                label="Life of a session that is not used",
                kind=typed_values.duration(),
                write=typed_values.written_duration,
                attributes=SHORT,
                is_required=True,
                help=LIFETIME,
            ),
            Field(
                name="cookie_lifetime",
                label="Life of a login cookie",
                kind=typed_values.duration(),
                write=typed_values.written_duration,
                attributes=SHORT,
                is_required=True,
                help="How long somebody stays logged in on a browser or phone, as 30d.",
            ),
            Field(
                name="cookie_grace",
                label="How long the login cookie before the newest is still answered",
                kind=typed_values.duration(least=timedelta(0)),
                write=typed_values.written_duration,
                attributes=SHORT,
                is_required=True,
                help="So that calls at the same moment and lost answers are not taken for theft, as 60s.",
            ),
        ],
    ),
    Section(
        "Devices",
        [
            yes_or_no(
                "requires_devices",
                "What a Login needs besides the password",
                "A device that was activated",
                "Nothing",
            ),
            yes_or_no(
                "registers_devices_by_token",
                "When a device may be registered",
                "Before anybody logs in: the application's token is enough",
                "After its owner has logged in",
            ),
        ],
    ),
    Section(
        "JSON calls",
        [
            Choice(
                name="signature",
                label="When the signature of a call is checked",
                options=[(each, SIGNATURE_TEXTS[each]) for each in SIGNATURES],
            ),
            yes_or_no(
                "boolean_results",
                "What device calls and ResetPassword answer",
                "A bare true or false, as old mobile applications expect it",
                "A result with code, key and message",
            ),
            Lines(
                name="origins",
                label="Web pages that may call",
                kind=typed_values.origin,
                help="One origin in each line, as https://shop.example.com. Pages of other origins get no answer.",
            ),
        ],
    ),
)

NEW_APPLICATION: Sequence[Section] = (
    *APPLICATION,
    Section(
        "Programs that are in use already",
        [
            Secret(
                name="token",
                label="The token that they have",
                kind=typed_values.text(200),
                help="Leave it empty for a new one, which is shown once on the next page.",
            ),
            Secret(
                name="hash_key",
                label="The hash key that they have",
                kind=typed_values.text(200),
                help="Leave it empty for a new one.",
            ),
        ],
    ),
)
