"""docs/running.md against config.py: every setting stands in its table, with its default where that is a plain one."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from gatehouse.config import Settings

GUIDE = Path(__file__).parent.parent / "docs/running.md"
SETTINGS = {f"GATEHOUSE_{each.name.upper()}": each for each in fields(Settings)}


def rows() -> dict[str, str]:
    """Return the default that the table names for each setting."""
    section = GUIDE.read_text(encoding="utf-8").partition("## Settings")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for names, default in re.findall(r"^\| (`GATEHOUSE_[^|]*) \| ([^|]*) \|", section, re.MULTILINE):
        first, *others = re.findall(r"`([A-Z0-9_]+)`", names)
        # As `GATEHOUSE_ARGON2_MEMORY_KIB`, `_PASSES`: the others are written without what they share.
        shared = "_".join(first.split("_")[:2])
        full = [first, *(name if name.startswith("GATEHOUSE_") else shared + name for name in others)]
        defaults = default.split(", ") if len(full) == len(default.split(", ")) else [default] * len(full)
        found |= dict(zip(full, defaults, strict=True))
    return found


def test_every_setting_is_in_the_table_and_no_other():
    """An operator sees what can be set, and nothing that cannot."""
    assert set(rows()) == set(SETTINGS)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_defaults_are_right(name):
    """Numbers and texts, as they would be typed."""
    default = SETTINGS[name].default
    if default is MISSING or not isinstance(default, int | str):
        return

    assert rows()[name].strip("`") == str(default)
