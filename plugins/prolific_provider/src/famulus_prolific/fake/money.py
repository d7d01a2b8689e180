"""The balance, what is set aside for studies, and what was paid; amounts are in cents."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from attrs import Factory, define, frozen

from famulus_prolific.fake.facts import Facts
from famulus_prolific.fake.records import LedgerEntry

_CENT = Decimal(1)
_FRACTION = Decimal("0.01")


@frozen(kw_only=True)
class Cost:
    """What payments cost the researcher."""

    rewards: Decimal
    fees: Decimal
    vat: Decimal

    @property
    def total(self) -> Decimal:
        """The sum of rewards, fees and VAT."""
        return self.rewards + self.fees + self.vat


@define(kw_only=True)
class Money:
    """The account's money."""

    facts: Facts
    #: with what is set aside
    balance: Decimal
    currency: str = "GBP"
    #: 42.8 for companies, 33.3 for universities and charities
    fee_percent: Decimal = Decimal("42.8")
    #: on the fees
    vat_percent: Decimal = Decimal(20)
    #: what is set aside, by study
    holds: dict[str, Decimal] = Factory(dict)
    ledger: list[LedgerEntry] = Factory(list)

    @property
    def available(self) -> Decimal:
        """What can still be spent."""
        return self.balance - sum(self.holds.values(), Decimal(0))

    def cost(self, amount: int, times: int = 1) -> Cost:
        """Return the cost of ``times`` payments of an amount."""
        unit = _CENT if self.facts.fees_in_whole_cents else _FRACTION
        rewards = Decimal(amount) * times
        fees = (rewards * self.fee_percent / 100).quantize(unit, ROUND_HALF_UP)
        vat = (fees * self.vat_percent / 100).quantize(unit, ROUND_HALF_UP)
        return Cost(rewards=rewards, fees=fees, vat=vat)

    def hold(self, key: str, amount: Decimal) -> None:
        """Set an amount aside for ``key``, in place of the earlier amount."""
        self.holds[key] = amount
        if not amount:
            del self.holds[key]

    def pay(self, entry: LedgerEntry) -> None:
        """Pay a participant."""
        self.balance -= self.cost(entry.amount).total
        self.ledger.append(entry)
