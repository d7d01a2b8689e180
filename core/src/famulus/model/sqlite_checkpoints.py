"""SQLite's checkpoints, run in a thread of their own instead of within a commit."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from famulus.errors import FamulusError

_log = logging.getLogger(__name__)


class Checkpoints:
    """Copy committed pages from the write-ahead log to the database file from time to time.

    By itself SQLite does that within a commit, every thousand pages, and syncs the database file
    while all writers wait: 4 to 20 ms on an idle disk, some hundred on a busy one (measured).

    :param connect: opens the connection of the checkpoints, at the first use.
    :param lock: the lock that writers take.
    :param commits: commits between two checkpoints.
    :param long_log: the number of pages in the log above which writers are stopped, so that the log
        starts over.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        lock: AbstractContextManager[None],
        *,
        commits: int = 100,
        long_log: int = 4_000,
    ) -> None:
        self._connect = connect
        self._lock = lock
        self._commits_each = commits
        self._long_log = long_log
        self._connection: sqlite3.Connection | None = None
        self._counting = threading.Lock()
        self._commits = 0
        self._is_failing = False
        self._thread: threading.Thread | None = None

    def count_commit(self) -> None:
        """Begin a checkpoint in a thread of its own, if it is time."""
        with self._counting:
            self._commits += 1
            is_under_way = self._thread is not None and self._thread.is_alive()
            if self._commits < self._commits_each or is_under_way:
                return
            self._commits = 0
            thread = threading.Thread(target=self._take, name="famulus-checkpoint", daemon=True)
            self._thread = thread
            with contextlib.suppress(RuntimeError):
                # No thread starts while the interpreter shuts down; closing the database copies
                # the rest.
                thread.start()

    def close(self) -> None:
        """Wait for a running checkpoint and close its connection."""
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _take(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            if self._move(self._connection) >= self._long_log:
                # SQLite starts the log over only when all of it has been copied; writers who never
                # pause would let it grow without limit.
                with self._lock:
                    self._move(self._connection)
        except (sqlite3.Error, FamulusError) as error:
            # Nothing is lost: the write-ahead log keeps what was not copied.
            if not self._is_failing:
                _log.warning("a checkpoint failed and will be tried again: %s", error)
            self._is_failing = True
        except Exception:  # noqa: BLE001 - nothing is lost here either
            _log.exception("a checkpoint failed and will be tried again")
        else:
            self._is_failing = False

    def _move(self, connection: sqlite3.Connection) -> int:
        """Copy the pages that no reader needs in the log any more; return the length of the log."""
        _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return int(pages)
