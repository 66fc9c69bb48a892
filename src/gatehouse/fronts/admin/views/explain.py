"""Why a call was refused, or would be: by the id of a request, from the request itself, or by its outcome.

What is pasted comes with POST, is read and explained, and is neither kept nor logged nor shown again.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, current_app

from gatehouse.domain.advice import ADVICE
from gatehouse.domain.operators import Right
from gatehouse.fronts import http
from gatehouse.fronts.admin.shown import Shown
from gatehouse.fronts.admin.tasks import Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.fronts.read_requests import READER, Kind, Reader, ReadRequest, ReadValue
from gatehouse.operations.explanations import requests
from gatehouse.operations.explanations.texts import MEANINGS, TOLERATED

tasks = Tasks("explain")

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NEAR_AN_ID = 80
"""Characters of a text that is an id with perhaps its label, as `X-Request-Id: …`."""


@tasks.form("/explain", Right.READ)
def show(visit: Visit) -> Response:
    """Ask for an id or a request, and explain it."""
    if not visit.is_sent:
        if key := visit.asked("outcome", 40):
            return _render(visit, outcome=requests.explain_outcome(visit.call, visit.signed_in, key))
        found = _ID.fullmatch(visit.asked("request", 36))
        return _explain_id(visit, found[0]) if found else _render(visit)
    text = visit.field("pasted").strip()
    if not text:
        return _refuse(visit, "Paste the id of a request, or a request.")
    if len(text) <= _NEAR_AN_ID and (given := _ID.search(text)) and "<" not in text:
        return _explain_id(visit, given[0])
    # Not what was stripped: a blank at the end of a body may be why its signature does not fit.
    source = visit.field("source").strip()[:64] or None
    read = _reader().read(visit.field("pasted"), source, visit.field("address"))
    if read is None:
        return _refuse(
            visit, "It does not say for which address it is. Choose below what it is for, or paste its first line, too."
        )
    course = read.explain(visit.call, visit.signed_in) if read.explain else None
    refused = course.refusal.code if course and course.refusal else None
    return _render(
        visit,
        read=read,
        course=course,
        values=_values(visit.shown, read),
        tolerated=sorted(TOLERATED[each] for each in read.tolerances),
        meaning=MEANINGS[refused] if refused else "",
        advice=ADVICE[refused] if refused else "",
    )


def _explain_id(visit: Visit, request_id: str) -> Response:
    found = requests.explain_request(visit.call, visit.signed_in, request_id.lower())
    return _render(visit, request_id=request_id.lower(), found=found, made_at=http.moment_of_request(request_id))


def _refuse(visit: Visit, refusal: str) -> Response:
    return _render(visit, HTTPStatus.UNPROCESSABLE_ENTITY, refusal=refusal)


def _render(visit: Visit, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
    return visit.render("explain/show", status, choices=_reader().choices, **values)


def _reader() -> Reader:
    reader: Reader = current_app.extensions[READER]
    return reader


def _values(shown: Shown, read: ReadRequest) -> Sequence[tuple[str, Sequence[tuple[str, str, str]]]]:
    """Return what was read in groups: each value with its name and what is odd, as this operator may see it."""
    groups: Mapping[str, Sequence[ReadValue]] = {"Members": read.members, "Headers": read.headers}
    return [
        (title, [(each.name, _text(shown, each), each.note) for each in group])
        for title, group in groups.items()
        if group
    ]


def _text(shown: Shown, value: ReadValue) -> str:
    if not value.text:
        return ""
    match value.kind:
        case Kind.EMAIL:
            return shown.email(value.text)
        case Kind.NAME:
            return shown.name(value.text)
        case Kind.PHONE:
            return shown.phone(value.text)
        case Kind.CARD:
            return shown.card(value.text)
        case Kind.PRIVATE:
            return shown.private(value.text)
        case _:
            return value.text
