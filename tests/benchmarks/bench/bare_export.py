"""The limit of an export: one cursor, JSON in and out, nothing else.

Run as a script with the state of the units, a database and the file to write.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_SELECT = """
    SELECT unit.id AS unit, assignment.id AS assignment, assignment.number AS row,
           unit.lane AS unit_index, unit.status AS unit_status, agent.id AS agent,
           agent.status AS agent_status, worker.name AS worker, agent.started_at AS started_at,
           agent.submitted_at AS submitted_at, agent.late AS late,
           assignment.data AS inputs, agent.answers AS outputs %s
    FROM agent
    JOIN unit ON unit.id = agent.unit_id
    JOIN assignment ON assignment.id = unit.assignment_id
    JOIN worker ON worker.id = agent.worker_id
    %s
    WHERE agent.run_id = 1 AND agent.submitted_at IS NOT NULL
    ORDER BY agent.submitted_at
"""
_QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "answered": _SELECT % ("", ""),
        "reviewed": _SELECT
        % (
            ", review.decision AS review_decision, review.note AS review_note,"
            " review.decided_at AS reviewed_at, payment.amount AS reward,"
            " payment.status AS reward_status, payment.currency AS currency",
            "JOIN review ON review.unit_id = agent.unit_id"
            " JOIN payment ON payment.key = 'reward-visit-' || agent.visit_id",
        ),
    }
)


def main(state: str, database: str, output: str) -> None:
    """Write a record a line."""
    cursor = sqlite3.connect(database).execute(_QUERIES[state])
    names = [each[0] for each in cursor.description]
    with Path(output).open("w", encoding="utf-8") as file:
        for row in cursor:
            record = dict(zip(names, row, strict=True))
            record["inputs"] = json.loads(record["inputs"])
            record["outputs"] = json.loads(record["outputs"])
            file.write(json.dumps(record, ensure_ascii=False))
            file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
