"""How long to wait before a call to a platform is repeated."""

from __future__ import annotations

from datetime import timedelta

_LONGEST_WAIT = timedelta(minutes=10)
_SHORTEST_WAIT = timedelta(seconds=1)
#: Seconds: a platform that asks for more, by mistake or in another unit, is asked again then.
_LONGEST_ASKED_FOR = 24 * 3600


def pause_after(failures: int, retry_after: float | None) -> timedelta:
    """Return how long to wait before a call is repeated.

    :param failures: the number of earlier failures of this call; the pause doubles with each.
    :param retry_after: the pause that the platform asks for instead, in seconds. It comes from a
        plugin: a value that is not a valid pause is ignored.
    """
    if isinstance(retry_after, (int, float)) and retry_after >= 0:
        asked_for = timedelta(seconds=min(retry_after, _LONGEST_ASKED_FOR))
        return max(asked_for, _SHORTEST_WAIT)
    return min(timedelta(seconds=2 ** min(failures, 20)), _LONGEST_WAIT)
