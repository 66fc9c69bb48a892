"""The states of an account."""

from enum import StrEnum


class AccountStatus(StrEnum):
    """Whether an account may log in, under the names that clients see. Source: contract, Login."""

    ACTIVE = "Active"
    DISABLED = "Disabled"
    LOCKED = "Locked"
