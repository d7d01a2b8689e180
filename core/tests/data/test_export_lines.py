"""The JSON of exported records: what is copied as it is stored is what encoding it would give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famulus.data.export import _page, export_lines, export_records
from famulus.engine.gateway import Gateway
from famulus.iso_time import iso, iso_texts
from famulus.model.database import Database
from famulus.model.fields import dump_json, from_micros
from famulus.model.tables import AgentTable, AssignmentTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

VALUES: list[Any] = [
    {"answer": "good"},
    {"a": "", "b": [None, 1, 2.5, True, {}]},
    {"a": "Ö \u2028 \x85", 'q"': "\n\t\\"},
    {"a": "\ud800", "b": "Ö"},
    {"a:": "", "b": ":"},
    ["text", "ends with :", ""],
    "text",
    " ",
    None,
    3,
    1e300,
]


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    rows = [{"n": number, "text": "ein Öhr"} for number in range(len(VALUES))]
    return operator.launch_rows(rows, task_name="words")


@pytest.fixture
def answered(gateway: Gateway, database: Database, clock: MovableClock) -> None:
    """A submission with each of the values as answers and, turned around, as data."""
    worker = GatewayWorker(gateway, 'w"ö')
    for _ in VALUES:
        page = worker.arrive()
        clock.advance(0.0015)
        worker.submit(page)

    def replace(tx: Any) -> None:
        for number, value in enumerate(VALUES):
            tx.execute(AgentTable.update(answers=value).where(AgentTable.id == agents[number]))
            data = {"value": VALUES[-1 - number]}
            tx.execute(
                AssignmentTable.update(data=data).where(AssignmentTable.id == assignments[number])
            )

    records = list(export_records(database, task="words"))
    agents = [record["agent"] for record in records]
    assignments = [record["assignment"] for record in records]
    database.write(replace)


@pytest.mark.usefixtures("answered")
def test_lines_are_the_json_of_the_records(database: Database) -> None:
    lines = list(export_lines(database, task="words"))

    assert [json.loads(line)["outputs"] for line in lines] == VALUES
    assert [json.loads(line)["inputs"]["value"] for line in lines] == VALUES[::-1]
    assert lines == [dump_json(json.loads(line)) for line in lines]
    assert list(map(json.loads, lines)) == list(export_records(database, task="words"))


@pytest.mark.usefixtures("answered")
def test_answers_without_a_value_are_recognised(database: Database) -> None:
    found = [record["outputs"] for record in _records(database) if record["unanswered"]]

    assert found == [" ", None]


def test_a_clock_that_was_set_back_leaves_no_negative_duration(
    gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    clock.advance(-5)
    worker.submit(page)

    (record,) = _records(database)

    assert (record["duration_seconds"], record["clock_set_back"]) == (0.0, True)


@pytest.mark.usefixtures("answered")
def test_the_query_of_all_pages_is_built_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(export_lines(database, task="words"))
    built: list[int] = []

    def build(run: int) -> Any:
        built.append(run)
        return _page(run)

    monkeypatch.setattr("famulus.data.export._page", build)
    monkeypatch.setattr("famulus.data.export._PAGE", 3)

    assert list(export_lines(database, task="words")) == whole
    assert len(built) == 1


@given(st.integers(min_value=-(10**16), max_value=2 * 10**17))
def test_times_are_written_as_those_of_datetime(micros: int) -> None:
    assert iso_texts([micros]) == [iso(from_micros(micros))]


def _records(database: Database) -> list[dict[str, Any]]:
    return list(export_records(database, task="words"))
