"""The merchants that an operator looks after, and the settings of one in plain words."""

from collections.abc import Sequence

from flask import Response

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.shown import Shown
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import merchants
from gatehouse.operations.merchants import Merchant

tasks = Tasks("merchants", tab=Tab("Settings", "merchants_show"))


@tasks.page("/merchants", Right.READ)
def show_all(visit: Visit) -> Response:
    """List the merchants."""
    who, wanted = visit.signed_in, visit.asked("name", 200)
    found = [each for each in merchants.list_merchants(visit.call) if who.works_for(each.id)]
    chosen = [each for each in found if wanted.casefold() in each.name.casefold()]
    return visit.render("merchants/list", merchants=chosen, wanted=wanted, is_any=bool(found))


@tasks.page("/merchants/<merchant_id>", Right.READ)
def show(visit: Visit, merchant_id: int) -> Response:
    """Show the settings of a merchant and what they do."""
    assert visit.merchant is not None
    return visit.render("merchants/show", settings=_settings(visit.shown, visit.merchant))


def _settings(shown: Shown, merchant: Merchant) -> Sequence[tuple[str, str, str]]:
    """Return each setting with its value and its effect."""
    strength = ("anything goes", "very easy ones refused", "easy ones refused", "hard ones only", "very hard ones only")
    history = merchant.password_history
    return [
        ("Country", merchant.region, "Phone numbers of this country may be written without their prefix."),
        (
            "Passwords",
            f"{merchant.password_min_length} to {merchant.password_max_length} characters",
            f"Of how easy they are to guess: {strength[merchant.password_min_strength]}.",
        ),
        (
            "Former passwords",
            f"{history} remembered" if history else "not remembered",
            "A remembered one may not come back." if history else "Every former password may come back.",
        ),
        (
            "Temporary password",
            shown.duration(merchant.temporary_password_lifetime),
            "The present password ends at once when one is asked for."
            if merchant.reset_replaces_password
            else "The present password works until the temporary one was used.",
        ),
        (
            "Reset code",
            shown.duration(merchant.reset_code_lifetime),
            f"The mail leads to {merchant.reset_page or 'the hosted page'}.",
        ),
        (
            "Accounts of record",
            "with a third party" if merchant.third_party_accounts_of_record else "its own",
            "Partners may send codes of their own and set passwords."
            if merchant.third_party_accounts_of_record
            else "Partners may ask for a reset, and not set passwords.",
        ),
        (
            "Asked of a guest",
            ", ".join(merchant.verification_fields) or "nothing more",
            "Must agree with the account before a reset code is sent."
            if merchant.verification_fields
            else "Who names an account is sent a code to its address.",
        ),
        (
            "Address shown to strangers",
            "masked" if merchant.shows_masked_email else "nothing of it",
            "What an anonymous caller learns of where the code went.",
        ),
        ("Language", merchant.language, "Of mails, SMS and hosted pages."),
        ("Colour", merchant.colour, "Of mails and hosted pages."),
    ]
