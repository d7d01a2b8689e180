"""Waiting for something that another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

_TICK = 0.005


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 30.0) -> None:
    """Call ``condition`` every few milliseconds until it returns a true value.

    :raises AssertionError: naming ``what``, when this takes longer than ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} seconds"
        time.sleep(_TICK)
