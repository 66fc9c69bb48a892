"""The record that some pages are about: where its own page is, what is asked before something is done to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, url_for

from gatehouse.fronts.admin.visits import Visit


@dataclass(frozen=True)
class Subject:
    """A record: the kind that it is of, what it is called, its page, and the numbers in the address of that."""

    kind: str
    name: str
    endpoint: str
    numbers: Mapping[str, Any]

    @property
    def address(self) -> str:
        """The address of its page."""
        return url_for(f"admin.{self.endpoint}", **self.numbers)

    def ask(
        self,
        visit: Visit,
        what: str,
        effects: Sequence[str],
        button: str | None = None,
        is_dangerous: bool = True,
    ) -> Response:
        """Ask before something is done to it: `what` is a verb, such as Disable, and `effects` what it does."""
        title = f"{what} {self.name}"
        return visit.confirm(
            title, effects, button or f"{what} the {self.kind}", self.address, is_dangerous=is_dangerous
        )

    def go_back(self, visit: Visit, done: str) -> Response:
        """Go to its page, with the notice of this name."""
        return visit.go(self.endpoint, done=done, **self.numbers)

    def show_once(self, visit: Visit, title: str, secrets: Mapping[str, str], text: str = "") -> Response:
        """Show what nobody is shown again, by what it is called."""
        return visit.render("shown_once", title=title, secrets=secrets, text=text, back=self.address)
