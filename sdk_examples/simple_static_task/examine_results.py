"""Look at the ratings, or review them: ``python examine_results.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famulus import Database, run_examine_or_review


def format_for_printing(data: Mapping[str, Any]) -> str:
    """Return one unit as a few lines of text."""
    inputs, outputs = data["data"]["inputs"], data["data"]["outputs"]
    # If the clock was set back in between, the end is before the start.
    duration = max(int(data["task_end"] - data["task_start"]), 0)
    uploads = [
        file["originalname"] for files in outputs["filesByFields"].values() for file in files
    ]
    return "\n".join(
        [
            "-------------------",
            f"Worker: {data['worker_name']}",
            f"Unit: {data['unit_id']}",
            f"Duration: {duration}",
            f"Status: {data['status']}",
            f"Character: {inputs['character_name']}",
            f"Description: {inputs['character_description']}",
            f"Rating: {outputs['rating']}",
            f"Files: {uploads}",
            f"File directory {data['file_directory']}",
        ]
    )


def main() -> None:
    """Ask what to do, and do it."""
    with Database() as database:
        run_examine_or_review(database, format_for_printing)


if __name__ == "__main__":
    main()
