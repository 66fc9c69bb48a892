"""Exceptions for broken parts. What a caller can cause is a result, never an exception."""


class UnavailableError(Exception):
    """A part that the service needs does not answer now; the same call may succeed later."""


class AdministrationError(Exception):
    """An administrative change that cannot be made; its text tells an operator why.

    `field` is the name of the value that it is about, where it is about one.
    """

    def __init__(self, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


class NotAllowedError(AdministrationError):
    """An administrative change that this operator may not make."""


class ChangedMeanwhileError(AdministrationError):
    """An administrative change of a record that is no longer as the operator saw it."""


def place_of(error: BaseException) -> str:
    """Return what may be logged of an unexpected error: its kind, and where in our code it arose.

    Its text is left out, because it may hold a value that was sent.
    """
    place, trace = "?", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__"))
        if place == "?" or module.startswith("gatehouse."):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"
