"""What a platform allows reviewers to decide: functions of nothing but its capabilities."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from attrs import Factory, frozen

from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.errors import UsageError
from famulus.model.money import from_minor, to_minor
from famulus.model.states import Decision
from famulus.options.suggest import did_you_mean

#: The most characters of a reason that a message repeats.
_SHOWN = 60
_OFFERED_AGAIN = (
    "Unless its run is finished, rejected work is offered to another worker, who is paid like any "
    "other."
)


@frozen(kw_only=True)
class Worth:
    """What a unit can earn, in minor units of a currency."""

    reward: int
    currency: str
    #: whether its visit has no other unit, so that the platform approves just this amount
    is_whole_visit: bool

    @property
    def text(self) -> str:
        """The reward with its currency."""
        return f"{from_minor(self.reward, self.currency)} {self.currency}"


@frozen(kw_only=True)
class PlatformRules:
    """A platform's rules for decisions. Each method returns what is wrong, or None."""

    provider_type: str = "the provider"
    capabilities: Capabilities = Factory(Capabilities)

    @property
    def on_rejections(self) -> list[str]:
        """The platform's own rules on rejections, below a heading; empty if it has none.

        If the platform sells the place again by itself, the consequence of a rejection is added.
        """
        text = self.capabilities.rejection_rules
        if not text:
            return []
        more = [_OFFERED_AGAIN] if self.capabilities.replaces_by_itself else []
        return [f"The rules of {self.provider_type} on rejections:", *text.splitlines(), *more]

    def reason_fault(self, reason: str) -> str | None:
        """Return the fault of the length of a rejection's reason, as the end of a sentence."""
        shortest = max(1, self.capabilities.shortest_rejection)
        longest = self.capabilities.longest_rejection
        if len(reason) < shortest:
            return f"is too short: {self.provider_type} requires at least {shortest} characters"
        if longest is not None and len(reason) > longest:
            return (
                f"is too long: {self.provider_type} allows at most {longest} characters, and "
                f"it has {len(reason)}"
            )
        return None

    def category_fault(self, category: str) -> str | None:
        """Return what is wrong with a rejection's category."""
        known = self.capabilities.rejection_categories
        if category in known or (not known and not category):
            return None
        if not known:
            return f"{self.provider_type} has no categories of rejections"
        if not category:
            names = ", ".join(known)
            return f"{self.provider_type} requires a category for a rejection, one of {names}"
        hint = did_you_mean(category, known, otherwise="there are")
        return f"{category!r} is not a category of {self.provider_type}{hint}"

    def request_fault(self, reason: str) -> str | None:
        """Return why a worker cannot be asked for the return of a visit."""
        if not self.capabilities.requests_return:
            return f"{self.provider_type} does not support requested returns"
        return None if reason.strip() else "a requested return needs a reason"

    def amount_fault(self, amount: Decimal, worth: Worth) -> str | None:
        """Return why a unit cannot be accepted for an amount."""
        bounds = self.capabilities.partial_approvals
        if bounds is None:
            has_return = self.capabilities.requests_return and self.capabilities.pays
            remedy = (
                "ask for its return, and compensate the worker once it is returned"
                if has_return
                else "reject it"
            )
            return (
                f"{self.provider_type} does not support partial acceptance; accept the work in "
                f"full, or {remedy}"
            )
        reward, currency = worth.reward, worth.currency
        if not (amount.is_finite() and 0 < amount < from_minor(reward, currency)):
            return f"the amount {amount} is not between 0 and the reward of {worth.text}"
        try:
            minor = to_minor(amount, currency)
        except UsageError as error:
            return str(error)
        smallest, largest = partial_range(bounds, reward)
        if not worth.is_whole_visit or smallest <= minor <= largest:
            return None
        if smallest > largest:
            return f"{self.provider_type} cannot approve a part of {worth.text}"
        return (
            f"the amount {amount} is not within what {self.provider_type} can approve of "
            f"{worth.text}, {from_minor(smallest, currency)} to {from_minor(largest, currency)}"
        )


@frozen(kw_only=True)
class Terms:
    """The amount and category of a decision, for platforms that take them, and the rules."""

    #: what accepted work earns, in the currency of its run, where that is a part of the reward
    amount: Decimal | None = None
    #: the platform's category of a rejection
    category: str = ""
    rules: PlatformRules = Factory(PlatformRules)

    def fault(self, decision: Decision, note: str) -> str | None:
        """Return what is wrong with a decision on any unit, or None.

        :param note: the reason of a rejection, or of a requested return.
        """
        if self.amount is not None and decision is not Decision.ACCEPTED:
            return "an amount can only be given for accepted work; leave it out"
        if self.category and decision is not Decision.REJECTED:
            return "a category can only be given for rejected work; leave it out"
        if decision is Decision.RETURN_REQUESTED:
            return self.rules.request_fault(note)
        if decision is not Decision.REJECTED:
            return None
        if not note.strip():
            return "a rejection needs a reason"
        length = self.rules.reason_fault(note)
        if length is not None:
            start = note if len(note) <= _SHOWN else f"{note[:_SHOWN]}…"
            return f"the reason {start!r} {length}"
        return self.rules.category_fault(self.category)


#: Those of a decision on a platform that takes nothing besides it.
NO_TERMS = Terms()


def partial_range(bounds: PartialBounds, reward: int) -> tuple[int, int]:
    """Return the smallest and the largest part of a reward that can be approved.

    All amounts are in minor units. If the smallest is larger than the largest, no part can be
    approved.
    """
    smallest = (bounds.smallest * reward).to_integral_value(ROUND_CEILING)
    largest = (bounds.largest * reward).to_integral_value(ROUND_FLOOR)
    return int(smallest), int(largest)
