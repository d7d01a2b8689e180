"""The cost of finding a unit in the database, for any number of units and workers."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

from attrs import frozen

import famulus
from bench.figures import Figure, milliseconds
from bench.runs import launched, write_rows
from bench.scale import Scale
from famulus.model.transaction import Transaction

T = TypeVar("T")

_SMALL = 1_000
_PAGE, _REFUSED = 200, 403
#: Arrivals without a unit before a search is considered endless.
_MOST_IN_VAIN = 200
#: A refusal that takes longer has passed over much.
_SEARCHING_SECONDS = 0.005


class TimedDatabase(famulus.Database):
    """Adds up the processor time spent inside transactions that write, without their commits."""

    spent = 0.0

    def write(self, job: Callable[[Transaction], T], *, synced: bool = True) -> T:
        """Run a job as ever, and time it."""

        def timed(tx: Transaction) -> T:
            started = time.thread_time()
            try:
                return job(tx)
            finally:
                self.spent += time.thread_time() - started

        return super().write(timed, synced=synced)


@frozen
class Site:
    """One run that workers arrive at."""

    gateway: famulus.Gateway
    database: TimedDatabase

    def arrive(self, worker: str, reference: str) -> tuple[int, float]:
        """Let a worker arrive; return the reply's status and the seconds spent in transactions."""
        before = self.database.spent
        reply = self.gateway.arrive({"worker_id": worker, "assignment_id": reference})
        return reply.status, self.database.spent - before


@frozen
class Search:
    """A worker's arrivals without a unit, while their search passes over units of others, and
    the seconds that the longest one took.
    """

    arrivals: int
    longest: float


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Measure a small and the large run, two units an assignment, in turns."""
    sizes = (min(_SMALL, scale.large), scale.large)
    count = min(scale.claims, min(sizes) // 5)
    paths = [_prepare(units, folder / str(number)) for number, units in enumerate(sizes)]
    with ExitStack() as stack:
        sites = [_opened(path, stack) for path in paths]
        # Statements, caches and the interpreter's own warming up.
        _claims(sites, "early-{}", count // 4, _PAGE)
        yield _compared("a fresh worker", sizes, _claims(sites, "fresh-{}", count, _PAGE))
        searches = []
        for name, worker, status in (
            ("one who has done half", "half", _PAGE),
            ("one who has done all", "all", _REFUSED),
        ):
            searches.append((name, [_search(site, worker, status) for site in sites]))
            yield _compared(name, sizes, _claims(sites, worker, count, status))
        for path in paths:
            _take_what_is_left(path)
        late = _claims(sites, "late-{}", count, _REFUSED)
        yield _compared("nothing left, a fresh worker", sizes, late)
    for name, (small, large) in searches:
        if large.arrivals:
            yield Figure(
                subject="allocation",
                what=f"{name}: before, while passing over what is not theirs",
                measured=f"{large.arrivals} arrivals in vain, at most "
                f"{milliseconds(large.longest)} each",
                beside=f"{small.arrivals} at {sizes[0]:,}",
            )


def _compared(name: str, sizes: tuple[int, int], times: list[list[float]]) -> Figure:
    small, large = map(statistics.median, times)
    return Figure(
        subject="allocation",
        what=f"{name}, {sizes[1]:,} units",
        measured=f"{milliseconds(large)} ({large / small:.2f} times)",
        beside=f"{milliseconds(small)} at {sizes[0]:,}",
        goal="at most 1.5 times",
        met=large <= 1.5 * small,
    )


def _prepare(units: int, base: Path) -> Path:
    """Launch a run of ``units`` whose first slots are all done, and leave it to itself."""
    path = base.with_suffix(".db")
    data = write_rows(base.with_suffix(".csv"), units // 2)
    with launched(path, data, units_per_assignment=2) as run:
        run.wait_until_loaded()
        # Only the state matters: without an operator no other process uses it.
        run.kill()
    _take_first_slots(path)
    return path


def _opened(path: Path, stack: ExitStack) -> Site:
    database = stack.enter_context(closing(TimedDatabase(path)))
    return Site(stack.enter_context(closing(famulus.open_gateway(database, 1))), database)


def _claims(sites: Sequence[Site], worker: str, count: int, expected: int) -> list[list[float]]:
    """Let workers arrive at each site in turn; return the seconds that each arrival took there."""
    times: list[list[float]] = [[] for _ in sites]
    for number in range(count):
        for site, seconds in zip(sites, times, strict=True):
            name = worker.format(number)
            status, spent = site.arrive(name, f"{name}-{number}")
            if status != expected:
                raise RuntimeError(f"{name} got {status} instead of {expected}")
            seconds.append(spent)
    return times


def _search(site: Site, worker: str, expected: int) -> Search:
    """Let a worker arrive until their search has come to its end."""
    spent: list[float] = []
    for number in range(_MOST_IN_VAIN):
        status, seconds = site.arrive(worker, f"search-{number}")
        if status == expected and (status == _PAGE or seconds < _SEARCHING_SECONDS):
            return Search(len(spent), max(spent, default=0.0))
        spent.append(seconds)
    raise RuntimeError(f"{worker} is still searching after {_MOST_IN_VAIN} arrivals")


def _take_first_slots(path: Path) -> None:
    """Let "all" have done the first slot of each assignment, and "half" that of the first half.

    That two have done one slot is as after a late answer. What is free, the second slots, begins
    with those of assignments that both have done.
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        run, task, at, rows = connection.execute(
            "SELECT id, task_id, created_at, rows_loaded FROM task_run"
        ).fetchone()
        for name, done in (("half", rows // 2), ("all", rows)):
            worker = connection.execute(
                "INSERT INTO worker (provider_type, name, created_at, blocked)"
                " VALUES ('mock', ?, ?, 0)",
                (name, at),
            ).lastrowid
            visit = connection.execute(
                "INSERT INTO visit (run_id, worker_id, reference, accept, status, query,"
                " arrived_at) VALUES (?, ?, 'before', '', 'submitted', '{}', ?)",
                (run, worker, at),
            ).lastrowid
            connection.execute(
                "INSERT INTO agent (run_id, worker_id, visit_id, assignment_id, unit_id, status,"
                " started_at, deadline, ended_at, submitted_at, submission_id, late, answers)"
                " SELECT run_id, ?, ?, assignment_id, id, 'completed', ?, ?, ?, ?, 's', 0, '{}'"
                " FROM unit WHERE lane = 0 ORDER BY id LIMIT ?",
                (worker, visit, at, at, at, at, done),
            )
            connection.execute(
                "INSERT INTO participation (run_id, worker_id, task_id, open_units, done_units,"
                " assignments, marks) VALUES (?, ?, ?, 0, ?, ?, '[-1,-1]')",
                (run, worker, task, done, done),
            )
        connection.execute("UPDATE unit SET status = 'completed' WHERE lane = 0")


def _take_what_is_left(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("UPDATE unit SET status = 'completed' WHERE status = 'launched'")
