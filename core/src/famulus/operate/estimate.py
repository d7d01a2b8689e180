"""Estimating what a run will cost, before it exists."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from decimal import Decimal
from itertools import islice

from attrs import evolve, frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan
from famulus.contracts.provider_views import Quote
from famulus.data.wage import hourly_wage
from famulus.engine.ledger.charges import Quotes
from famulus.engine.requesters import plan_parts
from famulus.errors import Problem, RefusedError, UnavailableError, as_plugin_error
from famulus.model.database import Database
from famulus.model.money import from_minor, to_minor_up
from famulus.operate.checking import Checked
from famulus.options.option_class import options_of
from famulus.plan import RunParts
from famulus.plugins import Plugins


@frozen(kw_only=True)
class Estimate:
    """The cost of a plan's units with the platform's fees and taxes, if every unit is paid."""

    #: rows of the data; None for a generator, whose rows cannot be counted in advance
    rows: int | None
    #: units that they make; None if that is not known
    units: int | None
    #: whether there are more rows than were counted
    is_part: bool
    #: what one unit costs
    one: Quote
    #: what all of them cost; None if their number is not known
    total: Quote | None
    #: what the run may cost at most, bonuses included; 0 means no limit
    max_spend: Decimal
    #: whether the provider does not pay, so that the requester owes what is accepted
    paid_outside: bool
    #: minutes that one unit is expected to take; None if the task does not say
    estimated_minutes: Decimal | None
    #: what the provider says on how recruiting workers may go
    forecast: Sequence[str] = ()

    @property
    def hourly_wage(self) -> Decimal | None:
        """What an hour of work is expected to pay; None if the task states no time."""
        minutes, one = self.estimated_minutes, self.one
        return None if minutes is None else hourly_wage(one.rewards, minutes * 60, one.currency)

    @property
    def affordable(self) -> int | None:
        """How many units the limit allows; None for any number."""
        if not self.max_spend or not self.one.total:
            return None
        return int(self.max_spend // self.one.total)


def estimate_cost(
    database: Database, plugins: Plugins, checked: Checked, *, most_rows: int | None = None
) -> Estimate:
    """Count the units of a checked plan and ask the provider what they cost.

    :param most_rows: the most rows to count.
    :raises famulus.UnavailableError: when the platform has to be asked, but does not answer.
    """
    plan = checked.plan
    parts = plan_parts(database, plugins, plan)
    estimate, provider = _estimate(parts, checked.quotes, most_rows), parts.provider
    if not estimate.units:
        return estimate
    with as_plugin_error(f"the provider {provider.type!r} failed to forecast"):
        try:
            forecast = tuple(provider.forecast(plan, estimate.units))
        except (RefusedError, UnavailableError):
            return estimate
    return evolve(estimate, forecast=forecast)


def _estimate(parts: RunParts, quotes: Quotes, most_rows: int | None) -> Estimate:
    plan, blueprint, provider = parts.plan, parts.blueprint, parts.provider
    with as_plugin_error(f"the blueprint {blueprint.type!r} failed while its data were counted"):
        rows = _count_rows(plan, blueprint, most_rows)
        lanes = blueprint.units_per_assignment
    is_part = rows is not None and most_rows is not None and rows > most_rows
    rows = most_rows if is_part else rows
    units = None if rows is None else rows * lanes
    with as_plugin_error(f"the provider {provider.type!r} failed to state its prices"):
        one = _rounded(quotes.ask(parts, 1))
        total = None if units is None else _rounded(quotes.ask(parts, units))
    return Estimate(
        rows=rows,
        units=units,
        is_part=is_part,
        one=one,
        total=total,
        max_spend=plan.task.max_spend,
        paid_outside=not provider.capabilities.pays,
        estimated_minutes=plan.task.estimated_minutes,
    )


def balance_problems(
    database: Database, plugins: Plugins, checked: Checked, *, most_rows: int
) -> list[Problem]:
    """Compare what the requester can spend with what a checked plan may cost.

    This includes sandboxes: they also refuse what their account cannot pay.

    :param most_rows: the most rows to count.
    :raises famulus.UnavailableError: when the platform cannot be asked now.
    """
    plan = checked.plan
    if not plan.task.task_reward:
        return []
    parts = plan_parts(database, plugins, plan)
    provider = parts.provider
    with as_plugin_error(f"the provider {provider.type!r} failed to state the balance"):
        balance = provider.balance()
    if balance is None:
        return []
    estimate = _estimate(parts, checked.quotes, most_rows)
    quote = estimate.total or estimate.one
    needed = min(quote.total, estimate.max_spend) if estimate.max_spend else quote.total
    if balance >= needed:
        return []
    requester = parts.requester
    name = provider.default_requester if requester is None else requester.name
    message = (
        f"the requester {name!r} can spend {balance} {quote.currency}, "
        f"but the run may cost {needed}; add money to the account, or set a limit that it can pay"
    )
    return [plan.problem("task.max_spend", message)]


def _rounded(quote: Quote) -> Quote:
    """Round fees and taxes up to the currency's smallest unit."""
    currency = quote.currency
    fees, taxes = (
        from_minor(to_minor_up(each, currency), currency) for each in (quote.fees, quote.taxes)
    )
    return evolve(quote, fees=fees, taxes=taxes)


def _count_rows(plan: Plan, blueprint: Blueprint, most: int | None) -> int | None:
    """Count the rows, up to ``most + 1``; None if a generator makes them."""
    if not blueprint.data_is_code:
        return sum(1 for _ in islice(blueprint.assignments(), most and most + 1))
    given = [
        getattr(plan.shared_state, option.attribute)
        for option in options_of(type(plan.shared_state)).values()
        if option.is_rows
    ]
    rows = next((each for each in given if each is not None), None)
    return len(rows) if isinstance(rows, Sized) else None
