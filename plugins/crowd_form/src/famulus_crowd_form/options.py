"""The options of a template: in configurations, and in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, frozen

import famulus

#: The option that takes rows from Python.
ROWS_KEY = "shared_state.crowd_form_data"


@frozen(kw_only=True)
class CrowdFormArgs(famulus.OnboardingArgs):
    """The template and the data, and how many workers answer for each row."""

    task_source: Path | None = famulus.option(
        help="Template of Ground Truth; {{ task.input.column }} stands for a value of the data.",
        required=True,
    )
    onboarding_source: Path | None = famulus.option(
        help="Template that a worker answers first; needs onboarding_qualification and "
        "onboarding_correct."
    )
    onboarding_data: dict[str, Any] = famulus.option(
        help="The row that the onboarding's template is filled with.", factory=dict
    )
    onboarding_correct: dict[str, Any] = famulus.option(
        help="The right answers to the onboarding by name, in the shapes of an export; a list has "
        "several right ones of an answer that is none. All of them have to be right.",
        factory=dict,
    )
    extra_source_dir: Path | None = famulus.option(
        help="Folder whose files are served beside the page, in place of the images, scripts and "
        "style sheets in the template's folder that it and its data name."
    )
    data_csv: Path | None = famulus.option(
        help="CSV file in UTF-8: a line of column names, then a row for each assignment."
    )
    data_json: Path | None = famulus.option(
        help="JSON file with a list of objects, one for each assignment."
    )
    data_jsonl: Path | None = famulus.option(
        help="File with a JSON object on each line, one for each assignment: an input manifest of "
        "Ground Truth."
    )


@define(kw_only=True)
class SharedCrowdFormState(famulus.SharedTaskState):
    """The values that a run script can set for a template in Python."""

    crowd_form_data: Any = famulus.rows(
        help="Rows, one for each assignment: a list, or a generator for what is made while it is "
        "loaded."
    )
    validate_onboarding: Callable[[dict[str, Any]], bool | famulus.NotPassed] | None = (
        famulus.callback(
            help='({"inputs", "outputs"}) -> bool: do the answers to the onboarding qualify? It '
            "decides in place of onboarding_correct. NotPassed(message) explains to the worker why "
            "not."
        )
    )
