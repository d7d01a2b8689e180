"""The options of a form: in configurations, and in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, frozen

import famulus

#: The option that takes rows from Python.
ROWS_KEY = "shared_state.form_data"


@frozen(kw_only=True)
class FormArgs(famulus.OnboardingArgs):
    """The questions and the data, and how many workers answer for each row."""

    form: Path | None = famulus.option(
        help="YAML file with the questions; ${column} in its texts stands for a value of the data.",
        required=True,
    )
    onboarding_form: Path | None = famulus.option(
        help="YAML file with questions that a worker answers first, and what is correct; needs "
        "onboarding_qualification."
    )
    extra_source_dir: Path | None = famulus.option(
        help="Folder whose files are served beside the page, in place of the images, sounds and "
        "videos in the form's folder that the form and its data name."
    )
    items_per_page: int = famulus.option(
        help="Rows that one unit has, whose answers are in the list items; the questions are asked "
        "for each of them, and those of per_page once.",
        default=1,
    )
    data_csv: Path | None = famulus.option(
        help="CSV file in UTF-8: a line of column names, then a row for each assignment."
    )
    data_json: Path | None = famulus.option(
        help="JSON file with a list of objects, one for each assignment."
    )
    data_jsonl: Path | None = famulus.option(
        help="File with a JSON object on each line, one for each assignment."
    )


@define(kw_only=True)
class SharedFormState(famulus.SharedTaskState):
    """The values that a run script can set for a form in Python."""

    form_data: Any = famulus.rows(
        help="Rows, one for each assignment: a list, or a generator for what is made while it is "
        "loaded."
    )
    validate_onboarding: Callable[[dict[str, Any]], bool | famulus.NotPassed] | None = (
        famulus.callback(
            help='({"outputs"}) -> bool: do the answers to the onboarding qualify? It decides in '
            "place of what is correct in its form. NotPassed(message) explains to the worker why "
            "not."
        )
    )
