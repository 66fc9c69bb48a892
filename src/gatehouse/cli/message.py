"""`gatehouse message`: what became of mails and SMS, and how they look."""

import os
from typing import Any

import click
from jinja2 import TemplateError

from gatehouse.cli.opening import open_call
from gatehouse.cli.option_types import after_option, any_merchant_option, number
from gatehouse.cli.printing import Shown, json_option, print_more_hint, print_record, print_records
from gatehouse.config import read_settings
from gatehouse.delivery.previews import preview
from gatehouse.delivery.templates import LANGUAGES
from gatehouse.domain.messages import MessageKind, MessageState
from gatehouse.operations import merchants, messages
from gatehouse.operations.messages import MessageRecord


@click.group
def message() -> None:
    """Mails and SMS: what became of them, and how they look.

    \b
    gatehouse message list --state abandoned
    gatehouse message show 7
    gatehouse message resend 7
    gatehouse message preview reset_code --language de
    """


@message.command("list")
@any_merchant_option
@click.option("--state", type=click.Choice([each.value for each in MessageState]), help="Only those in this state.")
@after_option
@json_option
def list_page(merchant_id: int | None, state: str | None, after: int, as_json: bool) -> None:
    """List up to a thousand messages, by number."""
    with open_call() as call:
        found = messages.list_messages(call, merchant_id, state, after)
    names = ["messageNumber", "merchantId", "kind", "recipient", "state", "attempts", "createdAt", "sentAt", "failure"]
    print_records([_shown(each) for each in found], names, as_json)
    if len(found) == messages.PAGE:
        print_more_hint(found[-1].id)


@message.command("show")
@click.argument("message_number", metavar="NUMBER", type=number)
@json_option
def show(message_number: int, as_json: bool) -> None:
    """Show a message and its history. What was in it is never shown."""
    with open_call() as call:
        found, history = messages.show_message(call, message_number)
    steps = [{"at": each.created_at, "state": each.state, "detail": each.detail} for each in history]
    if as_json:
        print_record({**_shown(found), "history": steps}, as_json)
        return
    print_record(_shown(found), as_json)
    click.echo()
    print_records(steps, ["at", "state", "detail"], as_json)


@message.command("resend")
@click.argument("message_number", metavar="NUMBER", type=number)
@json_option
def resend(message_number: int, as_json: bool) -> None:
    """Queue an abandoned message again.

    That works until its content is wiped: a day after it was abandoned, or when what it brings has expired.
    """
    with open_call() as call:
        print_record(_shown(messages.resend_message(call, message_number)), as_json)


@message.command("preview")
@click.argument("kind", type=click.Choice([each.value for each in MessageKind]))
@click.option("--language", type=click.Choice(LANGUAGES), help="The merchant's, or English, unless given.")
@click.option("--merchant", "merchant_id", type=number, help="With the name, colour and templates of this merchant.")
@click.option("--html", "as_html", is_flag=True, help="Print the HTML part, for a file to open in a browser.")
@json_option
def show_preview(kind: str, language: str | None, merchant_id: int | None, as_html: bool, as_json: bool) -> None:
    """Show a message with sample values, as it would be sent."""
    merchant, own_templates = None, read_settings(os.environ).templates_dir
    if merchant_id is not None:
        with open_call() as call, call.reading():
            merchant = merchants.get_merchant(call, merchant_id)
    try:
        found = preview(MessageKind(kind), merchant, language, own_templates)
    except TemplateError as error:
        raise click.ClickException(f"a template cannot be used: {error}") from error
    if as_json:
        parts: dict[str, Any] = {"subject": found.subject, "text": found.text, "html": found.html}
        print_record({"kind": kind, "medium": MessageKind(kind).medium.value, **parts}, as_json)
    elif as_html:
        if found.html is None:
            raise click.ClickException("this message has no HTML part")
        click.echo(found.html, nl=False)
    else:
        if found.subject is not None:
            click.echo(f"Subject: {found.subject}\n")
        click.echo(found.text, nl=False)


def _shown(found: MessageRecord) -> Shown:
    return {
        "messageNumber": found.id,
        "merchantId": found.merchant_id,
        "accountId": found.account_id,
        "kind": found.kind,
        "medium": found.medium,
        "recipient": found.recipient,
        "state": found.state,
        "attempts": found.attempts,
        "failure": found.failure,
        "canBeResent": found.can_be_resent,
        "dueAt": found.due_at,
        "expiresAt": found.expires_at,
        "sentAt": found.sent_at,
        "createdAt": found.created_at,
    }
