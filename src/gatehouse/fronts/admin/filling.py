"""Shows a form, takes it back, and shows it again with what is wrong until it is right."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Response

from gatehouse.domain.errors import AdministrationError, ChangedMeanwhileError, NotAllowedError
from gatehouse.fronts.admin.forms import Form, Section, filled_form, note_present, sent_form
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations.revisions import revision_of

_REVISION = "revision"
_CHANGED = (
    "Somebody else has changed this while the form was open. Where it now has another value than yours, that stands "
    "below the field. Save again to put yours in its place."
)


@dataclass(frozen=True)
class Asked:
    """What a form is for: its title, the text before it, its fields, its button, and where *Cancel* leads.

    `present` returns the values of the record that is changed, from the database as it is; None for a new one, whose
    fields begin with `defaults`.
    """

    title: str
    sections: Sequence[Section]
    button: str
    back: str
    lead: str = ""
    present: Callable[[], Mapping[str, Any]] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)


def fill(visit: Visit, asked: Asked, save: Callable[[Mapping[str, Any], str | None], Response]) -> Response:
    """Show the form, or save what was sent and return what `save` does.

    `save` is given the values, and the revision that the record was seen in. What an operation refuses with
    AdministrationError is said at its field, with everything kept that was typed.
    """
    if not visit.is_sent:
        values = asked.present() if asked.present else asked.defaults
        return _show(visit, asked, filled_form(asked.sections, values, revision_of(values)))
    form = sent_form(asked.sections, visit.fields, visit.field(_REVISION)[:64])
    if form.is_searching:
        form.errors.clear()
        return _show(visit, asked, form)
    if form.errors:
        return _show(visit, asked, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        return save(form.values, form.revision if asked.present else None)
    except NotAllowedError:
        raise
    except ChangedMeanwhileError:
        assert asked.present is not None, "what is new cannot have been changed"
        values = asked.present()
        note_present(form, values)
        form.revision, form.refusal = revision_of(values), _CHANGED
        return _show(visit, asked, form, HTTPStatus.CONFLICT)
    except AdministrationError as error:
        form.refuse(str(error), error.field)
        return _show(visit, asked, form, HTTPStatus.UNPROCESSABLE_ENTITY)


def _show(visit: Visit, asked: Asked, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return visit.render("form", status, title=asked.title, asked=asked, form=form, refusal=status != HTTPStatus.OK)
