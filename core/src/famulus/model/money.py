"""Money, stored as whole minor units of a currency."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from famulus.errors import UsageError

#: ISO 4217 currencies whose smallest unit is not a hundredth.
_WITHOUT = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def minor_digits(currency: str) -> int:
    """Return the number of decimal places of a currency."""
    if currency in _WITHOUT:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def to_minor(amount: Decimal, currency: str) -> int:
    """Return an amount as whole minor units.

    :raises famulus.UsageError: when the amount is finer than the currency's smallest unit.
    """
    scaled = amount.scaleb(minor_digits(currency))
    if scaled != scaled.to_integral_value():
        raise UsageError(
            f"{amount} {currency} is finer than the smallest unit of {currency}; "
            f"use at most {minor_digits(currency)} decimal places"
        )
    return int(scaled)


def from_minor(units: int, currency: str) -> Decimal:
    """Return whole minor units as an exact amount with the currency's decimal places."""
    return Decimal(units).scaleb(-minor_digits(currency))


def to_minor_up(amount: Decimal, currency: str) -> int:
    """Return an amount as whole minor units, rounded up if it is finer, for fees."""
    scaled = amount.scaleb(minor_digits(currency))
    return int(scaled.to_integral_value(rounding=ROUND_CEILING))
