"""The cost of a run and the wage of its workers, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from famulus.cli.output import say
from famulus.cli.words import counted
from famulus.errors import RefusedError, UnavailableError
from famulus.model.money import minor_digits

if TYPE_CHECKING:
    from famulus.cli.session import Session
    from famulus.contracts.provider_views import Quote
    from famulus.data.wage import Wage
    from famulus.operate.checking import Checked
    from famulus.operate.estimate import Estimate
    from famulus.operate.operator import Operator

#: Rows that a launch counts before it begins; more would keep it waiting.
_MOST_ROWS = 50_000


def say_cost(session: Session, operator: Operator, checked: Checked) -> None:
    """Print what a checked configuration will cost; an unavailable platform is only a warning."""
    try:
        lines = [*quote_lines(operator.estimate(checked, most_rows=_MOST_ROWS))]
    except (UnavailableError, RefusedError) as error:
        lines = [f"Cost: the platform cannot be asked now: {error}"]
    for line in lines:
        say(session.located(line))


def quote_lines(estimate: Estimate) -> Iterator[str]:
    """Yield what a run will cost, what an hour pays, and what ``task.max_spend`` allows."""
    one, total = estimate.one, estimate.total
    if not one.total:
        yield "Cost: nothing; the work is unpaid (task.task_reward is 0 or not set)."
    elif total is None:
        yield f"Cost: {_money(one)} for each unit; the number of units is not known."
    else:
        units = counted(estimate.units or 0, "unit")
        least = "at least " if estimate.is_part else ""
        each = amount_text(one.total, one.currency)
        yield f"Cost: {least}{_money(total)} for {least}{units}, {each} each."
    if estimate.paid_outside and one.rewards:
        command = "`famulus payments owed`"
        yield f"The provider does not pay: you owe workers what is accepted ({command})."
    minutes, wage = estimate.estimated_minutes, estimate.hourly_wage
    if wage and minutes is not None:
        yield f"Wage: {_expected(wage, one.currency, minutes)}."
    yield from estimate.forecast
    affordable = estimate.affordable
    if affordable is None:
        return
    limit = f"{amount_text(estimate.max_spend, one.currency)} {one.currency}"
    if total is not None and total.total <= estimate.max_spend and not estimate.is_part:
        yield f"That is within the limit of {limit} (task.max_spend)."
    else:
        units = counted(affordable, "unit")
        yield (
            f"It may cost {limit} at most (task.max_spend): {units}, fewer with bonuses. The "
            "others wait until `famulus set` allows more."
        )


def wage_text(wage: Wage) -> str:
    """Return what an hour of work pays, expected and measured; empty for unpaid work."""
    if not wage.reward:
        return ""
    parts = []
    if wage.expected is not None and wage.estimated_minutes is not None:
        parts.append(_expected(wage.expected, wage.currency, wage.estimated_minutes))
    unmeasured = f"{counted(wage.unmeasured_units, 'unit')} without a measured time"
    if wage.measured is not None:
        times = f"median of {counted(wage.measured_units, 'unit')}"
        left_out = f"; {unmeasured}" if wage.unmeasured_units else ""
        parts.append(f"{wage.measured} {wage.currency} an hour measured ({times}{left_out})")
    elif wage.unmeasured_units:
        parts.append(unmeasured)
    return ", ".join(parts)


def wage_json(wage: Wage) -> dict[str, Any]:
    """Return what an hour of work pays as JSON; amounts are exact, as text."""
    return {
        "currency": wage.currency,
        "expected": text_or_none(wage.expected),
        "estimated_minutes": text_or_none(wage.estimated_minutes),
        "measured": text_or_none(wage.measured),
        "median_seconds": None if wage.median_seconds is None else float(wage.median_seconds),
        "measured_units": wage.measured_units,
        "unmeasured_units": wage.unmeasured_units,
    }


def text_or_none(number: Decimal | None) -> str | None:
    """Return an exact number as JSON has it."""
    return None if number is None else f"{number:f}"


def _expected(wage: Decimal, currency: str, minutes: Decimal) -> str:
    return f"{wage} {currency} an hour expected ({minutes.normalize():f} min a unit)"


def _money(quote: Quote) -> str:
    parts = [amount_text(quote.rewards, quote.currency)]
    if quote.fees:
        parts.append(f"fees of {amount_text(quote.fees, quote.currency)}")
    if quote.taxes:
        parts.append(f"taxes of {amount_text(quote.taxes, quote.currency)}")
    total = f"{amount_text(quote.total, quote.currency)} {quote.currency}"
    if len(parts) == 1:
        return total
    return f"{total} ({', '.join(parts[:-1])} and {parts[-1]})"


def amount_text(amount: Decimal, currency: str) -> str:
    """Return an amount with its currency's decimal places, and with more only if it has more."""
    smallest = Decimal(1).scaleb(-minor_digits(currency))
    rounded = amount.quantize(smallest)
    return f"{rounded if rounded == amount else amount:f}"
