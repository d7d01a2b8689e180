"""Deadlines: of attempts, of reports by the platform, and the end of a run.

Each function does one bounded step in a transaction and returns how much it did; the operator calls
it again until nothing is left.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import peewee

from famulus.engine.attempts import open_attempt, select_open_attempts
from famulus.engine.status import (
    Change,
    change_unit,
    change_units_together,
    change_visit,
    end_agent,
)
from famulus.engine.units import give_back_units
from famulus.engine.worker_progress import count_ended
from famulus.model.fields import to_micros
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    AgentStatus,
    Status,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    IS_OPEN_AGENT,
    AgentTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    literal,
)
from famulus.model.transaction import Transaction

#: Rows of one step: small enough that no submission waits long behind it.
_STEP = 200
_UNIT_STEP = 2_000
_FINISHED = "run finished"
#: How long it takes at most until an operator notices that the clock was set.
_ARRIVED_SINCE = timedelta(seconds=3)

_OVERDUE = Statement(
    # An attempt whose answers are being stored is left out instead of waited for.
    lambda kind: for_update(
        select_open_attempts(AgentTable.run == Param("run"), AgentTable.deadline <= Param("now"))
        .order_by(AgentTable.deadline, AgentTable.id)
        .limit(_STEP),
        kind,
        skip_locked=True,
    )
)
_ACCEPTED_AND_DONE = (
    VisitTable.run == Param("run"),
    VisitTable.status == literal(VisitStatus.ACCEPTED),
    VisitTable.done_at.is_null(False),
)
_UNREPORTED = Statement(
    VisitTable.select(VisitTable.id, VisitTable.status)
    .where(*_ACCEPTED_AND_DONE, VisitTable.done_at <= Param("limit"))
    .order_by(VisitTable.done_at, VisitTable.id)
    .limit(_STEP)
)
_AWAITED = Statement(VisitTable.select(peewee.SQL("1")).where(*_ACCEPTED_AND_DONE).limit(1))
#: Units without a worker, by status.
_UNTAKEN_UNITS = MappingProxyType(
    {
        status: Statement(
            UnitTable.select(UnitTable.id)
            .where(UnitTable.run == Param("run"), UnitTable.status == literal(status))
            .order_by(UnitTable.lane, UnitTable.position)
            .limit(_UNIT_STEP)
        )
        for status in (UnitStatus.CREATED, UnitStatus.LAUNCHED)
    }
)


def time_out(tx: Transaction, run: int, *, reported_by_platform: bool) -> int:
    """End attempts whose deadline has passed and free their units; return how many."""
    return give_back_units(
        tx,
        [*map(open_attempt, tx.rows_of(_OVERDUE, run=run, now=tx.micros))],
        run=run,
        new=AgentStatus.TIMEOUT,
        cause="deadline",
        visit_becomes=None if reported_by_platform else VisitStatus.EXPIRED,
    )


def mark_unreported(
    tx: Transaction, run: int, submission_timeout: int, answered_at: datetime
) -> int:
    """Mark visits ``unknown`` whose submission the platform has not reported in time.

    Only visits whose work is done here count. Return how many were marked.

    :param submission_timeout: how long a report may take, in seconds.
    :param answered_at: when the platform last answered: an unavailable platform cannot report.
    """
    limit = answered_at - timedelta(seconds=submission_timeout)
    due = tx.rows_of(_UNREPORTED, run=run, limit=to_micros(limit))
    return sum(
        change_visit(
            tx,
            Change(
                run=run,
                id=visit.id,
                old=visit.status,
                new=VisitStatus.UNKNOWN,
                cause="not reported",
            ),
        )
        for visit in due
    )


def is_report_awaited(tx: Transaction, run: int) -> bool:
    """Return whether the platform has yet to report a submission that is stored here."""
    return tx.one(_AWAITED, run=run) is not None


def end_open_agents(tx: Transaction, run: int) -> int:
    """End open attempts of a finished run, and expire their units; return how many ended.

    Answers that still come are stored as late ones.
    """
    ended = 0
    for row in tx.rows(
        select_open_attempts(AgentTable.run == run).order_by(AgentTable.id).limit(_STEP)
    ):
        attempt = open_attempt(row)
        if end_agent(tx, _expiry(run, attempt.agent, attempt.status, AgentStatus.EXPIRED)):
            ended += 1
            if attempt.unit is not None:
                count_ended(tx, run, attempt.worker)
                expiry = _expiry(run, attempt.unit, UnitStatus.ASSIGNED, UnitStatus.EXPIRED)
                change_unit(tx, expiry, agent=None)
    return ended


def _expiry(run: int, number: int, old: Status, new: Status) -> Change[Status]:
    return Change(run=run, id=number, old=old, new=new, cause=_FINISHED)


def expire_units(tx: Transaction, run: int) -> int:
    """Expire the units of a finished run that have no worker; return how many."""
    for status, statement in _UNTAKEN_UNITS.items():
        units = [number for (number,) in tx.all(statement, run=run)]
        if units:
            return change_units_together(
                tx, run=run, units=units, old=status, new=UnitStatus.EXPIRED, cause=_FINISHED
            )
    return 0


def extend_deadlines(tx: Transaction, run: int, pause: timedelta) -> int:
    """Move open attempts' deadlines by the time the run was not served; return how many moved.

    No attempt gets more time than a new one: a server may have kept running during the pause, and
    admitted workers.
    """
    if pause <= timedelta(0):
        return 0
    return _move_deadlines(tx, run, pause)


def give_back_pause(tx: Transaction, run: int, last_look: datetime) -> timedelta:
    """Move open attempts' deadlines by the time since the operator's last look; return that time.

    The time is negative if the clock was set back. ``no_submission_patience`` starts again. No
    attempt gets more time than a new one. Attempts that began after the pause keep their deadlines.
    """
    pause = tx.now - last_look
    _move_deadlines(tx, run, pause, ~AgentTable.started_at.between(tx.now - _ARRIVED_SINCE, tx.now))
    tx.execute(TaskRunTable.update(served_since=tx.now).where(TaskRunTable.id == run))
    return pause


def _move_deadlines(tx: Transaction, run: int, pause: timedelta, *which: Any) -> int:
    row = tx.row(
        TaskRunTable.select(TaskRunTable.assignment_duration_in_seconds).where(
            TaskRunTable.id == run
        )
    )
    assert row is not None
    of_new = _micros(timedelta(seconds=row.assignment_duration_in_seconds)) + tx.micros
    later = AgentTable.deadline + _micros(pause)
    deadline = peewee.Case(
        None,
        # One that is later than that already, such as after a change of the limit, stays.
        [(later <= of_new, later), (AgentTable.deadline < of_new, of_new)],
        AgentTable.deadline,
    )
    query = AgentTable.update({AgentTable.deadline: deadline if pause > timedelta(0) else later})
    query = query.where(AgentTable.run == run, IS_OPEN_AGENT, *which)
    return int(tx.execute(query).rowcount)


def _micros(time: timedelta) -> int:
    return time // timedelta(microseconds=1)
