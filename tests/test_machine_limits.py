"""A state machine that fails shows its steps, and is not shrunk for longer than a test lasts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from machine_limits import machine_limits


class Growing(RuleBasedStateMachine):
    """Fails as soon as the sum of its steps is too large."""

    #: the sum of each example that has failed
    failed: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.sum = 0

    @rule(number=st.integers(0, 1_000))
    def grow(self, number: int) -> None:
        self.sum += number
        if self.sum > 100:
            self.failed.append(self.sum)
            raise AssertionError("too large")


@pytest.mark.parametrize("seconds", ["300", "0"])
def test_a_failure_is_printed_as_it_was_found_and_found_again(
    seconds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_TEST_SECONDS", seconds)
    kept = settings(
        machine_limits(20, steps=10),
        database=DirectoryBasedExampleDatabase(tmp_path),
        derandomize=False,
    )
    runs = []
    for _ in range(2):
        Growing.failed = []
        with pytest.raises(AssertionError, match="too large") as failure:
            run_state_machine_as_test(Growing, settings=kept)
        notes = "\n".join(failure.value.__notes__)
        assert "state.grow(number=" in notes
        assert "@reproduce_failure" in notes
        runs.append(Growing.failed)

    found, again = runs
    if seconds == "300":
        assert len(set(found)) == len(set(again)) == 1
        assert found[0] == again[0]
    else:
        assert found[-1] == again[0] == 101


def test_more_examples_are_run_where_the_environment_asks_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAMULUS_TEST_EXAMPLES", "10")

    assert machine_limits(4, steps=30).max_examples == 40
