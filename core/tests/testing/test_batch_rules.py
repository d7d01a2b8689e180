"""A provider that breaks one rule of calls with many items fails the test of that rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import define, evolve, field, frozen

import famulus
from famulus import (
    Approve,
    ApprovePartially,
    Capabilities,
    GrantView,
    Keep,
    Outcome,
    PartialBounds,
    PaymentView,
    Reject,
    RequestReturn,
    Result,
    VisitVerdict,
)
from famulus.testing import PluginHarness, ProviderConformance

APPROVAL, REJECTION, CATEGORIES, PART, RETURN, SETTLING, LOST, UNPAYABLE, GRANTS = RULES = (
    "an_approval_sent_twice_pays_once",
    "a_rejection_sent_twice_has_no_second_effect",
    "every_category_of_rejections_is_accepted",
    "a_partial_approval_sent_twice_pays_once",
    "a_requested_return_has_no_second_effect_and_decides_nothing",
    "settle_finds_the_outcome_and_pays_nothing",
    "a_lost_reply_is_unknown_and_settled_by_asking",
    "a_payment_that_can_never_be_made_is_unpayable",
    "grants_and_revocations_have_no_second_effect",
)


#: The reference of a visit that was returned.
GONE = "gone"


@frozen(kw_only=True)
class NoArgs:
    nothing: None = field(default=None, metadata=famulus.option(help="Nothing.").metadata)


@define
class Bank:
    """What a platform has paid."""

    rewarded: list[str] = field(factory=list)
    rejected: list[str] = field(factory=list)
    returns: list[str] = field(factory=list)
    #: by the number of the order and the key
    paid: list[tuple[object, str]] = field(factory=list)
    #: by worker; a provider that breaks a rule may add one twice
    granted: list[tuple[str, int]] = field(factory=list)
    #: whether the reply of a call is lost after its first payment
    is_losing: bool = False


class Panel(famulus.Provider):
    """A provider that keeps every rule."""

    type = "panel"
    Args = NoArgs
    default_requester = "panel"
    batch_size = 3
    capabilities = Capabilities(
        pays=True,
        qualifications=True,
        rejection_categories={"NO_DATA": "Nothing is answered.", "LOW_EFFORT": "It says little."},
        partial_approvals=PartialBounds(smallest=Decimal("0.08"), largest=Decimal("0.99")),
        requests_return=True,
    )
    bank: ClassVar[Bank]

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []

    def arrive(self, query: Mapping[str, str]) -> famulus.Arrival:
        return famulus.Arrival(worker_name=query["who"], reference=query["visit"])

    def completion(
        self, visit: famulus.VisitView, outcome: famulus.VisitOutcome
    ) -> famulus.Completion:
        return famulus.Nothing()

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterable[tuple[str, Result]]:
        for each in verdicts:
            known = self._known(each)
            if each.visit.reference not in known:
                known.append(each.visit.reference)
            yield each.key, Outcome.CONFIRMED

    def _known(self, each: VisitVerdict) -> list[str]:
        match each.verdict:
            case Approve() | ApprovePartially():
                return self.bank.rewarded
            case RequestReturn():
                return self.bank.returns
            case Reject(category=category) if category in self.capabilities.rejection_categories:
                return self.bank.rejected
        raise famulus.RefusedError(f"{each.verdict!r} is no verdict of this platform")

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        for each in payments:
            keep(each.key, "an order")
        for each in payments:
            if each.reference == GONE:
                yield each.key, famulus.UnpayableError("it was returned")
                continue
            self.bank.paid.append(("an order", each.key))
            if self.bank.is_losing:
                raise TimeoutError
            yield each.key, Outcome.CONFIRMED

    def settle(
        self,
        visit: famulus.VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterable[tuple[str, Result]]:
        for each in unsettled:
            is_paid = (each.kept, each.key) in self.bank.paid
            yield each.key, Outcome.CONFIRMED if is_paid else Outcome.FAILED

    def grant(self, grants: Sequence[GrantView]) -> Iterable[tuple[str, Result]]:
        for each in grants:
            if (each.worker_name, each.value) not in self.bank.granted:
                self.bank.granted.append((each.worker_name, each.value))
            yield each.key, Outcome.CONFIRMED

    def revoke(self, grants: Sequence[GrantView]) -> Iterable[tuple[str, Result]]:
        for each in grants:
            self.bank.granted = [one for one in self.bank.granted if one[0] != each.worker_name]
            yield each.key, Outcome.CONFIRMED


class PanelRules(ProviderConformance):
    provider: ClassVar[type[Panel]] = Panel

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"who": worker, "visit": reference}

    def platform_state(self) -> object:
        bank: Bank = self.provider.bank
        return [*bank.rewarded, *bank.rejected, *bank.returns, *bank.paid, *bank.granted]

    def unpayable_visit(self, harness: PluginHarness) -> famulus.VisitView:
        return famulus.VisitView(id=2, run_id=1, worker_name="another", reference=GONE)

    @contextmanager
    def losing_a_reply(self, harness: PluginHarness) -> Iterator[None]:
        bank: Bank = self.provider.bank
        bank.is_losing = True
        yield
        bank.is_losing = False


class Rewarding(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            self.bank.rewarded.append(each.visit.reference)
            yield each.key, Outcome.CONFIRMED


class Strict(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            if each.visit.reference in self.bank.rewarded:
                raise famulus.RefusedError("it is approved already")
            yield from super().decide([each])


class Scolding(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            self.bank.rejected.append(each.visit.reference)
            yield each.key, Outcome.CONFIRMED


class Picky(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            if isinstance(each.verdict, Reject) and each.verdict.category != "NO_DATA":
                raise famulus.RefusedError("the category is not known")
            yield from super().decide([each])


class Wordless(Panel):
    capabilities = evolve(Panel.capabilities, rejection_categories={"NO_DATA": " "})


class Ignoring(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            if isinstance(each.verdict, ApprovePartially):
                yield each.key, Outcome.CONFIRMED
            else:
                yield from super().decide([each])


class Nagging(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            if isinstance(each.verdict, RequestReturn):
                self.bank.returns.append(each.visit.reference)
                yield each.key, Outcome.CONFIRMED
            else:
                yield from super().decide([each])


class Once(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            if each.visit.reference in self.bank.returns and each.verdict != Approve():
                raise famulus.RefusedError("its return is requested already")
            yield from super().decide([each])


class Closing(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            is_request = isinstance(each.verdict, RequestReturn)
            if each.visit.reference in self.bank.returns and not is_request:
                raise famulus.RefusedError("its return was requested")
            yield from super().decide([each])


class Final(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            if each.visit.reference in self.bank.rejected:
                raise famulus.RefusedError("it is rejected already")
            yield from super().decide([each])


class ByReference(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            yield each.visit.reference, Outcome.CONFIRMED


class Silent(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterable[tuple[str, Result]]:
        return ()


class Trusting(Panel):
    def settle(
        self,
        visit: famulus.VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterable[tuple[str, Result]]:
        return [(each.key, Outcome.CONFIRMED) for each in unsettled]


class Repeating(Panel):
    def settle(
        self,
        visit: famulus.VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterable[tuple[str, Result]]:
        for key, result in super().settle(visit, unsettled, confirmed):
            if result is Outcome.CONFIRMED:
                self.bank.paid.append(("another order", key))
            yield key, result


class Forgetful(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        return super().pay(payments, lambda key, data: None)


class Brief(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        return [*super().pay(payments, keep)][-1:]


class Denying(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        try:
            return [*super().pay(payments, keep)]
        except TimeoutError as error:
            raise famulus.UnavailableError("no reply") from error


class HalfDenying(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        first, second, *_ = payments
        keep(first.key, "an order")
        self.bank.paid.append(("an order", first.key))
        yield second.key, Outcome.UNKNOWN
        raise famulus.UnavailableError("no reply")


class KeepsObjects(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        return super().pay(payments, lambda key, data: keep(key, object()))


class KeepsElsewhere(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        return super().pay(payments, lambda key, data: keep("order", data))


class Refusing(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        for key, result in super().pay(payments, keep):
            is_refused = isinstance(result, famulus.UnpayableError)
            yield key, famulus.RefusedError("it was returned") if is_refused else result


class PayingTwice(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        for each in payments:
            if each.reference == GONE:
                self.bank.paid.append(("another order", each.key))
            yield from super().pay([each], keep)


class Contradicting(Panel):
    def settle(
        self,
        visit: famulus.VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterator[tuple[str, Result]]:
        for key, result in super().settle(visit, unsettled, confirmed):
            is_gone = visit is not None and visit.reference == GONE
            yield key, Outcome.UNKNOWN if is_gone else result


class Sweeping(Panel):
    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterable[tuple[str, Result]]:
        if any(each.reference == GONE for each in payments):
            raise famulus.UnpayableError("it was returned")
        return super().pay(payments, keep)


class Postponing(Panel):
    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for key, _ in super().decide(verdicts):
            yield key, Outcome.ACCEPTED


class Adding(Panel):
    def grant(self, grants: Sequence[GrantView]) -> Iterable[tuple[str, Result]]:
        self.bank.granted += [(each.worker_name, each.value) for each in grants]
        return [(each.key, Outcome.CONFIRMED) for each in grants]


class Missing(Panel):
    def revoke(self, grants: Sequence[GrantView]) -> Iterable[tuple[str, Result]]:
        for each in grants:
            if not any(one[0] == each.worker_name for one in self.bank.granted):
                raise famulus.RefusedError(f"{each.worker_name} has none")
            yield from super().revoke([each])


def check(broken: type[Panel], rule: str, folder: Path) -> None:
    rules = PanelRules()
    broken.bank = Bank()
    rules.provider = broken  # type: ignore[misc]
    getattr(rules, f"test_{rule}")(folder)


@pytest.mark.parametrize("rule", RULES)
def test_a_right_provider_keeps_every_rule(tmp_path: Path, rule: str) -> None:
    check(Panel, rule, tmp_path)


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Rewarding, APPROVAL, "decide.. must not change the platform when it"),
        (Strict, APPROVAL, "and again when the platform already has it"),
        (Scolding, REJECTION, "decide.. must not change the platform when it"),
        (Final, REJECTION, "and again when the platform already has it"),
        (Picky, CATEGORIES, "must confirm a rejection of every category"),
        (Wordless, CATEGORIES, "must say in a sentence what each means"),
        (Rewarding, PART, "decide.. must not change the platform when it"),
        (Strict, PART, "and again when the platform already has it"),
        (Ignoring, PART, "decide.. must send a partial approval"),
        (Nagging, RETURN, "decide.. must not change the platform when it"),
        (Once, RETURN, "and again when it was already requested"),
        (Closing, RETURN, "must confirm an approval after a requested return"),
        (ByReference, APPROVAL, "one result for each item, with its key"),
        (Postponing, APPROVAL, "must not return ACCEPTED, which is for payments"),
        (Silent, APPROVAL, "one result for each item, with its key"),
        (Trusting, SETTLING, "must return FAILED for what was certainly never paid"),
        (Repeating, SETTLING, "must not pay"),
        (Forgetful, SETTLING, "must find what was paid, also in another process"),
        (Brief, SETTLING, "one result for each item, with its key"),
        (KeepsObjects, SETTLING, "must be JSON"),
        (KeepsElsewhere, SETTLING, "must keep things by the keys of its payments"),
        (Refusing, UNPAYABLE, "must give an UnpayableError for what the platform can never pay"),
        (PayingTwice, UNPAYABLE, "must not pay what it calls unpayable"),
        (Contradicting, UNPAYABLE, "must return FAILED for what was called unpayable"),
        (Sweeping, UNPAYABLE, "to the payment that it concerns, not to others of the call"),
        (Adding, GRANTS, "must have no second effect"),
        (Missing, GRANTS, "must confirm what it has done, and what was done already"),
        (Denying, LOST, "whose reply is lost must be UNKNOWN"),
        (HalfDenying, LOST, "must say of every payment of the call whether it was made"),
    ],
)
def test_a_broken_rule_is_named(
    tmp_path: Path, broken: type[Panel], rule: str, sentence: str
) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check(broken, rule, tmp_path)
