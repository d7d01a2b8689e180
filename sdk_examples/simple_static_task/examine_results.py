"""Print the ratings that have come in so far: ``python examine_results.py [TASK]``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from famulus import Database, export_records

TASK = "html-static-task-example"


def format_for_printing(record: Mapping[str, Any]) -> str:
    """Return one answer as a few lines of text."""
    inputs, outputs = record["inputs"], record["outputs"]
    lines = [
        f"Worker: {record['worker']}",
        f"Unit: {record['unit']}",
        f"Duration: {record['duration_seconds']:.0f} s",
        f"Status: {record['unit_status']}",
        f"Character: {inputs['character_name']}",
        f"Description: {inputs['character_description']}",
        f"Rating: {outputs['rating']}",
    ]
    lines += [f"File: {file['name']} at {file['path']}" for file in record["files"]]
    return "\n".join(lines)


def main(task: str) -> None:
    """Print every answer of a task."""
    with Database() as database:
        for record in export_records(database, task=task):
            print(format_for_printing(record), end="\n\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else TASK)
