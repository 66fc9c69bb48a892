"""Draws what all grammars need: choices, values of every odd kind, and canaries."""

import random
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")

_ODD_TEXTS = (
    "",
    " ",
    "\t\r\n",
    "0",
    "-1",
    "15",
    "20",
    "99",
    "Customer",
    "MerchantSub",
    "true",
    "TRUE",
    "yes",
    "null",
    "None",
    "NaN",
    "1e999",
    "9" * 30,
    "9" * 400,
    "-0",
    "0x0f",
    "\u0661\u0665",  # digits of another script
    "\u00b2",
    "\u00bd",
    "\u200b",
    "\u202e",
    "\ufeff",
    "\ufffd",
    "\U0001f510",
    "e\u0301",
    "\u0130",  # a capital whose small letter is two characters
    "\u1e9e",
    "ﬁ",
    "'; DROP TABLE accounts; --",
    "%s%n%x",
    "{0}",
    "{{7*7}}",
    "../../etc/passwd",
    "<script>",
    "&amp;",
    "]]>",
    "a" * 255,
    "a" * 257,
    "é" * 200,
    "@",
    "a@b",
    "a@@b.example",
    f"{'x' * 64}@{'y' * 60}.example.com",
    "jane@exämple.com",
    "+12015550101",
    "+" + "1" * 40,
    "00",
    "6006 4912 0000 1001",
)

_ODD_CHARACTERS = "\x00\x01\x08\x0b\x1b\x7f\x85\xa0\u2028\ud800\udfff\ufffe\uffff\U0010ffff"


class Draw:
    """Everything random of one case, from one seed; `canaries` are those that it drew."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)  # noqa: S311  no secret is drawn here
        self.canaries: list[str] = []
        # A case in which nearly everything is right comes further than one in which nearly nothing is.
        self._known_share = 0.93 if self.chance(0.35) else 0.45

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.random.random() < probability

    def one(self, choices: Sequence[T]) -> T:
        """Return one of them."""
        return self.random.choice(choices)

    def count(self, most: int) -> int:
        """Return a number of 0 to `most`, where small ones are more frequent."""
        return int(most * self.random.random() ** 3 + 0.5)

    def canary(self) -> str:
        """Return a text that is in no answer unless an answer repeats what was sent."""
        canary = f"cny{self.random.getrandbits(48):012x}"
        self.canaries.append(canary)
        return canary

    def text(self, known: Sequence[str] = ()) -> str:
        """Return a value: one of those that the service knows, a canary, or something odd, or several together."""
        kind = self.random.random()
        if known and kind < self._known_share:
            return self.one(known)
        if kind < 0.75:
            return self.canary()
        if kind < 0.95:
            return self.one(_ODD_TEXTS)
        pieces = [self.text(known) for _ in range(self.random.randint(1, 4))]
        if self.chance(0.5):
            pieces.append(self.one(_ODD_CHARACTERS))
        self.random.shuffle(pieces)
        return "".join(pieces)

    def case_of(self, name: str) -> str:
        """Return a name in another case, now and then."""
        if self.chance(0.8):
            return name
        return self.one((name.lower(), name.upper(), name.swapcase(), name.capitalize()))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return them in another order."""
        return self.random.sample(list(items), len(items))

    def some(self, items: Sequence[T], share: float = 0.5) -> list[T]:
        """Return some of them, in their order."""
        return [each for each in items if self.chance(share)]

    def json(self, depth: int = 0, known: Sequence[str] = ()) -> Any:
        """Return a value of JSON of any kind."""
        kind = self.random.random()
        if kind < 0.6 or depth > 4:
            return self.text(known)
        if kind < 0.75:
            return self.one((None, True, False, 0, 15, -1, 1.5, 1e308, 2**63, 10**50, float("nan"), float("inf")))
        if kind < 0.87:
            return [self.json(depth + 1, known) for _ in range(self.count(4))]
        return {self.text(): self.json(depth + 1, known) for _ in range(self.count(4))}
