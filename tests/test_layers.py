"""Who may import whom. The contracts are in pyproject.toml."""

from pathlib import Path

import importlinter.cli

ROOT = Path(__file__).parent.parent


def test_imports_point_downwards(monkeypatch):
    """A newcomer may rely on the layers only as long as nothing reaches around them."""
    monkeypatch.chdir(ROOT)

    assert importlinter.cli.lint_imports(no_cache=True, no_logo=True) == 0
