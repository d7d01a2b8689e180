"""Recording refusals as events, with more detail for the operator than the worker sees."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict

from famulus.contracts.views import Refusal
from famulus.engine.status import record_refusal
from famulus.engine.workers import find_worker
from famulus.model.database import Database
from famulus.model.transaction import Transaction

_log = logging.getLogger(__name__)

#: Refusals remembered, so that loading one page many times costs no write.
_REMEMBERED = 10_000


class RefusalLog:
    """Records one event per worker and code. Used by many threads; keeps only a cache."""

    def __init__(self, database: Database, *, run: int, provider_type: str) -> None:
        self._database = database
        self._run = run
        self._provider_type = provider_type
        self._noted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._mutex = threading.Lock()

    def note(self, worker_name: str, refusal: Refusal) -> None:
        """Record an event with the reason why a worker was refused, unless there is one already.

        :param worker_name: empty for a worker who cannot be named.
        """
        key = (worker_name, refusal.code)
        if self._is_noted(key):
            return

        def job(tx: Transaction) -> None:
            worker = find_worker(tx, self._provider_type, worker_name)
            record_refusal(tx, run=self._run, worker=worker, code=refusal.code, by=refusal.note)

        self._database.write(job)
        self._remember(key)
        _log.info(
            "run %d: %s was not let in, %s: %s",
            self._run,
            worker_name or "a worker without a name",
            refusal.code,
            refusal.note,
        )

    def _is_noted(self, key: tuple[str, str]) -> bool:
        with self._mutex:
            if key not in self._noted:
                return False
            self._noted.move_to_end(key)
            return True

    def _remember(self, key: tuple[str, str]) -> None:
        with self._mutex:
            self._noted[key] = None
            if len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)
