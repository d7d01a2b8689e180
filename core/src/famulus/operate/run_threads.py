"""The threads that look after an operator's runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from famulus.clock import has_passed
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.operate.managed_run import ManagedRun

_log = logging.getLogger(__name__)

#: Seconds to wait for a thread to end that may be in a call to a platform.
_JOINING_SECONDS = 30.0
#: Seconds between looks at whether the database has changed.
_TICK = 0.25
#: The longest time between looks at the runs while nothing changes: listeners are timed by the
#: monotonic clock, everything else by the database's, which can be set.
_PAUSE_SECONDS = 2.0
_PAUSE = timedelta(seconds=_PAUSE_SECONDS)


class RunThreads:
    """Four threads for any number of runs of an operator; the first run starts them.

    One thread renews the leases, and wakes the others when any process has committed a change. It
    also wakes them after a pause, since deadlines may have passed.

    :param runs: every run that the operator has launched or resumed, by number.
    """

    def __init__(self, database: Database, runs: dict[int, ManagedRun]) -> None:
        self.closing = threading.Event()
        self._database = database
        #: runs that are still being launched or resumed
        self.starting: list[ManagedRun] = []
        self._runs = runs
        self._mutex = threading.Lock()
        self._threads: list[threading.Thread] = []
        #: one for each thread that waits until something may be due
        self._alarms: list[threading.Event] = []

    def going_on(self) -> list[ManagedRun]:
        """Return the runs that have not ended."""
        with self._mutex:
            return [each for each in self._runs.values() if not each.ended.is_set()]

    def add(self, managed: ManagedRun) -> None:
        """Manage a run from now on."""
        with self._mutex:
            self._runs[managed.run] = managed
        self._wake()

    @contextmanager
    def renewing(self, managed: ManagedRun) -> Iterator[None]:
        """Renew the lease of a run while it starts.

        Loading its data and starting its server may take longer than a lease lasts.
        """
        with self._mutex:
            self.starting.append(managed)
            if not self._threads:
                self.start()
        try:
            yield
        finally:
            with self._mutex:
                self.starting.remove(managed)

    def start(self) -> None:
        """Start the threads."""
        # In a thread of its own: the others may be busy with one run for longer than a lease lasts.
        self._start("lease", self._renew_and_watch)
        for name, act, what in (
            ("sweep", ManagedRun.look_after, "looked after"),
            ("delivery", ManagedRun.deliver, "delivered"),
            ("sync", ManagedRun.sync, "synced"),
        ):
            alarm = threading.Event()
            self._alarms.append(alarm)
            self._start(name, self._look_when_woken, alarm, _Repeated(act, what))

    def end(self) -> None:
        """End the threads; one that does not return from a call is abandoned."""
        self.closing.set()
        self._wake()
        for thread in self._threads:
            thread.join(_JOINING_SECONDS)
            if thread.is_alive():
                _log.error("%s does not return from a call and was abandoned", thread.name)

    def _start(self, name: str, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(
            target=target, args=arguments, name=f"famulus-{name}", daemon=True
        )
        thread.start()
        self._threads.append(thread)

    def _renew_and_watch(self) -> None:
        renewals = _Repeated(ManagedRun.renew_lease, "renewed")
        version: object = None
        looked_at: datetime | None = None
        is_due_at = 0.0
        while not self.closing.wait(_TICK):
            renewals.do([*self.going_on(), *self.starting])
            before, version = version, self._data_version()
            now = self._database.clock()
            has_changed = version is None or version != before
            is_due = time.monotonic() >= is_due_at or has_passed(now, looked_at, _PAUSE)
            if has_changed or is_due:
                looked_at, is_due_at = now, time.monotonic() + _PAUSE_SECONDS
                self._wake()

    def _data_version(self) -> object:
        """Return a value that differs after a commit; None if the database does not answer."""
        try:
            return self._database.data_version()
        except FamulusError:
            return None  # The threads that are woken find out why.

    def _wake(self) -> None:
        for alarm in self._alarms:
            alarm.set()

    def _look_when_woken(self, alarm: threading.Event, looks: _Repeated) -> None:
        while not self.closing.is_set():
            looks.do(self.going_on())
            alarm.wait()
            alarm.clear()


class _Repeated:
    """An action that is repeated for each run.

    Its failure is logged once, and its next success once.
    """

    def __init__(self, act: Callable[[ManagedRun], Any], what: str) -> None:
        self._act = act
        self._what = what
        self._faults: dict[int, str] = {}

    def do(self, runs: Sequence[ManagedRun]) -> None:
        """Perform the action for each of these runs."""
        for managed in runs:
            run = managed.run
            try:
                self._act(managed)
            except DatabaseUnavailableError:
                pass  # The database logs it once; the next look tries again.
            except BaseException as error:  # noqa: BLE001 - third-party code; tried again
                fault = f"{type(error).__name__}: {error}"
                if self._faults.get(run) != fault:
                    self._faults[run] = fault
                    _log.exception("run %d cannot be %s", run, self._what)
            else:
                if self._faults.pop(run, None) is not None:
                    _log.warning("run %d is %s again", run, self._what)
