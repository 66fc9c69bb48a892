"""Exceptions for broken parts. What a caller can cause is a result, never an exception."""


class UnavailableError(Exception):
    """A part that the service needs does not answer now; the same call may succeed later."""


class AdministrationError(Exception):
    """An administrative change that cannot be made; its text tells an operator why."""
