"""Removing uploaded files that no row names, and the files of aborted requests.

After an old backup of the database was restored, a stored file may be all that is left of answers.
So a file is removed only if this database knows the attempt that it came with.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from famulus.engine.uploads import Uploads
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.fields import to_micros
from famulus.model.statements import Param, Statement
from famulus.model.tables import AgentTable, UploadTable, VisitTable

_log = logging.getLogger(__name__)

#: No request takes as long as this: an older file is not being received or stored.
_LEFTOVER_AGE = timedelta(days=1)
#: The age of a file of an attempt without answers: a backup of before the answers may have been
#: restored by mistake.
_UNANSWERED_AGE = timedelta(days=30)
_PAUSE = timedelta(days=1)
#: Folders that one request looks into, so that its worker does not wait for a hundred thousand.
_FOLDERS_AT_ONCE = 50

_ATTEMPT_FOLDER = re.compile(r"[0-9]{1,18}")

_NAMED = Statement(UploadTable.select(UploadTable.path).where(UploadTable.agent == Param("agent")))


class _AttemptRow(NamedTuple):
    started_at: int
    #: when its visit was made
    arrived_at: int
    submission_id: str | None


_ATTEMPT = Statement(
    AgentTable.select(AgentTable.started_at, VisitTable.arrived_at, AgentTable.submission_id)
    .join(VisitTable, on=(AgentTable.visit == VisitTable.id))
    .where(AgentTable.id == Param("agent"), AgentTable.run == Param("run")),
    _AttemptRow,
)


class UploadCleanup:
    """Removes the leftovers of one run, once a day. Used by many threads."""

    def __init__(self, database: Database, uploads: Uploads) -> None:
        self._database = database
        self._uploads = uploads
        self._mutex = threading.Lock()
        self._last: datetime | None = None
        #: folders that are still to be looked into
        self._coming: Iterator[Path] = iter(())

    def run_if_due(self) -> None:
        """Remove some of the leftovers, unless all were removed less than a day ago.

        A failure is only logged, since the calling request has already stored its answers.
        """
        try:
            removed = sum(map(self._clean, self._next_folders()))
        except (OSError, FamulusError) as error:
            _log.warning(
                "run %d: uploaded files that no answers name cannot be removed: %s",
                self._uploads.run,
                error,
            )
            return
        if removed:
            _log.info(
                "run %d: removed %d uploaded files that no answers name",
                self._uploads.run,
                removed,
            )

    def _next_folders(self) -> list[Path]:
        now = self._database.clock()
        with self._mutex:
            coming = list(itertools.islice(self._coming, _FOLDERS_AT_ONCE))
            if coming or (self._last is not None and abs(now - self._last) < _PAUSE):
                return coming
            self._last = now
            self._coming = self._folders()
            return list(itertools.islice(self._coming, _FOLDERS_AT_ONCE))

    def _folders(self) -> Iterator[Path]:
        yield self._uploads.incoming
        with contextlib.suppress(FileNotFoundError):
            yield from (self._uploads.root / str(self._uploads.run)).iterdir()

    def _clean(self, folder: Path) -> int:
        now = self._database.clock()
        oldest = now - _LEFTOVER_AGE
        if folder == self._uploads.incoming:
            return sum(_remove(file, to_micros(oldest)) for file in folder.iterdir())
        if not _ATTEMPT_FOLDER.fullmatch(folder.name) or not folder.is_dir():
            return 0
        # Another database may keep files in the same folder, under the same numbers.
        own = [file for file in folder.iterdir() if self._uploads.is_own_name(file.name)]
        if not any(_is_within(file, 0, to_micros(oldest)) for file in own):
            return 0
        # After the files were listed, so that a row that is committed in between is seen.
        with self._database.read() as tx:
            attempt = tx.one(_ATTEMPT, agent=int(folder.name), run=self._uploads.run)
            named = {row[0] for row in tx.all(_NAMED, agent=int(folder.name))}
        if attempt is None:
            return 0
        if attempt.submission_id is None:
            oldest = now - _UNANSWERED_AGE
        root = self._uploads.root
        unnamed = [file for file in own if file.relative_to(root).as_posix() not in named]
        # A file that is older than the attempt is of another one that had the same number, before
        # a backup was restored. One that was lost and made again keeps its start; its visit is made
        # again with it.
        since = max(attempt.started_at, attempt.arrived_at)
        return sum(_remove(file, to_micros(oldest), since) for file in unnamed)


def _remove(file: Path, before: int, since: int = 0) -> bool:
    """Remove a file if it was last written in a period; return whether it was removed."""
    if not _is_within(file, since, before):
        return False
    with contextlib.suppress(FileNotFoundError, PermissionError):
        file.unlink()
        return True
    return False


def _is_within(file: Path, since: int, before: int) -> bool:
    """Return whether a file was last written in a period; False if it no longer exists."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        return since <= file.stat().st_mtime_ns // 1000 < before
    return False
