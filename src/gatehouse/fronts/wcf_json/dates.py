"""Moments as Microsoft's JSON serializers wrote them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def json_date(moment: datetime) -> str:
    """Return `/Date(milliseconds since 1970 in UTC)/`."""
    return f"/Date({(moment - _EPOCH) // timedelta(milliseconds=1)})/"
