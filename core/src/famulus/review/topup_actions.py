"""Raising the pay of accepted work to an hourly wage: the proposal, and its payments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import partial

from attrs import field, frozen

from famulus.data.payments import PaymentRecord, find_payments
from famulus.data.wage import read_wage
from famulus.engine.ledger.bonuses import ExtraPayment, check_amount, check_budget
from famulus.engine.ledger.charges import charges
from famulus.engine.ledger.topups import (
    PaidVisit,
    PlannedTopup,
    plan_topups,
    read_paid_visits,
)
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.runs import RunRecord, read_run, reading_run
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.money import from_minor, to_minor, to_minor_up
from famulus.model.states import PaymentKind
from famulus.plugins import Plugins, discover

#: Visits that are topped up by one transaction: workers' submissions wait for it.
_BATCH = 200


@frozen(kw_only=True)
class VisitTopup:
    """The additional pay for the work of one visit."""

    #: the provider's id of the worker
    worker: str
    #: accepted and passed units of the visit
    units: int
    amount: Decimal
    #: the platform's fee, with taxes, in addition to ``amount``
    fee: Decimal
    _planned: PlannedTopup = field(repr=False)


@frozen(kw_only=True)
class Topup:
    """A proposal to raise the pay of a run's accepted work; nothing is paid yet."""

    run: int
    currency: str
    #: the wage that the pay is raised to
    hourly: Decimal
    #: how long a unit takes: the median of the measured times
    median_seconds: Decimal
    #: for one unit
    reward: Decimal
    visits: Sequence[VisitTopup]

    @property
    def amount(self) -> Decimal:
        """The sum that the workers get."""
        return sum((each.amount for each in self.visits), Decimal(0))

    @property
    def fees(self) -> Decimal:
        """The sum that the platform charges in addition, taxes included."""
        return sum((each.fee for each in self.visits), Decimal(0))


def propose_topup(
    database: Database,
    run: int,
    hourly: Decimal | str,
    *,
    reason: str | None = None,
    plugins: Plugins | None = None,
) -> Topup:
    """Compute what raises the pay of a run's accepted work to an hourly wage. Pays nothing.

    Every accepted or passed unit counts as long as the median of the measured times. Three kinds of
    visits are left out: those without such a unit, even if the platform has paid them by itself;
    those with a reward that is neither paid nor owed, or with an approval that is still to be
    delivered; and those that were raised to the same wage before. Earlier payments that raised a
    visit to a lower wage are deducted.

    :param hourly: the wage, in the currency of the run.
    :param reason: the text that the workers read; by default, a sentence with the wage.
    :raises famulus.NotFoundError: when there is no such run.
    :raises famulus.UsageError: when the work is unpaid, no time was measured, the wage or an amount
        cannot be paid, or all together exceed the run's ``max_spend``.
    """
    plugins = discover() if plugins is None else plugins
    with reading_run(database, run) as tx:
        record = read_run(tx, run)
        wage = read_wage(tx, record)
        paid = read_paid_visits(tx, run)
    currency = record.currency
    minor = to_minor(_hourly(hourly), currency)
    rate = from_minor(minor, currency)
    if not record.reward:
        raise UsageError(f"the work of run {run} is unpaid; there is no reward to top up")
    if wage.median_seconds is None:
        raise UsageError(
            f"run {run} has no unit whose time was measured, so that its hourly wage is not known; "
            "`famulus bonus` pays for a single unit"
        )
    for_unit = to_minor_up(rate * wage.median_seconds / 3600, currency)
    amounts = {
        visit: for_unit * _raised_units(each, record) - each.paid
        for visit, each in paid.items()
        if not each.is_raised_to(minor)
    }
    due = {visit: amount for visit, amount in amounts.items() if amount > 0}
    provider = bind_provider(database, plugins, run).provider
    fees = {
        amount: charges(provider, PaymentKind.BONUS, from_minor(amount, currency), currency)
        for amount in set(due.values())
    }
    why = f"A top-up to {rate} {currency} an hour." if reason is None else reason.strip()
    for amount in fees:
        check_amount(from_minor(amount, currency), why)
    topup = Topup(
        run=run,
        currency=currency,
        hourly=rate,
        median_seconds=wage.median_seconds,
        reward=wage.reward,
        visits=[
            _visit_topup(
                record, paid[visit], paid[visit].next_key(minor), _extra(amount, fees, why)
            )
            for visit, amount in due.items()
        ],
    )
    with database.read() as tx:
        cost = sum(amount + fees[amount] for amount in due.values())
        check_budget(tx, run, currency, cost, lock=False)
    return topup


def pay_topup(
    database: Database, topup: Topup, *, plugins: Plugins | None = None
) -> list[PaymentRecord]:
    """Pay a proposal; return its payments in their new state.

    A visit that has changed since the proposal is left out, so that paying the same proposal again,
    or two of the same wage, pays nothing twice. After an interruption, a new proposal contains the
    payments that were not written to the ledger; the others are made by the run's operator, or by
    the next command that calls the platform.

    :raises famulus.UsageError: when they exceed the run's ``max_spend``.
    """
    plugins = discover() if plugins is None else plugins
    planned = [each._planned for each in topup.visits]
    batches = [planned[first : first + _BATCH] for first in range(0, len(planned), _BATCH)]
    numbers = [database.write(partial(plan_topups, topups=batch)) for batch in batches]
    if any(numbers):
        deliver_run(database, plugins, topup.run)
    return [payment for ids in numbers for payment in find_payments(database, ids=ids)]


def _hourly(hourly: Decimal | str) -> Decimal:
    try:
        rate = Decimal(hourly)
    except InvalidOperation:
        raise UsageError(f"{hourly!r} is not an hourly wage, such as 12.50") from None
    check_amount(rate, "an hourly wage")
    return rate


def _raised_units(paid: PaidVisit, run: RunRecord) -> int:
    """Return the number of a visit's units whose pay is raised: accepted ones that are paid."""
    return min(paid.units, paid.earned // run.reward)


def _extra(amount: int, fees: dict[int, int], reason: str) -> ExtraPayment:
    return ExtraPayment(kind=PaymentKind.BONUS, amount=amount, fee=fees[amount], reason=reason)


def _visit_topup(record: RunRecord, paid: PaidVisit, key: str, extra: ExtraPayment) -> VisitTopup:
    return VisitTopup(
        worker=paid.payee.worker_name,
        units=_raised_units(paid, record),
        amount=from_minor(extra.amount, record.currency),
        fee=from_minor(extra.fee, record.currency),
        planned=PlannedTopup(visit=paid, key=key, extra=extra),
    )
