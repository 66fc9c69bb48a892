"""The merchants that an operator looks after, and the settings of one in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, url_for

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.filling import Asked, fill
from gatehouse.fronts.admin.form_fields.merchants import LANGUAGE_NAMES, MERCHANT, STRENGTHS, VERIFICATION_NAMES
from gatehouse.fronts.admin.shown import Shown
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import merchants, panel_lists
from gatehouse.operations.merchants import Merchant

tasks = Tasks("merchants", tab=Tab("Settings", "merchants_show"))


@tasks.page("/merchants", Right.READ)
def show_all(visit: Visit) -> Response:
    """List the merchants."""
    who, wanted = visit.signed_in, visit.asked("name", 200)
    page = panel_lists.list_merchants_of(visit.call, who.merchant_ids, wanted, visit.asked_number("after"))
    following = page.continues_at and url_for("admin.merchants_show_all", after=page.continues_at, name=wanted or None)
    return visit.render("merchants/list", merchants=page.records, wanted=wanted, next=following)


@tasks.form("/merchants/add", Right.ADD_MERCHANTS)
def add(visit: Visit) -> Response:
    """Add a merchant."""

    def save(values: Mapping[str, Any], _: str | None) -> Response:
        added = merchants.add_merchant(visit.call, **values)
        return visit.go("applications_show_all", done="merchant_added", merchant_id=added.id)

    asked = Asked(
        title="Add a merchant",
        sections=MERCHANT,
        button="Add the merchant",
        back=url_for("admin.merchants_show_all"),
        lead="What is filled in suits most; all of it can be changed later.",
        defaults=merchants.DEFAULTS,
    )
    return fill(visit, asked, save)


@tasks.page("/merchants/<merchant_id>", Right.READ)
def show(visit: Visit, merchant_id: int) -> Response:
    """Show the settings of a merchant and what they do."""
    assert visit.merchant is not None
    return visit.render("merchants/show", settings=_settings(visit.shown, visit.merchant))


@tasks.form("/merchants/<merchant_id>/change", Right.CHANGE_MERCHANT)
def change(visit: Visit, merchant_id: int) -> Response:
    """Change the settings of a merchant."""

    def save(values: Mapping[str, Any], seen: str | None) -> Response:
        merchants.change_merchant(visit.call, merchant_id, seen, **values)
        return visit.go("merchants_show", done="merchant_changed", merchant_id=merchant_id)

    def present() -> Mapping[str, Any]:
        return merchants.values_of(merchants.show_merchant(visit.call, merchant_id))

    back = url_for("admin.merchants_show", merchant_id=merchant_id)
    return fill(visit, Asked("Change the settings", MERCHANT, "Save", back, present=present), save)


def _settings(shown: Shown, merchant: Merchant) -> Sequence[tuple[str, str, str]]:
    """Return each setting with its value and its effect."""
    history = merchant.password_history
    return [
        ("Country", merchant.region, "Phone numbers of this country may be written without their prefix."),
        (
            "Passwords",
            f"{merchant.password_min_length} to {merchant.password_max_length} characters",
            f"Of how easy they are to guess: {STRENGTHS[merchant.password_min_strength]}.",
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
            "Codes of partners",
            f"{merchant.reset_code_min_length} characters or more",
            "What a partner may choose as a code; the shorter, the easier to guess.",
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
            ", ".join(VERIFICATION_NAMES[each].lower() for each in merchant.verification_fields) or "nothing more",
            "Must agree with the account before a reset code is sent."
            if merchant.verification_fields
            else "Who names an account is sent a code to its address.",
        ),
        (
            "Address shown to strangers",
            "masked" if merchant.shows_masked_email else "nothing of it",
            "What an anonymous caller learns of where the code went.",
        ),
        ("Language", LANGUAGE_NAMES[merchant.language], "Of mails, SMS and hosted pages."),
        ("Colour", merchant.colour, "Of mails and hosted pages."),
    ]
