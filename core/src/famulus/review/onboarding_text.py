"""The text of answers to an onboarding for a reviewer, made by its blueprint."""

from __future__ import annotations

import json
import logging

from famulus.data.onboardings import StoredOnboarding
from famulus.model.database import Database
from famulus.plugins import Plugins
from famulus.review.run_blueprints import RunBlueprints
from famulus.review.unit_text import RULE

_log = logging.getLogger(__name__)


class OnboardingTexts:
    """Makes the texts of onboardings with :meth:`Blueprint.show_onboarding`."""

    def __init__(self, database: Database, plugins: Plugins) -> None:
        self._blueprints = RunBlueprints(database, plugins)

    def __call__(self, found: StoredOnboarding) -> str:
        """Return the text of an onboarding; its answers as JSON if its blueprint cannot show it."""
        heading = [
            RULE,
            f"Worker: {found.worker}",
            f"Run: {found.run}",
            f"Submitted: {found.submitted_at:%Y-%m-%d %H:%M:%S} UTC",
            f"Onboarding: {'passed' if found.passed else 'failed'}",
        ]
        run = self._blueprints.find(found.run)
        try:
            body = None if run is None else run.blueprint.show_onboarding(found.answers)
            if body is not None:
                return "\n".join([*heading, str(body).rstrip("\n")])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the answers can still be shown
            _log.debug("onboarding of %s in run %d", found.worker, found.run, exc_info=True)
            heading.append(f"It is shown as JSON: {type(error).__name__}: {error}")
        return "\n".join([*heading, json.dumps(found.answers, indent=2, ensure_ascii=False)])
