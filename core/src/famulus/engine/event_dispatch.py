"""Dispatching the events of a run to one listener, from its position."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import peewee
from attrs import define, field

from famulus.contracts.hookspecs import RunEvent
from famulus.engine.answers import read_submitted_unit, read_unit_and_worker
from famulus.engine.event_numbers import newest_event
from famulus.engine.ledger.decisions import REVIEW, UNDO
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.states import AgentStatus, RunStatus, UnitStatus
from famulus.model.tables import EventTable, ListenerPositionTable, TaskRunTable
from famulus.model.transaction import Row, Transaction
from famulus.plugins import (
    RUN_FINISHED,
    RUN_LAUNCHED,
    UNIT_ASSIGNED,
    UNIT_REVIEWED,
    UNIT_SUBMITTED,
    Listener,
)

_log = logging.getLogger(__name__)

#: Events of one batch.
_BATCH = 200
#: Seconds after which the position is stored within a batch too.
_STORING_SECONDS = 1.0
#: Events of other runs after which the position is stored that is behind them.
_MOST_PASSED = 10_000
#: What listeners get in place of a decision that was undone.
UNDONE = "undone"


def add_positions(tx: Transaction, run: int, names: Sequence[str]) -> None:
    """Store a position for each new listener of a run, starting at the run's own position."""
    reached = tx.row(
        TaskRunTable.select(
            TaskRunTable.events_delivered, TaskRunTable.transactions_delivered
        ).where(TaskRunTable.id == run)
    )
    assert reached is not None
    for name in names:
        tx.execute(
            ListenerPositionTable.insert(
                run=run,
                name=name,
                event=reached.events_delivered,
                xact=reached.transactions_delivered,
            ).on_conflict_ignore()
        )


@define(eq=False, kw_only=True)
class Dispatcher:
    """Dispatches the events of one run to one listener.

    Its thread lives only while there are events.
    """

    database: Database
    run: int
    task_name: str
    listener: Listener
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)
    _is_busy: bool = field(default=False, init=False)
    _is_left: bool = field(default=False, init=False)
    _dispatched: Row | None = field(default=None, init=False)
    #: no event of the run up to this number is undispatched; on SQLite only
    _passed: int = field(default=0, init=False)
    _call: tuple[str, float] | None = field(default=None, init=False)
    _slow_call: float = field(default=0.0, init=False)

    @property
    def name(self) -> str:
        """The name under which the position is stored."""
        return self.listener.name

    @property
    def label(self) -> str:
        """The listener, for a message."""
        return self.listener.label

    @property
    def hook(self) -> str:
        """The hook that is being called, or an empty string."""
        call = self._call
        return "" if call is None else call[0]

    @property
    def seconds_in_call(self) -> float:
        """How long the listener's current call has taken so far."""
        call = self._call
        return 0.0 if call is None else time.monotonic() - call[1]

    def is_newly_slow(self, seconds: float) -> bool:
        """Return whether the current call takes longer than ``seconds``; True once per call."""
        call = self._call
        if call is None or call[1] == self._slow_call or time.monotonic() - call[1] < seconds:
            return False
        self._slow_call = call[1]
        return True

    def start(self) -> bool:
        """Start to dispatch events, unless a thread does already; return whether there are any."""
        with self._mutex:
            if self._is_left:
                return False
            if self._is_busy:
                return True
            events = self._next()
            if not events:
                return False
            self._is_busy = True
        threading.Thread(
            target=self._work, args=(events,), name=f"famulus-listener-{self.name}", daemon=True
        ).start()
        return True

    def is_behind(self) -> bool:
        """Return whether events remain that cannot be dispatched until older transactions end."""
        if self.database.kind is DatabaseKind.SQLITE:
            return False
        with self.database.read() as tx:
            return bool(tx.rows(self._undispatched(tx).limit(1)))

    def leave(self) -> None:
        """Dispatch no more events, and store the listener's position, even during a call of it."""
        self._is_left = True
        if self._dispatched is not None:
            self._store(self._dispatched.id, self._dispatched.xact)

    def _work(self, events: Sequence[Row]) -> None:
        try:
            while events and not self._is_left:
                self._dispatch_batch(events)
                events = self._next()
        except FamulusError:
            # The database is unavailable or closed. The next start reads it again, and logs that.
            _log.debug("run %d: %s gets no events now", self.run, self.label, exc_info=True)
        except Exception:  # noqa: BLE001 - the thread ends all the same; the next one tries again
            _log.exception("run %d: events for %s cannot be read", self.run, self.label)
        finally:
            self._is_busy = False

    def _dispatch_batch(self, events: Sequence[Row]) -> None:
        stored_at = time.monotonic()
        for event in events:
            if self._is_left:
                return
            self._dispatch(event)
            self._dispatched = event
            if time.monotonic() - stored_at > _STORING_SECONDS:
                self._store(event.id, event.xact)
                stored_at = time.monotonic()
        self._store(events[-1].id, events[-1].xact)

    def _dispatch(self, event: Row) -> None:
        hook, call = self._prepare(event)
        if call is None:
            return
        self._call = hook, time.monotonic()
        try:
            call()
        except BaseException:  # noqa: BLE001 - third-party code: sys.exit() ends no one but itself
            _log.exception("run %d: %s failed in %s", self.run, self.label, hook)
        finally:
            self._call = None

    def _prepare(self, event: Row) -> tuple[str, Callable[[], None] | None]:
        """Return the hook for an event, and the call, or None if the listener lacks the hook.

        The arguments are read for each listener, so that no listener can change another's.
        """
        hook = _hook_of(event)
        if not self.listener.implements(hook):
            return hook, None
        occurred = RunEvent(run_id=self.run, task_name=self.task_name, at=event.at)
        listener = self.listener
        if hook == RUN_LAUNCHED:
            return hook, partial(listener.run_launched, occurred)
        if hook == RUN_FINISHED:
            return hook, partial(listener.run_finished, occurred)
        with self.database.read() as tx:
            if hook == UNIT_ASSIGNED:
                unit, worker = read_unit_and_worker(tx, event.agent_id)
                return hook, partial(listener.unit_assigned, occurred, unit, worker)
            if hook == UNIT_REVIEWED:
                decision = UNDONE if event.cause == UNDO else event.new
                reviewed = read_submitted_unit(tx, event.agent_id)
                return hook, partial(listener.unit_reviewed, occurred, reviewed, decision)
            return hook, partial(
                listener.unit_submitted, occurred, read_submitted_unit(tx, event.subject_id)
            )

    def _store(self, event: int, xact: int) -> None:
        """Store the position after an event.

        After a crash some events are dispatched again, and none is left out.
        """
        self.database.write(lambda tx: _advance(tx, self.run, self.name, event, xact))

    def _next(self) -> list[Row]:
        if self.database.kind is DatabaseKind.SQLITE:
            return self._next_by_number()
        with self.database.read() as tx:
            # Older transactions may still be under way; what they write comes before this.
            horizon = peewee.SQL("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            query = self._undispatched(tx).where(EventTable.xact < horizon)
            return tx.rows(query.order_by(EventTable.xact, EventTable.id).limit(_BATCH))

    def _next_by_number(self) -> list[Row]:
        """Return the next events by their number, skipping events of other runs already passed."""
        with self.database.read() as tx:
            newest = newest_event(tx)
            if newest <= self._passed:
                return []
            position = int(self._position(tx).event)
            query = EventTable.select().where(
                EventTable.run == self.run, EventTable.id > max(position, self._passed)
            )
            events = tx.rows(query.order_by(EventTable.id).limit(_BATCH))
        if not events:
            self._passed = newest
            if newest - position > _MOST_PASSED:
                self._store(newest, 0)
        return events

    def _undispatched(self, tx: Transaction) -> Any:
        position = self._position(tx)
        return EventTable.select().where(
            EventTable.run == self.run,
            (EventTable.xact > position.xact)
            | ((EventTable.xact == position.xact) & (EventTable.id > position.event)),
        )

    def _position(self, tx: Transaction) -> Row:
        position = tx.row(
            ListenerPositionTable.select(
                ListenerPositionTable.event, ListenerPositionTable.xact
            ).where(ListenerPositionTable.run == self.run, ListenerPositionTable.name == self.name)
        )
        assert position is not None
        return position


def _hook_of(event: Row) -> str:
    """Return the hook that is called for an event, or an empty string."""
    if event.subject == "run" and event.new == RunStatus.RUNNING:
        return RUN_LAUNCHED
    if event.subject == "run" and event.new == RunStatus.FINISHED:
        return RUN_FINISHED
    if event.subject == "unit" and event.new == UnitStatus.ASSIGNED:
        return UNIT_ASSIGNED
    if event.subject == "unit" and event.cause in (REVIEW, UNDO):
        return UNIT_REVIEWED
    is_submission = event.subject == "agent" and event.new == AgentStatus.COMPLETED
    return UNIT_SUBMITTED if is_submission and event.cause != UNDO else ""


def _advance(tx: Transaction, run: int, name: str, event: int, xact: int) -> None:
    """Move forward a listener's position and the run's own, where new listeners begin.

    A position never moves back, even if two processes dispatch the events of one run.
    """
    own = ListenerPositionTable
    tx.execute(
        own.update(event=event, xact=xact).where(
            own.run == run,
            own.name == name,
            (own.xact < xact) | ((own.xact == xact) & (own.event < event)),
        )
    )
    tx.execute(
        TaskRunTable.update(events_delivered=event, transactions_delivered=xact).where(
            TaskRunTable.id == run,
            (TaskRunTable.transactions_delivered < xact)
            | (
                (TaskRunTable.transactions_delivered == xact)
                & (TaskRunTable.events_delivered < event)
            ),
        )
    )
