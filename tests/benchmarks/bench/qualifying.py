"""The cost of an arrival where every worker has qualifications, and in an empty database."""

from __future__ import annotations

import json
import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import famulus
from bench.allocation import Site, TimedDatabase
from bench.figures import Figure, milliseconds
from bench.runs import launched, write_rows
from bench.scale import Scale

_QUALIFICATIONS = 50
_GRANTS_EACH = 5
_WORKERS = 100_000
#: The run's qualifications; no worker has them.
_ASKED = ("q47", "q48", "q49")
_PAGE = 200


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Measure a run with three conditions in a database of many grants and in an empty one."""
    workers, count = min(_WORKERS, scale.large), scale.claims
    paths = [_prepare(folder / "empty", count), _prepare(folder / "full", count)]
    _fill(paths[0], workers=count * 2, grants_each=0)
    _fill(paths[1], workers=workers, grants_each=_GRANTS_EACH)
    with ExitStack() as stack:
        sites = [_opened(path, stack) for path in paths]
        # Statements, caches and the interpreter's own warming up.
        _arrivals(sites, "early-{}", count // 4)
        for who, name in (("a fresh worker", "fresh-{}"), (f"one who holds {_GRANTS_EACH}", "w{}")):
            empty, full = map(statistics.median, _arrivals(sites, name, count))
            yield Figure(
                subject="qualifying",
                what=f"{who}, {workers:,} workers, {workers * _GRANTS_EACH:,} grants",
                measured=f"{milliseconds(full)} ({full / empty:.2f} times)",
                beside=f"{milliseconds(empty)} without a grant",
                goal="at most 1.5 times",
                met=full <= 1.5 * empty,
            )


def _prepare(base: Path, count: int) -> Path:
    """Launch a run and leave it to itself."""
    path = base.with_suffix(".db")
    data = write_rows(base.with_suffix(".csv"), count * 3)
    with launched(path, data) as run:
        run.wait_until_loaded()
        # Only the state matters: without an operator no other process uses it.
        run.kill()
    return path


def _fill(path: Path, *, workers: int, grants_each: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("DELETE FROM qualification")
        at = connection.execute("SELECT created_at FROM task_run").fetchone()[0]
        connection.executemany(
            "INSERT INTO qualification (id, name, description, created_at) VALUES (?, ?, '', ?)",
            [(number + 1, f"q{number}", at) for number in range(_QUALIFICATIONS)],
        )
        first = connection.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM worker").fetchone()[0]
        connection.executemany(
            "INSERT INTO worker (id, provider_type, name, created_at, blocked)"
            " VALUES (?, 'mock', ?, ?, 0)",
            ((first + number, f"w{number}", at) for number in range(workers)),
        )
        held = _QUALIFICATIONS - len(_ASKED)
        connection.executemany(
            "INSERT INTO granted_qualification (worker_id, qualification_id, value, granted_at)"
            " VALUES (?, ?, 1, ?)",
            (
                (first + number, (number + each * 7) % held + 1, at)
                for number in range(workers)
                for each in range(grants_each)
            ),
        )


def _opened(path: Path, stack: ExitStack) -> Site:
    database = stack.enter_context(closing(TimedDatabase(path)))
    asked = [famulus.make_qualification_dict(each, famulus.QUAL_NOT_EXIST, None) for each in _ASKED]
    _ask(path, asked)
    return Site(stack.enter_context(closing(famulus.open_gateway(database, 1))), database)


def _ask(path: Path, asked: Sequence[dict[str, object]]) -> None:
    """Have the run ask for conditions, as if it had been launched with them."""
    with closing(sqlite3.connect(path)) as connection, connection:
        plan = json.loads(connection.execute("SELECT plan FROM task_run").fetchone()[0])
        plan["task"]["qualifications"] = asked
        connection.execute("UPDATE task_run SET plan = ?", (json.dumps(plan),))


def _arrivals(sites: Sequence[Site], worker: str, count: int) -> list[list[float]]:
    """Let workers arrive at each site in turn; return the seconds that each arrival took there."""
    times: list[list[float]] = [[] for _ in sites]
    for number in range(count):
        for site, seconds in zip(sites, times, strict=True):
            name = worker.format(number)
            status, spent = site.arrive(name, name)
            if status != _PAGE:
                raise RuntimeError(f"{name} got {status}")
            seconds.append(spent)
    return times
