"""SQLite's checkpoints, taken beside the writing instead of within it."""

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
    """Move what was committed from the write-ahead log to the database's file, now and then.

    SQLite alone would do that within a commit, every thousand pages, and sync the database's file
    while everybody waits: 4 to 20 ms on a calm disk, some hundred on one that is busy (measured).

    :param connect: opens a connection of its own, at the first use.
    :param lock: keeps writers out.
    :param commits: how many make a checkpoint.
    :param long_log: pages of a log that is to begin anew.
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
        self._commits = 0
        self._is_failing = False
        self._thread: threading.Thread | None = None

    def count_commit(self) -> None:
        """Begin a checkpoint in a thread of its own, if it is time; for one thread at a time."""
        self._commits += 1
        is_under_way = self._thread is not None and self._thread.is_alive()
        if self._commits < self._commits_each or is_under_way:
            return
        self._commits = 0
        self._thread = threading.Thread(target=self._take, name="famulus-checkpoint", daemon=True)
        with contextlib.suppress(RuntimeError):
            # None can be started while the interpreter ends; closing the database moves the rest.
            self._thread.start()

    def close(self) -> None:
        """Wait for a checkpoint that is under way and close its connection."""
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _take(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            if self._move(self._connection) >= self._long_log:
                # Writers begin the log anew only when all of it has been moved, and those who never
                # pause would make it longer and longer.
                with self._lock:
                    self._move(self._connection)
        except (sqlite3.Error, FamulusError) as error:
            # Nothing is lost: the write-ahead log keeps what is not moved.
            if not self._is_failing:
                _log.warning("a checkpoint has failed; the next one tries again: %s", error)
            self._is_failing = True
        except Exception:  # noqa: BLE001 - nothing is lost by it either
            _log.exception("a checkpoint has failed; the next one tries again")
        else:
            self._is_failing = False

    def _move(self, connection: sqlite3.Connection) -> int:
        """Move what nobody needs in the log any more; return how many pages the log has."""
        _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return int(pages)
