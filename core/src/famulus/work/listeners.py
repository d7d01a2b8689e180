"""Telling listeners what happened: from the event table, after the commit, in order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import peewee

from famulus.contracts.hookspecs import RunEvent
from famulus.contracts.pages import SubmittedUnit
from famulus.model.database import Database
from famulus.model.statements import Kind
from famulus.model.states import AgentStatus, RunStatus, UnitStatus
from famulus.model.tables import Event, TaskRun
from famulus.model.transaction import Row, Transaction
from famulus.plugins import Plugins
from famulus.work.money.deciding import REVIEW, UNDO
from famulus.work.records import read_submitted, read_unit_and_worker
from famulus.work.runs import find_run

_log = logging.getLogger(__name__)

#: Events of one round.
_ROUND = 200
#: What listeners are told in place of a decision when one was taken back.
UNDONE = "undone"
#: Seconds to wait for other transactions that keep a run's last events from being read.
_CATCHING_UP_SECONDS = 5.0
_LOOK_SECONDS = 0.01


def tell_listeners_of_ended_run(database: Database, plugins: Plugins, run: int) -> None:
    """Tell plugins what has happened in a run that is over, which no operator will have again.

    The events of any other run are told by its operator, now or once it is resumed: only there are
    the functions of its script. Waits a little for what others are still writing.
    """
    record = find_run(database, run)
    if record.status not in (RunStatus.FINISHED, RunStatus.FAILED):
        return
    listeners = Listeners(database, plugins, run, record.task_name, None)
    pause, until = threading.Event(), time.monotonic() + _CATCHING_UP_SECONDS
    while listeners.deliver() or (listeners.is_behind() and time.monotonic() < until):
        if listeners.is_behind():
            pause.wait(_LOOK_SECONDS)


class Listeners:
    """All who want to hear of one run: plugins, and the run's own ``on_unit_submitted``."""

    def __init__(
        self,
        database: Database,
        plugins: Plugins,
        run: int,
        task_name: str,
        on_unit_submitted: Callable[[SubmittedUnit], Any] | None,
    ) -> None:
        self._database = database
        self._plugins = plugins
        self._run = run
        self._task_name = task_name
        self._on_unit_submitted = on_unit_submitted

    def deliver(self) -> int:
        """Tell of the events that have come since; return how many there were.

        The place up to which they are told is stored after each round, so that after a crash some
        are told again and none is left out.
        """
        if not self._is_listened:
            return 0
        with self._database.read() as tx:
            events = self._next(tx)
        for event in events:
            self._tell(event)
        if events:
            last = events[-1]
            query = TaskRun.update(
                events_delivered=last.id, transactions_delivered=last.xact
            ).where(TaskRun.id == self._run, _is_further(last))
            self._database.write(lambda tx: tx.execute(query))
        return len(events)

    def is_behind(self) -> bool:
        """Say whether something has happened that cannot be told yet, because older transactions
        are under way."""
        if not self._is_listened or self._database.kind is Kind.SQLITE:
            return False
        with self._database.read() as tx:
            return bool(tx.rows(self._untold(tx).limit(1)))

    @property
    def _is_listened(self) -> bool:
        return self._plugins.listened or self._on_unit_submitted is not None

    def _next(self, tx: Transaction) -> list[Row]:
        query = self._untold(tx)
        if tx.kind is Kind.POSTGRESQL:
            # Older transactions may still be under way; what they write comes before this.
            horizon = peewee.SQL("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            query = query.where(Event.xact < horizon)
        return tx.rows(query.order_by(Event.xact, Event.id).limit(_ROUND))

    def _untold(self, tx: Transaction) -> Any:
        told = tx.row(
            TaskRun.select(TaskRun.events_delivered, TaskRun.transactions_delivered).where(
                TaskRun.id == self._run
            )
        )
        assert told is not None
        return Event.select().where(
            Event.run == self._run,
            (Event.xact > told.transactions_delivered)
            | (
                (Event.xact == told.transactions_delivered)
                & (Event.id > told.events_delivered)
            ),
        )

    def _tell(self, event: Row) -> None:
        told = RunEvent(run_id=self._run, task_name=self._task_name, at=event.at)
        if event.subject == "run" and event.new == RunStatus.RUNNING:
            self._plugins.run_launched(told)
        elif event.subject == "run" and event.new == RunStatus.FINISHED:
            self._plugins.run_finished(told)
        elif event.subject == "unit" and event.new == UnitStatus.ASSIGNED:
            self._tell_assigned(told, event)
        elif event.subject == "unit" and event.cause in (REVIEW, UNDO):
            self._tell_reviewed(told, event)
        elif (
            event.subject == "agent"
            and event.new == AgentStatus.COMPLETED
            and event.cause != UNDO
        ):
            self._tell_submitted(told, event)

    def _tell_assigned(self, told: RunEvent, event: Row) -> None:
        with self._database.read() as tx:
            unit, worker = read_unit_and_worker(tx, event.agent_id)
        self._plugins.unit_assigned(told, unit, worker)

    def _tell_reviewed(self, told: RunEvent, event: Row) -> None:
        with self._database.read() as tx:
            reviewed = read_submitted(tx, event.agent_id)
        self._plugins.unit_reviewed(told, reviewed, UNDONE if event.cause == UNDO else event.new)

    def _tell_submitted(self, told: RunEvent, event: Row) -> None:
        with self._database.read() as tx:
            submitted = read_submitted(tx, event.subject_id)
        self._plugins.unit_submitted(told, submitted)
        if self._on_unit_submitted is not None:
            try:
                self._on_unit_submitted(submitted)
            except Exception:  # noqa: BLE001 - the author's code; the answers are stored
                _log.exception("run %d: on_unit_submitted failed", self._run)


def _is_further(event: Row) -> Any:
    """Let two that tell the same run at once never put the place back."""
    return (TaskRun.transactions_delivered < event.xact) | (
        (TaskRun.transactions_delivered == event.xact) & (TaskRun.events_delivered < event.id)
    )
