"""The one record of stored answers, and the views that are made of it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from attrs import asdict, fields

from famulus import DataBrowser, export_records
from famulus.cli.export_formats import write_csv
from famulus.data.browser_units import browser_unit
from famulus.data.export import COLUMNS
from famulus.engine.answers import (
    EXPORTED,
    StoredAnswer,
    StoredAttempt,
    StoredUnit,
    read_answers,
    read_submitted_unit,
    read_unit_and_worker,
    read_units,
    select_attempts,
    select_units,
)
from famulus.engine.gateway import Gateway
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

#: Stored fields that no export has: numbers that are only used inside the database.
INTERNAL = {"holder", "worker_id", "visit", "replacement"}


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows(
        [{"text": "ein Öhr"}], task_name="words", blueprint={"units_per_assignment": 3}
    )


@pytest.fixture
def answer(gateway: Gateway, database: Database, clock: MovableClock) -> StoredAnswer:
    """The submission of ``x`` after 288 seconds."""
    page = GatewayWorker(gateway, "x").arrive()
    clock.advance(288)
    GatewayWorker(gateway, "x").submit(page, "good")
    return the_answer(database)


def the_answer(database: Database) -> StoredAnswer:
    with database.read() as tx:
        (answer,) = read_answers(tx, select_attempts(), database.files)
    return answer


def values_of(view: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the values of a view, and of the views in it."""
    for name, value in view.items():
        if name in {"worker", "agent"}:
            yield from values_of(value)
        else:
            yield tuple(value) if name == "files" else value


def test_record_holds_the_row_the_worker_the_answers_and_the_times(answer: StoredAnswer) -> None:
    assert (answer.task, answer.worker, answer.unit_index) == ("words", "x", 0)
    assert (answer.unit_status, answer.agent_status) == (
        UnitStatus.COMPLETED,
        AgentStatus.COMPLETED,
    )
    assert (answer.inputs, answer.outputs) == ({"text": "ein Öhr"}, {"answer": "good"})
    assert answer.counts
    assert not answer.late
    assert answer.duration.total_seconds() == 288


def test_record_is_a_unit_an_attempt_or_an_answer_as_far_as_it_has_come(
    gateway: Gateway, answer: StoredAnswer, database: Database
) -> None:
    GatewayWorker(gateway, "y").arrive()

    with database.read() as tx:
        units = read_units(tx, select_units(), database.files)

    assert {type(unit) for unit in units} == {StoredAnswer, StoredAttempt, StoredUnit}
    assert [unit for unit in units if isinstance(unit, StoredAnswer)] == [answer]


@pytest.mark.usefixtures("answer")
def test_every_stored_field_is_a_column_of_every_export(database: Database) -> None:
    (record,) = export_records(database, task="words")
    stored = {each.name for each in fields(StoredAnswer) if "column" in each.metadata}

    assert set(EXPORTED) == stored - INTERNAL
    assert set(EXPORTED) <= record.keys()
    assert list(record) == [*COLUMNS, "inputs", "outputs", "files"]


@pytest.mark.usefixtures("answer")
def test_every_column_of_an_export_is_one_of_its_csv(database: Database) -> None:
    stream = io.StringIO()
    write_csv(export_records(database, task="words"), stream)

    header = stream.getvalue().split("\n")[0].split(",")
    assert header == [*COLUMNS, "input.text", "output.answer", "files"]


def test_views_have_the_values_of_the_record(answer: StoredAnswer, database: Database) -> None:
    with database.read() as tx:
        submitted = read_submitted_unit(tx, answer.agent)
        unit, worker = read_unit_and_worker(tx, answer.agent)
    (browsed,) = DataBrowser(database).get_units_for_task_name("words")

    assert submitted == answer.submitted_unit
    assert (unit, worker) == (answer.unit_view, answer.worker_view)
    assert browsed == browser_unit(database, answer)
    stored = [*vars(answer).values(), answer.folder]
    for view in (submitted, unit, worker, browsed):
        values = asdict(view, filter=lambda field, _: field.name != "database")
        for value in values_of(values):
            assert value in stored, value


def test_clock_that_was_set_back_makes_no_negative_duration(
    gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    page = GatewayWorker(gateway, "x").arrive()
    clock.advance(-60)
    GatewayWorker(gateway, "x").submit(page, "good")

    answer = the_answer(database)
    (record,) = export_records(database, task="words")

    assert answer.duration.total_seconds() == 0
    assert answer.clock_set_back
    assert (record["duration_seconds"], record["clock_set_back"]) == (0, True)


def test_duration_is_known_where_the_clock_was_not_set_back(
    answer: StoredAnswer, database: Database
) -> None:
    (record,) = export_records(database, task="words")

    assert not answer.clock_set_back
    assert (record["duration_seconds"], record["clock_set_back"]) == (288, False)
