"""The rules of calls with many items: verdicts, payments and grants, each with its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import attrs
import pytest

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    GrantView,
    PaymentView,
    Result,
    VisitVerdict,
    VisitView,
)
from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.outbox.batch_results import read_results
from famulus.engine.outbox.platform_call import NO_RESULT, CallResult, CallStatus
from famulus.model.money import from_minor, to_minor_up
from famulus.model.states import PaymentKind
from famulus.testing.conformance.harness import PluginHarness, assert_json
from famulus.testing.conformance.provider_under_test import ProviderUnderTest

#: The most payments of one call of a test.
_MOST = 3
#: The result of an item for which nothing was paid.
_NOT_PAID = CallStatus.REFUSED
#: By the result of a payment, what asking for it may find; nothing was paid for any other result.
_SETTLED: Mapping[CallStatus, Sequence[CallStatus]] = MappingProxyType(
    {CallStatus.DONE: (CallStatus.DONE,), CallStatus.UNKNOWN: (CallStatus.DONE, _NOT_PAID)}
)


#: The methods about payments.
_PAYING = ("pay", "settle")


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


Item = TypeVar("Item", bound=_Keyed)


class ProviderBatchRules(ProviderUnderTest):
    """Verdicts have one effect, money is paid once, and each item has a result of its own."""

    def test_an_approval_sent_twice_pays_once(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.pays:
                pytest.skip("the platform pays nothing")
            visit = self.submitted_visit(harness)
            first = self._approve(harness.provider(), visit)
            once = self.platform_state()
            second = self._approve(harness.provider(), visit)
            again = self.platform_state()

        assert first.status is second.status is CallStatus.DONE, (
            "decide() must confirm an approval, and again when the platform already has it; the"
            f" results were {first!r} and {second!r}."
        )
        assert again == once, (
            "decide() must not change the platform when it sends an approval again."
        )

    def test_a_rejection_sent_twice_has_no_second_effect(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.pays:
                pytest.skip("the platform pays nothing")
            visit = self.submitted_visit(harness)
            rejection = self._rejection(
                next(iter(self.provider.capabilities.rejection_categories), "")
            )
            first = self._decide(harness.provider(), visit, rejection)
            once = self.platform_state()
            second = self._decide(harness.provider(), visit, rejection)
            again = self.platform_state()

        assert first.status is second.status is CallStatus.DONE, (
            "decide() must confirm a rejection, and again when the platform already has it; the"
            f" results were {first!r} and {second!r}."
        )
        assert again == once, (
            "decide() must not change the platform when it sends a rejection again."
        )

    def test_every_category_of_rejections_is_accepted(self, tmp_path: Path) -> None:
        categories = self.provider.capabilities.rejection_categories
        if not categories:
            pytest.skip("the platform has no categories of rejections")
        silent = [name for name, sentence in categories.items() if not sentence.strip()]
        assert not silent, (
            "rejection_categories must say in a sentence what each means, for reviewers:"
            f" {', '.join(silent)} have none."
        )
        for number, category in enumerate(categories):
            with self.harness(tmp_path / f"{number}") as harness:
                visit = self.submitted_visit(harness)
                result = self._decide(harness.provider(), visit, self._rejection(category))
            assert result.status is CallStatus.DONE, (
                "decide() must confirm a rejection of every category in rejection_categories, and"
                f" the result of {category!r} is {result!r}."
            )

    def test_a_partial_approval_sent_twice_pays_once(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            part = self._part(harness)
            visit = self.submitted_visit(harness)
            before = self.platform_state()
            first = self._decide(harness.provider(), visit, part)
            once = self.platform_state()
            second = self._decide(harness.provider(), visit, part)
            again = self.platform_state()

        assert first.status is second.status is CallStatus.DONE, (
            "decide() must confirm a partial approval, and again when the platform already has it;"
            f" the results were {first!r} and {second!r}."
        )
        assert before is None or once != before, (
            "decide() must send a partial approval to the platform, and the platform is unchanged."
        )
        assert again == once, (
            "decide() must not change the platform when it sends a partial approval again."
        )

    def test_a_requested_return_has_no_second_effect_and_decides_nothing(
        self, tmp_path: Path
    ) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.requests_return:
                pytest.skip("the platform requests no returns")
            visit, request = self.submitted_visit(harness), RequestReturn(self._reason)
            first = self._decide(harness.provider(), visit, request)
            once = self.platform_state()
            second = self._decide(harness.provider(), visit, request)
            again = self.platform_state()
            decided = self._approve(harness.provider(), visit)

        assert first.status is second.status is CallStatus.DONE, (
            "decide() must confirm a requested return, and again when it was already requested;"
            f" the results were {first!r} and {second!r}."
        )
        assert again == once, (
            "decide() must not change the platform when it requests a return again."
        )
        assert decided.status is CallStatus.DONE, (
            "decide() must confirm an approval after a requested return, which decides nothing; the"
            f" result was {decided!r}."
        )

    def test_settle_finds_the_outcome_and_pays_nothing(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.pays:
                pytest.skip("the platform pays nothing")
            visit = self.submitted_visit(harness)
            self._approve(harness.provider(), visit)
            most = min(self.provider.batch_size, _MOST)
            never, *made = self._payments(harness, visit, most + 1)
            before = self.platform_state()
            assert self._settle(harness, visit, [never]) == [_NOT_PAID], (
                "settle() must return FAILED for what was certainly never paid."
            )
            assert self.platform_state() == before, "settle() must not pay."
            paid, kept = _pay(harness.provider(), made)
            assert paid == [CallStatus.DONE] * len(made), "pay() must confirm what it has paid."
            after = self.platform_state()
            found = self._settle(harness, visit, [never, *kept])
            assert found == [_NOT_PAID, *[CallStatus.DONE] * len(made)], (
                "settle() must find what was paid, also in another process, and nothing else: the"
                f" payments are {', '.join(found)}."
            )
            assert self.platform_state() == after, "settle() must not pay."

    def test_a_lost_reply_is_unknown_and_settled_by_asking(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            losing = self.losing_a_reply(harness)
            if losing is None:
                pytest.skip("losing_a_reply() loses none")
            visit = self.submitted_visit(harness)
            self._approve(harness.provider(), visit)
            payments = self._payments(harness, visit, min(self.provider.batch_size, _MOST))
            with losing:
                results, kept = _pay(harness.provider(), payments)
            assert CallStatus.UNKNOWN in results, (
                "pay() whose reply is lost must be UNKNOWN, or raise something else than"
                " UnavailableError and RefusedError: these say that surely nothing was paid."
            )
            once = self.platform_state()
            settled = self._settle(harness, visit, kept)
            for result, found in zip(results, settled, strict=True):
                assert found in _SETTLED.get(result, (_NOT_PAID,)), (
                    f"pay() says that a payment is {result}, and settle() that it is {found}: both"
                    " must say of every payment of the call whether it was made."
                )
            assert CallStatus.DONE in settled, "settle() must find a payment whose reply was lost."
            assert self.platform_state() == once, "settle() must not pay."

    def test_a_payment_that_can_never_be_made_is_unpayable(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.pays:
                pytest.skip("the platform pays nothing")
            visit = self.submitted_visit(harness)
            self._approve(harness.provider(), visit)
            never = self.unpayable_visit(harness)
            if never is None:
                pytest.skip("unpayable_visit() returns none")
            before = self.platform_state()
            (refused,), views = _pay_each(harness.provider(), self._payments(harness, never, 1))
            assert refused.is_owed, (
                "pay() must give an UnpayableError for what the platform can never pay, so that the"
                f" requester owes it, not {refused!r}."
            )
            assert self.platform_state() == before, (
                "pay() must not pay what it calls unpayable: a person pays it a second time."
            )
            settled = self._settle(harness, never, views)
            assert settled == [_NOT_PAID], (
                "settle() must return FAILED for what was called unpayable, not"
                f" {', '.join(settled)}."
            )
            if self.provider.batch_size < len((never, visit)):
                return
            payments = self._payments(harness, visit, 2)
            payments[0] = attrs.evolve(
                payments[0], worker_name=never.worker_name, reference=never.reference
            )
            results, _ = _pay_each(harness.provider(), payments)
            assert [result.is_owed for result in results] == [True, False], (
                "pay() must give an UnpayableError to the payment that it concerns, not to others"
                " of the call: the requester would owe what the platform can pay."
            )

    def test_grants_and_revocations_have_no_second_effect(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.qualifications:
                pytest.skip("the platform has no qualifications")
            arrival = harness.provider().arrive(self.query("worker", "visit"))
            worker = arrival.worker_name if isinstance(arrival, Arrival) else "worker"
            grants = [
                GrantView(
                    key=f"{number}",
                    worker_name=f"{worker}{number or ''}",
                    qualification="qualification",
                    value=number + 1,
                )
                for number in range(min(self.provider.batch_size, _MOST))
            ]
            states = []
            for name in ("revoke", "grant", "grant", "revoke", "revoke"):
                for result in _ask(name, getattr(harness.provider(), name), grants):
                    assert result.status is CallStatus.DONE, (
                        f"{name}() must confirm what it has done, and what was done already, not"
                        f" {result!r}."
                    )
                states.append(self.platform_state())

        assert (states[1], states[3]) == (states[2], states[4]), (
            "grant() and revoke() are called again with the same arguments after a crash or a lost"
            " reply, and must have no second effect."
        )

    @property
    def _reason(self) -> str:
        return "For the test.".ljust(self.provider.capabilities.shortest_rejection, ".")

    def _rejection(self, category: str) -> Reject:
        return Reject(self._reason, category)

    def _part(self, harness: PluginHarness) -> ApprovePartially:
        """Return the smallest part of the run's reward that the platform can approve."""
        bounds = self.provider.capabilities.partial_approvals
        reward = harness.plan.task.task_reward
        if bounds is None or not reward:
            pytest.skip("the platform approves no part of a reward")
        currency = harness.provider().currency
        smallest = from_minor(to_minor_up(reward * bounds.smallest, currency), currency)
        if smallest > reward * bounds.largest:
            pytest.skip(f"no part of {reward} {currency} is within partial_approvals")
        return ApprovePartially(smallest)

    def _payments(self, harness: PluginHarness, visit: VisitView, count: int) -> list[PaymentView]:
        """Return payments of different amounts, since some platforms only show amounts."""
        return [
            PaymentView(
                id=number,
                key=f"conformance-{number}",
                kind=PaymentKind.BONUS,
                run_id=visit.run_id,
                worker_name=visit.worker_name,
                reference=visit.reference,
                amount=Decimal(50 + number) / 100,
                currency=harness.provider().currency,
                reason="For the test.",
                sent_at=harness.database.clock(),
            )
            for number in range(1, count + 1)
        ]

    def _settle(
        self, harness: PluginHarness, visit: VisitView, payments: Sequence[PaymentView]
    ) -> list[CallStatus]:
        """Return the outcome of each payment that another process finds out."""
        provider = harness.provider()
        results = _ask("settle", lambda asked: provider.settle(visit, asked, []), payments)
        return [result.status for result in results]

    def _approve(self, provider: Provider, visit: VisitView) -> CallResult:
        return self._decide(provider, visit, Approve())

    def _decide(self, provider: Provider, visit: VisitView, verdict: Verdict) -> CallResult:
        given = VisitVerdict(key=f"conformance-{visit.id}", visit=visit, verdict=verdict)
        (result,) = _ask("decide", provider.decide, [given])
        return result


def _ask(
    name: str, call: Callable[[Sequence[Item]], Iterable[tuple[str, Result]]], items: Sequence[Item]
) -> list[CallResult]:
    """Make a call in the way of core; return the result of each item, in the order of the items."""
    keys: list[str] = []
    is_complete = False

    def give() -> Iterator[tuple[str, Result]]:
        nonlocal is_complete
        for key, result in call(items):
            keys.append(key)
            yield key, result
        is_complete = True

    found = dict(read_results(give, {each.key: place for place, each in enumerate(items)}))
    assert not is_complete or sorted(keys) == sorted(each.key for each in items), (
        f"{name}() must give one result for each item, with its key: it got"
        f" {[each.key for each in items]}, and gave results for {keys}."
    )
    assert name in _PAYING or not any(result.is_accepted for result in found.values()), (
        f"{name}() must not return ACCEPTED, which is for payments: core would not ask what has"
        " become of it."
    )
    return [found.get(place, NO_RESULT) for place in range(len(items))]


def _pay(
    provider: Provider, payments: Sequence[PaymentView]
) -> tuple[list[CallStatus], list[PaymentView]]:
    """Pay in the way of core; return the statuses, and the payments with their kept data."""
    results, views = _pay_each(provider, payments)
    return [result.status for result in results], views


def _pay_each(
    provider: Provider, payments: Sequence[PaymentView]
) -> tuple[list[CallResult], list[PaymentView]]:
    """Pay as core does; return the results, and the payments with their kept data."""
    kept: dict[str, Any] = {}

    def keep(key: str, data: Any) -> None:
        kept[key] = data

    results = _ask("pay", lambda given: provider.pay(given, keep), payments)
    assert kept.keys() <= {each.key for each in payments}, (
        f"pay() must keep things by the keys of its payments, not {[*kept]}."
    )
    assert_json(kept, "What pay() keeps for a payment must be JSON, since it is stored")
    return results, [attrs.evolve(each, kept=kept.get(each.key)) for each in payments]
