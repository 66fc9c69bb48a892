"""Words the messages: each kind has a folder with the texts of its medium, filled in from the outbox."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gatehouse.domain.messages import MessageKind
from gatehouse.storage.outbox import Message


@dataclass(frozen=True, kw_only=True)
class RenderedMessage:
    """A message as a person reads it. An SMS has no subject. `number` and `created_at` stay the same in every try."""

    number: int
    created_at: datetime
    recipient: str
    subject: str | None
    text: str


def render(message: Message) -> RenderedMessage:
    """Return the message with the values of its content filled in. Raises a Jinja error when one is missing."""
    kind = MessageKind(message.kind)
    # Every value is made one line, so that nobody's name can add lines that look like ours.
    values = {name: _one_line(value) for name, value in (message.content or {}).items()}
    texts = {
        path.stem: _ENVIRONMENT.get_template(f"{kind.value}/{path.name}").render(values)
        for path in (_FOLDER / kind.value).glob("*.txt")
    }
    return RenderedMessage(
        number=message.id,
        created_at=message.created_at,
        recipient=message.recipient,
        subject=_one_line(texts["subject"]) if "subject" in texts else None,
        text=(texts["body"] if "subject" in texts else texts["sms"]).strip() + "\n",
    )


def _one_line(text: str) -> str:
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _duration(minutes: str) -> str:
    """Return a number of minutes in the largest unit that it is a whole number of: `1440` is `1 day`."""
    count, unit = int(minutes), "minute"
    for size, larger in ((60, "hour"), (24, "day")):
        if count == 0 or count % size:
            break
        count, unit = count // size, larger
    return f"{count} {unit}{'' if count == 1 else 's'}"


_FOLDER = Path(__file__).parent / "templates"

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=False,  # noqa: S701  these are texts; in them an escaped character would be read as it is
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["duration"] = _duration
