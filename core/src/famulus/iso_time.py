"""Times as text for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60_000_000


def iso(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_of_micros(micros: int) -> str:
    """Return microseconds since 1970 in the format of :func:`iso`; faster, for exports."""
    minute, rest = divmod(micros, _MINUTE)
    seconds, milliseconds = divmod(rest // 1000, 1000)
    return f"{_minute(minute)}:{seconds:02}.{milliseconds:03}Z"


@lru_cache(maxsize=1024)
def _minute(number: int) -> str:
    """Return the text of a minute since 1970, cached for times within the same minute."""
    return (_EPOCH + timedelta(minutes=number)).isoformat()[:16]
