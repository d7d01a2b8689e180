"""Which commits wait for the disk, and what a power failure leaves of the others."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from famulus.contracts.views import Form
from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.model.database import Database
from famulus.model.sqlite import SqliteBackend
from famulus.model.tables import AgentTable, AssignmentTable, WorkerTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins, seen
from power_cuts import Snapshot
from repetitions import repeated

#: The tables of an arrival. Rows of all others may have an effect outside of the database, or be
#: the effect of something outside.
OF_ARRIVALS = {"worker", "participation", "visit", "agent", "unit", "event"}

Request = dict[str, str] | Form


def on_the_general_way(gateway: Gateway, request: Request) -> Seen:
    parts = gateway._parts
    general = evolve(parts, admission=evolve(parts.admission, has_everyday_case=False))
    return flat(Gateway(general, None), request)


def flat(gateway: Gateway, request: Request) -> Seen:
    if isinstance(request, Form):
        return seen(gateway.submit(request, as_json=True))
    return seen(gateway.arrive(request))


def in_steps(gateway: Gateway, request: Request) -> Seen:
    if isinstance(request, Form):
        begun = gateway.begin_submission(request, as_json=True)
    else:
        begun = gateway.begin_arrival(request)
    assert begun is not None
    (reply,) = gateway.answer_together([begun])
    return flat(gateway, request) if reply is None else seen(reply)


ON_EACH_WAY = [on_the_general_way, flat, in_steps]


def arrival(name: str) -> dict[str, str]:
    return {"worker_id": name, "assignment_id": f"of {name}"}


def answers(page: Seen, answer: str) -> Form:
    return Form(fields=[*page.hidden.items(), ("answer", answer)])


class Commits:
    """The commits of the connection that writes a database."""

    def __init__(self, database: Database) -> None:
        backend = database._open()
        assert isinstance(backend, SqliteBackend)
        self._writer = backend._writer
        #: whether each waited for the disk, and the tables that its transaction wrote
        self.seen: list[tuple[bool, set[str]]] = []
        self._is_synced = backend._is_synced
        self._tables: set[str] = set()
        self._writer.set_trace_callback(self._trace)
        self._writer.set_authorizer(self._authorize)

    def _authorize(self, action: int, table: str | None, *_: object) -> int:
        if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE):
            assert table is not None
            self._tables.add(table)
        return sqlite3.SQLITE_OK

    def _trace(self, statement: str) -> None:
        if statement.startswith("PRAGMA synchronous="):
            self._is_synced = statement.endswith("FULL")
        if statement == "COMMIT":
            self.seen.append((self._is_synced, self._tables))
            self._tables = set()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "famulus.db") as database:
        yield database


@pytest.fixture
def on_sqlite(sqlite: Database) -> Iterator[ManualOperator]:
    with ManualOperator(sqlite, plugins=kit_plugins()) as operator:
        yield operator


@pytest.mark.parametrize("way", [flat, in_steps])
def test_an_everyday_arrival_does_not_wait_for_the_disk_and_a_submission_does(
    on_sqlite: ManualOperator, sqlite: Database, way: Callable[[Gateway, Request], Seen]
) -> None:
    gateway = on_sqlite.launch_rows([{"n": 1}, {"n": 2}])
    commits = Commits(sqlite)

    page = way(gateway, arrival("x"))
    (arrived,) = commits.seen
    assert way(gateway, answers(page, "yes")).outcome == "stored"
    _, submitted = commits.seen

    assert arrived == (False, OF_ARRIVALS)
    assert submitted[0]


def test_a_batch_waits_for_the_disk_where_a_submission_is_in_it(
    on_sqlite: ManualOperator, sqlite: Database
) -> None:
    gateway = on_sqlite.launch_rows([{"n": n} for n in range(6)])
    page = flat(gateway, arrival("x"))
    commits = Commits(sqlite)
    begun = [
        gateway.begin_arrival(arrival("y")),
        gateway.begin_submission(answers(page, "yes")),
        gateway.begin_arrival(arrival("z")),
    ]

    assert all(gateway.answer_together([each for each in begun if each is not None]))
    later = [gateway.begin_arrival(arrival(name)) for name in "ab"]
    assert all(gateway.answer_together([each for each in later if each is not None]))

    assert [synced for synced, _ in commits.seen] == [True, False]


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({"blueprint": {"onboarding_qualification": "trained"}}, {}),
        ({}, {"place": "here"}),
    ],
    ids=["onboarding", "place"],
)
def test_other_arrivals_wait_for_the_disk(
    on_sqlite: ManualOperator, sqlite: Database, options: dict[str, Any], query: dict[str, str]
) -> None:
    gateway = on_sqlite.launch_rows([{"n": 1}], **options)
    commits = Commits(sqlite)

    GatewayWorker(gateway, "x").arrive(**query)

    assert all(synced for synced, tables in commits.seen if tables)
    assert any(tables for _, tables in commits.seen)


steps = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "arrive", "submit"]),
        st.integers(0, 9),
        st.sampled_from(ON_EACH_WAY),
    ),
    max_size=7,
)


class Workers:
    """Workers who arrive once each, and answer with their own name."""

    def __init__(self, gateway: Gateway, log: Path) -> None:
        self.gateway = gateway
        self._log = log
        self._names = iter(range(1_000))
        self.pages: list[tuple[str, Seen]] = []
        #: the rows that workers have answered about
        self.answered: dict[str, Any] = {}
        #: how much of the log is on the disk for certain
        self.synced_bytes = log.stat().st_size

    def do(self, step: str, which: int, way: Callable[[Gateway, Request], Seen]) -> None:
        """Have a new worker arrive, or one of those who work submit."""
        if step == "arrive":
            name = f"worker {next(self._names)}"
            page = way(self.gateway, arrival(name))
            if page.has_form:
                self.pages.append((name, page))
        elif self.pages:
            name, page = self.pages.pop(which % len(self.pages))
            assert way(self.gateway, answers(page, name)).outcome == "stored"
            self.answered[name] = page.row
            self.synced_bytes = self._log.stat().st_size


def stored_answers(database: Database) -> list[tuple[Any, Any, Any]]:
    query = (
        AgentTable.select(WorkerTable.name, AgentTable.answers, AssignmentTable.data)
        .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
        .join(AssignmentTable, on=(AgentTable.assignment == AssignmentTable.id))
        .where(AgentTable.submission_id.is_null(False))
    )
    with database.read() as tx:
        return [(row.name, row.answers, row.data) for row in tx.rows(query)]


@settings(max_examples=repeated(30), suppress_health_check=[HealthCheck.too_slow])
@given(before=steps, share=st.floats(0, 1), after=steps, last=st.sampled_from(ON_EACH_WAY))
def test_a_power_failure_loses_no_answer_and_puts_none_into_another_attempt(
    before: list[Any], share: float, after: list[Any], last: Any
) -> None:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        database = opened.enter_context(Database(folder / "before" / "famulus.db"))
        operator = opened.enter_context(ManualOperator(database, plugins=kit_plugins()))
        gateway = operator.launch_rows(
            [{"n": n} for n in range(3)], blueprint={"units_per_assignment": 2}
        )
        workers = Workers(gateway, folder / "before" / "famulus.db-wal")
        for step in before:
            workers.do(*step)

        # Anywhere in what is not synced, within a frame too.
        kept = Snapshot.of(database.location.path)
        cut = workers.synced_bytes + round(share * (len(kept.log) - workers.synced_bytes))
        path = kept.restore(folder / "after", cut)
        restored = opened.enter_context(Database(path))
        workers.gateway = open_gateway(restored, gateway.run_id, plugins=kit_plugins())

        for step in after:
            workers.do(*step)
        while workers.pages:
            workers.do("submit", 0, last)

        found = stored_answers(restored)
        assert len(found) == len(workers.answered)
        for name, answer, row in found:
            assert answer == {"answer": name}
            assert row == workers.answered[name]
        with restored.read() as tx:
            assert tx.sql("PRAGMA integrity_check").fetchall() == [("ok",)]
