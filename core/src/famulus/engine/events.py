"""Listeners get the events of a run from its table: after the commit, in order, at least once.

Each listener has a position of its own in the events of a run, and a thread of its own while there
are new ones. A listener that hangs, is slow or raises delays no other, no worker and no shutdown.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from famulus.engine.event_dispatch import Dispatcher, add_positions
from famulus.engine.runs import find_run
from famulus.model.database import Database
from famulus.model.states import ENDED_RUNS
from famulus.plugins import Listener, Plugins, listeners_of

_log = logging.getLogger(__name__)

#: Seconds in which listeners have to catch up when a run ends.
_CATCHING_UP_SECONDS = 30.0
#: Seconds after which a listener that has not returned from one call is not waited for.
_CALL_SECONDS = 5.0
#: Seconds after which one that has not returned is named in the log.
_SLOW_SECONDS = 10.0
_LOOK_SECONDS = 0.01


def dispatch_events_of_ended_run(database: Database, plugins: Plugins, run: int) -> None:
    """Dispatch the events of an ended run to plugins, and wait a bounded time for them.

    For any other run the operator does this, now or once the run is resumed: only the operator has
    the functions of the run's script.
    """
    record = find_run(database, run)
    if record.status in ENDED_RUNS:
        Listeners(database, run, record.task_name, listeners_of(plugins)).catch_up()


class Listeners:
    """All listeners of one run: plugins, and the run's own ``on_unit_submitted``."""

    def __init__(
        self, database: Database, run: int, task_name: str, listeners: Sequence[Listener]
    ) -> None:
        self._database = database
        self._run = run
        self._dispatchers = [
            Dispatcher(database=database, run=run, task_name=task_name, listener=listener)
            for listener in listeners
        ]
        self._added = not listeners
        self._adding = threading.Lock()

    def dispatch(self) -> None:
        """Start to dispatch new events. Waits for no listener."""
        self._add_positions()
        for dispatcher in self._dispatchers:
            dispatcher.start()
            if dispatcher.is_newly_slow(_SLOW_SECONDS):
                _log.warning(
                    "run %d: %s has not returned from %s for %.0f seconds; it gets no other event "
                    "until it does",
                    self._run,
                    dispatcher.label,
                    dispatcher.hook,
                    dispatcher.seconds_in_call,
                )

    def catch_up(self, seconds: float = _CATCHING_UP_SECONDS) -> bool:
        """Dispatch all events; wait a bounded time for the listeners.

        Listeners that are not done by then are named in the log and abandoned: their position is
        stored, and the next process continues there. Return whether all are done.
        """
        self._add_positions()
        until = time.monotonic() + seconds
        waiting = self._behind()
        while waiting and time.monotonic() < until:
            if all(each.seconds_in_call > _CALL_SECONDS for each in waiting):
                break
            time.sleep(_LOOK_SECONDS)
            waiting = self._behind()
        for dispatcher in waiting:
            self._leave(dispatcher)
        return not waiting

    def _behind(self) -> list[Dispatcher]:
        # Each is started, whatever the earlier ones return.
        return [each for each in self._dispatchers if each.start() or each.is_behind()]

    def _leave(self, dispatcher: Dispatcher) -> None:
        hook, seconds = dispatcher.hook, dispatcher.seconds_in_call
        dispatcher.leave()
        where = f"has not returned from {hook} for {seconds:.0f} seconds" if hook else "is behind"
        _log.error(
            "run %d: %s %s and is abandoned; it gets the remaining events when the run is "
            "resumed or reviewed",
            self._run,
            dispatcher.label,
            where,
        )

    def _add_positions(self) -> None:
        """Store the positions of new listeners, before the first event that they would miss."""
        with self._adding:
            if not self._added:
                names = [dispatcher.name for dispatcher in self._dispatchers]
                self._database.write(lambda tx: add_positions(tx, self._run, names))
                self._added = True
