"""Tests of fronts/admin/shown.py: values of the audit trail as people say them."""

import pytest

from gatehouse.fronts.admin.shown import Shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "yes"),
        (False, "no"),
        ([], "none"),
        ([1, 2], "1, 2"),
        (30, "30"),
        ("2026-03-09T12:01:00+00:00", "2026-03-09 13:01"),
        ("2026-07-09T12:01:00.123456+00:00", "2026-07-09 14:01"),
        ("2026-03-09", "2026-03-09"),
        ("at 2026-03-09T12:01:00+00:00", "at 2026-03-09T12:01:00+00:00"),
    ],
)
def test_value_before_or_after_a_change(value, text):
    """A moment is in the operator's zone, as all moments of the panel; what only looks like one stays."""
    assert Shown("Europe/Vienna", True).value(value) == text
