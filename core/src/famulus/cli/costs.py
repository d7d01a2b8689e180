"""The cost of a run, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from famulus.cli.output import say
from famulus.cli.words import counted
from famulus.contracts.provider import Quote
from famulus.errors import UnavailableError
from famulus.model.money import minor_digits
from famulus.operate.checking import Checked
from famulus.operate.estimate import Estimate
from famulus.operate.operator import Operator

#: Rows that a launch counts before it begins; more would keep it waiting.
_MOST_ROWS = 50_000


def say_cost(operator: Operator, checked: Checked) -> None:
    """Print what a checked configuration will cost; an unavailable platform is only a warning."""
    try:
        lines = [*quote_lines(operator.estimate(checked, most_rows=_MOST_ROWS))]
    except UnavailableError as error:
        lines = [f"Cost: the platform cannot be asked now: {error}"]
    for line in lines:
        say(line)


def quote_lines(estimate: Estimate) -> Iterator[str]:
    """Yield what a run will cost, and what its limit means for it."""
    one, total = estimate.one, estimate.total
    if not one.total:
        yield "Cost: nothing; the work is unpaid (task.task_reward is 0)."
    elif total is None:
        yield f"Cost: {_money(one)} for each unit; the number of units is not known."
    else:
        units = counted(estimate.units or 0, "unit")
        least = "at least " if estimate.is_part else ""
        each = _amount(one.total, one.currency)
        yield f"Cost: {least}{_money(total)} for {least}{units}, {each} each."
    affordable = estimate.affordable
    if affordable is None:
        return
    limit = f"{_amount(estimate.max_spend, one.currency)} {one.currency}"
    if total is not None and total.total <= estimate.max_spend and not estimate.is_part:
        yield f"That is within the limit of {limit} (task.max_spend)."
    else:
        units = counted(affordable, "unit")
        yield (
            f"It may cost {limit} at most (task.max_spend): {units}, fewer with bonuses. The "
            "others wait until `famulus set` allows more."
        )


def _money(quote: Quote) -> str:
    rewards, fees, total = (
        _amount(each, quote.currency) for each in (quote.rewards, quote.fees, quote.total)
    )
    return f"{total} {quote.currency}" + (f" ({rewards} and fees of {fees})" if quote.fees else "")


def _amount(amount: Decimal, currency: str) -> str:
    """Return an amount with its currency's decimal places, and more only where it has more."""
    smallest = Decimal(1).scaleb(-minor_digits(currency))
    rounded = amount.quantize(smallest)
    return f"{rounded if rounded == amount else amount:f}"
