"""Payments that raise what the work of a visit was paid, up to an hourly wage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from famulus.engine.ledger.bonuses import ExtraPayment, Payee, check_budget, insert_extra
from famulus.engine.ledger.rewards import NOT_OWED, is_remainder, is_topup, topup_key
from famulus.engine.ledger.visit_work import count_earning
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.stored_verdicts import is_approval
from famulus.model.statements import for_update
from famulus.model.states import OutboxStatus, PaymentKind, PaymentStatus
from famulus.model.tables import (
    OutboxTable,
    PaymentTable,
    TaskRunTable,
    VisitTable,
    WorkerTable,
    literal,
)
from famulus.model.transaction import Transaction
from famulus.names import is_pseudonym


@frozen(kw_only=True)
class PaidVisit:
    """A visit with accepted work, and with a reward that is finally paid or owed."""

    payee: Payee
    #: how many of its units are accepted or passed
    units: int
    #: its reward and what it has earned beyond that, in minor units
    earned: int
    #: the keys of its top-ups that are paid or owed, and their amounts in minor units
    topups: Mapping[str, int]
    #: how many of its top-ups are not owed, since it was returned in the meantime
    withdrawn: int = 0

    @property
    def paid(self) -> int:
        """The sum of what the visit has earned and its top-ups, in minor units."""
        return self.earned + sum(self.topups.values())

    def is_raised_to(self, hourly: int) -> bool:
        """Return whether a top-up has raised its pay to a wage in minor units."""
        key = topup_key(self.payee.visit, hourly)
        return any(each == key or each.startswith(f"{key}-again-") for each in self.topups)

    def next_key(self, hourly: int) -> str:
        """Return the key of the one payment that raises its pay to a wage in minor units."""
        key = topup_key(self.payee.visit, hourly)
        return f"{key}-again-{self.withdrawn}" if self.withdrawn else key


@frozen(kw_only=True)
class PlannedTopup:
    """A top-up, and the visit as it was when the amount was computed."""

    visit: PaidVisit
    key: str
    extra: ExtraPayment


def read_paid_visits(
    tx: Transaction, run: int, visits: Sequence[int] | None = None
) -> dict[int, PaidVisit]:
    """Return the visits of a run whose reward is paid, or owed by the requester, by number.

    Three kinds of visits are left out: visits without accepted work, since a platform may pay
    workers who left without work or whose work is not reviewed; visits of forgotten workers, who
    cannot be paid; and visits whose approval is still to be delivered, since the ledger may lack
    part of what they have earned.

    :param visits: only these.
    """
    query = (
        PaymentTable.select(
            PaymentTable.key,
            PaymentTable.kind,
            PaymentTable.status,
            PaymentTable.error,
            PaymentTable.amount,
            PaymentTable.currency,
            PaymentTable.visit.alias("visit"),
            PaymentTable.unit.alias("unit"),
            PaymentTable.worker.alias("worker"),
            WorkerTable.name,
            WorkerTable.provider_type,
            TaskRunTable.paid_outside,
        )
        .join(WorkerTable, on=(PaymentTable.worker == WorkerTable.id))
        .switch(PaymentTable)
        .join(TaskRunTable, on=(PaymentTable.run == TaskRunTable.id))
        .where(PaymentTable.run == run, PaymentTable.kind != PaymentKind.COMPENSATION)
        .order_by(PaymentTable.id)
    )
    if visits is not None:
        query = query.where(PaymentTable.visit << list(visits))
    rows = tx.rows(query)
    units = count_earning(tx, run, visits)
    waiting = _read_waiting(tx, run)
    topups: dict[int, dict[str, int]] = {}
    remainders: dict[int, int] = {}
    withdrawn: dict[int, int] = {}
    for row in rows:
        # One that has failed is retried, unless it is not owed.
        is_owed = row.status is not PaymentStatus.FAILED or row.error not in NOT_OWED
        if is_remainder(row.key) and is_owed:
            remainders[row.visit] = remainders.get(row.visit, 0) + row.amount
        if is_topup(row.key) and is_owed:
            topups.setdefault(row.visit, {})[row.key] = row.amount
        elif is_topup(row.key):
            withdrawn[row.visit] = withdrawn.get(row.visit, 0) + 1
    return {
        row.visit: PaidVisit(
            payee=Payee(
                run=run,
                worker=row.worker,
                worker_name=row.name,
                provider_type=row.provider_type,
                visit=row.visit,
                unit=row.unit,
                currency=row.currency,
                paid_outside=row.paid_outside,
            ),
            units=units[row.visit],
            earned=row.amount + remainders.get(row.visit, 0),
            topups=topups.get(row.visit, {}),
            withdrawn=withdrawn.get(row.visit, 0),
        )
        for row in rows
        if row.kind is PaymentKind.REWARD
        and row.visit in units
        and row.status in (PaymentStatus.CONFIRMED, PaymentStatus.OWED)
        and not is_pseudonym(row.name)
        and (row.paid_outside or row.visit not in waiting)
    }


def _read_waiting(tx: Transaction, run: int) -> set[int]:
    """Return the visits of a run whose approval is still to be delivered."""
    rows = tx.rows(
        OutboxTable.select(OutboxTable.kind, OutboxTable.payload).where(
            OutboxTable.run == run,
            OutboxTable.kind == OutboxKind.DECIDE.value,
            OutboxTable.status == literal(OutboxStatus.PENDING),
        )
    )
    return {row.payload["visit"] for row in rows if is_approval(row)}


def plan_topups(tx: Transaction, topups: Sequence[PlannedTopup]) -> list[int]:
    """Write the ledger and outbox rows of top-ups of one run; return the numbers of the payments.

    Visits that have changed since the amounts were computed are left out.

    :raises famulus.UsageError: when the run's budget does not cover them all; none is written then.
    """
    payee = topups[0].visit.payee
    visits = [each.visit.payee.visit for each in topups]
    # The lock makes two who top up the same visit do so one after the other.
    locked = VisitTable.select(VisitTable.id).where(VisitTable.id << visits)
    tx.rows(for_update(locked.order_by(VisitTable.id), tx.kind))
    current = read_paid_visits(tx, payee.run, visits)
    due = [each for each in topups if current.get(each.visit.payee.visit) == each.visit]
    if not due:
        return []
    cost = sum(each.extra.amount + each.extra.fee for each in due)
    check_budget(tx, payee.run, payee.currency, cost)
    return [insert_extra(tx, each.visit.payee, each.extra, each.key) for each in due]
