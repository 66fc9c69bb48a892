"""What stands before every page: who is signed in, what it may do at which merchant, and whether a form is our own."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from flask import Response, abort

from gatehouse.domain.errors import AdministrationError
from gatehouse.fronts.admin.proving import ask_for_proof
from gatehouse.fronts.admin.tasks import Task
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import accounts, applications, devices, integrations, messages
from gatehouse.operations.calls import Call
from gatehouse.operations.core import Core

MERCHANT_OF: Mapping[str, Callable[[Call, int], int]] = {
    "account_id": lambda call, number: accounts.show_account(call, number)[0].merchant_id,
    "application_id": lambda call, number: applications.show_application(call, number).merchant_id,
    "device_number": lambda call, number: devices.show_device(call, number).merchant_id,
    "integration_id": lambda call, number: integrations.show_integration(call, number).merchant_id,
    "message_id": lambda call, number: messages.show_message(call, number)[0].merchant_id,
}
"""Whose each record is that an address may name, by the name that it has there."""

OF_NO_MERCHANT = frozenset({"operator_id"})
"""Records of the installation itself, which a right of its own guards; their operations say whether they are there."""

OF_ANOTHER = frozenset({"secret_id", "session_id", "cookie_id"})
"""Records that belong to another one in the address, as its operation makes sure."""


_WITH_START_PASSWORD = frozenset({"own_account_password", "sign_in_out"})
"""What an operator may open whose password was drawn."""


def guarded(core: Core, task: Task) -> Callable[..., Response]:
    """Return the view of a task, which answers nobody who may not have it."""

    def view(**numbers: int) -> Response:
        visit = Visit(core)
        if task.right is not None and visit.who is None:
            return visit.ask_to_sign_in()
        if visit.is_sent:
            visit.read_form()
            if not visit.is_own_form():
                return visit.refuse_form()
        if task.right is not None:
            if visit.signed_in.owes_password and task.endpoint not in _WITH_START_PASSWORD:
                return visit.go("own_account_password", done="own_password_owed")
            _check(visit, task, numbers)
            if task.wants_proof and (answer := ask_for_proof(visit)) is not None:
                return answer
        return task.run(visit, **numbers)

    return view


def _check(visit: Visit, task: Task, numbers: Mapping[str, int]) -> None:
    """Refuse as if it were not there what is not for this operator."""
    who = visit.signed_in
    assert task.right is not None
    merchant_id = numbers.get("merchant_id")
    if merchant_id is not None:
        if not who.works_for(merchant_id):
            abort(HTTPStatus.NOT_FOUND)
        visit.open_merchant(merchant_id)
    if not numbers.keys().isdisjoint(OF_NO_MERCHANT) and not who.may(task.right):
        abort(HTTPStatus.FORBIDDEN)
    for name, number in numbers.items():
        if name == "merchant_id" or name in OF_ANOTHER | OF_NO_MERCHANT:
            continue
        if merchant_id is None or _merchant_of(visit, name, number) != merchant_id:
            abort(HTTPStatus.NOT_FOUND)
    if not who.may(task.right):
        abort(HTTPStatus.FORBIDDEN)


def _merchant_of(visit: Visit, name: str, number: int) -> int | None:
    try:
        return MERCHANT_OF[name](visit.call, number)
    except AdministrationError:
        return None
