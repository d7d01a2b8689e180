"""Launching: everything checked first, and a failure leaves nothing in the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest

from famulus.contracts.architect import Deployed, Deployment
from famulus.contracts.plan import Plan
from famulus.contracts.provider_views import RunView
from famulus.errors import (
    ConflictError,
    DatabaseError,
    PluginError,
    Problem,
    UnavailableError,
    UsageError,
    reason,
)
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.model.tables import RequesterTable, TaskRunTable, TaskTable
from famulus.model.transaction import Row, Transaction
from famulus.operate.run_report import read_report
from famulus.testing.inprocess import (
    GatewayWorker,
    ManualOperator,
    kit_plugins,
    rows_configuration,
)
from famulus.testing.kinds import CrowdProvider, NowhereArchitect, RowsBlueprint, RowsState
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}, {"n": 2}]


def runs(database: Database) -> list[Row]:
    with database.read() as tx:
        return tx.rows(TaskRunTable.select().order_by(TaskRunTable.id))


def count(database: Database, table: Any) -> int:
    with database.read() as tx:
        return len(tx.rows(table.select(table.id)))


def broken(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("on purpose")


def test_a_launch_shows_the_entrances(operator: ManualOperator) -> None:
    launched = operator.launch(
        rows_configuration(task_name="mine"), shared_state=RowsState(rows=ROWS)
    )

    assert launched.task_name == "mine"
    assert launched.url == NowhereArchitect.url
    assert launched.entrances == (launched.url,)
    assert operator.progress(launched).status is RunStatus.RUNNING


def test_launch_and_report_say_how_workers_come_in(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def invitation(_: object, run: RunView) -> str:
        return f"Post run {run.id} on the wall."

    monkeypatch.setattr(CrowdProvider, "invitation", invitation)
    monkeypatch.setattr("famulus.operate.run_report.discover_types", lambda _: operator.plugins)

    launched = operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS))

    expected = f"Post run {launched.run_id} on the wall."
    report = read_report(operator.database, launched.run_id)
    assert (launched.invitation, report.invitation) == (expected, expected)


@pytest.mark.parametrize("error", [UnavailableError("away"), ConnectionError("reset")])
def test_a_provider_that_does_not_know_the_entrances_fails_no_launch(
    operator: ManualOperator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def entrances(*_: object) -> Any:
        raise error

    monkeypatch.setattr(CrowdProvider, "entrances", entrances)

    launched = operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS))

    assert launched.entrances == (launched.url,)
    assert operator.holds(launched)
    assert f"cannot be asked for its links: {reason(error)}" in caplog.text


def test_runs_of_one_name_share_a_task_and_a_requester(
    operator: ManualOperator, database: Database
) -> None:
    for name in ("one", "one", "other"):
        operator.launch_rows(ROWS, task_name=name)

    assert count(database, TaskTable) == 2
    assert count(database, RequesterTable) == 1
    assert count(database, TaskRunTable) == 3


def test_a_task_that_was_of_another_blueprint_is_refused(
    operator: ManualOperator, database: Database
) -> None:
    operator.launch_rows(ROWS, task_name="mine")
    rename = TaskTable.update(blueprint_type="other")
    database.write(lambda tx: tx.execute(rename))

    with pytest.raises(UsageError, match="was run with the blueprint 'other'"):
        operator.launch_rows(ROWS, task_name="mine")


def test_all_problems_are_reported_at_once_and_nothing_is_written(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RowsBlueprint, "problems", lambda *_: [Problem("no data", key="a")])
    monkeypatch.setattr(NowhereArchitect, "problems", lambda *_: [Problem("port taken", key="b")])
    monkeypatch.setattr(CrowdProvider, "problems", broken)

    with pytest.raises(UsageError) as caught:
        operator.launch_rows(ROWS)

    text = str(caught.value)
    assert "no data" in text
    assert "port taken" in text
    assert "the provider 'crowd' failed while checking: ZeroDivisionError: on purpose" in text
    assert count(database, TaskTable) == count(database, TaskRunTable) == 0


def test_a_warning_of_a_plugin_is_passed_on_and_stops_nothing(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def problems(_: RowsBlueprint, plan: Plan) -> list[Problem]:
        warning = plan.problem("blueprint.rows_file", "may be too short", warning=True)
        return [warning, Problem("is wrong")] if plan.task_name == "wrong" else [warning]

    monkeypatch.setattr(RowsBlueprint, "problems", problems)
    state = RowsState(rows=ROWS)

    checked = operator.check(rows_configuration(), shared_state=state)
    operator.launch(rows_configuration(), shared_state=state)
    with pytest.raises(UsageError) as caught:
        operator.check(rows_configuration(task_name="wrong"), shared_state=state)

    assert [str(each) for each in checked.warnings] == ["blueprint.rows_file: may be too short"]
    assert "blueprint.rows_file: may be too short" in caplog.text
    assert [str(each) for each in caught.value.problems] == ["is wrong"]


def test_checking_a_new_sqlite_database_does_not_even_make_it(tmp_path: Any) -> None:
    with ManualOperator(tmp_path / "a.db", plugins=kit_plugins()) as operator:
        operator.check(rows_configuration(), shared_state=RowsState(rows=ROWS))

    assert list(tmp_path.iterdir()) == []


def test_a_bad_key_and_a_damaged_database_are_problems_among_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database" * 100)
    wrong = rows_configuration(task_titel="a title")
    with ManualOperator(path, plugins=kit_plugins()) as operator:
        with pytest.raises(UsageError) as caught:
            operator.check(wrong)
        assert [each.key for each in caught.value.problems] == ["task.task_titel", None]
        assert "a.db is not an SQLite database" in str(caught.value)
        with pytest.raises(DatabaseError, match="is not an SQLite database"):
            operator.launch_rows(ROWS)

        path.unlink()
        monkeypatch.setenv("FAMULUS_SECRET_KEY", "short")
        with pytest.raises(UsageError) as caught:
            operator.check(wrong)
    keys = [each.key for each in caught.value.problems]
    assert keys == ["task.task_titel", "FAMULUS_SECRET_KEY"]
    assert [*tmp_path.iterdir()] == []


def test_a_reward_finer_than_the_currency_is_refused(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CrowdProvider, "currency", "JPY")

    with pytest.raises(UsageError, match=r"task\.task_reward.*finer than the smallest unit"):
        operator.launch_rows(ROWS)


@pytest.mark.parametrize("error", [UnavailableError("the port is taken"), ZeroDivisionError("on")])
def test_a_launch_that_cannot_be_served_is_failed_and_the_next_one_works(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    shut_down: list[object] = []

    def deploy(*_: object) -> str:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(NowhereArchitect, "deploy", deploy)
        patch.setattr(NowhereArchitect, "shutdown", lambda self: shut_down.append(self))
        with pytest.raises(type(error), match=str(error)):
            operator.launch_rows(ROWS)

    (run,) = runs(database)
    assert (run.status, run.failure, run.lease_holder) == (RunStatus.FAILED, str(error), "")
    assert run.ended_at is not None
    assert len(shut_down) == 1
    assert not operator.holds(run.id)
    gateway = operator.launch_rows(ROWS)
    assert GatewayWorker(gateway, "x").work().status == 200
    with pytest.raises(ConflictError, match="is failed and cannot be resumed"):
        operator.resume(run.id)


@pytest.mark.parametrize("is_served", [True, False])
def test_a_run_that_is_finished_during_its_launch_stays_finished(
    operator: ManualOperator,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    clock: MovableClock,
    is_served: bool,
) -> None:
    ended_at = clock()

    def deploy(*_: object) -> Deployed:
        operator.finish(runs(database)[0].id)
        clock.advance(1)
        if not is_served:
            raise UnavailableError("the port is taken")
        return Deployed(NowhereArchitect.url)

    monkeypatch.setattr(NowhereArchitect, "deploy", deploy)
    with pytest.raises(ConflictError if is_served else UnavailableError):
        operator.launch_rows(ROWS)

    (run,) = runs(database)
    assert (run.status, run.failure, run.ended_at) == (RunStatus.FINISHED, "", ended_at)
    assert run.lease_holder == ""


@pytest.mark.parametrize("now", [True, False])
def test_a_run_that_is_stopped_during_a_launch_that_fails_can_be_resumed(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch, now: bool
) -> None:
    def deploy(*_: object) -> str:
        operator.stop(runs(database)[0].id, now=now)
        raise UnavailableError("the port is taken")

    with monkeypatch.context() as patch:
        patch.setattr(NowhereArchitect, "deploy", deploy)
        with pytest.raises(UnavailableError, match="the port is taken"):
            operator.launch_rows(ROWS)

    (run,) = runs(database)
    assert (run.status, run.failure, run.lease_holder) == (RunStatus.STOPPED, "", "")
    operator.resume(run.id, shared_state=RowsState(rows=ROWS))
    assert operator.progress(run.id).status is RunStatus.RUNNING


@pytest.mark.parametrize("kind", [RowsBlueprint, NowhereArchitect, CrowdProvider])
def test_a_plugin_that_fails_while_it_is_made_fails_the_launch_alone(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    made: Any = getattr(kind, "__init__")  # noqa: B009 - mypy calls the plain way unsound

    def made_with_a_requester(self: Any, args: Any, context: Any) -> None:
        if context.requester is not None:
            raise ZeroDivisionError("on purpose")
        made(self, args, context)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "__init__", made_with_a_requester)
        with pytest.raises(PluginError, match="cannot be constructed: ZeroDivisionError: on pur"):
            operator.launch_rows(ROWS)

    assert [run.status for run in runs(database)] == [RunStatus.FAILED]
    assert operator.launch_rows(ROWS).run_id


def test_a_failure_that_cannot_even_be_written_down_is_the_first_error_still(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut_down: list[object] = []

    def deploy(*_: object) -> str:
        monkeypatch.setattr(Database, "write", broken)
        raise UnavailableError("the port is taken")

    with monkeypatch.context() as patch:
        patch.setattr(NowhereArchitect, "deploy", deploy)
        patch.setattr(NowhereArchitect, "shutdown", lambda self: shut_down.append(self))
        with pytest.raises(UnavailableError, match="the port is taken"):
            operator.launch_rows(ROWS)
        monkeypatch.undo()

    assert len(shut_down) == 1


def test_no_plugin_is_asked_inside_a_transaction(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing: set[int] = set()
    asked: list[bool] = []
    write = Database.write

    def watched(self: Database, job: Callable[[Transaction], Any]) -> Any:
        def act(tx: Transaction) -> Any:
            writing.add(get_ident())
            try:
                return job(tx)
            finally:
                writing.discard(get_ident())

        return write(self, act)

    def answer(number: Any) -> Callable[..., Any]:
        def ask(*_: object) -> Any:
            asked.append(get_ident() in writing)
            return number

        return ask

    monkeypatch.setattr(Database, "write", watched)
    monkeypatch.setattr(RowsBlueprint, "units_per_assignment", property(answer(2)))
    monkeypatch.setattr(RowsBlueprint, "has_onboarding", property(answer(False)))
    monkeypatch.setattr(CrowdProvider, "fee", answer(Decimal(0)))
    operator.launch_rows(ROWS)

    assert set(asked) == {False}
    assert len(runs(database)) == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (list, "the data have no rows"),
        (lambda: iter(()), "the data have no rows"),
        (lambda: (1 / 0 for _ in range(1)), "failed before the first row: ZeroDivisionError"),
    ],
)
def test_data_without_a_first_row_are_no_run(
    operator: ManualOperator, database: Database, rows: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        operator.launch_rows(rows())

    assert [run.status for run in runs(database)] == [RunStatus.FAILED]


def test_a_closed_operator_launches_nothing(database: Database) -> None:
    operator = ManualOperator(database, plugins=kit_plugins())
    operator.close()

    with pytest.raises(ConflictError, match="is closed"):
        operator.launch_rows(ROWS)


def test_one_operator_runs_several_databases_worth_of_tasks_side_by_side(
    operator: ManualOperator, tmp_path: Any
) -> None:
    with ManualOperator(tmp_path / "other.db", plugins=kit_plugins()) as other:
        assert isinstance(other, ManualOperator)
        here, there = operator.launch_rows(ROWS), other.launch_rows([{"n": "there"}])

        assert GatewayWorker(here, "x").arrive("a").row == {"n": 1}
        assert GatewayWorker(there, "x").arrive("a").row == {"n": "there"}


def test_the_serving_process_is_given_the_key_of_the_environment(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", f"{'n' * 32} {'o' * 32}")
    given: list[Mapping[str, str]] = []

    def deploy(_: NowhereArchitect, deployment: Deployment) -> Deployed:
        given.append(deployment.environment)
        return Deployed(NowhereArchitect.url)

    monkeypatch.setattr(NowhereArchitect, "deploy", deploy)
    operator.launch_rows(ROWS)

    assert given[0]["FAMULUS_SECRET_KEY"] == f"{'n' * 32} {'o' * 32}"


def test_a_launch_without_a_usable_key_writes_nothing(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "short")

    with pytest.raises(UsageError, match="FAMULUS_SECRET_KEY"):
        operator.launch_rows(ROWS)

    assert not runs(database)
