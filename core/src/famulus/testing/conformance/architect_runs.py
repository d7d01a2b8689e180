"""The runs that an architect under test serves, and an operator that shows their state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from famulus.contracts.architect import Architect, Deployment
from famulus.engine.platform.sync_requests import is_sync_requested
from famulus.engine.runs import find_run
from famulus.operate.managed_run import ManagedRun
from famulus.operate.operator import Operator
from famulus.operate.run_threads import RunThreads
from famulus.testing.inprocess import NoThreads

_PAGE = (
    '<p>${word}</p><label>Answer <input name="answer" required></label>'
    '<input type="file" name="file" aria-label="A file"><img src="beside.svg" alt="">'
)


def run_of(
    architect: type[Architect], options: dict[str, Any], folder: Path, *, provider: str
) -> dict[str, Any]:
    """Return the configuration of a run with three rows; write its files into a folder."""
    (folder / "page").mkdir(exist_ok=True)
    (folder / "page/page.html").write_text(_PAGE)
    (folder / "page/beside.svg").write_text("an asset")
    (folder / "data.csv").write_text("word\none\ntwo\nthree\n")
    return {
        "defaults": [
            {"blueprint": "static_task"},
            {"architect": architect.type},
            {"provider": provider},
        ],
        "architect": options,
        "blueprint": {
            "task_source": str(folder / "page/page.html"),
            "data_csv": str(folder / "data.csv"),
            "units_per_assignment": 3,
        },
        "task": {
            "task_title": "A task",
            "task_description": "D",
            "task_reward": "0.10",
            "allowed_concurrent": 0,
        },
    }


class WatchedOperator(Operator):
    """An operator that gives access to its first run, and has no threads."""

    @property
    def architect(self) -> Architect:
        return self._runs[1].architect

    def is_sync_requested(self) -> bool:
        """Return whether the run's platform has announced changes."""
        with self.database.read() as tx:
            return is_sync_requested(tx, 1)

    def deployment(self, instance: str) -> Deployment:
        """Return the argument of the run's next deployment, with the stored handle."""
        return Deployment(
            run_id=1,
            instance=instance,
            environment=self._runs[1]._environment(),
            handle=find_run(self.database, 1).handle,
        )

    def _make_threads(self, runs: dict[int, ManagedRun]) -> RunThreads:
        # What a test shuts down is not started again.
        return NoThreads(self.database, runs)
