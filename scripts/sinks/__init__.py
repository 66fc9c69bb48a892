"""A mail server and an SMS gateway that take everything at once and count it, in a process of their own."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Taken:
    """How much came since the beginning, and how many seconds lay between the first mail and the last one."""

    mails: int
    sms: int
    mail_seconds: float


class Sinks:
    """The ports of both, and what they took."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Wait until the process tells its ports."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._questions, self._answers = process.stdin, process.stdout
        self.mail_port, self.sms_port = map(int, self._answers.readline().split())

    def taken(self) -> Taken:
        """Ask what came so far."""
        self._questions.write("\n")
        self._questions.flush()
        return Taken(**json.loads(self._answers.readline()))


@contextlib.contextmanager
def running_sinks() -> Iterator[Sinks]:
    """Run both inside the block, on the cores that this process may use when it begins."""
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.sinks"], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Sinks(process)
        finally:
            process.terminate()
