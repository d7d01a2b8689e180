"""Reading everything back, beside a bare cursor: answers alone, and with reviews and rewards."""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from bench.figures import Figure, megabytes, percent, plain
from bench.processes import Cost, cost, famulus, script
from bench.runs import launched, write_rows
from bench.scale import Scale
from bench.turns import spread

_WORKERS = 500
_ANSWERS = '{"rating":"passable","comment":"' + "It could be about almost anybody. " * 6 + '"}'
_SHARE = 0.8
_MEMORY = 60e6


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Export a run in which every unit is answered, to JSON a line; then one that is reviewed."""
    path = folder / "answered.db"
    with launched(path, write_rows(folder / "rows.csv", scale.exported)) as run:
        run.wait_until_loaded()
        run.kill()
    _answer_all(path)
    yield from _exported("answered", path, scale)
    _review_all(path)
    yield from _exported("reviewed", path, scale)


def _exported(state: str, path: Path, scale: Scale) -> Iterator[Figure]:
    exported, bare = path.with_suffix(".jsonl"), path.with_suffix(".bare.jsonl")
    log = path.with_suffix(".txt")
    commands = {
        "export": famulus(path, "export", "--run", "1", "-o", str(exported)),
        "bare": script("bare_export.py", state, str(path), str(bare)),
        "help": famulus(path, "export", "--help"),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(scale.exports):
        for name in list(commands)[:: -1 if turn % 2 else 1]:
            costs[name].append(cost(commands[name], log))
    if _lines(exported) != _lines(bare):
        raise RuntimeError(f"exported {_lines(exported)} records of {_lines(bare)}")
    whole, limit, starting = ([each.processor for each in costs[name]] for name in commands)
    shares = _ratios(limit, whole)
    started = [one - two for one, two in zip(whole, starting, strict=True)]
    units = f"{scale.exported:,} {state} units as JSONL"
    yield Figure(
        subject="exporting",
        what=f"{units}: units per second of processor time",
        measured=f"{spread(_rates(scale, whole), plain)}: {spread(shares, percent)}",
        beside=f"bare cursor {spread(_rates(scale, limit), plain)}",
        goal=f"at least {_SHARE:.0%}",
        met=statistics.median(shares) >= _SHARE,
    )
    yield Figure(
        subject="exporting",
        what=f"{units}: the same without the start of the command",
        measured=f"{spread(_rates(scale, started), plain)}: "
        f"{spread(_ratios(limit, started), percent)}",
    )
    yield Figure(
        subject="exporting",
        what=f"{units}: elapsed time",
        measured=spread([each.seconds for each in costs["export"]], "{:.2f} s".format),
        beside=f"bare cursor {spread([each.seconds for each in costs['bare']], '{:.2f} s'.format)}",
    )
    memory = max(each.peak for each in costs["export"])
    yield Figure(
        subject="exporting",
        what=f"{units}: most memory",
        measured=megabytes(memory),
        beside=f"bare cursor {megabytes(max(each.peak for each in costs['bare']))}",
        goal=f"below {megabytes(int(_MEMORY))}",
        met=memory < _MEMORY,
    )


def _ratios(ones: Sequence[float], others: Sequence[float]) -> Sequence[float]:
    return [one / other for one, other in zip(ones, others, strict=True)]


def _rates(scale: Scale, seconds: Sequence[float]) -> Sequence[float]:
    return [scale.exported / each for each in seconds]


def _answer_all(path: Path) -> None:
    """Answer every unit: 250 bytes each, by some hundred workers, a visit and a second each."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        # The page that showed the run to be open has a unit already.
        for table in ("participation", "agent", "visit", "worker"):
            connection.execute(f"DELETE FROM {table}")
        values = {
            "workers": _WORKERS,
            "at": connection.execute("SELECT created_at FROM task_run").fetchone()[0],
            "answers": _ANSWERS,
        }
        connection.executemany(
            "INSERT INTO worker (id, provider_type, name, created_at, blocked)"
            " VALUES (:id, 'mock', :name, :at, 0)",
            [
                {**values, "id": number + 1, "name": f"worker {number}"}
                for number in range(_WORKERS)
            ],
        )
        connection.execute(
            "INSERT INTO visit (id, run_id, worker_id, reference, accept, status, query,"
            " arrived_at) SELECT id, 1, 1 + id % :workers, id, '', 'submitted', '{}', :at"
            " FROM unit",
            values,
        )
        connection.execute(
            "INSERT INTO agent (id, run_id, worker_id, visit_id, assignment_id, unit_id, status,"
            " started_at, deadline, ended_at, submitted_at, submission_id, late, answers)"
            " SELECT id, run_id, 1 + id % :workers, id, assignment_id, id,"
            " 'completed', :at, :at, :at, :at + id * 1000000, 's', 0, :answers FROM unit",
            values,
        )
        connection.execute("UPDATE unit SET status = 'completed', agent_id = id")


def _review_all(path: Path) -> None:
    """Accept every answer with a note, and pay every visit."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(
            "INSERT INTO review (unit_id, agent_id, decision, note, category, decided_at,"
            " applied_at) SELECT unit_id, id, 'accepted', 'Read it; it is fine.', '',"
            " submitted_at + 1000000, submitted_at + 1000000 FROM agent"
        )
        connection.execute(
            "INSERT INTO payment (key, kind, run_id, worker_id, visit_id, amount, fee, currency,"
            " reason, status, error, note, created_at, changed_at)"
            " SELECT 'reward-visit-' || id, 'reward', 1, worker_id, id, 50, 10, 'USD', '',"
            " 'confirmed', '', '', arrived_at, arrived_at FROM visit"
        )
        connection.execute("UPDATE agent SET status = 'approved'")
        connection.execute("UPDATE unit SET status = 'accepted'")


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
