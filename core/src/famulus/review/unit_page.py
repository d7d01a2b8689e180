"""The page of a unit for a reviewer's browser, made by its blueprint."""

from __future__ import annotations

import logging

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.views import AssetFolder, Page, page_from
from famulus.engine.answers import StoredAnswer
from famulus.engine.pages import review_document
from famulus.model.database import Database
from famulus.plugins import Plugins
from famulus.review.decision_text import decision_text
from famulus.review.run_blueprints import RunBlueprints
from famulus.review.unit_text import status_text

_log = logging.getLogger(__name__)


class UnitPages:
    """Makes the pages of units with :meth:`Blueprint.review_page`."""

    def __init__(self, database: Database, plugins: Plugins) -> None:
        self._database = database
        self._blueprints = RunBlueprints(database, plugins)

    def __call__(self, unit: StoredAnswer) -> str:
        """Return the page of a unit; only the answers if its blueprint is missing or raises."""
        run = self._blueprints.find(unit.run)
        page, assets = (None, "") if run is None else _shown(run.blueprint, unit)
        decided = decision_text(self._database, unit)
        facts = [
            ("Task", unit.task),
            ("Worker", unit.worker),
            ("Unit", str(unit.unit)),
            ("Status", status_text(unit)),
            *([("Review", decided)] if decided else []),
            ("Submitted", f"{unit.submitted_at:%Y-%m-%d %H:%M:%S} UTC"),
            *([("Language", unit.language)] if unit.language else []),
            # One field may have several files.
            *((f"File in {file.field}", f"{file.name}: {file.path}") for file in unit.files),
        ]
        title = f"Unit {unit.unit} of {unit.task}"
        return review_document(title, page, unit.outputs, facts=facts, assets=assets)


def _shown(blueprint: Blueprint, unit: StoredAnswer) -> tuple[Page | None, str]:
    """Return the blueprint's page of a unit, and the address of the folder of its files."""
    try:
        page = page_from(blueprint.review_page(unit.submitted_unit), "review_page")
        return page, _assets(blueprint)
    except (Exception, SystemExit):  # noqa: BLE001 - third-party; the answers can still be looked at
        _log.warning("unit %d is shown without its page", unit.unit, exc_info=True)
        return None, ""


def _assets(blueprint: Blueprint) -> str:
    """Return the address of the first folder of assets, the only one that the page can use."""
    first = next(iter(blueprint.assets()), None)
    folder = first.path if isinstance(first, AssetFolder) else first
    return "" if folder is None else f"{folder.resolve().as_uri()}/"
