"""How hard a password is to guess, estimated."""

from collections.abc import Iterable

_ESTIMATED_LENGTH = 72
"""Characters that are looked at: the estimate's time grows fast with length, and this many are strong enough."""


def strength(password: str, names: Iterable[str]) -> int:
    """Return zxcvbn's score, 0 (guessed at once) to 4 (very hard), with the user's own names as known words."""
    # Its word lists take a third of a second and 20 MB, which a process that never sets a password need not pay.
    from zxcvbn import zxcvbn

    result = zxcvbn(password[:_ESTIMATED_LENGTH], user_inputs=[name for name in names if name])
    return int(result["score"])
