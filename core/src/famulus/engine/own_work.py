"""What a worker has done in a run and what it earns, for the worker's own page."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import peewee
from attrs import frozen

from famulus.engine.worker_progress import count_in_task, number_unit
from famulus.model.money import from_minor
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, LoadingStatus, PaymentStatus
from famulus.model.tables import (
    AgentTable,
    ParticipationTable,
    PaymentTable,
    TaskRunTable,
    UnitTable,
    WorkerTable,
    literal,
)
from famulus.model.transaction import Transaction

#: A decision that the worker's answers are not good enough, but paid, is not shown as such.
_ACCEPTED = (AgentStatus.APPROVED, AgentStatus.SOFT_REJECTED)


@frozen(kw_only=True)
class OwnWork:
    """Counts of one worker's units in a run, by the outcome of their answers, and the pay."""

    in_review: int
    accepted: int
    rejected: int
    #: submitted after the time was over, when another worker had the unit
    too_late: int
    #: in all runs of the task together
    in_task: int
    currency: str
    #: rewards and bonuses in the ledger, paid or still to be paid
    earned: Decimal
    #: the part of it that is paid
    paid: Decimal
    #: the reward of the units in review, if all of them are accepted
    pending: Decimal
    #: the most units that the worker can still get, since others may take what is left; None if
    #: that is unknown
    left: int | None

    @property
    def done(self) -> int:
        """The units in the run with answers of the worker."""
        return self.in_review + self.accepted + self.rejected + self.too_late


@frozen(kw_only=True)
class PaidRun:
    """A run, and what one of its units pays."""

    id: int
    task: int
    provider_type: str
    #: in minor units of the currency
    reward: int
    currency: str


class _WorkRow(NamedTuple):
    run: int
    status: AgentStatus
    number: int
    #: those whose answers are the unit's
    counted: int


class _PayRow(NamedTuple):
    earned: int | None
    paid: int | None


class _CountersRow(NamedTuple):
    worker: int
    #: units that the worker has done or has open
    in_run: int
    assignments: int
    maximum: int
    loading: LoadingStatus
    rows: int


_IS_WORKER = (WorkerTable.provider_type == Param("provider")) & (WorkerTable.name == Param("name"))
_COUNTS = peewee.Case(
    None, [(UnitTable.agent_id == AgentTable.id, peewee.SQL("1"))], peewee.SQL("0")
)
_WORK = Statement(
    AgentTable.select(
        AgentTable.run,
        AgentTable.status,
        peewee.fn.COUNT(AgentTable.id).alias("number"),
        peewee.fn.SUM(_COUNTS).alias("counted"),
    )
    .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
    .switch(AgentTable)
    .join(TaskRunTable, on=(AgentTable.run == TaskRunTable.id))
    .switch(AgentTable)
    .join(UnitTable, on=(AgentTable.unit == UnitTable.id))
    .where(
        _IS_WORKER,
        TaskRunTable.task == Param("task"),
        AgentTable.submission_id.is_null(False),
        AgentTable.status != literal(AgentStatus.WITHDRAWN),
    )
    .group_by(AgentTable.run, AgentTable.status),
    _WorkRow,
)
_PAID = peewee.Case(
    None,
    [(PaymentTable.status == literal(PaymentStatus.CONFIRMED), PaymentTable.amount)],
    peewee.SQL("0"),
)
_PAY = Statement(
    # Not grouped by status: SQLite would read the payments of the whole run, in that order.
    PaymentTable.select(
        peewee.fn.SUM(PaymentTable.amount).alias("earned"), peewee.fn.SUM(_PAID).alias("paid")
    )
    .join(WorkerTable, on=(PaymentTable.worker == WorkerTable.id))
    .where(
        _IS_WORKER,
        PaymentTable.run == Param("run"),
        PaymentTable.currency == Param("currency"),
        PaymentTable.status != literal(PaymentStatus.FAILED),
    ),
    _PayRow,
)


_COUNTERS = Statement(
    ParticipationTable.select(
        ParticipationTable.worker,
        (ParticipationTable.open_units + ParticipationTable.done_units).alias("in_run"),
        ParticipationTable.assignments,
        TaskRunTable.maximum_units_per_worker.alias("maximum"),
        TaskRunTable.loading,
        TaskRunTable.rows_loaded.alias("rows"),
    )
    .join(WorkerTable, on=(ParticipationTable.worker == WorkerTable.id))
    .switch(ParticipationTable)
    .join(TaskRunTable, on=(ParticipationTable.run == TaskRunTable.id))
    .where(_IS_WORKER, ParticipationTable.run == Param("run")),
    _CountersRow,
)


def read_own_work(tx: Transaction, run: PaidRun, worker_name: str) -> OwnWork:
    """Return the work of a worker, by queries that read only this worker's rows."""
    work = tx.all(_WORK, provider=run.provider_type, name=worker_name, task=run.task)
    pay = tx.one(
        _PAY, provider=run.provider_type, name=worker_name, run=run.id, currency=run.currency
    )
    assert pay is not None
    here = [row for row in work if row.run == run.id]
    counted = {row.status: int(row.counted) for row in here}
    in_review = counted.get(AgentStatus.COMPLETED, 0)
    return OwnWork(
        in_review=in_review,
        accepted=sum(counted.get(status, 0) for status in _ACCEPTED),
        rejected=counted.get(AgentStatus.REJECTED, 0),
        too_late=sum(int(row.number) - int(row.counted) for row in here),
        in_task=sum(int(row.number) for row in work),
        currency=run.currency,
        earned=from_minor(int(pay.earned or 0), run.currency),
        paid=from_minor(int(pay.paid or 0), run.currency),
        pending=from_minor(in_review * run.reward, run.currency),
        left=_count_left(tx, run, worker_name),
    )


def _count_left(tx: Transaction, run: PaidRun, worker_name: str) -> int | None:
    row = tx.one(_COUNTERS, provider=run.provider_type, name=worker_name, run=run.id)
    if row is None:
        return None
    taken = row.in_run
    if row.maximum:
        taken = count_in_task(tx, worker=row.worker, task=run.task)
    rows = row.rows if row.loading is LoadingStatus.COMPLETE else None
    most = number_unit(taken, row.assignments, maximum=row.maximum, rows=rows).most
    return None if most is None else most - taken
