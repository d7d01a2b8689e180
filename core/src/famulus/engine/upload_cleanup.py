"""Removing uploaded files that no row names, and those whose request has broken off."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from famulus.engine.uploads import Uploads
from famulus.model.database import Database
from famulus.model.statements import Param, Statement
from famulus.model.tables import Upload

_log = logging.getLogger(__name__)

#: No request takes as long as this: an older file is not being received or stored.
_LEFTOVER_AGE = timedelta(days=1)
_PAUSE = timedelta(days=1)

_NAMED = Statement(Upload.select(Upload.path).where(Upload.agent == Param("agent")))


class UploadCleanup:
    """Removes the leftovers of one run, once a day. Used by many threads."""

    def __init__(self, database: Database, uploads: Uploads) -> None:
        self._database = database
        self._uploads = uploads
        self._mutex = threading.Lock()
        self._last: datetime | None = None

    def run_if_due(self) -> None:
        """Remove the leftovers, unless that was done less than a day ago."""
        now = self._database.clock()
        with self._mutex:
            if self._last is not None and abs(now - self._last) < _PAUSE:
                return
            self._last = now
        oldest = (now - _LEFTOVER_AGE).timestamp()
        removed = sum(_remove(file, oldest) for file in self._leftovers())
        if removed:
            _log.info(
                "run %d: removed %d uploaded files that no answers name",
                self._uploads.run,
                removed,
            )

    def _leftovers(self) -> Iterator[Path]:
        yield from self._uploads.incoming.iterdir()
        folder = self._uploads.root / str(self._uploads.run)
        with contextlib.suppress(FileNotFoundError):
            for attempt in folder.iterdir():
                if attempt.name.isdecimal():
                    yield from self._unnamed(attempt)

    def _unnamed(self, attempt: Path) -> Iterator[Path]:
        # Another database may keep files in the same folder, under the same numbers.
        own = [file for file in attempt.iterdir() if self._uploads.is_own_name(file.name)]
        if not own:
            return
        # After the files were listed, so that a row that is committed meanwhile is seen.
        with self._database.read() as tx:
            named = {row[0] for row in tx.all(_NAMED, agent=int(attempt.name))}
        for file in own:
            if file.relative_to(self._uploads.root).as_posix() not in named:
                yield file


def _remove(file: Path, oldest: float) -> bool:
    """Remove a file unless it was written since a moment; return whether it was removed."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        if file.stat().st_mtime < oldest:
            file.unlink()
            return True
    return False
