"""Requests that are begun one by one and share a transaction."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext, suppress
from typing import Any

import pytest

from famulus.contracts.views import AttemptView, Form
from famulus.engine.everyday_postgresql import Everyday
from famulus.engine.everyday_requests import StartedRequest
from famulus.engine.gateway import Gateway
from famulus.model import postgresql
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.sqlite import SqliteBackend
from famulus.model.tables import AgentTable, EventTable, VisitTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, seen
from famulus.testing.kinds import RowsBlueprint

ROWS = [{"n": n} for n in range(6)]


@pytest.fixture
def sqlite(database: Database) -> Database:
    """The database, where requests of a batch share a transaction and see each other's rows."""
    if database.kind is not DatabaseKind.SQLITE:
        pytest.skip("PostgreSQL has a transaction for each request, and a smaller everyday case")
    return database


def arrival(gateway: Gateway, name: str, reference: str = "a") -> StartedRequest:
    begun = gateway.begin_arrival({"worker_id": name, "assignment_id": reference})
    assert begun is not None
    return begun


def submission(gateway: Gateway, page: Seen, answer: str = "yes") -> StartedRequest:
    form = Form(fields=[*page.hidden.items(), ("answer", answer)])
    begun = gateway.begin_submission(form, as_json=True)
    assert begun is not None
    return begun


def answered(gateway: Gateway, *requests: StartedRequest) -> list[Seen]:
    replies = gateway.answer_together(requests)
    assert all(replies)
    return [seen(reply) for reply in replies if reply is not None]


def count(database: Database, table: Any) -> int:
    with database.read() as tx:
        return len(tx.rows(table.select(table.id)))


def test_a_worker_gets_the_unit_behind_those_they_have_tried(
    operator: ManualOperator, sqlite: Database
) -> None:
    gateway = operator.launch_rows(ROWS[:3], blueprint={"units_per_assignment": 3})
    for name in "xyz":
        answered(gateway, arrival(gateway, name))

    # The second units of all rows are free now, the first of them of a row that x has tried.
    (page,) = answered(gateway, arrival(gateway, "x", "b"))
    (stored,) = answered(gateway, submission(gateway, page))
    (last,) = answered(gateway, arrival(gateway, "x", "c"))

    assert [each.row for each in (page, last)] == [{"n": 1}, {"n": 2}]
    assert "stored" in stored.text


def test_a_worker_may_have_fewer_units_than_the_maximum_of_the_task(
    operator: ManualOperator, sqlite: Database
) -> None:
    operator.launch_rows(ROWS, maximum_units_per_worker=3)
    gateway = operator.launch_rows(ROWS, maximum_units_per_worker=3)
    GatewayWorker(operator.gateway(1), "x").work()

    (page,) = answered(gateway, arrival(gateway, "x"))
    (done,) = answered(gateway, submission(gateway, page))
    (last,) = answered(gateway, arrival(gateway, "x", "b"))
    begun = arrival(gateway, "x", "c")

    assert "Unit 2 of at most 3" in page.text
    assert done.status == 200
    assert "Unit 3 of at most 3" in last.text
    assert gateway.answer_together([begun]) == [None]


def test_workers_arrive_and_submit_together(operator: ManualOperator, database: Database) -> None:
    gateway = operator.launch_rows(ROWS)

    pages = answered(gateway, *(arrival(gateway, name) for name in "xyz"))
    done = answered(gateway, *(submission(gateway, page) for page in pages))

    assert [page.row for page in pages] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [each.outcome for each in done] == ["stored"] * 3
    assert count(database, AgentTable) == 3


def test_a_row_that_cannot_be_read_fails_its_request_and_no_other(
    operator: ManualOperator, database: Database
) -> None:
    """A server with the encoding SQL_ASCII may hold texts that are not UTF-8."""
    if database.kind is not DatabaseKind.POSTGRESQL:
        pytest.skip("SQLite has no rows that are read after the commit")
    gateway = operator.launch_rows(ROWS)
    faulty = arrival(gateway, "x")
    faulty._job = Everyday(faulty._job.statements, lambda row: b"\xff".decode())

    failed, page = answered(gateway, faulty, arrival(gateway, "y"))

    assert (failed.status, page.status) == (500, 200)


@pytest.mark.parametrize("tries", [False, True], ids=["reads", "tries to read"])
def test_submission_whose_answers_depend_on_the_row_waits_for_no_server_on_the_loop(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch, tries: bool
) -> None:
    def with_row(self: Any, form: Form, attempt: AttemptView) -> Any:
        row: Any = None
        with suppress(LookupError) if tries else nullcontext():
            row = attempt.unit.data
        return {"answer": form.fields[0][1], "row": row}

    monkeypatch.setattr(RowsBlueprint, "read_answers", with_row)
    gateway = operator.launch_rows(ROWS)
    (page,) = answered(gateway, arrival(gateway, "x"))
    form = Form(fields=[*page.hidden.items(), ("answer", "yes")])

    begun = gateway.begin_submission(form, as_json=True)

    assert (begun is None) == (database.kind is DatabaseKind.POSTGRESQL)
    assert "stored" in seen(gateway.submit(form, as_json=True)).text
    with database.read() as tx:
        (row,) = tx.rows(AgentTable.select(AgentTable.answers))
    assert row.answers == {"answer": "yes", "row": {"n": 0}}


def test_nothing_is_written_before_the_requests_are_answered(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS)

    arrival(gateway, "x")

    assert count(database, WorkerTable) == 0


def test_an_arrival_and_its_own_reload_in_one_transaction_have_the_same_unit(
    operator: ManualOperator, sqlite: Database
) -> None:
    gateway = operator.launch_rows(ROWS)

    first, again = answered(gateway, arrival(gateway, "x"), arrival(gateway, "x"))

    assert first.row == again.row == {"n": 0}
    assert first.hidden["famulus_token"] == again.hidden["famulus_token"]
    assert count(sqlite, VisitTable) == 1


def test_a_form_that_comes_twice_together_is_stored_once(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    first, again = gateway.answer_together([submission(gateway, page), submission(gateway, page)])

    assert first is not None
    assert seen(first).outcome == "stored"
    # What was stored before is acknowledged on the general way.
    assert again is None
    assert worker.submit(page, "yes", as_json=True).outcome == "stored"


def broken(request: StartedRequest, error: Exception) -> StartedRequest:
    """Return a request whose job fails after it has written everything."""
    job = request._job

    def fail(tx: Transaction) -> Any:
        job(tx)
        raise error

    request._job = fail
    return request


def test_a_request_that_fails_is_undone_alone_and_its_neighbours_are_answered(
    operator: ManualOperator, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = operator.launch_rows(ROWS)
    bad = broken(arrival(gateway, "y"), LookupError("on purpose"))

    first, failed, last = answered(gateway, arrival(gateway, "x"), bad, arrival(gateway, "z"))

    assert first.row == {"n": 0}
    assert failed.status == 500
    assert "on purpose" in caplog.text
    assert last.row == {"n": 1}
    assert count(sqlite, WorkerTable) == count(sqlite, AgentTable) == 2
    assert GatewayWorker(gateway, "y").arrive("a").row == {"n": 2}


def test_a_request_for_which_the_disk_is_full_may_be_repeated(
    operator: ManualOperator, sqlite: Database
) -> None:
    gateway = operator.launch_rows(ROWS)
    page, other = (GatewayWorker(gateway, name).arrive("a") for name in "xy")
    backend = sqlite._open()
    assert isinstance(backend, SqliteBackend)
    pages = backend._writer.execute("PRAGMA page_count").fetchone()[0]
    backend._writer.execute(f"PRAGMA max_page_count = {pages}")
    requests = [submission(gateway, page, "x" * 500_000), submission(gateway, other)]

    full, _ = answered(gateway, *requests)
    backend._writer.execute(f"PRAGMA max_page_count = {pages + 1_000}")
    again, _ = gateway.answer_together(requests)

    assert full.status == 503
    assert again is not None
    assert seen(again).outcome == "stored"


def test_what_is_not_the_everyday_case_is_left_to_the_general_way(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS[:1])
    page = GatewayWorker(gateway, "x").arrive("a")
    events = count(database, EventTable)

    assert gateway.begin_arrival({}) is None, "a preview"
    assert gateway.begin_arrival({"worker_id": " ", "assignment_id": "a"}) is None, "a bad name"
    assert gateway.begin_submission(Form(fields=[("answer", "yes")])) is None, "no token"
    invalid = Form(fields=[*page.hidden.items(), ("answer", "invalid")])
    assert gateway.begin_submission(invalid) is None, "answers that the blueprint refuses"
    refused = arrival(gateway, "y")
    assert gateway.answer_together([refused]) == [None], "no unit is free"
    assert count(database, WorkerTable) == 1
    assert count(database, EventTable) == events


@pytest.mark.parametrize("options", [{"onboarding_qualification": "tested"}, None])
def test_a_run_that_asks_something_of_its_workers_begins_nothing(
    operator: ManualOperator, database: Database, options: dict[str, str] | None
) -> None:
    shared = {} if options else {"worker_can_do_unit": lambda worker, unit: True}
    gateway = operator.launch_rows(ROWS, shared=shared, blueprint=options)

    assert gateway.begin_arrival({"worker_id": "x", "assignment_id": "a"}) is None


def test_plugins_that_do_not_say_that_they_are_quick_are_not_called_here(
    operator: ManualOperator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = operator.launch_rows(ROWS)
    blueprint = gateway._parts.blueprint
    monkeypatch.setattr(blueprint, "__class__", type("Own", (type(blueprint),), {}))

    slow = Gateway(gateway._parts, None)

    assert slow.begin_arrival({"worker_id": "x", "assignment_id": "a"}) is None


def test_postgresql_is_a_server_to_wait_for(operator: ManualOperator, database: Database) -> None:
    gateway = operator.launch_rows(ROWS)

    assert gateway.waits_for_server is (database.kind is DatabaseKind.POSTGRESQL)


@pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)
def test_a_request_that_fails_or_waits_on_postgresql_affects_no_other(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "locked")
    worker.submit(worker.arrive("a"))
    failing = arrival(gateway, "y")
    failing._job.statements.params["run"] = "no number"
    with (
        closing(postgresql.connect(database.location.postgres.params)) as other,
        other.transaction(),
    ):
        other.execute("SELECT 1 FROM worker WHERE name = 'locked' FOR UPDATE")
        locked = arrival(gateway, "locked", "b")

        first, *none, last = gateway.answer_together(
            [arrival(gateway, "x"), failing, locked, arrival(gateway, "z")]
        )

    assert none == [None, None]
    assert [seen(each).row for each in (first, last) if each is not None] == [{"n": 1}, {"n": 2}]
    assert worker.arrive("b").row == {"n": 3}


def test_the_reply_to_the_pages_script_has_no_style_sheet(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    page = worker.arrive("a")

    done = worker.submit(page, as_json=True)

    html = json.loads(done.text)["html"]
    assert '<style id="famulus-style"></style>' in html
    assert len(done.text) < 2_000
    assert len(worker.submit(page).text) > 10_000, "a browser without the script gets all of it"
