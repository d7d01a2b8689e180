"""The limit for the size of all files of a run."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import peewee
from attrs import define

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


@define(eq=False)
class Reservation:
    """Room for the files of one submission, until it is known whether they are stored."""

    agent: int
    size: int
    is_stored: bool = False


class UploadQuota:
    """Checks the limit of one run. Used by many threads; keeps only a cache."""

    def __init__(self, database: Database, run: int) -> None:
        self._database = database
        self._run = run
        self._mutex = threading.Lock()
        self._total = 0
        #: of submissions that are being stored
        self._reservations: list[Reservation] = []
        self._counted_at: datetime | None = None
        self._is_exceeded = False

    @contextlib.contextmanager
    def reserved(self, agent: int, files: Sequence[FormFile]) -> Iterator[Reservation | None]:
        """Reserve room for files that are about to be stored; yield None if there is no room.

        At the end the files count if ``is_stored`` is set. Submissions of one agent share their
        room, because at most one of them is stored.
        """
        reservation = self._reserve(agent, sum(file.size for file in files))
        try:
            yield reservation
        finally:
            if reservation is not None:
                with self._mutex:
                    self._reservations.remove(reservation)
                    self._total += reservation.size if reservation.is_stored else 0

    def _reserve(self, agent: int, size: int) -> Reservation | None:
        reservation = Reservation(agent, size)
        with self._database.read() as tx:
            row = tx.one(_MOST, run=self._run)
        most = int(row[0]) if row else 0
        with self._mutex:
            others = sum(each.size for each in self._reservations if each.agent != agent)
            fits = not most or self._total_now() + others + size <= most
            begins = not fits and not self._is_exceeded
            self._is_exceeded = not fits
            if fits:
                self._reservations.append(reservation)
        if begins:
            _log.warning(
                "run %d: its files reach task.max_upload_bytes (%d), so that submissions with files"
                " are refused; `famulus set %d max_upload_bytes=…` raises the limit",
                self._run,
                most,
                self._run,
            )
        return reservation if fits else None

    def _total_now(self) -> int:
        now = self._database.clock()
        if self._counted_at is None or not timedelta() <= now - self._counted_at < _COUNTED_FOR:
            with self._database.read() as tx:
                row = tx.one(_TOTAL, run=self._run)
            self._total, self._counted_at = int(row[0]) if row else 0, now
        return self._total
