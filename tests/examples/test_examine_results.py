"""The example script that examines results prints what a reviewer needs to know."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "sdk_examples/simple_static_task/examine_results.py"


def unit(**times: float) -> dict[str, object]:
    file = {"originalname": "cat.png", "path": "/files/1/1/0a1b2c"}
    outputs = {"rating": "good", "files": [file["path"]], "filesByFields": {"picture": [file]}}
    return {
        "worker_name": "x",
        "unit_id": 1,
        "status": "completed",
        **times,
        "data": {
            "inputs": {"character_name": "A", "character_description": "B"},
            "outputs": outputs,
        },
        "file_directory": "/files/1/1",
    }


def test_uploaded_files_are_shown_by_their_names() -> None:
    format_for_printing = runpy.run_path(str(SCRIPT))["format_for_printing"]

    text = format_for_printing(unit(task_start=0.0, task_end=288.0))

    assert "Files: ['cat.png']\n" in text
    assert "Duration: 288\n" in text


def test_duration_is_not_negative_where_the_clock_was_set_back() -> None:
    format_for_printing = runpy.run_path(str(SCRIPT))["format_for_printing"]

    assert "Duration: 0\n" in format_for_printing(unit(task_start=60.0, task_end=0.0))
