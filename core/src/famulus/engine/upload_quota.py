"""The limit for the size of all files of a run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import peewee

from famulus.contracts.views import FormFile
from famulus.model.database import Database
from famulus.model.statements import Param, Statement
from famulus.model.tables import AgentTable, TaskRunTable, UploadTable

_log = logging.getLogger(__name__)

#: How long a sum is used: adding up a hundred thousand files takes a while. Files that other
#: processes store in the meantime are not counted.
_COUNTED_FOR = timedelta(seconds=10)

_TOTAL = Statement(
    UploadTable.select(peewee.fn.COALESCE(peewee.fn.SUM(UploadTable.size), 0))
    .join(AgentTable, on=(UploadTable.agent == AgentTable.id))
    .where(AgentTable.run == Param("run"))
)
_MOST = Statement(
    TaskRunTable.select(TaskRunTable.max_upload_bytes).where(TaskRunTable.id == Param("run"))
)


class UploadQuota:
    """Checks the limit of one run. Used by many threads; keeps only a cache."""

    def __init__(self, database: Database, run: int) -> None:
        self._database = database
        self._run = run
        self._mutex = threading.Lock()
        self._total = 0
        self._counted_at: datetime | None = None
        self._is_exceeded = False

    def admits(self, files: Sequence[FormFile]) -> bool:
        """Return whether the limit allows a submission with these files."""
        if not files:
            return True
        with self._database.read() as tx:
            row = tx.one(_MOST, run=self._run)
        most = int(row[0]) if row else 0
        if not most:
            return True
        with self._mutex:
            fits = self._total_now() + sum(file.size for file in files) <= most
            begins = not fits and not self._is_exceeded
            self._is_exceeded = not fits
        if begins:
            _log.warning(
                "run %d: its files reach task.max_upload_bytes (%d), so that submissions with files"
                " are refused; `famulus set %d max_upload_bytes=…` raises the limit",
                self._run,
                most,
                self._run,
            )
        return fits

    def add(self, files: Sequence[FormFile]) -> None:
        """Add files that were stored."""
        with self._mutex:
            self._total += sum(file.size for file in files)

    def _total_now(self) -> int:
        now = self._database.clock()
        if self._counted_at is None or not timedelta() <= now - self._counted_at < _COUNTED_FOR:
            with self._database.read() as tx:
                row = tx.one(_TOTAL, run=self._run)
            self._total, self._counted_at = int(row[0]) if row else 0, now
        return self._total
