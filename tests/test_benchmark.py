"""Whether `scripts/bench` still runs. Its figures are for people to judge, and for `--check`."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_quick_run_measures_every_case():
    """A benchmark that nobody runs breaks unseen."""
    command = [sys.executable, "-m", "scripts.benchmark", "--quick", "--json", "--postgres"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    printed = json.loads(done.stdout)
    assert [each["case"] for each in printed["cases"]] == [
        "Login, SQLite",
        "Login, PostgreSQL",
        "DecodeLoginCookie, SQLite",
        "UpdatePassword refused, SQLite",
    ]
    assert all(each["ratio"] > 0 for each in printed["cases"])
    assert printed["memory"]["residentMB"] > 0
    assert [each["database"] for each in printed["deliveries"]] == ["SQLite", "PostgreSQL"]
    assert all(each["rate"] > 0 for each in printed["deliveries"])
    assert printed["queueing"]["ratio"] > 0
