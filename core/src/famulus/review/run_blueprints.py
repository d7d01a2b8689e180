"""The blueprints that show the units of stored runs to reviewers."""

from __future__ import annotations

import logging

from attrs import define, field

from famulus.engine.platform.bound_provider import BoundProvider, bind_provider
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)


@define
class RunBlueprints:
    """The blueprint of each run, constructed when the first of its units is shown."""

    _database: Database
    _plugins: Plugins
    _runs: dict[int, BoundProvider | None] = field(factory=dict, init=False)

    def find(self, run: int) -> BoundProvider | None:
        """Return a run with its blueprint; None, with a warning logged, if it cannot be made."""
        if run not in self._runs:
            try:
                self._runs[run] = bind_provider(self._database, self._plugins, run)
            except FamulusError as error:
                _log.warning("run %d: its blueprint cannot show its units: %s", run, error)
                self._runs[run] = None
        return self._runs[run]
