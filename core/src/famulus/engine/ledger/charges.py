"""What a platform charges for payments, and in which currency: asked in one place.

These functions call the provider, so none is called inside a transaction.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import define, field, frozen

from famulus.contracts.context import RequesterView
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Quote
from famulus.errors import ConflictError, PluginError, as_plugin_error
from famulus.model.money import to_minor, to_minor_up
from famulus.model.states import PaymentKind
from famulus.plan import RunParts

_CURRENCY = re.compile("[A-Z]{3}")
#: How long a quote is relied on: from a check to the launch that a person confirms.
_QUOTED_FOR = timedelta(minutes=10)


@frozen(kw_only=True)
class UnitPrice:
    """What one accepted unit of a plan costs, in minor units of the account's currency."""

    currency: str
    reward: int
    #: the reward and what the platform charges on top of it
    cost: int


@frozen(kw_only=True)
class _Quoted:
    requester: RequesterView | None
    asked_at: datetime
    quote: Quote


@define(eq=False)
class Quotes:
    """What a provider has quoted for one plan: it is asked once for each number of units.

    Prices may change while a launch waits to be confirmed, and differ between accounts. So the
    provider is asked again if a quote is old or is for another requester.
    """

    _known: dict[int, _Quoted] = field(factory=dict, init=False)

    def add(self, others: Quotes) -> None:
        """Add quotes for the same plan."""
        self._known.update(others._known)

    def ask(self, parts: RunParts, units: int) -> Quote:
        """Return what units of the plan cost.

        :raises famulus.UnavailableError: when the platform has to be asked, and is away.
        :raises famulus.PluginError: when the provider's code fails.
        """
        now, known = parts.database.clock(), self._known.get(units)
        if (
            known is not None
            and known.requester == parts.requester
            and abs(now - known.asked_at) < _QUOTED_FOR
        ):
            return known.quote
        provider = parts.provider
        with as_plugin_error(f"the provider {provider.type!r} failed to state its prices"):
            quote = provider.quote(parts.plan, units)
        self._known[units] = _Quoted(requester=parts.requester, asked_at=now, quote=quote)
        return quote


def account_currency(provider: Provider) -> str:
    """Return the currency of the account that a provider was constructed for.

    :raises famulus.PluginError: when the provider names none, or raises.
    """
    with as_plugin_error(f"the provider {provider.type!r} failed to name its currency"):
        currency: object = provider.currency
    if not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        raise PluginError(
            f"the provider {provider.type!r} names the currency {currency!r}; it has to be the "
            "three letters of ISO 4217, such as 'EUR'"
        )
    return currency


def unit_price(parts: RunParts, quotes: Quotes) -> UnitPrice:
    """Return what one unit of a plan costs.

    :param quotes: the provider's quotes for the plan so far.
    :raises famulus.UsageError: when the reward is finer than the currency's smallest unit.
    :raises famulus.UnavailableError: when the platform has to be asked, and is away.
    :raises famulus.PluginError: when the provider's code fails.
    """
    provider = parts.provider
    currency = account_currency(provider)
    reward = to_minor(parts.plan.task.task_reward or Decimal(0), currency)
    quote = quotes.ask(parts, 1)
    with as_plugin_error(f"the provider {provider.type!r} failed to state its prices"):
        charged = to_minor_up(quote.fees + quote.taxes, currency)
    return UnitPrice(currency=currency, reward=reward, cost=reward + charged)


def charges(provider: Provider, kind: PaymentKind, amount: Decimal, currency: str) -> int:
    """Return a platform's fee and the taxes on top of one payment, in minor units, rounded up.

    :param currency: the currency of the amount.
    :raises famulus.ConflictError: when the account has another currency.
    :raises famulus.UnavailableError: when the platform has to be asked, and is away.
    :raises famulus.PluginError: when the provider's code fails.
    """
    if (current := account_currency(provider)) != currency:
        raise ConflictError(
            f"the payment is in {currency}, but the account of the requester is in {current}; "
            "pay it outside of the platform, or register the account that the run was launched with"
        )
    with as_plugin_error(f"the provider {provider.type!r} failed to state its fee"):
        return to_minor_up(provider.fee(kind, amount) + provider.taxes(kind, amount), currency)
