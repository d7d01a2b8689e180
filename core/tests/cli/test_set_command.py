"""``famulus set``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from famulus.engine.gateway import Gateway
from famulus.engine.runs import find_run
from famulus.model.database import Database
from famulus.testing.inprocess import ManualOperator, kit_plugins


@pytest.fixture
def manual(database_file: Path) -> Iterator[ManualOperator]:
    with Database(database_file) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            yield operator


@pytest.fixture(autouse=True)
def gateway(manual: ManualOperator) -> Gateway:
    return manual.launch_rows([{"n": 1}, {"n": 2}], task_name="words")


def test_several_limits_are_set_at_once(
    famulus: Callable[..., Result], manual: ManualOperator
) -> None:
    limits = ["maximum_units_per_worker=5", "task.max_spend=20", "submission_timeout=60"]

    done = famulus("set", 1, *limits)

    assert done.stdout.splitlines() == [
        "Run 1, from the next arrival on:",
        "  maximum_units_per_worker  5              was no limit",
        "  max_spend                 20 USD         was no limit",
        "  submission_timeout        60 (1 minute)  was 600 (10 minutes)",
    ]
    run = find_run(manual.database, 1)
    assert (run.maximum_units_per_worker, run.max_spend, run.submission_timeout) == (5, 2000, 60)


def test_unchanged_limits_are_reported(famulus: Callable[..., Result]) -> None:
    assert famulus("set", 1, "submission_timeout=600").stdout == "Run 1 has these limits already.\n"


def test_without_limits_they_are_shown(famulus: Callable[..., Result]) -> None:
    head, *lines = famulus("set", 1).stdout.splitlines()

    assert head == "Limits of run 1, which is running:"
    assert lines[0].split(maxsplit=1) == ["maximum_units_per_worker", "no limit"]
    assert lines[3].split(maxsplit=1) == ["assignment_duration_in_seconds", "1800 (30 minutes)"]


def test_all_problems_are_reported_at_once(famulus: Callable[..., Result]) -> None:
    done = famulus("set", 1, "maximum_units=5", "task_title=x", "allowed_concurrent")

    assert (done.exit_code, done.stdout) == (2, "")
    first, second, third = done.stderr.splitlines()
    assert "'allowed_concurrent' is not 'LIMIT=VALUE'" in first
    assert "maximum_units: is not a limit of a run; did you mean" in second
    assert (
        "task.task_title: cannot be changed once a run is launched; these can be changed: " in third
    )


def test_wrong_value_and_unknown_limit_are_reported_together(
    famulus: Callable[..., Result],
) -> None:
    done = famulus("set", 1, "maximum_units_per_worker=x", "maximum_units=5")

    assert done.exit_code == 2
    first, second = done.stderr.splitlines()
    assert "maximum_units: is not a limit of a run" in first
    assert "task.maximum_units_per_worker: 'x' is not a whole number" in second


def test_status_shows_what_limits_workers(famulus: Callable[..., Result]) -> None:
    famulus("set", 1, "maximum_units_per_worker=5", "max_num_concurrent_units=1")

    lines = famulus("status", 1).stdout.splitlines()

    [limits] = [line for line in lines if line.split()[0] == "limits"]
    assert limits.split(maxsplit=1)[1] == (
        "30 minutes for a unit, 5 units a worker, 1 unit open at once"
    )


def test_a_run_that_is_over_is_refused(
    famulus: Callable[..., Result], manual: ManualOperator
) -> None:
    manual.finish(1)

    done = famulus("set", 1, "submission_timeout=60")

    assert done.exit_code == 1
    assert "run 1 is finished; its limits can no longer be changed" in done.stderr
