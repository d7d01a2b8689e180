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


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Launch the large run without workers, and one of few rows."""
    data = write_rows(folder / "rows.csv", scale.large)
    checking = _checking_pass(data, folder)
    bare = scale.large / _executemany(data, folder / "bare.db")
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
        goal="a third of executemany",
        met=rate >= bare / 3,
    )
    yield _first_page(scale.large, first, checking)
    few = write_rows(folder / "few.csv", scale.few)
    checking = _checking_pass(few, folder)
    with launched(folder / "few.db", few) as run:
        yield _first_page(scale.few, run.first_page_at - run.started_at, checking)


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
    """Return the seconds that storing the same rows takes at best: made ready beforehand, in one
    transaction, without a look at foreign keys.
    """
    with data.open(newline="", encoding="utf-8") as file:
        texts = [json.dumps(row, separators=(",", ":")) for row in csv.DictReader(file)]
    assignments = [(number, 1, number, text) for number, text in enumerate(texts)]
    units = [(1, number, 0, number, "launched") for number in range(len(texts))]
    with famulus.Database(path) as database, database.read():
        pass  # the tables are made with the first use
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        started = time.perf_counter()
        with connection:
            connection.executemany(
                "INSERT INTO assignment (id, run_id, number, data) VALUES (?, ?, ?, ?)", assignments
            )
            connection.executemany(
                "INSERT INTO unit (run_id, assignment_id, lane, position, status)"
                " VALUES (?, ?, ?, ?, ?)",
                units,
            )
        return time.perf_counter() - started
