"""Pages that a unit writes to SQLite's log, and processor time of queries that read by index."""

from __future__ import annotations

import sqlite3
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import famulus
from bench.figures import Figure, milliseconds
from bench.runs import launched, write_rows
from bench.scale import Scale
from famulus.data.export import export_records
from famulus.data.newest_units import newest_units
from famulus.data.review_queue import count_waiting, next_units, next_worker
from famulus.data.run_summaries import list_runs
from famulus.data.scope import Scope as ReadScope
from famulus.data.scope import find_scope
from famulus.engine.deadlines import is_report_awaited, time_out
from famulus.engine.event_dispatch import Dispatcher, add_positions
from famulus.engine.event_numbers import NewestEvent
from famulus.engine.places.place_changes import newest_change
from famulus.engine.platform.visit_sync import PendingVisits
from famulus.engine.run_activity import last_submission
from famulus.engine.runs import agents_at_work, find_run, unit_counts
from famulus.operate.doctor.work_differences import of_visits, of_work
from famulus.plugins import Listener
from famulus.testing.inprocess import GatewayWorker

#: The page size that databases are made with, in bytes.
_PAGE_BYTES = 4096
_SMALL_RUN, _LARGE_RUN = 1, 2
#: Units of the run beside which the large one is.
_SMALL = 1_000
_WORKERS = 500
_ANSWER = "x" * 1000
_REPETITIONS = 5


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Measure a run of which three quarters are done, beside a small one in the same database."""
    path = folder / "both.db"
    for rows in (min(_SMALL, scale.large), scale.large):
        with launched(path, write_rows(folder / "rows.csv", rows)) as launch:
            launch.wait_until_loaded()
            launch.kill()
    _work(path)
    with ExitStack() as stack:
        database = stack.enter_context(closing(famulus.Database(path)))
        gateway = stack.enter_context(closing(famulus.open_gateway(database, _LARGE_RUN)))
        yield from _pages(gateway, path, scale.claims)
        for name, query in _queries(database).items():
            seconds = [_timed(query) for _ in range(_REPETITIONS)]
            yield Figure(
                subject="storing",
                what=f"{name}, {scale.large:,} units",
                measured=milliseconds(min(seconds)),
                beside=f"{milliseconds(seconds[0])} at first",
            )


def _pages(gateway: famulus.Gateway, path: Path, count: int) -> Iterator[Figure]:
    """Let workers who are known do units one by one, each request in a commit of its own."""
    workers = [GatewayWorker(gateway, f"pages-{number}") for number in range(max(count // 5, 1))]
    for worker in workers:
        worker.submit(worker.arrive(), _ANSWER, rating="bad")
    written: dict[str, list[int]] = {"arrive": [], "submit": []}
    for number in range(count):
        worker = workers[number % len(workers)]
        before = _frames(path)
        page = worker.arrive()
        between = _frames(path)
        worker.submit(page, _ANSWER, rating="bad")
        for pages, start, end in (
            (written["arrive"], before, between),
            (written["submit"], between, _frames(path)),
        ):
            # After a checkpoint the log begins again.
            pages.append(end - start if end > start else end)
    for request, pages in written.items():
        yield Figure(
            subject="storing",
            what=f"pages that {request} writes to the log",
            measured=f"{mean(pages):.1f} ({mean(pages) * _PAGE_BYTES / 1000:.0f} kB)",
            beside=f"an answer of {len(_ANSWER) / 1000:.0f} kB",
        )


def _frames(path: Path) -> int:
    """Return how many pages the log contains, as its index says."""
    with path.with_name(f"{path.name}-shm").open("rb") as file:
        return int(struct.unpack_from("=I", file.read(20), 16)[0])


def _queries(database: famulus.Database) -> dict[str, Callable[[], Any]]:
    large, small = find_run(database, _LARGE_RUN), find_run(database, _SMALL_RUN)
    scope = find_scope(database, large.task_name, run=_LARGE_RUN)
    events = NewestEvent(_SMALL_RUN)

    def reading(job: Callable[[famulus.Transaction], Any]) -> Callable[[], Any]:
        def read() -> Any:
            with database.read() as tx:
                return job(tx)

        return read

    return {
        "status: units by status": reading(lambda tx: unit_counts(tx, _LARGE_RUN)),
        "status: workers at work": reading(lambda tx: agents_at_work(tx, _LARGE_RUN)),
        "list of runs": lambda: list_runs(database),
        "review: units that wait": reading(lambda tx: count_waiting(tx, scope)),
        "review: the next worker and unit": lambda: _next_units(database, scope),
        "newest 50 units": lambda: _taken(newest_units(database, scope), 50),
        "export: the first 500 of the large run": lambda: _taken(
            export_records(database, run=_LARGE_RUN), 500
        ),
        "export: the small run": lambda: _taken(export_records(database, run=_SMALL_RUN), _SMALL),
        "deadlines: nothing is due": lambda: database.write(
            lambda tx: time_out(tx, _LARGE_RUN, reported_by_platform=True)
        ),
        "deadlines: newest submission": reading(lambda tx: last_submission(tx, _LARGE_RUN)),
        "deadlines: whether a report is awaited": reading(
            lambda tx: is_report_awaited(tx, _LARGE_RUN)
        ),
        "sync: the first pending visits": lambda: _taken(
            iter(PendingVisits(database, _LARGE_RUN)), 100
        ),
        "places: whether anything has happened in the small run": reading(
            lambda tx: newest_change(tx, events)
        ),
        "events: none for a listener of the small run": _dispatching(database, small.task_name),
        "doctor: work": reading(lambda tx: [*of_work(tx, large, is_operated=True)]),
        "doctor: visits": reading(lambda tx: [*of_visits(tx, large)]),
    }


def _dispatching(database: famulus.Database, task_name: str) -> Callable[[], Any]:
    listener = Listener(name="bench", label="the benchmark", hooks={})
    dispatcher = Dispatcher(
        database=database, run=_SMALL_RUN, task_name=task_name, listener=listener
    )
    database.write(lambda tx: add_positions(tx, _SMALL_RUN, [dispatcher.name]))
    return dispatcher.start


def _next_units(database: famulus.Database, scope: ReadScope) -> None:
    with database.read() as tx:
        worker = next_worker(tx, scope)
        assert worker is not None
        [_] = next_units(tx, scope, worker.id, database.files)


def _taken(records: Iterator[Any], most: int) -> Sequence[Any]:
    return [*islice(records, most)]


def _timed(query: Callable[[], Any]) -> float:
    # Of all threads, and of this process alone: others on the machine do not count.
    started = time.process_time()
    query()
    return time.process_time() - started


def _work(path: Path) -> None:
    """Let workers do three quarters of both runs, of which two thirds are reviewed, and more begin
    units without an end.
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        # The pages that showed the runs to be open have a unit already.
        for table in ("event", "participation", "agent", "visit", "worker"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE unit SET status = 'launched', agent_id = NULL")
        at = connection.execute("SELECT MAX(created_at) FROM task_run").fetchone()[0]
        connection.execute(_DONE)
        connection.execute(_AT_WORK)
        connection.executemany(
            "INSERT INTO worker (id, provider_type, name, created_at, blocked)"
            " VALUES (?, 'mock', ?, ?, 0)",
            [(number, f"w{number}", at) for number in range(1, _WORKERS + 1)],
        )
        for statement in (_VISITS, _AGENTS, _PARTICIPATIONS, *_EVENTS):
            connection.execute(statement, {"workers": _WORKERS, "at": at})
        connection.execute("UPDATE unit SET agent_id = id WHERE status <> 'launched'")
        connection.execute(
            "UPDATE task_run SET events_delivered ="
            " (SELECT MAX(id) FROM event WHERE run_id = task_run.id)"
        )


#: Of twelve units six are reviewed, and three are to be.
_DONE = """
UPDATE unit SET status = CASE WHEN id % 12 < 6 THEN 'accepted' ELSE 'completed' END
WHERE id % 12 < 9
"""
_AT_WORK = """
UPDATE unit SET status = 'assigned'
WHERE status = 'launched' AND position < 4000
"""
_VISITS = """
INSERT INTO visit (id, run_id, worker_id, reference, accept, status, query, arrived_at,
    last_arrived_at, done_at)
SELECT id, run_id, 1 + id % :workers, 'r' || id, '',
    CASE status WHEN 'accepted' THEN 'approved' WHEN 'completed' THEN 'submitted'
        ELSE 'accepted' END,
    '{}', :at + id * 1000, :at + id * 1000,
    CASE status WHEN 'assigned' THEN NULL ELSE :at + id * 1000 + 60000000 END
FROM unit WHERE status <> 'launched'
"""
_AGENTS = """
INSERT INTO agent (id, run_id, worker_id, visit_id, assignment_id, unit_id, status, started_at,
    deadline, ended_at, submitted_at, submission_id, late, answers)
SELECT id, run_id, 1 + id % :workers, id, assignment_id, id,
    CASE status WHEN 'accepted' THEN 'approved' WHEN 'completed' THEN 'completed'
        ELSE 'in_task' END,
    :at + id * 1000, :at + id * 1000 + 90000000000,
    CASE status WHEN 'assigned' THEN NULL ELSE :at + id * 1000 + 60000000 END,
    CASE status WHEN 'assigned' THEN NULL ELSE :at + id * 1000 + 60000000 END,
    's', 0, '{"rating":"passable","comment":"It could be about almost anybody."}'
FROM unit WHERE status <> 'launched'
"""
_PARTICIPATIONS = """
INSERT INTO participation (run_id, worker_id, task_id, open_units, done_units, assignments, marks)
SELECT agent.run_id, worker_id, task_id, SUM(status = 'in_task'), SUM(status <> 'in_task'),
    COUNT(*), '[-1]'
FROM agent JOIN (SELECT id AS run, task_id FROM task_run) ON run = agent.run_id
GROUP BY agent.run_id, worker_id
"""


def _event(subject: str, old: str, new: str, cause: str, which: str) -> str:
    return f"""
INSERT INTO event (run_id, at, subject, subject_id, old, new, cause, count, agent_id, xact)
SELECT run_id, :at + id * 1000, '{subject}', id, {old}, '{new}', '{cause}', 1, id, 0
FROM agent WHERE {which}
"""


_EVENTS = (
    _event("visit", "NULL", "accepted", "arrival", "1"),
    _event("agent", "NULL", "in_task", "arrival", "1"),
    _event("unit", "'launched'", "assigned", "arrival", "1"),
    _event("agent", "'in_task'", "completed", "submission", "status <> 'in_task'"),
    _event("unit", "'assigned'", "completed", "submission", "status <> 'in_task'"),
    _event("visit", "'accepted'", "submitted", "submission", "status <> 'in_task'"),
)
