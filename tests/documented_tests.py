"""Holds a run of all tests to what docs/security.md names: each of those must have passed, and not been left out.

A run of some tests alone, chosen by paths or options, is not held to anything.
"""

import re
from collections.abc import Collection
from pathlib import Path

import pytest

GUIDE = Path(__file__).parent.parent / "docs/security.md"

_NAME = re.compile(r"`((?:[\w/]+/)?test_\w+\.py)(?:::(test_\w+))?`")


def named_tests() -> list[tuple[str, str | None]]:
    """Return path and function of each test that the document names; None for all of a file."""
    return [(f"tests/{path}", function or None) for path, function in _NAME.findall(GUIDE.read_text(encoding="utf-8"))]


class DocumentedTests:
    """Fails a whole run in which a named test did not pass. `named` are node ids without parameters, or files."""

    def __init__(self, config: pytest.Config, named: Collection[str]) -> None:
        self._config, self._named = config, named
        self._passed: set[str] = set()
        self._has_deselected = False
        self._missing: list[str] = []

    def pytest_deselected(self) -> None:
        """Note that this is not a whole run."""
        self._has_deselected = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what passed."""
        if report.when == "call" and report.passed:
            name = report.nodeid.partition("[")[0]
            self._passed |= {name, name.partition("::")[0]}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run, unless it is one of some tests alone or has failed anyway."""
        if self._is_whole() and session.exitstatus == pytest.ExitCode.OK:
            self._missing = sorted(set(self._named) - self._passed)
            if self._missing:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is missing."""
        if self._missing:
            terminalreporter.section(f"named in {GUIDE.name}, but not passed")
            for each in self._missing:
                terminalreporter.line(each)

    def _is_whole(self) -> bool:
        is_chosen = self._config.args_source is not pytest.Config.ArgsSource.TESTPATHS
        narrowing = (
            "keyword",
            "markexpr",
            "ignore",
            "ignore_glob",
            "deselect",
            "collectonly",
            "lf",
            "last_failed_no_failures_only",
        )
        is_narrowed = any(self._config.getoption(name, default=None) for name in narrowing)
        return not (is_chosen or is_narrowed or self._has_deselected)
