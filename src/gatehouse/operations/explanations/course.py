"""The course of a call: the steps that it passes, and the one where it ends."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.results import ServiceResult
from gatehouse.storage.accounts import Account
from gatehouse.storage.applications import Application
from gatehouse.storage.devices import Device
from gatehouse.storage.integrations import Integration
from gatehouse.storage.merchants import Merchant


class State(StrEnum):
    """What becomes of a call at a step. OPEN is a step that depends on a secret, which is not tried."""

    PASSED = "passed"
    OPEN = "open"
    REFUSED = "refused"


@dataclass(frozen=True)
class Step:
    """One step: what is looked at, what becomes of the call there and why, in plain words.

    A refused step has its outcome, whose message `detail` completes. No text holds a secret or a personal value.
    """

    name: str
    state: State
    text: str
    code: ReturnCode | None = None
    detail: str = ""

    @property
    def message(self) -> str:
        """The message that the caller gets, or an empty text."""
        return ServiceResult(return_code=self.code, detail=self.detail).message if self.code else ""


@dataclass
class Course:
    """The steps so far, and the records that the call names, as far as the operator may know of them."""

    steps: list[Step] = field(default_factory=list)
    merchant: Merchant | None = None
    application: Application | None = None
    integration: Integration | None = None
    accounts: list[Account] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)

    @property
    def refusal(self) -> Step | None:
        """The step where the call ends, or None."""
        return next((each for each in self.steps if each.state is State.REFUSED), None)

    @property
    def open_steps(self) -> list[Step]:
        """The steps that depend on what was not tried."""
        return [each for each in self.steps if each.state is State.OPEN]

    def passes(self, name: str, text: str) -> None:
        """Add a step that the call passes."""
        self.steps.append(Step(name, State.PASSED, text))

    def leaves_open(self, name: str, text: str) -> None:
        """Add a step that depends on a secret."""
        self.steps.append(Step(name, State.OPEN, text))

    def refuses(self, name: str, code: ReturnCode, text: str, detail: str = "") -> None:
        """Add the step where the call ends."""
        self.steps.append(Step(name, State.REFUSED, text, code, detail))


def wait_text(wait: timedelta) -> str:
    """Return how long to wait, in whole minutes and never too few."""
    minutes = max(1, ceil(wait.total_seconds() / 60))
    return f"{minutes} more minute{'s' if minutes > 1 else ''}"


def utc_text(moment: datetime) -> str:
    """Return a moment as texts have it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def sentence(text: str) -> str:
    """Return a reason as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."
