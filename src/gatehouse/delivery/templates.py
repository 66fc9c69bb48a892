"""Words the messages: each kind has a folder with its texts in each language, filled in from the outbox.

A file is looked for in `GATEHOUSE_TEMPLATES_DIR` as `<merchant id>/<kind>/<language>/body.txt`, then as
`<merchant id>/<kind>/body.txt` for every language, then among ours as `<kind>/<language>/body.txt`.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateNotFound, select_autoescape
from markupsafe import Markup, escape

from gatehouse.domain.messages import Medium, MessageKind
from gatehouse.storage.outbox import Message

LANGUAGES = ("en", "de", "es", "fr")
"""The languages that every kind has (ISO 639-1); the first serves in the place of one that there is not."""

DEFAULT_COLOUR = "#1d4ed8"
"""Of a message that was queued without one."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

_FOLDER = Path(__file__).parent / "templates"

_UNITS = {
    "en": {"minute": ("minute", "minutes"), "hour": ("hour", "hours"), "day": ("day", "days")},
    "de": {"minute": ("Minute", "Minuten"), "hour": ("Stunde", "Stunden"), "day": ("Tag", "Tage")},
    "es": {"minute": ("minuto", "minutos"), "hour": ("hora", "horas"), "day": ("día", "días")},
    "fr": {"minute": ("minute", "minutes"), "hour": ("heure", "heures"), "day": ("jour", "jours")},
}
"""Of a length of time in each language: one of it, and several."""


@dataclass(frozen=True, kw_only=True)
class RenderedMessage:
    """A message as a person reads it. An SMS has neither subject nor HTML.

    `number` and `created_at` stay the same in every try.
    """

    number: int
    created_at: datetime
    recipient: str
    subject: str | None
    text: str
    html: str | None = None


def render(message: Message, own_templates: Path | None = None) -> RenderedMessage:
    """Return the message with the values of its content filled in. Raises a Jinja error when one is missing.

    `own_templates` is the folder with the merchants' own templates.
    """
    kind = MessageKind(message.kind)
    # Every value is made one line, so that nobody's name can add lines that look like ours, or headers.
    values = {name: _one_line(value) for name, value in (message.content or {}).items()}
    language = values.get("language", "")
    values["language"] = language = language if language in LANGUAGES else LANGUAGES[0]
    # It stands in a style sheet, where escaping is of no use.
    values["colour"] = values["colour"] if _COLOUR.fullmatch(values.get("colour", "")) else DEFAULT_COLOUR
    values["ink"] = _ink(values["colour"])
    words = _Wording(own_templates, message.merchant_id, kind, language, values)
    is_mail = kind.medium is Medium.MAIL
    return RenderedMessage(
        number=message.id,
        created_at=message.created_at,
        recipient=message.recipient,
        subject=_one_line(words.rendered(words.find("subject.txt"))) if is_mail else None,
        text=words.rendered(words.find("body.txt" if is_mail else "sms.txt")) + "\n",
        html=words.html() if is_mail else None,
    )


@dataclass(frozen=True)
class _Wording:
    """The templates of one message, and the values for them."""

    own_templates: Path | None
    merchant_id: int
    kind: MessageKind
    language: str
    values: dict[str, str]

    def find(self, file: str) -> Template:
        """Return the template: the merchant's own, or ours."""
        kind = self.kind.value
        return self._select(f"{kind}/{self.language}/{file}", f"{kind}/{file}")

    def html(self) -> str | None:
        """Return the HTML part, or None: where the text is the merchant's own, our HTML would say something else."""
        try:
            found = self.find("body.html")
        except TemplateNotFound:
            return None
        if self._is_own(self.find("body.txt")) and not self._is_own(found):
            return None
        return self.rendered(found) + "\n"

    def rendered(self, template: Template) -> str:
        """Return the text with the values filled in, without blank lines around it."""
        return template.render(self.values, layout=self._select("layout.html")).strip()

    def _select(self, name: str, own_for_all: str | None = None) -> Template:
        environment = _environment(self.own_templates)
        if self.own_templates is None:
            return environment.get_template(name)
        own = [f"{self.merchant_id}/{each}" for each in (name, own_for_all) if each]
        return environment.select_template([*own, name])

    def _is_own(self, template: Template) -> bool:
        return (template.name or "").startswith(f"{self.merchant_id}/")


@cache
def _environment(own_templates: Path | None) -> Environment:
    folders = [_FOLDER] if own_templates is None else [own_templates, _FOLDER]
    environment = Environment(
        loader=FileSystemLoader(folders),
        # In a text an escaped character would be read as it is.
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Ours change with a new version only.
        auto_reload=own_templates is not None,
    )
    environment.filters["duration"] = _duration
    environment.filters["breakable"] = _breakable
    return environment


def _one_line(text: str) -> str:
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _duration(minutes: str, language: str) -> str:
    """Return a number of minutes in the largest unit that it is a whole number of: `1440` is `1 day`."""
    count, unit = int(minutes), "minute"
    for size, larger in ((60, "hour"), (24, "day")):
        if count == 0 or count % size:
            break
        count, unit = count // size, larger
    one, several = _UNITS[language][unit]
    return f"{count} {one if count == 1 else several}"


def _breakable(link: str) -> Markup:
    """Return a long link for HTML with places where a narrow screen may break it."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[/?&=._-])", link))


def _ink(colour: str) -> str:
    """Return black or white, whichever is read better on this colour. Source: WCAG 2.1, relative luminance."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    # Where both contrasts are the same: (L + 0.05)² = 0.05 · 1.05.
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"
