"""A run that is served over real HTTP for the length of a test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from famulus.contracts.plan import SharedTaskState
from famulus.data.export import export_records
from famulus.operate.launching import Launched
from famulus.operate.operator import Operator
from famulus.testing.scripted_worker import ScriptedWorker
from famulus.testing.transports import HttpTransport


@frozen(kw_only=True)
class ServedRun:
    """A launched run and its operator."""

    operator: Operator
    launched: Launched

    @property
    def url(self) -> str:
        """The address for workers."""
        return self.launched.url

    def worker(self, name: str, **more: Any) -> ScriptedWorker:
        """Return a worker who does the run over HTTP; ``more`` goes to ``ScriptedWorker``."""
        return ScriptedWorker(HttpTransport(self.url), name, **more)

    def records(self) -> list[dict[str, Any]]:
        """Return the records stored so far, as ``famulus export`` writes them."""
        return list(export_records(self.operator.database, run=self.launched.run_id))


@contextlib.contextmanager
def served_run(
    configuration: Mapping[str, Any] | Path,
    database: Path,
    *,
    overrides: Sequence[str] = ("architect.port=0",),
    shared_state: SharedTaskState | None = None,
) -> Iterator[ServedRun]:
    """Launch a configuration for the length of a ``with`` block, on any free port by default.

    Its plugins must be installed: the serving process finds them by their entry points.
    """
    with Operator(database) as operator:
        launched = operator.launch(configuration, overrides=overrides, shared_state=shared_state)
        yield ServedRun(operator=operator, launched=launched)
