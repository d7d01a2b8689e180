"""Waiting in a test is bounded, and the error names the condition."""

from __future__ import annotations

import pytest

from famulus.testing.waiting import wait_until


def test_it_ends_once_the_condition_holds() -> None:
    answers = iter([False, 0, "", "yes"])

    wait_until(lambda: next(answers), "an answer")

    assert next(answers, None) is None


def test_a_missed_condition_is_named() -> None:
    with pytest.raises(AssertionError, match=r"^the lease is free: not within 0\.01 seconds"):
        wait_until(lambda: False, "the lease is free", seconds=0.01)
