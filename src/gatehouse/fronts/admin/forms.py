"""Forms: their fields, what was typed into them, and what is wrong with it.

A field is declared once, with the kind of value that it takes (`operations/typed_values.py`). A form is shown with the
values of a record; sent back, it gives values, or says of each field why it has none and keeps what was typed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatehouse.operations.typed_values import Kind

YES, NO = "yes", "no"
SEARCH = "look"
"""The field that a button for searching sends."""

_LONGEST_LIST = 200
"""Lines that one field takes."""

_MOST_OFFERED, _MOST_FOUND = 12, 20
"""Choices that stand in a form all at once; of more, those that are chosen do, and so many that a search finds."""

_LONGEST_SEARCH = 100


@dataclass(frozen=True, kw_only=True)
class Field:
    """One value: its name, what it is called, and what it does.

    `write` makes of a value what somebody would type for it. `attributes` are those of the HTML element. A field that
    is `asked_when_refused` stands in the form only after an operation has refused for its sake.
    """

    name: str
    label: str
    kind: Kind = str
    help: str = ""
    is_required: bool = False
    asked_when_refused: bool = False
    write: Callable[[Any], str] = str
    attributes: Mapping[str, str] = field(default_factory=dict)
    control: str = "line"

    @property
    def html_attributes(self) -> Mapping[str, str]:
        """The attributes of the element; what is about somebody else is not for the browser to fill in."""
        kind = "password" if self.control == "secret" else "text"
        return {"type": kind, "autocomplete": "off"} | dict(self.attributes)

    def texts_of(self, value: Any) -> Sequence[str]:
        """Return what the field is filled with for this value."""
        return [] if value is None else [self.write(value)]

    def read(self, sent: Sequence[str]) -> Any:
        """Return the value of what was sent, None for nothing. Raises ValueError with what must be."""
        typed = sent[0].strip() if sent else ""
        if not typed:
            if self.is_required:
                raise ValueError("must not be empty")
            return None
        return self.kind(typed)


@dataclass(frozen=True, kw_only=True)
class Secret(Field):
    """A value that is not shown again, not even to who typed it."""

    control: str = "secret"

    def texts_of(self, value: Any) -> Sequence[str]:
        """Return nothing."""
        return []


@dataclass(frozen=True, kw_only=True)
class Lines(Field):
    """A list of values, one in each line."""

    control: str = "lines"

    def texts_of(self, value: Any) -> Sequence[str]:
        """Return one text with a line for each."""
        return ["\n".join(self.write(each) for each in value or ())]

    def read(self, sent: Sequence[str]) -> Any:
        """Return the values of the lines that are not empty."""
        lines = [each.strip() for each in (sent[0] if sent else "").splitlines() if each.strip()]
        if len(lines) > _LONGEST_LIST:
            raise ValueError(f"must not have more than {_LONGEST_LIST} lines")
        found = []
        for number, line in enumerate(lines, 1):
            try:
                found.append(self.kind(line))
            except ValueError as error:
                raise ValueError(f"{error} (line {number})" if len(lines) > 1 else str(error)) from None
        return list(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of several values; `options` are what is sent for each, and what it is called.

    The empty text stands for no value. Few options stand below each other, more in a list to choose from.
    """

    options: Sequence[tuple[str, str]] = ()
    control: str = "choice"

    def read(self, sent: Sequence[str]) -> Any:
        """Return the value that was chosen."""
        typed = sent[0] if sent else ""
        if typed not in dict(self.options):
            raise ValueError("must be chosen")
        return self.kind(typed) if typed else None

    def texts_of(self, value: Any) -> Sequence[str]:
        """Return what stands for the value."""
        return ["" if value is None else self.write(value)]


@dataclass(frozen=True, kw_only=True)
class Choices(Field):
    """Any of several values. Of many, those are shown that are chosen, with a search for others."""

    options: Sequence[tuple[str, str]] = ()
    control: str = "choices"

    @property
    def is_searched(self) -> bool:
        """Whether there are too many to show them all."""
        return len(self.options) > _MOST_OFFERED

    def texts_of(self, value: Any) -> Sequence[str]:
        """Return what stands for each."""
        return [self.write(each) for each in value or ()]

    def read(self, sent: Sequence[str]) -> Any:
        """Return the values that were chosen, in the order of the options."""
        if not set(sent) <= dict(self.options).keys():
            raise ValueError("must be among what is offered")
        if self.is_required and not sent:
            raise ValueError("must not be empty: choose at least one")
        return [self.kind(each) for each, _ in self.options if each in sent]


def yes_or_no(name: str, label: str, yes: str, no: str, **rest: Any) -> Choice:
    """Return a field for True or False; `yes` and `no` say what each does."""
    return Choice(
        name=name,
        label=label,
        kind=lambda typed: typed == YES,
        write=lambda value: YES if value else NO,
        options=((YES, yes), (NO, no)),
        **rest,
    )


@dataclass(frozen=True)
class Section:
    """Some fields under a heading."""

    title: str
    fields: Sequence[Field]


@dataclass
class Form:
    """A form as it is shown.

    `texts` are what stands in its fields, `errors` why a field was refused, `present` what the record has now where
    somebody else has changed it meanwhile, `refusal` what is about no field. `revision` is that of the record.
    `searches` are what is looked for among many choices, by field; the form `is_searching` where that is new.
    """

    sections: Sequence[Section]
    texts: dict[str, Sequence[str]]
    revision: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    present: dict[str, str] = field(default_factory=dict)
    refusal: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    searches: dict[str, str] = field(default_factory=dict)
    is_searching: bool = False

    @property
    def fields(self) -> Sequence[Field]:
        """All fields, in the order of the page."""
        return [each for section in self.sections for each in section.fields]

    def is_asked(self, wanted: Field) -> bool:
        """Whether the field stands in the form."""
        return not wanted.asked_when_refused or wanted.name in self.errors or bool(self.texts.get(wanted.name))

    def chosen(self, wanted: Choices) -> Sequence[tuple[str, str]]:
        """Return those of the field's many options that are chosen."""
        return [each for each in wanted.options if each[0] in self.texts.get(wanted.name, ())]

    def found(self, wanted: Choices) -> tuple[Sequence[tuple[str, str]], int]:
        """Return those of the field's other options that are looked for, and how many more there are."""
        text = self.searches.get(wanted.name, "").casefold()
        if not text:
            return [], 0
        chosen = self.texts.get(wanted.name, ())
        found = [each for each in wanted.options if text in each[1].casefold() and each[0] not in chosen]
        return found[:_MOST_FOUND], len(found[_MOST_FOUND:])

    @property
    def problems(self) -> Sequence[tuple[Field, str]]:
        """The fields that were refused, and why."""
        return [(each, self.errors[each.name]) for each in self.fields if each.name in self.errors]

    def refuse(self, text: str, name: str | None) -> None:
        """Say why it was refused, of a field where there is one of this name."""
        sentence = f"{text[:1].upper()}{text[1:]}."
        if any(each.name == name for each in self.fields):
            assert name is not None
            self.errors[name] = sentence
        else:
            self.refusal = sentence


def filled_form(sections: Sequence[Section], values: Mapping[str, Any], revision: str = "") -> Form:
    """Return a form with these values in its fields."""
    form = Form(sections, {}, revision)
    form.texts = {each.name: each.texts_of(values.get(each.name)) for each in form.fields}
    return form


def sent_form(sections: Sequence[Section], sent: Mapping[str, Sequence[str]], revision: str = "") -> Form:
    """Return a form with what was sent, its values where all is well, and else what is wrong."""
    form = Form(sections, {}, revision)
    for each in form.fields:
        typed = sent.get(each.name, ())
        form.texts[each.name] = () if isinstance(each, Secret) else typed
        try:
            form.values[each.name] = each.read(typed)
        except ValueError as error:
            form.errors[each.name] = f"{each.label} {error}."
        if isinstance(each, Choices) and each.is_searched:
            _take_search(form, each.name, sent)
    return form


def _take_search(form: Form, name: str, sent: Mapping[str, Sequence[str]]) -> None:
    """Note what is looked for. The key Enter in its field means to search, wherever the form's first button is."""
    text, shown = (sent.get(f"{name}_{part}", [""])[0].strip()[:_LONGEST_SEARCH] for part in ("search", "searched"))
    form.searches[name] = text
    form.is_searching |= SEARCH in sent or (text != "" and text != shown)


def note_present(form: Form, values: Mapping[str, Any]) -> None:
    """Say of each field what the record has now, where that is not what was typed."""
    for each in form.fields:
        if each.name not in values or isinstance(each, Secret):
            continue
        options = dict(getattr(each, "options", ()))
        saved = [text for text in each.texts_of(values[each.name]) if not options or text in options]
        if saved != list(each.texts_of(form.values.get(each.name))):
            form.present[each.name] = ", ".join(filter(None, [options.get(text, text) for text in saved])) or "nothing"
