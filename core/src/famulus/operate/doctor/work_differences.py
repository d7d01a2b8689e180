"""Differences between a platform and the database in the work of workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import peewee

from famulus.engine.ledger.recorded_decisions import UNAPPLIED
from famulus.engine.runs import RunRecord
from famulus.model.states import (
    ENDED_RUNS,
    LIVE_RUNS,
    OPEN_VISITS,
    UNSUBMITTED_VISITS,
    AgentStatus,
    VisitStatus,
)
from famulus.model.tables import (
    IS_OPEN_AGENT,
    AgentTable,
    ReviewTable,
    UnitTable,
    VisitTable,
    WorkerTable,
    is_ended_visit,
    literal,
)
from famulus.model.transaction import Transaction
from famulus.operate.doctor.difference import NAMED, Difference, named

#: Attempts of a visit whose worker has returned it after submitting it.
_WITHDRAWN = AgentTable.select(peewee.SQL("1")).where(
    AgentTable.visit == VisitTable.id, AgentTable.status == literal(AgentStatus.WITHDRAWN)
)
#: An operator has ended attempts whose time is over by this time.
_LATENESS = timedelta(minutes=1)


def of_visits(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find work that is only in the database, or only on the platform."""
    late = tx.now - timedelta(seconds=run.submission_timeout)
    not_there = _visits_where(
        tx,
        run,
        ((VisitTable.status == literal(VisitStatus.UNKNOWN)) & VisitTable.done_at.is_null(False))
        | (
            (VisitTable.status == literal(VisitStatus.ACCEPTED))
            & VisitTable.done_at.is_null(False)
            & (VisitTable.done_at <= late)
        ),
    )
    if not_there:
        yield Difference(
            run=run.id,
            what=f"submitted here, but not on the platform: visits {not_there}",
            command=("sync", run.id),
            advice="the worker can open the page again and press the button there",
        )
    ended_there = _visits_where(
        tx,
        run,
        VisitTable.done_at.is_null(False),
        is_ended_visit(*UNSUBMITTED_VISITS),
        ~peewee.fn.EXISTS(_WITHDRAWN),
    )
    if ended_there:
        yield Difference(
            run=run.id,
            what="submitted here, but ended without a submission on the platform: visits "
            f"{ended_there}",
            command=("compensate", run.id, "WORKER", "AMOUNT", "--reason", "…"),
        )
    not_here = _visits_where(
        tx, run, VisitTable.done_at.is_null(), VisitTable.status == literal(VisitStatus.SUBMITTED)
    )
    if not_here:
        yield Difference(
            run=run.id,
            what=f"submitted on the platform, but without answers here: visits {not_here}",
            command=("compensate", run.id, "WORKER", "AMOUNT", "--reason", "…"),
            advice="do not reject: the answers may have been lost here",
        )


def of_work(tx: Transaction, run: RunRecord, *, is_operated: bool) -> Iterator[Difference]:
    """Find workers whose attempts should have ended.

    :param is_operated: whether a process operates the run; deadlines are only enforced then.
    """
    over = run.status in ENDED_RUNS
    if over or (is_operated and run.status in LIVE_RUNS):
        late = _at_work_where(tx, run, AgentTable.deadline <= tx.now - _LATENESS)
        if late:
            yield Difference(
                run=run.id,
                what=f"at work for longer than allowed: visits {late}",
                command=("sync", run.id) if over else (),
                advice=""
                if over
                else "its operator does not end them; its log may say why; "
                "stop that operator and resume the run",
            )
    for status in VisitStatus:
        if status in (*OPEN_VISITS, VisitStatus.SUBMITTED):
            # Without answers here, a submission there is listed as such.
            continue
        ended = _at_work_where(tx, run, VisitTable.status == status)
        if ended:
            yield Difference(
                run=run.id,
                what=f"at work here, and {status} on the platform: visits {ended}",
                command=("sync", run.id),
            )


def _at_work_where(tx: Transaction, run: RunRecord, *conditions: Any) -> str:
    rows = tx.rows(
        AgentTable.select(VisitTable.reference, WorkerTable.name)
        .join(VisitTable, on=(AgentTable.visit == VisitTable.id))
        .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
        .where(AgentTable.run == run.id, IS_OPEN_AGENT, *conditions)
        .order_by(AgentTable.id)
        .limit(NAMED + 1)
    )
    return named([(row.reference, row.name) for row in rows])


def of_reviews(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find decisions that are not applied, and late answers to units that others completed."""
    unapplied = tx.row(
        ReviewTable.select(peewee.fn.COUNT(ReviewTable.id).alias("n"))
        .join(UnitTable, on=(ReviewTable.unit == UnitTable.id))
        .where(UnitTable.run == run.id, UNAPPLIED)
    )
    if unapplied is not None and unapplied.n:
        yield Difference(
            run=run.id,
            what=f"review decisions that were not applied yet: {unapplied.n}",
            command=("review", run.task_name),
        )
    spare = tx.rows(
        AgentTable.select(WorkerTable.name)
        .join(UnitTable, on=(AgentTable.unit == UnitTable.id))
        .switch(AgentTable)
        .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
        .where(
            AgentTable.run == run.id,
            AgentTable.status == AgentStatus.COMPLETED,
            # No attempt has a unit that was returned since.
            UnitTable.agent_id.is_null() | (UnitTable.agent_id != AgentTable.id),
        )
        .order_by(AgentTable.id)
        .limit(NAMED + 1)
    )
    if spare:
        names = ", ".join(dict.fromkeys(row.name for row in spare))
        yield Difference(
            run=run.id,
            what=f"unpaid late answers to units that others have completed: of {names}",
            command=("compensate", run.id, "WORKER", "AMOUNT", "--reason", "…"),
        )


def _visits_where(tx: Transaction, run: RunRecord, *conditions: Any) -> str:
    rows = tx.rows(
        VisitTable.select(VisitTable.reference, WorkerTable.name)
        .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
        .where(VisitTable.run == run.id, *conditions)
        .order_by(VisitTable.id)
        .limit(NAMED + 1)
    )
    return named([(row.reference, row.name) for row in rows])
