"""Reading everything back, beside a bare cursor."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.figures import Figure, megabytes
from bench.processes import cost, famulus, script
from bench.runs import launched, write_rows
from bench.scale import Scale

_WORKERS = 500
_ANSWERS = '{"rating":"passable","comment":"' + "It could be about almost anybody. " * 6 + '"}'


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Export a run in which every unit is answered, to JSON a line."""
    path, log = folder / "answered.db", folder / "output.txt"
    with launched(path, write_rows(folder / "rows.csv", scale.exported)) as run:
        run.wait_until_loaded()
        run.kill()
    _answer_all(path)
    exported, bare = folder / "exported.jsonl", folder / "bare.jsonl"
    theirs = cost(script("bare_export.py", str(path), str(bare)), log)
    ours = cost(famulus(path, "export", "--run", "1", "-o", str(exported)), log)
    if _lines(exported) != _lines(bare):
        raise RuntimeError(f"exported {_lines(exported)} records of {_lines(bare)}")
    rate, limit = (scale.exported / each.seconds for each in (ours, theirs))
    yield Figure(
        subject="exporting",
        what=f"{scale.exported:,} answered units as JSONL: units a second",
        measured=f"{rate:,.0f} ({rate / limit:.0%})",
        beside=f"bare cursor {limit:,.0f}",
    )
    yield Figure(
        subject="exporting",
        what="the same: most memory",
        measured=megabytes(ours.peak),
        beside=f"bare cursor {megabytes(theirs.peak)}",
    )


def _answer_all(path: Path) -> None:
    """Answer every unit: 250 bytes each, by some hundred workers, a second apart."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        # The page that showed the run to be open has a unit already.
        for table in ("participation", "agent", "visit", "worker"):
            connection.execute(f"DELETE FROM {table}")
        at = connection.execute("SELECT created_at FROM task_run").fetchone()[0]
        for number in range(_WORKERS):
            connection.execute(
                "INSERT INTO worker (id, provider_type, name, created_at, blocked)"
                " VALUES (?, 'mock', ?, ?, 0)",
                (number + 1, f"worker {number}", at),
            )
            connection.execute(
                "INSERT INTO visit (id, run_id, worker_id, reference, accept, status, query,"
                " arrived_at) VALUES (?, 1, ?, 'all', '', 'submitted', '{}', ?)",
                (number + 1, number + 1, at),
            )
        connection.execute(
            "INSERT INTO agent (id, run_id, worker_id, visit_id, assignment_id, unit_id, status,"
            " started_at, deadline, ended_at, submitted_at, submission_id, late, answers)"
            " SELECT id, run_id, 1 + id % :workers, 1 + id % :workers, assignment_id, id,"
            " 'completed', :at, :at, :at, :at + id * 1000000, 's', 0, :answers FROM unit",
            {"workers": _WORKERS, "at": at, "answers": _ANSWERS},
        )
        connection.execute("UPDATE unit SET status = 'completed', agent_id = id")


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
