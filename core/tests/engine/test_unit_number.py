"""The number of a unit on its page, among those of its worker."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from famulus.engine.gateway import Gateway
from famulus.engine.limits import set_limits
from famulus.engine.worker_progress import UnitNumber, number_unit
from famulus.model.database import Database
from famulus.plugins import Plugins
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen

ROWS = [{"n": 1}, {"n": 2}, {"n": 3}]


def shown(page: Seen) -> str | None:
    found = re.search(r"<li>(Unit [^<]*)</li>", page.text)
    return None if found is None else found[1]


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows(ROWS, blueprint={"units_per_assignment": 2})


@pytest.mark.parametrize(
    ("taken", "tried", "maximum", "rows", "number", "most"),
    [
        (1, 1, 0, 5, 1, 5),
        (1, 1, 3, 5, 1, 3),
        (1, 1, 9, 5, 1, 5),
        (1, 1, 0, None, 1, None),
        (1, 1, 3, None, 1, 3),
        # two of the five were tried without success
        (1, 3, 0, 5, 1, 3),
        # four were done in earlier runs of the task
        (5, 1, 6, 5, 5, 6),
        (5, 1, 100, 2, 5, 6),
        # the maximum was lowered in the meantime
        (4, 4, 2, 9, 4, 4),
    ],
)
def test_no_more_is_promised_than_the_worker_may_get(
    taken: int, tried: int, maximum: int, rows: int | None, number: int, most: int | None
) -> None:
    found = number_unit(taken, tried, maximum=maximum, rows=rows)

    assert found == UnitNumber(number=number, most=most)


def test_units_are_counted_and_a_reload_has_the_same_number(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")

    worker.submit(worker.arrive("a"))
    second = worker.arrive("b")

    assert shown(second) == "Unit 2 of at most 3"
    third = worker.arrive("c")
    assert shown(third) == "Unit 3 of at most 3"
    assert shown(worker.arrive("b")) == "Unit 2 of at most 3"
    assert shown(worker.arrive("c")) == "Unit 3 of at most 3"


def test_number_stays_when_a_later_unit_is_done_first(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    worker.submit(worker.arrive("b"))

    assert shown(worker.arrive("a")) == "Unit 1 of at most 3"


def test_number_stays_when_a_later_unit_is_of_another_run(operator: ManualOperator) -> None:
    first, second = (
        operator.launch_rows(ROWS, task_name="words", maximum_units_per_worker=3) for _ in range(2)
    )
    GatewayWorker(first, "x").arrive("a")
    GatewayWorker(second, "x").arrive("b")

    assert shown(GatewayWorker(first, "x").arrive("a")) == "Unit 1 of at most 3"
    assert shown(GatewayWorker(second, "x").arrive("b")) == "Unit 2 of at most 3"


def test_unit_that_was_given_back_does_not_count(gateway: Gateway) -> None:
    worker = GatewayWorker(gateway, "x")
    worker.give_back(worker.arrive("a"))

    assert shown(worker.arrive("b")) == "Unit 1 of at most 3"


def test_maximum_counts_over_all_runs_of_the_task(
    operator: ManualOperator, database: Database
) -> None:
    first, second = (
        operator.launch_rows(ROWS, task_name="words", maximum_units_per_worker=3) for _ in range(2)
    )
    for reference in ("a", "b"):
        GatewayWorker(first, "x").submit(GatewayWorker(first, "x").arrive(reference))

    page = GatewayWorker(second, "x").arrive("c")

    assert shown(page) == "Unit 3 of at most 3"
    set_limits(database, second.run_id, maximum_units_per_worker=4)
    assert shown(GatewayWorker(second, "x").arrive("c")) == "Unit 3 of at most 4"


def test_page_says_what_a_unit_pays_and_how_to_reach_the_requester(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows(ROWS, task_reward="0.10", contact=" lab@example.org ")

    text = GatewayWorker(gateway, "x").arrive().text

    assert "<li>0.10 USD per unit</li>" in text
    assert '<a href="mailto:lab@example.org">lab@example.org</a>' in text
    assert "Requester:" not in text  # the name that the provider gives to all


def test_unpaid_task_does_not_mention_pay(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS, task_reward="0")

    assert "per unit" not in GatewayWorker(gateway, "x").arrive().text


@pytest.mark.parametrize(
    ("most_left", "number"),
    [
        (lambda *_: 1, "Unit 1 of at most 2"),
        (lambda *_: 7, "Unit 1 of at most 3"),
        (lambda *_: 1 / 0, "Unit 1 of at most 3"),
    ],
)
def test_providers_own_limit_counts_and_its_faults_do_not(
    gateway: Gateway,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    most_left: Callable[..., int],
    number: str,
) -> None:
    monkeypatch.setattr(plugins.provider("crowd"), "most_left", most_left)

    assert shown(GatewayWorker(gateway, "x").arrive()) == number
