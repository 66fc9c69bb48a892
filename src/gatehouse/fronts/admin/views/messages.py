"""Mails and SMS of a merchant: what became of each, why one failed, and sending it again."""

from collections.abc import Mapping

from flask import Response, url_for

from gatehouse.domain.messages import MessageState
from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import messages, panel_lists

tasks = Tasks("messages", tab=Tab("Messages", "messages_show_all"))

STATES: Mapping[str, str] = {each.value: each.value.capitalize() for each in MessageState}

_MESSAGE = "/merchants/<merchant_id>/messages/<message_id>"


@tasks.page("/merchants/<merchant_id>/messages", Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the newest messages, or those in one state."""
    state = visit.asked("state") if visit.asked("state") in STATES else None
    page = panel_lists.list_messages_of(visit.call, merchant_id, visit.asked_number("before"), state)
    following = page.continues_at and url_for(
        "admin.messages_show_all", merchant_id=merchant_id, before=page.continues_at, state=state
    )
    return visit.render("messages/list", messages=page.records, states=STATES, state=state, next=following)


@tasks.page(_MESSAGE, Right.READ)
def show(visit: Visit, merchant_id: int, message_id: int) -> Response:
    """Show a message and each step of it."""
    message, history = messages.show_message(visit.call, message_id)
    return visit.render("messages/show", message=message, history=history)


@tasks.form(f"{_MESSAGE}/resend", Right.RESEND_MESSAGES)
def resend(visit: Visit, merchant_id: int, message_id: int) -> Response:
    """Queue a message again that was given up."""
    if visit.is_sent:
        messages.resend_message(visit.call, message_id)
        return visit.go("messages_show", done="message_queued", merchant_id=merchant_id, message_id=message_id)
    message, _ = messages.show_message(visit.call, message_id)
    effects = [
        f"It is queued for {message.recipient}, and tried for another 24 hours.",
        "If it had arrived all the same, its recipient gets it twice.",
    ]
    back = url_for("admin.messages_show", merchant_id=merchant_id, message_id=message_id)
    return visit.confirm("Send the message again", effects, "Send again", back, is_dangerous=False)
