"""The threads that look after an operator's runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from famulus.model.outages import DatabaseUnavailableError
from famulus.operate.managed_run import ManagedRun

_log = logging.getLogger(__name__)

#: Seconds to wait for a thread to end that may be in a call to a platform.
_JOINING_SECONDS = 30.0
#: Seconds between looks at the runs.
_TICK = 0.25


class RunThreads:
    """Four threads for any number of runs of an operator; the first run starts them.

    :param runs: every run that the operator has launched or resumed, by number.
    """

    def __init__(self, runs: dict[int, ManagedRun]) -> None:
        self.closing = threading.Event()
        #: runs that are still being launched or resumed
        self.starting: list[ManagedRun] = []
        self._runs = runs
        self._mutex = threading.Lock()
        self._threads: list[threading.Thread] = []

    def going_on(self) -> list[ManagedRun]:
        """Return the runs that have not ended."""
        with self._mutex:
            return [each for each in self._runs.values() if not each.ended.is_set()]

    def add(self, managed: ManagedRun) -> None:
        """Manage a run from now on."""
        with self._mutex:
            self._runs[managed.run] = managed

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
        for name, act, what in (
            # In a thread of its own: the others may be busy with one run for longer than a lease
            # lasts.
            ("lease", ManagedRun.renew_lease, "renewed"),
            ("sweep", ManagedRun.look_after, "looked after"),
            ("delivery", ManagedRun.deliver, "delivered"),
            ("sync", ManagedRun.sync, "synced"),
        ):
            arguments = (what, act, act is ManagedRun.renew_lease)
            thread = threading.Thread(
                target=self._do_for_all, args=arguments, name=f"famulus-{name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def end(self) -> None:
        """End the threads; one that does not return from a call is abandoned."""
        self.closing.set()
        for thread in self._threads:
            thread.join(_JOINING_SECONDS)
            if thread.is_alive():
                _log.error("%s does not return from a call and was abandoned", thread.name)

    def _do_for_all(self, what: str, act: Callable[[ManagedRun], Any], with_starting: bool) -> None:
        """Call ``act`` with each run again and again.

        Log once when it fails, and once when it succeeds again.
        """
        faults: dict[int, str] = {}
        while not self.closing.wait(_TICK):
            for managed in [*self.going_on(), *(self.starting if with_starting else ())]:
                run = managed.run
                try:
                    act(managed)
                except DatabaseUnavailableError:
                    pass  # The database logs it once; the next tick tries again.
                except BaseException as error:  # noqa: BLE001 - third-party code; tried again
                    fault = f"{type(error).__name__}: {error}"
                    if faults.get(run) != fault:
                        faults[run] = fault
                        _log.exception("run %d cannot be %s", run, what)
                else:
                    if faults.pop(run, None) is not None:
                        _log.warning("run %d is %s again", run, what)
