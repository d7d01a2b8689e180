"""The balance, the amounts reserved for open places, and fees."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from attrs import define, field

from famulus_mturk.fake.errors import RequestError
from famulus_mturk.fake.records import LedgerEntry

CENT = Decimal("0.01")
#: from this number of assignments on, a HIT's fee is twice as high
MANY = 10
#: the qualification of Masters, in production and in the sandbox: 5 % more
MASTERS = ("2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6")


def fee(amount: Decimal, assignments: int = 1, *, masters: bool = False) -> Decimal:
    """Return the fee on one reward or bonus in dollars: at least a cent.

    ``assignments`` is the number of assignments of the HIT: from ten on, the fee is higher.
    """
    percent = 40 if assignments >= MANY else 20
    percent += 5 if masters else 0
    return max(CENT, (amount * percent / 100).quantize(CENT, ROUND_HALF_UP))


@define
class Money:
    """One account's dollars."""

    #: prepaid, reserved amounts included
    prepaid: Decimal
    #: the sandbox's balance never changes
    endless: bool = False
    ledger: list[LedgerEntry] = field(factory=list)
    _reserved: dict[str, Decimal] = field(factory=dict)
    _on_hold: Decimal = Decimal(0)

    @property
    def on_hold(self) -> Decimal:
        """The amount reserved for places that may still have to be paid."""
        return self._on_hold

    @property
    def available(self) -> Decimal:
        """The balance that is not reserved."""
        return self.prepaid if self.endless else self.prepaid - self._on_hold

    def require(self, amount: Decimal) -> None:
        """Refuse an amount that the balance does not cover."""
        if amount > self.available:
            raise RequestError(
                "InsufficientFunds",
                "This Requester has insufficient funds in their account to complete this"
                " transaction.",
            )

    def hold(self, hit_id: str, amount: Decimal) -> None:
        """Reserve this amount for a HIT instead of the former one."""
        self._on_hold += amount - self._reserved.get(hit_id, Decimal(0))
        self._reserved[hit_id] = amount

    def pay(self, entry: LedgerEntry) -> None:
        """Take an amount and its fee out of the account."""
        self.ledger.append(entry)
        if not self.endless:
            self.prepaid -= entry.amount + entry.fee
