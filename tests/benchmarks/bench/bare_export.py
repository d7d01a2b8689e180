"""The limit of an export: one cursor, JSON in and out, nothing else.

Run as a script with a database and the file to write.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

_SELECT = """
    SELECT unit.id, assignment.id, assignment.number, unit.lane, unit.status, agent.id,
           agent.status, worker.name, agent.started_at, agent.submitted_at, agent.late,
           assignment.data, agent.answers
    FROM agent
    JOIN unit ON unit.id = agent.unit_id
    JOIN assignment ON assignment.id = unit.assignment_id
    JOIN worker ON worker.id = agent.worker_id
    WHERE agent.run_id = 1 AND agent.submitted_at IS NOT NULL
    ORDER BY agent.submitted_at
"""
_NAMES = (
    "unit",
    "assignment",
    "row",
    "unit_index",
    "unit_status",
    "agent",
    "agent_status",
    "worker",
    "started_at",
    "submitted_at",
    "late",
    "inputs",
    "outputs",
)


def main(database: str, output: str) -> None:
    """Write a record a line."""
    with Path(output).open("w", encoding="utf-8") as file:
        for row in sqlite3.connect(database).execute(_SELECT):
            record = dict(zip(_NAMES, row, strict=True))
            record["inputs"] = json.loads(row[-2])
            record["outputs"] = json.loads(row[-1])
            file.write(json.dumps(record, ensure_ascii=False))
            file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
