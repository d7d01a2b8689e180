"""The options of a static task: in configurations, and in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, frozen

import famulus

#: The option that takes rows from Python.
ROWS_KEY = "shared_state.static_task_data"


@frozen(kw_only=True)
class StaticTaskArgs(famulus.OnboardingArgs):
    """The files of a task, and how many workers do each row."""

    task_source: Path | None = famulus.option(
        help="HTML file with the fields of the task's form; ${column} stands for a value of the "
        "data.",
        required=True,
    )
    preview_source: Path | None = famulus.option(
        help="HTML file shown before a worker accepts; the task's page, disabled, when unset."
    )
    onboarding_source: Path | None = famulus.option(
        help="HTML file of the form that a worker passes first; needs onboarding_qualification "
        "and, in Python, validate_onboarding."
    )
    extra_source_dir: Path | None = famulus.option(
        help="Folder whose files are served beside the page: images, scripts, styles. When unset, "
        "the files of the page's own folder that it names are."
    )
    data_csv: Path | None = famulus.option(
        help="CSV file: a line of column names, then a row for each assignment."
    )
    data_json: Path | None = famulus.option(
        help="JSON file with a list of objects, one for each assignment."
    )
    data_jsonl: Path | None = famulus.option(
        help="File with a JSON object on each line, one for each assignment."
    )
    data_encoding: str = famulus.option(
        help="Encoding of the data file, such as windows-1252, which Excel often writes; UTF-16 "
        "needs no option.",
        default="utf-8",
    )
    trust_data: bool | None = famulus.option(
        help="Whether values are inserted as they are, as on Mechanical Turk: true where you trust "
        "every row; false shows markup as text without a warning.",
        default=None,
    )


@define(kw_only=True)
class SharedStaticTaskState(famulus.SharedTaskState):
    """The values that a run script can set for a static task in Python."""

    static_task_data: Any = famulus.rows(
        help="Rows, one for each assignment: a list, or a generator for what is made while it is "
        "loaded."
    )
    onboarding_data: dict[str, Any] = famulus.option(
        help="Values for the placeholders of the onboarding page.", factory=dict
    )
    validate_onboarding: Callable[[dict[str, Any]], bool | famulus.NotPassed] | None = (
        famulus.callback(
            help='({"inputs", "outputs"}) -> bool: do the answers to the onboarding qualify? '
            "NotPassed(message) explains to the worker why not."
        )
    )
