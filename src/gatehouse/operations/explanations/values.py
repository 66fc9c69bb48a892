"""The values of a call, and what is missing of them."""

from collections.abc import Mapping

from gatehouse.domain.codes import ReturnCode
from gatehouse.operations.explanations.course import Course

Values = Mapping[str, str | bool | None]
"""One value for each member of the method's request, as the fronts gather them."""

VALUES, PASSWORD, DEVICE = "The values", "The password", "The device"
"""Names of steps."""

NOT_TRIED = "Whether it is right is not tried here."
BLOCKED = "An operator has blocked this device at the merchant."


def text_of(values: Values, name: str) -> str | None:
    """Return a text, or None."""
    value = values.get(name)
    return value if isinstance(value, str) else None


def lacks(course: Course, values: Values, *names: str) -> bool:
    """Add the step of the members that there must be; return whether one is missing."""
    for name in names:
        if not text_of(values, name):
            text = f"{name} is absent, null or empty, which is all the same."
            course.refuses(VALUES, ReturnCode.MISSING_FIELD, text, name)
            return True
    return False
