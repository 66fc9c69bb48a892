"""Who may import whom. The contracts are in pyproject.toml."""

from pathlib import Path

import importlinter.cli

ROOT = Path(__file__).parent.parent


def test_imports_point_downwards(monkeypatch):
    """A newcomer may rely on the layers only as long as nothing reaches around them."""
    monkeypatch.chdir(ROOT)
    # It would switch off every logger that is there, and tests after this one could not see what is logged.
    monkeypatch.setattr(importlinter.cli.logging_config, "dictConfig", lambda _: None)

    assert importlinter.cli.lint_imports(no_cache=True, no_logo=True) == 0
