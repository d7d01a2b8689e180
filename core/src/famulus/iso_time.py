"""Times as text for programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60_000_000


def iso(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_texts(moments: Iterable[int]) -> list[str]:
    """Return times in microseconds since 1970 as :func:`iso` does, for the many of an export."""
    return [
        _minute(micros // _MINUTE)
        + _second(micros // 1_000_000 % 60)
        + _milli(micros // 1000 % 1000)
        for micros in moments
    ]


@lru_cache(maxsize=1024)
def _minute(number: int) -> str:
    """Return the text of a minute since 1970; times that are written together share it."""
    return (_EPOCH + timedelta(minutes=number)).isoformat()[:16]


# Looking a text up takes a third of the time of formatting its number.
@lru_cache(maxsize=60)
def _second(number: int) -> str:
    return f":{number:02}."


@lru_cache(maxsize=1000)
def _milli(number: int) -> str:
    return f"{number:03}Z"
