"""Reading units, answers and workers from Python, on both databases."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from famulus.data import browser_units
from famulus.data.data_browser import DataBrowser
from famulus.engine.ledger.decisions import decide
from famulus.engine.qualifications.worker_handle import find_worker
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.statements import Statement
from famulus.model.states import AgentStatus, Decision, UnitStatus
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

TASK = "words"


@pytest.fixture
def browser(database: Database) -> DataBrowser:
    return DataBrowser(database)


def launch_done(operator: ManualOperator, rows: int, workers: str = "x", **options: Any) -> int:
    """Launch a task that the workers do whole; return its run."""
    gateway = operator.launch_rows([{"n": n} for n in range(rows)], task_name=TASK, **options)
    for name in workers:
        for _ in range(rows):
            GatewayWorker(gateway, name).work(f"by {name}")
    return gateway.run_id


def test_names_of_tasks_are_listed(operator: ManualOperator, browser: DataBrowser) -> None:
    for name in ("zebras", "apes"):
        operator.launch_rows([{"n": 1}], task_name=name)

    assert browser.get_task_name_list() == ["apes", "zebras"]


def test_unit_has_its_answers_and_their_worker(
    operator: ManualOperator, browser: DataBrowser, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": 1}], task_name=TASK)
    page = GatewayWorker(gateway, "x").arrive()
    clock.advance(5)
    GatewayWorker(gateway, "x").submit(page, "good")

    (unit,) = browser.get_units_for_task_name(TASK)
    agent = unit.get_assigned_agent()

    assert agent is not None
    assert (unit.task_name, unit.row, unit.index, unit.inputs) == (TASK, 0, 0, {"n": 1})
    assert (unit.status, agent.status) == (UnitStatus.COMPLETED, AgentStatus.COMPLETED)
    assert unit.outputs == agent.outputs == {"answer": "good"}
    assert agent.submitted_at == clock()
    assert agent.get_worker().name == "x"
    assert agent.get_data_dir().name == str(agent.id)


def test_worker_of_a_unit_can_be_granted_a_qualification(
    operator: ManualOperator, browser: DataBrowser, database: Database
) -> None:
    launch_done(operator, 1)

    for unit in browser.get_units_for_task_name(TASK):
        agent = unit.get_assigned_agent()
        assert agent is not None
        agent.get_worker().grant_qualification("good at it", 3)

    granted = find_worker(database, "crowd", "x").get_granted_qualification("good at it")
    assert granted is not None
    assert granted.value == 3


def test_data_of_a_unit_has_the_keys_of_existing_scripts(
    operator: ManualOperator, browser: DataBrowser
) -> None:
    launch_done(operator, 1)
    (unit,) = browser.get_units_for_task_name(TASK)

    data = browser.get_data_from_unit(unit)

    assert data == unit.to_dict()
    assert data["data"]["inputs"] == {"n": 0}
    assert data["data"]["outputs"] == {"files": [], "filesByFields": {}, "answer": "by x"}
    assert (data["worker_name"], data["status"]) == ("x", "completed")
    assert data["task_start"] <= data["task_end"]


def test_unit_without_answers_has_no_data(operator: ManualOperator, browser: DataBrowser) -> None:
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}], task_name=TASK)
    GatewayWorker(gateway, "x").arrive()
    at_work, free = browser.get_all_units_for_task_name(TASK)

    for unit in (at_work, free):
        with pytest.raises(ConflictError, match=f"unit {unit.id} is .*: it has no answers"):
            browser.get_data_from_unit(unit)
        data = browser.get_data_from_unit(unit, raise_exception=False)
        assert data["data"]["inputs"] == unit.inputs
        assert data["data"]["outputs"] is data["task_end"] is unit.outputs is None

    assert (at_work.to_dict()["worker_name"], free.to_dict()["worker_name"]) == ("x", None)
    assert at_work.to_dict().keys() == free.to_dict().keys()


def test_units_with_answers_are_read_from_all_runs_of_the_task(
    operator: ManualOperator, browser: DataBrowser, database: Database
) -> None:
    first, second = launch_done(operator, 2), launch_done(operator, 1)
    operator.launch_rows([{"n": 1}], task_name="another")
    GatewayWorker(operator.launch_rows([{"n": 7}], task_name=TASK), "x").arrive()
    accepted = next(browser.get_units_for_task_name(TASK))
    database.write(lambda tx: decide(tx, accepted.id, Decision.ACCEPTED))

    units = list(browser.get_units_for_task_name(TASK))

    assert [unit.run_id for unit in units] == [first, first, second]
    assert [unit.status.value for unit in units] == ["accepted", "completed", "completed"]
    assert [unit.inputs["n"] for unit in browser.get_units_for_run_id(second)] == [0]


def test_all_units_include_expired_ones(operator: ManualOperator, browser: DataBrowser) -> None:
    run = launch_done(operator, 1, workers="")
    operator.finish(run)

    assert list(browser.get_units_for_task_name(TASK)) == []
    assert [unit.status for unit in browser.get_all_units_for_task_name(TASK)] == ["expired"]


def test_units_of_runs_are_chosen_by_their_statuses(
    operator: ManualOperator, browser: DataBrowser, database: Database
) -> None:
    run = launch_done(operator, 3)
    first, second, _ = browser.get_units_for_run_id(run)
    database.write(lambda tx: decide(tx, first.id, Decision.ACCEPTED))
    database.write(lambda tx: decide(tx, second.id, Decision.REJECTED, note="Empty."))

    units = browser.collect_matching_units_from_task_runs([run], ["rejected", UnitStatus.ACCEPTED])

    assert [unit.id for unit in units] == [first.id, second.id]
    with pytest.raises(UsageError, match=r"'acepted' is not a status .*did you mean 'accepted'"):
        browser.collect_matching_units_from_task_runs([run], ["acepted"])


def test_units_of_an_assignment_follow_each_other(
    operator: ManualOperator, browser: DataBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch_done(operator, 3, workers="xy", blueprint={"units_per_assignment": 2})
    monkeypatch.setattr(browser_units, "_PAGE", 2)

    units = browser.get_units_for_task_name(TASK)

    grouped = {row: len(list(group)) for row, group in groupby(units, lambda unit: unit.row)}
    assert grouped == {0: 2, 1: 2, 2: 2}


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_changes_between_pages_lose_and_repeat_no_unit(
    operator: ManualOperator,
    browser: DataBrowser,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
) -> None:
    launch_done(operator, 3, workers="xy", blueprint={"units_per_assignment": 2})
    monkeypatch.setattr(browser_units, "_PAGE", size)

    found = []
    for unit in browser.get_units_for_task_name(TASK):
        found.append(unit.id)
        database.write(lambda tx: decide(tx, unit.id, Decision.ACCEPTED))  # noqa: B023

    assert found == [unit.id for unit in browser.get_units_for_task_name(TASK)]
    assert len(found) == 6


def test_a_page_of_units_takes_a_constant_number_of_queries(
    operator: ManualOperator, browser: DataBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = launch_done(operator, 10), launch_done(operator, 1000)
    asked: list[object] = []
    execute, find_all = Transaction.execute, Transaction.all

    def counted_query(tx: Transaction, query: object) -> object:
        asked.append(query)
        return execute(tx, query)

    def counted_statement(tx: Transaction, statement: Statement[Any], **params: Any) -> list[Any]:
        asked.append(statement)
        return find_all(tx, statement, **params)

    monkeypatch.setattr(Transaction, "execute", counted_query)
    monkeypatch.setattr(Transaction, "all", counted_statement)

    def queries(run: int) -> int:
        asked.clear()
        for unit in browser.get_units_for_run_id(run):
            agent = unit.get_assigned_agent()
            assert agent is not None
            assert agent.get_worker().name
            assert unit.to_dict()
        return len(asked)

    # Units and files: one page of 10, three of 1000, the last of which is empty.
    assert queries(many) - queries(few) == 3


def test_units_work_on_the_database_they_came_from(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as one, Database(tmp_path / "b.db") as other:
        for database in (one, other):
            with ManualOperator(database, plugins=kit_plugins()) as operator:
                launch_done(operator, 1)

        units = [*DataBrowser(one).get_units_for_task_name(TASK)]
        _ = [*DataBrowser(other).get_units_for_task_name(TASK)]
        assert units[0].agent is not None
        units[0].agent.worker.grant_qualification("seen")

        assert [each.name for each in DataBrowser(one).get_workers_with_qualification("seen")] == [
            "x"
        ]
        with pytest.raises(NotFoundError):
            DataBrowser(other).get_workers_with_qualification("seen")


def test_only_workers_who_have_the_qualification_are_found(
    operator: ManualOperator, browser: DataBrowser, database: Database
) -> None:
    launch_done(operator, 1, workers="xyz", blueprint={"units_per_assignment": 3})
    find_worker(database, "crowd", "x").grant_qualification("reads well", 0)
    find_worker(database, "crowd", "y").grant_qualification("reads well", 2)
    find_worker(database, "crowd", "z").grant_qualification("another")

    def holders(value: int | None = None) -> list[str]:
        found = browser.get_workers_with_qualification("reads well", value=value)
        return [worker.name for worker in found]

    assert holders() == ["x", "y"]
    assert (holders(value=0), holders(value=2), holders(value=1)) == (["x"], ["y"], [])
    with pytest.raises(UsageError, match="takes a whole number"):
        holders(value=2**80)


def test_only_the_workers_with_the_value_are_read(
    operator: ManualOperator,
    browser: DataBrowser,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launch_done(operator, 1, workers="xy", blueprint={"units_per_assignment": 2})
    find_worker(database, "crowd", "x").grant_qualification("reads well", 1)
    find_worker(database, "crowd", "y").grant_qualification("reads well", 2)
    read: list[Any] = []
    rows = Transaction.rows

    def counted(tx: Transaction, query: Any) -> list[Any]:
        found = rows(tx, query)
        read.extend(found)
        return found

    monkeypatch.setattr(Transaction, "rows", counted)
    found = [*browser.get_workers_with_qualification("reads well", value=2)]

    assert [worker.name for worker in found] == ["y"]
    assert [row.name for row in read] == ["y"]


def test_unknown_names_raise_with_a_suggestion_before_the_first_unit(
    operator: ManualOperator, browser: DataBrowser, database: Database
) -> None:
    launch_done(operator, 1)
    find_worker(database, "crowd", "x").grant_qualification("reads well")

    for read in (browser.get_units_for_task_name, browser.get_all_units_for_task_name):
        with pytest.raises(NotFoundError, match=r"no task 'wrods'.*did you mean 'words'"):
            read("wrods")
    with pytest.raises(NotFoundError, match=r"no qualification 'read well'.*mean 'reads well'"):
        browser.get_workers_with_qualification("read well")
    with pytest.raises(NotFoundError, match="no run 0"):
        browser.get_units_for_run_id(0)


def test_metadata_that_is_not_stored_is_an_error(
    operator: ManualOperator, browser: DataBrowser
) -> None:
    launch_done(operator, 1)

    with pytest.raises(UsageError, match="'tips' is not stored"):
        browser.get_metadata_property_from_task_name(TASK, "tips")
    with pytest.raises(NotFoundError, match="no task 'wrods'"):
        browser.get_metadata_property_from_task_name("wrods", "tips")


def test_missing_database_is_not_created(tmp_path: Path) -> None:
    with Database(tmp_path / "none.db") as database:
        browser = DataBrowser(database)

        assert browser.get_task_name_list() == []
        for read in (browser.get_units_for_task_name, browser.get_workers_with_qualification):
            with pytest.raises(NotFoundError):
                read("words")

    assert list(tmp_path.iterdir()) == []
