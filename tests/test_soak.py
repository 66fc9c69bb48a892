"""Whether `scripts/soak` still runs, and whether its verdict would see what grows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse.load.calls import Turn
from gatehouse.load.driver import LATE, Figures
from scripts.soaking.verdict import judge
from scripts.soaking.watching import Held, Sample

ROOT = Path(__file__).parent.parent


@pytest.mark.timeout(300)
def test_short_run_calls_and_delivers_on_both_databases():
    """Its figures are for people to judge, and its exit status for a long run on a quiet machine."""
    command = [sys.executable, "-m", "scripts.soaking", "--minutes", "0.1", "--json"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode in (0, 1), done.stderr
    printed = json.loads(done.stdout)
    assert list(printed) == ["sqlite", "postgresql"]
    for each in printed.values():
        # On a busy machine the rate is not kept, and what came too late for it is not waited for.
        told = [problem for problem in each["problems"] if LATE not in problem]
        assert [problem for problem in told if "that were asked for" not in problem] == []
        assert {found["call"] for found in each["load"]["byCall"]} >= {"decode", "refused", "login"}
        assert each["arrived"]["mails"] + each["arrived"]["sms"] == each["messages"]["sent"]
        assert each["samples"][-1]["rows"]["sessions"] > 0
        assert len(each["samples"][-1]["processes"]) == 3
        assert all(judgement["is_good"] is None for judgement in each["judgements"])


def samples(minutes=30, memory=0.0, files=0, rows=0):
    """Return a sample for each minute, with what each minute adds."""
    return [
        Sample(
            minute * 60.0,
            {1: Held(100 + memory * minute, 80 + memory * minute, 20 + files * minute, 10)},
            dict.fromkeys(
                ("sessions", "login_cookies", "guess_counts", "account_requests", "activation_codes"),
                1000 + rows * minute,
            ),
            1.0,
        )
        for minute in range(1, minutes + 1)
    ]


def figures(minutes=30, later=0.0):
    """Return the answers of each minute, which come a little later in each."""
    found = []
    for minute in range(minutes):
        found.append(Figures(seconds=60.0))
        for _ in range(100):
            found[-1].add(
                Turn("decode", b"", "Success", lambda _outcome, _body: None), "Success", 0.02 + later * minute
            )
    return found


def grown(*measured):
    """Return the names of what is judged to grow."""
    return [each.name for each in judge(*measured) if each.is_good is False]


def test_level_run_is_good():
    """With everything judged."""
    judgements = judge(samples(), figures())

    assert len(judgements) == 10
    assert all(each.is_good for each in judgements)


def test_whatever_grows_is_named():
    """Slowly, over half an hour."""
    assert grown(samples(memory=1.0), figures()) == ["process 0: memory (RSS), MB", "process 0: memory (PSS), MB"]
    assert grown(samples(files=1), figures()) == ["process 0: open files"]
    assert grown(samples(rows=100), figures())[0] == "rows of sessions"
    assert grown(samples(), figures(later=0.005)) == ["p99, s"]


def test_rows_that_are_removed_in_rounds_are_level():
    """However many there happen to be when they are counted."""
    taken = samples()
    for minute in (17, *range(23, 30)):
        taken[minute].rows.update(dict.fromkeys(taken[minute].rows, 3000))

    assert grown(taken, figures()) == []


def test_short_run_is_not_judged():
    """What fills caches is no leak."""
    assert grown(samples(minutes=3, memory=9.0), figures(minutes=3, later=1.0)) == []
