"""Data come in while workers work; what was stored once is never stored twice."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from famulus.engine.open_gateway import open_gateway
from famulus.engine.runs import find_run
from famulus.errors import UnavailableError, UsageError
from famulus.model.database import Database
from famulus.model.states import LoadingStatus, RunStatus, UnitStatus
from famulus.model.tables import AssignmentTable
from famulus.operate.loading import Loader, _Pace
from famulus.operate.prefetch import Prefetcher
from famulus.testing.inprocess import GatewayWorker, ManualOperator, rows_configuration
from famulus.testing.kinds import RowsBlueprint, RowsState


def rows(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


def stored(database: Database) -> list[Any]:
    with database.read() as tx:
        query = AssignmentTable.select(AssignmentTable.number, AssignmentTable.data).order_by(
            AssignmentTable.number
        )
        found = tx.rows(query)
    assert [row.number for row in found] == list(range(len(found)))
    return [row.data for row in found]


def launch_file(operator: ManualOperator, file: Path, **options: Any) -> int:
    configuration = rows_configuration(blueprint={"rows_file": str(file)}, **options)
    return operator.launch(configuration).run_id


def write_rows(file: Path, data: Sequence[Mapping[str, Any]]) -> None:
    file.write_text("\n".join(map(json.dumps, data)), encoding="utf-8")


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1203])
def test_every_row_is_stored_once_in_its_order(
    operator: ManualOperator, database: Database, count: int
) -> None:
    gateway = operator.launch_rows(rows(count))

    assert stored(database) == rows(count)
    progress = operator.progress(gateway.run_id)
    assert (progress.loading, progress.rows_loaded) == (LoadingStatus.COMPLETE, count)
    assert progress.units == {UnitStatus.LAUNCHED: count}


def test_first_units_of_all_assignments_come_before_second_ones(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(rows(600), blueprint={"units_per_assignment": 2})

    got = [GatewayWorker(gateway, f"w{n}").arrive().row for n in range(3)]

    assert got == rows(3)


def test_a_generator_that_waits_keeps_neither_the_launch_nor_what_it_has_given(
    operator: ManualOperator, database: Database
) -> None:
    coming: queue.Queue[int | None] = queue.Queue()
    arrived = queue.Queue[int]()

    def generated() -> Iterator[dict[str, int]]:
        while (n := coming.get()) is not None:
            arrived.put(n)
            yield {"n": n}

    for n in range(3):
        coming.put(n)
    state = RowsState(rows=generated())
    launched = operator.launch(rows_configuration(), shared_state=state)
    gateway = open_gateway(database, launched.run_id, plugins=operator.plugins, shared_state=state)
    got: list[Any] = []
    while len(got) < 3:
        page = GatewayWorker(gateway, "x").arrive()
        got += [page.row] if page.row else []
    assert got == rows(3)
    operator.turn()
    assert operator.progress(launched).status is RunStatus.RUNNING

    coming.put(3)
    coming.put(None)
    operator.load_all(launched)

    assert GatewayWorker(gateway, "x").arrive().row == {"n": 3}
    assert operator.progress(launched).loading is LoadingStatus.COMPLETE


def test_a_generator_that_raises_midway_keeps_the_work_and_gives_the_reason(
    operator: ManualOperator, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def generated() -> Iterator[dict[str, int]]:
        yield from rows(700)
        raise ZeroDivisionError("on purpose")

    gateway = operator.launch_rows(generated())

    progress = operator.progress(gateway.run_id)
    assert progress.loading is LoadingStatus.FAILED
    assert progress.loading_error == "ZeroDivisionError: on purpose"
    assert stored(database) == rows(700)
    assert "loading stopped after 700 rows" in caplog.text
    assert GatewayWorker(gateway, "x").work().status == 200


@pytest.mark.parametrize("row", [{"n": {1, 2}}, {"n": float("nan")}, [1], "text", None])
def test_a_row_that_cannot_be_stored_stops_the_loading_at_it(
    operator: ManualOperator, database: Database, row: Any
) -> None:
    gateway = operator.launch_rows(iter([{"n": 0}, row, {"n": 2}]))

    assert operator.progress(gateway.run_id).loading is LoadingStatus.FAILED
    assert stored(database) == [{"n": 0}]


def test_a_database_that_is_away_for_a_moment_stops_no_loading(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, away = Loader._store, iter([True, True])

    def now_and_then(self: Loader, *args: Any) -> None:
        if self.rows and next(away, False):
            raise UnavailableError("the disk is full")
        store(self, *args)

    monkeypatch.setattr(Loader, "_store", now_and_then)
    monkeypatch.setattr("famulus.operate.loading._AWAY_SECONDS", 0.01)

    gateway = operator.launch_rows(rows(1200))

    assert stored(database) == rows(1200)
    assert operator.progress(gateway.run_id).loading is LoadingStatus.COMPLETE


def cut_off(operator: ManualOperator, run: int) -> None:
    """End an operator as kill -9 would, for all that the database knows."""
    managed = operator._runs.pop(run)
    managed.stop_loading.set()
    managed.loader.close()
    if managed.loading is not None:
        managed.loading.join()


@pytest.fixture
def cut(
    operator: ManualOperator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, Path]:
    """A run whose loading was cut off after the first batch, and its file of rows."""
    file = tmp_path / "rows.jsonl"
    write_rows(file, rows(1300))
    with monkeypatch.context() as patch:
        patch.setattr(Loader, "load_rest", lambda *_: None)
        run = launch_file(operator, file)
    cut_off(operator, run)
    return run, file


def test_a_launch_that_was_cut_off_goes_on_where_it_was(
    operator: ManualOperator, database: Database, cut: tuple[int, Path]
) -> None:
    run, _ = cut
    before = find_run(database, run)
    assert before.loading is LoadingStatus.LOADING
    assert 0 < before.rows_loaded < 1300

    operator.load_all(operator.resume(run))

    assert stored(database) == rows(1300)
    assert find_run(database, run).loading is LoadingStatus.COMPLETE


@pytest.mark.parametrize("change", ["first row", "fewer rows"])
def test_changed_data_are_refused_and_the_right_ones_taken_then(
    operator: ManualOperator, database: Database, cut: tuple[int, Path], change: str
) -> None:
    run, file = cut
    changed = rows(1300)
    changed[0] = {"n": -1}
    write_rows(file, changed if change == "first row" else rows(1))

    with pytest.raises(UsageError, match=r"restore the data"):
        operator.resume(run)

    assert not operator.holds(run)
    assert find_run(database, run).loading is LoadingStatus.LOADING
    write_rows(file, rows(1300))
    operator.load_all(operator.resume(run))
    assert stored(database) == rows(1300)


@pytest.mark.parametrize("rows_of_a_line", [1, 100], ids=["as many rows", "fewer rows now"])
def test_rows_that_an_earlier_version_stored_are_recognized_and_their_form_is_kept(
    operator: ManualOperator,
    database: Database,
    cut: tuple[int, Path],
    monkeypatch: pytest.MonkeyPatch,
    rows_of_a_line: int,
) -> None:
    run, file = cut

    def earlier(blueprint: RowsBlueprint) -> list[Iterator[Mapping[str, Any]]]:
        return [
            blueprint.assignments(),
            ({"n": number} for line in blueprint.assignments() for number in line["m"]),
        ]

    monkeypatch.setattr(RowsBlueprint, "earlier_assignments", earlier)
    numbers = [row["n"] for row in rows(1300)]
    lines = range(0, len(numbers), rows_of_a_line)
    write_rows(file, [{"m": numbers[line : line + rows_of_a_line]} for line in lines])

    with monkeypatch.context() as patch:
        patch.setattr(Loader, "load_rest", lambda *_: None)
        operator.resume(run)
    cut_off(operator, run)
    assert 500 < find_run(database, run).rows_loaded < 1300
    operator.load_all(operator.resume(run))

    assert stored(database) == rows(1300)


def test_rows_that_no_earlier_version_stored_are_refused(
    operator: ManualOperator, cut: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, file = cut
    monkeypatch.setattr(
        RowsBlueprint, "earlier_assignments", lambda blueprint: [blueprint.assignments()]
    )
    write_rows(file, [{"n": row["n"] + 1} for row in rows(1300)])

    with pytest.raises(UsageError, match=r"are not those that run"):
        operator.resume(run)


def test_rows_that_were_added_behind_are_loaded_too(
    operator: ManualOperator, database: Database, cut: tuple[int, Path]
) -> None:
    run, file = cut
    write_rows(file, rows(1400))

    operator.load_all(operator.resume(run))

    assert stored(database) == rows(1400)


def test_data_from_python_have_to_be_given_again(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Loader, "load_rest", lambda *_: None)
        launched = operator.launch(
            rows_configuration(), shared_state=RowsState(rows=iter(rows(900)))
        )
    cut_off(operator, launched.run_id)

    with pytest.raises(UsageError, match="run its script again"):
        operator.resume(launched.run_id)
    operator.load_all(
        operator.resume(launched.run_id, shared_state=RowsState(rows=iter(rows(900))))
    )

    assert stored(database) == rows(900)


def test_units_of_a_windowed_run_wait_and_are_let_out(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(700), max_num_concurrent_units=10)

    assert operator.progress(gateway.run_id).units == {
        UnitStatus.LAUNCHED: 10,
        UnitStatus.CREATED: 690,
    }


class TestHowMuchIsStoredAtOnce:
    """A batch that others wait for is small; without others, fewer commits store the same rows."""

    def test_batches_grow_while_others_change_nothing(self) -> None:
        pace, units = _Pace(), []
        for _ in range(4):
            units.append(pace.units)
            pace.stored(0.001)

        assert units == [500, 1000, 2000, 2000]

    def test_batches_that_take_long_become_smaller(self) -> None:
        pace, units = _Pace(units=2000), []
        for _ in range(4):
            units.append(pace.units)
            pace.stored(1.0)

        assert units == [2000, 1000, 500, 500]

    def test_batches_stay_small_for_a_while_after_a_worker_has_come(
        self, operator: ManualOperator, database: Database
    ) -> None:
        gateway, pace = operator.launch_rows(rows(3)), _Pace(units=2000)
        database.write(pace.look)
        GatewayWorker(gateway, "w").arrive()
        database.write(pace.look)
        units = []
        for _ in range(202):
            pace.stored(0.001)
            units.append(pace.units)
            database.write(pace.look)

        assert units == [500] * 200 + [1000, 2000]

    def test_loading_itself_keeps_no_batch_small(
        self, operator: ManualOperator, database: Database
    ) -> None:
        operator.launch_rows(rows(3))
        pace = _Pace(units=1000)
        database.write(pace.look)
        operator.launch_rows(rows(600))
        database.write(pace.look)
        pace.stored(0.001)

        assert pace.units == 2000

    def test_rows_that_are_ready_fill_a_batch(self) -> None:
        made = threading.Event()

        def generated() -> Iterator[int]:
            yield from range(1999)
            made.set()
            yield 1999

        ahead = Prefetcher(generated(), enough=500, most=2000)
        assert made.wait(60)

        assert len(ahead.take(2000)) >= 1999
