"""Tests of domain/messages.py and domain/events.py."""

import re

import pytest

from gatehouse.domain.events import AuditEvent
from gatehouse.domain.messages import MessageKind


def test_only_activation_codes_go_by_sms():
    """An SMS costs money and is read on a locked screen."""
    assert [kind.value for kind in MessageKind if kind.medium == "sms"] == ["activation_code"]


@pytest.mark.parametrize("event", AuditEvent)
def test_audit_events_are_subject_and_participle(event):
    """Operators search for them by their beginning."""
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event.value)
