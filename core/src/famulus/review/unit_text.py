"""The text of a unit for a reviewer, made by its blueprint or by a function of a script."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from famulus.data.browser_units import browser_unit
from famulus.engine.answers import StoredAnswer
from famulus.model.database import Database
from famulus.plugins import Plugins
from famulus.review.run_blueprints import RunBlueprints

_log = logging.getLogger(__name__)

RULE = "-" * 19

#: Returns the text of one unit; may raise.
UnitFormatter = Callable[[StoredAnswer], str]


class BlueprintFormatter:
    """Format units with :meth:`Blueprint.show`, between a heading and a list of the files."""

    def __init__(self, database: Database, plugins: Plugins) -> None:
        self._blueprints = RunBlueprints(database, plugins)

    def __call__(self, unit: StoredAnswer) -> str:
        """Return the text of a unit."""
        run = self._blueprints.find(unit.run)
        body = as_json(unit) if run is None else run.blueprint.show(unit.submitted_unit)
        return "\n".join([*_heading(unit), body, *_files(unit)])


class ScriptFormatter:
    """Format units with a script's function, which gets :meth:`famulus.Unit.to_dict`."""

    def __init__(
        self, database: Database, format_for_printing: Callable[[dict[str, Any]], str]
    ) -> None:
        self._database = database
        self._format = format_for_printing

    def __call__(self, unit: StoredAnswer) -> str:
        """Return the text of a unit."""
        text = self._format(browser_unit(self._database, unit).to_dict())
        return f"{text}\nThis submission contains no answer." if unit.unanswered else text


def unit_text(formatter: UnitFormatter, unit: StoredAnswer) -> str:
    """Return the text of a unit; if its formatter raises, the error and the unit as JSON."""
    try:
        return str(formatter(unit)).rstrip("\n")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the unit can still be decided on
        _log.debug("unit %d", unit.unit, exc_info=True)
        problem = f"Unit {unit.unit} is shown as JSON: {type(error).__name__}: {error}"
        return "\n".join([problem, *_heading(unit), as_json(unit), *_files(unit)])


def as_json(unit: StoredAnswer) -> str:
    """Return the data and the answers of a unit as JSON."""
    return json.dumps(
        {"inputs": unit.inputs, "outputs": unit.outputs}, indent=2, ensure_ascii=False
    )


def _heading(unit: StoredAnswer) -> list[str]:
    unknown = " (unknown: the clock was set back)" if unit.clock_set_back else ""
    return [
        RULE,
        f"Worker: {unit.worker}",
        f"Unit: {unit.unit}",
        f"Duration: {int(unit.duration.total_seconds())}{unknown}",
        f"Status: {status_text(unit)}",
    ]


def status_text(unit: StoredAnswer) -> str:
    """Return the status of a unit, and whether it was answered late or not at all."""
    late = ", answered after the time was over" if unit.late else ""
    unanswered = ", without any answer" if unit.unanswered else ""
    return f"{unit.unit_status}{late}{unanswered}"


def _files(unit: StoredAnswer) -> list[str]:
    if not unit.files:
        return ["Files: none"]
    lines = [f"  {file.field}: {file.name}\n    {file.path}" for file in unit.files]
    return ["Files:", *lines]
