"""The hourly wage of a run: as its task estimates it, and as measured."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from statistics import median

import peewee
from attrs import frozen

from famulus.engine.runs import RunRecord
from famulus.model.money import from_minor, minor_digits
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import AgentTable, PaymentTable, literal
from famulus.model.transaction import Transaction

#: Submissions that are looked at, the newest: a run can have millions.
_MOST_SUBMISSIONS = 10_000
_MICROSECOND = Decimal("0.000001")


@frozen(kw_only=True)
class Wage:
    """The hourly wage of a run, without bonuses, and the times from which it is computed.

    The times come from the run's newest 10,000 submissions at most.
    """

    currency: str
    #: for one unit
    reward: Decimal
    #: what a unit has earned, on average: less than the reward where work was accepted for less
    earned: Decimal
    #: ``task.estimated_minutes``
    estimated_minutes: Decimal | None
    #: the median of the measured times; None if no time was measured
    median_seconds: Decimal | None
    #: submitted units whose time was measured
    measured_units: int
    #: submitted units that were late, or during which the clock was set back
    unmeasured_units: int

    @property
    def expected(self) -> Decimal | None:
        """The wage if a unit takes as long as the task estimates; None without an estimate."""
        minutes = self.estimated_minutes
        return None if minutes is None else hourly_wage(self.reward, minutes * 60, self.currency)

    @property
    def measured(self) -> Decimal | None:
        """The wage at the median of the measured times; None if no time was measured."""
        seconds = self.median_seconds
        return None if seconds is None else hourly_wage(self.earned, seconds, self.currency)


def hourly_wage(reward: Decimal, seconds: Decimal, currency: str) -> Decimal:
    """Return the hourly wage if a unit takes ``seconds``, rounded to whole minor units."""
    smallest = Decimal(1).scaleb(-minor_digits(currency))
    return (reward * 3600 / seconds).quantize(smallest, ROUND_HALF_UP)


def read_wage(tx: Transaction, run: RunRecord) -> Wage:
    """Return the wage of a run, measured by how long its units took.

    Two kinds of times are left out: of late submissions, and times during which the clock was set
    back.
    """
    newest = (
        AgentTable.select(
            AgentTable.unit, AgentTable.started_at, AgentTable.submitted_at, AgentTable.late
        )
        .where(AgentTable.run == run.id, AgentTable.submitted_at.is_null(False))
        .order_by(AgentTable.submitted_at.desc(), AgentTable.id.desc())
        .limit(_MOST_SUBMISSIONS)
    )
    of_units = [row for row in tx.execute(newest) if row[0] is not None]
    times = [
        submitted - started
        for _, started, submitted, late in of_units
        if submitted > started and not late
    ]
    estimate = run.plan["task"].get("estimated_minutes")
    return Wage(
        currency=run.currency,
        reward=from_minor(run.reward, run.currency),
        earned=_read_earned(tx, run),
        estimated_minutes=None if estimate is None else Decimal(estimate),
        median_seconds=Decimal(median(times)) * _MICROSECOND if times else None,
        measured_units=len(times),
        unmeasured_units=len(of_units) - len(times),
    )


def _read_earned(tx: Transaction, run: RunRecord) -> Decimal:
    """Return the average reward that units have earned; the run's reward before the first one."""
    row = tx.row(
        PaymentTable.select(
            peewee.fn.SUM(PaymentTable.amount).alias("amount"),
            peewee.fn.COUNT(PaymentTable.id).alias("units"),
        ).where(
            PaymentTable.run == run.id,
            PaymentTable.kind == literal(PaymentKind.REWARD),
            PaymentTable.status != literal(PaymentStatus.FAILED),
            PaymentTable.unit.is_null(False),
        )
    )
    if row is None or not row.units:
        return from_minor(run.reward, run.currency)
    return from_minor(int(row.amount), run.currency) / int(row.units)
