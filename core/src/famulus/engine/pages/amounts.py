"""Amounts of money, as the language of a page writes them."""

from __future__ import annotations

from decimal import Decimal

from famulus.catalogue import _


def amount_text(amount: Decimal, currency: str) -> str:
    """Return an amount of money as a text that a page translates.

    :param currency: its code: ``USD``.
    """
    # Translators: such as 0.10 USD; nothing may break the line within it
    return _("{amount} {currency}", amount=amount, currency=currency)
