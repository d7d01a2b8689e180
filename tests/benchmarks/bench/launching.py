"""Bringing a large file in: memory, rows a second, and the first worker's page."""

from __future__ import annotations

import csv
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import famulus
from bench.figures import Figure, megabytes
from bench.processes import family, peak_memory
from bench.runs import configuration, launched, write_rows
from bench.scale import Scale

#: Of what ``executemany`` stores in the same time.
_SHARE = 0.8


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Launch the large run without workers, and one of few rows."""
    few = write_rows(folder / "few.csv", scale.few)
    checking = _checking_pass(few, folder)
    with launched(folder / "few.db", few) as run:
        run.wait_until_loaded()
        yield _first_page(scale.few, run.first_page_at - run.started_at, checking)
    data = write_rows(folder / "rows.csv", scale.large)
    checking = _checking_pass(data, folder)
    bare = scale.large / _executemany(data, folder / "few.db")
    with launched(folder / "launched.db", data) as run:
        loaded = run.rows_loaded()
        ended = run.wait_until_loaded()
        operator, *server = family(run.process.pid)
        memory = peak_memory(operator)
        serving = sum(map(peak_memory, server))
    rate = (scale.large - loaded) / (ended - run.first_page_at)
    first = run.first_page_at - run.started_at
    rows = f"{scale.large:,} rows of CSV"
    yield Figure(
        subject="launching",
        what=f"{rows}: most memory of the operator",
        measured=megabytes(memory),
        beside=f"server {megabytes(serving)}",
        goal="below 300 MB",
        met=memory < 300e6,
    )
    yield Figure(
        subject="launching",
        what=f"{rows}: rows a second",
        measured=f"{rate:,.0f} ({rate / bare:.0%})",
        beside=f"executemany {bare:,.0f}",
        goal=f"at least {_SHARE:.0%} of executemany",
        met=rate >= _SHARE * bare,
    )
    yield _first_page(scale.large, first, checking)


def _first_page(rows: int, seconds: float, checking: float) -> Figure:
    return Figure(
        subject="launching",
        what=f"{rows:,} rows of CSV: first page after the start of the command",
        measured=f"{seconds:.2f} s",
        beside=f"one checking pass {checking:.2f} s",
        goal="that and 1.0 s",
        met=seconds <= checking + 1.0,
    )


def _checking_pass(data: Path, folder: Path) -> float:
    """Return the seconds that checking the configuration with its data takes."""
    file, overrides = configuration(data)
    with famulus.Operator(folder / "checked.db") as operator:
        started = time.perf_counter()
        operator.check(file, overrides=overrides)
        return time.perf_counter() - started


def _executemany(data: Path, path: Path) -> float:
    """Return the seconds that a program takes which only adds the rows of a file to run 1.

    It reads and encodes them, in one transaction, and checks foreign keys as Famulus does.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        last = connection.execute("SELECT MAX(id) FROM assignment").fetchone()[0]
        started = time.perf_counter()
        with connection:
            connection.executemany(
                "INSERT INTO assignment (run_id, id, number, data) VALUES (1, ?, ?, ?)",
                ((number, number, text) for number, text in enumerate(_texts(data), last + 1)),
            )
            added = connection.execute("SELECT MAX(id) FROM assignment").fetchone()[0]
            connection.executemany(
                "INSERT INTO unit (run_id, assignment_id, lane, position, status)"
                " VALUES (1, ?, 0, ?, 'launched')",
                ((number, number) for number in range(last + 1, added + 1)),
            )
        return time.perf_counter() - started


def _texts(data: Path) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    with data.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = next(reader)
        for values in reader:
            yield encode(dict(zip(names, values, strict=True)))
