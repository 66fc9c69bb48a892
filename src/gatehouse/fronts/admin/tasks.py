"""The addresses of a group of pages, and what each of them takes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Response

from gatehouse.domain.operators import Right

Run = Callable[..., Response]
"""A function that answers: takes the visit, and the numbers in the address by name."""

_NUMBER = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Task:
    """One address. Without a right nobody need be signed in; `right` counts at the merchant in the address.

    One that `wants_proof` is only for who has proved of late who it is.
    """

    endpoint: str
    path: str
    methods: Sequence[str]
    right: Right | None
    run: Run
    wants_proof: bool = False

    @property
    def rule(self) -> str:
        """The path as Flask takes it. Beyond 64 bits a database would fail instead of finding nothing."""
        return _NUMBER.sub(rf"<int(min=1, max={2**63 - 1}):\1>", self.path)


@dataclass(frozen=True)
class Tab:
    """A tab of a merchant: its text, and the endpoint that it opens."""

    text: str
    endpoint: str


@dataclass
class Tasks:
    """The tasks of a group. Endpoints are called `group_function`. With `forms_want_proof`, so do all that change."""

    group: str
    tab: Tab | None = None
    forms_want_proof: bool = False
    found: list[Task] = field(default_factory=list)

    def page(self, path: str, right: Right | None) -> Callable[[Run], Run]:
        """Register a page at this path below `/admin`; `<account_id>` in it is a number."""
        return self._register(path, right, ("GET",))

    def form(self, path: str, right: Right | None) -> Callable[[Run], Run]:
        """Register a page with a form that is sent back to it; `visit.is_sent` tells which of both it is."""
        return self._register(path, right, ("GET", "POST"))

    def action(self, path: str, right: Right | None) -> Callable[[Run], Run]:
        """Register what a button of another page sends."""
        return self._register(path, right, ("POST",))

    def _register(self, path: str, right: Right | None, methods: Sequence[str]) -> Callable[[Run], Run]:
        def decorate(run: Run) -> Run:
            wants_proof = self.forms_want_proof and "POST" in methods
            self.found.append(Task(f"{self.group}_{run.__name__}", path, methods, right, run, wants_proof))
            return run

        return decorate
