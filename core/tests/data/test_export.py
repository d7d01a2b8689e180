"""Exported records: which there are, what they say, and in what order, on both databases."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from famulus.contracts.views import FormFile
from famulus.data import export
from famulus.data.export import export_records
from famulus.data.run_summaries import list_runs
from famulus.engine.gateway import Gateway
from famulus.errors import NotFoundError, UsageError
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

ROWS: list[dict[str, Any]] = [{"n": 1, "text": "ein Öhr"}, {"n": 2, "text": None}]


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows(ROWS, task_name="words")


def exported(database: Database) -> list[dict[str, Any]]:
    return list(export_records(database, task="words"))


def test_record_has_the_row_the_answers_and_their_origin(
    gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    clock.advance(12.5)
    worker.submit(page, "good")

    (record,) = exported(database)

    assert record["inputs"] == ROWS[0]
    assert record["outputs"] == {"answer": "good"}
    assert (record["task"], record["row"], record["unit_index"]) == ("words", 0, 0)
    assert (record["worker"], record["provider"]) == ("x", "crowd")
    assert (record["unit_status"], record["agent_status"]) == ("completed", "completed")
    assert record["started_at"] == "2030-01-01T12:00:00.000Z"
    assert record["submitted_at"] == "2030-01-01T12:00:12.500Z"
    assert record["duration_seconds"] == 12.5
    assert (record["late"], record["counts"], record["files"]) == (False, True, [])


def test_late_answers_are_exported_and_do_not_count(
    operator: ManualOperator, gateway: Gateway, database: Database, clock: MovableClock
) -> None:
    slow, quick = GatewayWorker(gateway, "slow"), GatewayWorker(gateway, "quick")
    page = slow.arrive()
    clock.advance(1801)
    operator.turn()
    quick.work()
    quick.work()
    clock.advance(1)
    slow.submit(page)

    records = exported(database)

    found = {(record["worker"], record["late"], record["counts"]) for record in records}
    assert found == {("quick", False, True), ("slow", True, False)}
    assert [record["worker"] for record in records] == ["quick", "quick", "slow"]


def test_files_are_listed_with_the_path_of_their_bytes(
    gateway: Gateway, database: Database
) -> None:
    received = gateway.upload_folder / "received"
    received.write_bytes(b"bytes")
    digest = hashlib.sha256(b"bytes").hexdigest()
    file = FormFile(
        field="f",
        filename="a.txt",
        content_type="text/plain",
        size=5,
        sha256=digest,
        path=received,
    )
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), files=[file])

    (record,) = exported(database)

    (listed,) = record["files"]
    path = Path(listed.pop("path"))
    assert listed == {
        "field": "f",
        "name": "a.txt",
        "size": 5,
        "type": "text/plain",
        "sha256": digest,
    }
    assert path.is_absolute()
    assert path.read_bytes() == b"bytes"


def test_unsubmitted_work_is_not_exported(gateway: Gateway, database: Database) -> None:
    GatewayWorker(gateway, "x").arrive()

    assert exported(database) == []


def test_pages_have_no_gap_and_no_repetition_at_equal_times(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(7)], task_name="words")
    for number in range(7):
        GatewayWorker(gateway, f"w{number}").work()
        clock.advance(number % 2)
    monkeypatch.setattr(export, "_PAGE", 2)

    records = exported(database)

    assert [record["worker"] for record in records] == [f"w{number}" for number in range(7)]


def test_submissions_during_an_export_break_nothing(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    GatewayWorker(gateway, "x").work()
    monkeypatch.setattr(export, "_PAGE", 1)

    records = export_records(database, task="words")
    first = next(records)
    GatewayWorker(gateway, "x").work()
    rest = list(records)

    assert [record["row"] for record in (first, *rest)] == [0, 1]


def test_task_exports_all_its_runs_and_run_only_one(
    operator: ManualOperator, database: Database
) -> None:
    for name in ("words", "other", "words"):
        GatewayWorker(operator.launch_rows(ROWS[:1], task_name=name), "x").work()
    newest, other, oldest = (each.record.id for each in list_runs(database))

    assert [record["run"] for record in exported(database)] == [oldest, newest]
    assert [record["task"] for record in export_records(database, run=other)] == ["other"]


def test_unknown_task_raises_with_a_suggestion(gateway: Gateway, database: Database) -> None:
    with pytest.raises(NotFoundError, match=r"no task 'wrods' .*did you mean 'words'"):
        export_records(database, task="wrods")


def test_unknown_run_is_an_error_before_the_first_record(database: Database) -> None:
    with pytest.raises(NotFoundError, match="no run 9"):
        export_records(database, run=9)


def test_missing_database_is_not_created(tmp_path: Path) -> None:
    with (
        Database(tmp_path / "none.db") as database,
        pytest.raises(NotFoundError, match="does not exist yet"),
    ):
        export_records(database, task="words")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [{}, {"task": "words", "run": 1}])
def test_a_task_or_a_run_has_to_be_named(database: Database, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="either a task or a run"):
        export_records(database, **given)
