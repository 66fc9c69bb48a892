"""The one gate against guessing: after too many wrong guesses the next one is not looked at for a while.

Every path that takes a secret passes here, with the budgets that its guesses draw from. A guess is asked about before
the secret is looked at (`wait`), and counted when it was wrong (`count_wrong`) or forgiven when it was right
(`forgive`), in the transaction that answers it. Because a closed count is not raised, and an answer is given only to
a guess that found room, any number of guesses at the same moment learn no more than the budget allows.
Source: NIST SP 800-63B-4, 3.2.2; ASVS 5.0, 6.3.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatehouse.domain.networks import network_of
from gatehouse.operations.calls import Call
from gatehouse.storage import guess_counts
from gatehouse.storage.guess_counts import GuessCount


@dataclass(frozen=True, slots=True)
class Budget:
    """Wrong guesses that are allowed in 15 minutes of what `counted` names.

    `keeps_window` makes it a hard limit in that time; without, a used-up budget waits for a minute first, and for
    longer after each further wrong guess. `is_forgiven` budgets begin anew with a right guess. One that is
    `only_for_suspects` holds back only callers whose network (`is_of_network`) has guessed wrong of late, so that it
    locks out nobody else.
    """

    counted: tuple[object, ...]
    most: int
    keeps_window: bool = False
    is_forgiven: bool = False
    is_of_network: bool = False
    only_for_suspects: bool = False


_Found = Mapping[bytes, tuple[Budget, GuessCount]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a wrong guess: how long to wait where it was not to be looked at, and which budgets it used up."""

    wait: timedelta | None = None
    used_up: tuple[Budget, ...] = ()


def of_password(call: Call, merchant_id: int, application_id: int, identities: Sequence[str]) -> Sequence[Budget]:
    """Return the budgets of a stranger who says to be somebody, by the normalised identities given.

    Counted by what is said, never by the account that it means: an identity that nobody has is held back like one that
    somebody has, and none tells that it belongs to the same account as another.
    """
    most = call.settings.guesses_per_application
    application = Budget(("application", application_id), most, only_for_suspects=True)
    return [*of_names(call, "password", [(merchant_id, each) for each in identities]), application]


def of_names(call: Call, secret: str, names: Sequence[tuple[object, ...]]) -> Sequence[Budget]:
    """Return a stranger's budgets at this kind of secret, the narrowest first: by name and network, network, name."""
    settings, network = call.settings, network_of(call.caller.source)
    budgets: list[Budget] = []
    if network is not None:
        most = settings.guesses_per_account_and_source
        budgets += [Budget((secret, "of", *name, "from", network), most, is_forgiven=True) for name in names]
        budgets.append(of_network(call, secret, settings.guesses_per_source))
    most = settings.guesses_per_account
    return [*budgets, *(Budget((secret, "of", *name), most, keeps_window=True, is_forgiven=True) for name in names)]


def of_owner(call: Call, proof: str, number: int) -> Sequence[Budget]:
    """Return the budget of who shows something that only the owner has, which no stranger can use up.

    `proof` is what that is: an activated device, a valid login cookie or a session, by its number or the account's.
    """
    return [Budget((proof, number), call.settings.guesses_per_account, keeps_window=True, is_forgiven=True)]


def of_network(call: Call, secret: str, most: int) -> Budget:
    """Return the budget of the caller's network for this kind of secret."""
    network = network_of(call.caller.source) or "nowhere"
    return Budget((secret, "from", network), most, keeps_window=True, is_of_network=True)


def wait(call: Call, budgets: Sequence[Budget]) -> timedelta | None:
    """Return how long the caller has to wait before a guess is looked at, or None. Reads."""
    return _wait(call, _find(call, budgets))


def count_wrong(call: Call, budgets: Sequence[Budget]) -> Verdict:
    """Count a wrong guess. With a `wait` it found no room, and nothing may be said of it. Writes.

    The budgets are raised in their order, the narrowest first, and none after one that is closed: else who guesses many
    times at once from one place would use up what is allowed to all. Call it before any other row is locked, here and
    everywhere, so that calls cannot wait for each other; the order of the budgets is the same for all calls, too.
    """
    used_up: list[Budget] = []
    for key, budget in _keyed(call, budgets).items():
        wrong = guess_counts.add_wrong(call.db, key, budget.most, budget.keeps_window, call.now)
        if wrong is None and not budget.only_for_suspects:
            return Verdict(wait=wait(call, budgets) or guess_counts.WAITS[0])
        if wrong == budget.most:
            used_up.append(budget)
    return Verdict(used_up=tuple(used_up))


def forgive(call: Call, budgets: Sequence[Budget]) -> timedelta | None:
    """Begin anew what a right guess begins anew; or return how long to wait when there was no room for it. Writes.

    Asked again although `wait` was asked before: other guesses may have been counted while the secret was looked at.
    """
    found = _find(call, budgets)
    refused = _wait(call, found)
    if refused is None and (forgiven := [key for key, (budget, _) in found.items() if budget.is_forgiven]):
        guess_counts.forget(call.db, forgiven)
    return refused


def reopen(call: Call, budgets: Sequence[Budget]) -> None:
    """Begin anew, closed or not, those of the budgets that a right guess would, because an operator says so. Writes."""
    guess_counts.forget(call.db, list(_keyed(call, [budget for budget in budgets if budget.is_forgiven])))


def _find(call: Call, budgets: Sequence[Budget]) -> _Found:
    keyed = _keyed(call, budgets)
    found = guess_counts.find(call.db, list(keyed))
    return {key: (keyed[key], count) for key, count in found.items() if count.forgotten_at > call.now}


def _wait(call: Call, found: _Found) -> timedelta | None:
    is_suspect = any(budget.is_of_network for budget, _ in found.values())
    waits = [
        count.closed_until - call.now
        for budget, count in found.values()
        if count.closed_until is not None
        and count.closed_until > call.now
        and (is_suspect or not budget.only_for_suspects)
    ]
    return max(waits, default=None)


def _keyed(call: Call, budgets: Sequence[Budget]) -> dict[bytes, Budget]:
    # The key takes the secret key, so that the table tells nobody whose password was guessed.
    return {call.keys.guess_digest("\0".join(map(str, budget.counted))): budget for budget in budgets}
