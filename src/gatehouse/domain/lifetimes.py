"""How long things live unless an operator says otherwise. Source: contract and the Account Service seed."""

from datetime import timedelta

SESSION_IDLE_LIFETIME = timedelta(minutes=30)
SESSION_LIFETIME = timedelta(hours=24)
COOKIE_LIFETIME = timedelta(days=30)
COOKIE_GRACE = timedelta(seconds=60)
TEMPORARY_PASSWORD_LIFETIME = timedelta(minutes=30)
RESET_CODE_LIFETIME = timedelta(hours=1)

MAX_ACTIVATION_TRIES = 5
"""Codes that may be tried against one activation code."""

MAX_WRONG_ACTIVATION_CODES = 15
"""Wrong codes for one device in 15 minutes, however many codes it was sent."""
