"""What a platform charges for payments, and in which currency: asked in one place.

These functions call the provider, so none is called inside a transaction.
"""

from __future__ import annotations

import re
from decimal import Decimal

from attrs import frozen

from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.errors import ConflictError, PluginError, as_plugin_error
from famulus.model.money import to_minor, to_minor_up
from famulus.model.states import PaymentKind

_CURRENCY = re.compile("[A-Z]{3}")


@frozen(kw_only=True)
class UnitPrice:
    """What one accepted unit of a plan costs, in minor units of the account's currency."""

    currency: str
    reward: int
    #: the reward and what the platform charges on top of it
    cost: int


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


def unit_price(provider: Provider, plan: Plan) -> UnitPrice:
    """Return what one unit of a plan costs.

    :raises famulus.UsageError: when the reward is finer than the currency's smallest unit.
    :raises famulus.UnavailableError: when the platform has to be asked, and is away.
    :raises famulus.PluginError: when the provider's code fails.
    """
    currency = account_currency(provider)
    reward = to_minor(plan.task.task_reward or Decimal(0), currency)
    with as_plugin_error(f"the provider {provider.type!r} failed to state its prices"):
        quote = provider.quote(plan, 1)
        charged = to_minor_up(quote.fees + quote.taxes, currency)
    return UnitPrice(currency=currency, reward=reward, cost=reward + charged)


def charges(provider: Provider, kind: PaymentKind, amount: Decimal, currency: str) -> int:
    """Return a platform's fee and the taxes on top of one payment, in minor units, rounded up.

    :param currency: that of the amount.
    :raises famulus.ConflictError: when the account has another currency.
    :raises famulus.UnavailableError: when the platform has to be asked, and is away.
    :raises famulus.PluginError: when the provider's code fails.
    """
    if (current := account_currency(provider)) != currency:
        raise ConflictError(
            f"the payment is in {currency}, and the account of the requester is in {current}; "
            "pay it outside of the platform, or register the account that the run was launched with"
        )
    with as_plugin_error(f"the provider {provider.type!r} failed to state its fee"):
        return to_minor_up(provider.fee(kind, amount) + provider.taxes(kind, amount), currency)
