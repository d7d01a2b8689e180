"""The rules of calls with many items: verdicts and payments, each with its own result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from famulus.contracts.provider import (
    Outcome,
    PaymentView,
    Provider,
    Result,
    Verdict,
    VisitVerdict,
    VisitView,
)
from famulus.engine.outbox.batch_results import read_results
from famulus.engine.outbox.platform_call import NO_RESULT, CallResult, CallStatus
from famulus.errors import RefusedError, UnavailableError
from famulus.model.states import PaymentKind
from famulus.testing.conformance.provider_under_test import ProviderUnderTest


class _Item(Protocol):
    @property
    def key(self) -> str: ...


I = TypeVar("I", bound=_Item)  # noqa: E741


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

        assert first.status is second.status is CallStatus.DONE, (
            "decide() must confirm an approval, and one that the platform has already as well,"
            f" not {first!r} and {second!r}."
        )
        assert self.platform_state() == once, "Approving again must have no second effect."

    def test_settle_finds_the_outcome_and_pays_nothing(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.pays:
                pytest.skip("the platform pays nothing")
            provider, visit = harness.provider(), self.submitted_visit(harness)
            self._approve(provider, visit)
            never, made = self._payment(visit, 1), self._payment(visit, 2)
            before = self.platform_state()
            assert provider.settle(never) is Outcome.FAILED, (
                "settle() must return FAILED for what was certainly never paid."
            )
            assert self.platform_state() == before, "settle() must not pay."
            assert provider.pay(made) is Outcome.CONFIRMED, "pay() must confirm what it has paid."
            after = self.platform_state()
            assert harness.provider().settle(made) is Outcome.CONFIRMED, (
                "settle() must find what was paid, also in another process."
            )
            assert self.platform_state() == after, "settle() must not pay."

    def test_a_lost_reply_is_unknown_and_settled_by_asking(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            losing = self.losing_a_reply(harness)
            if losing is None:
                pytest.skip("losing_a_reply() loses none")
            visit = self.submitted_visit(harness)
            self._approve(harness.provider(), visit)
            payment = self._payment(visit, 1)
            with losing:
                assert _pay(harness.provider(), payment) is Outcome.UNKNOWN, (
                    "pay() whose reply is lost must be UNKNOWN, or to raise something else than"
                    " UnavailableError and RefusedError: these say that surely nothing was paid."
                )
            once = self.platform_state()
            assert harness.provider().settle(payment) is Outcome.CONFIRMED, (
                "settle() must find a payment whose reply was lost."
            )
            assert self.platform_state() == once, "settle() must not pay."

    def _payment(self, visit: VisitView, number: int) -> PaymentView:
        return PaymentView(
            id=number,
            key=f"conformance-{number}",
            kind=PaymentKind.BONUS,
            run_id=visit.run_id,
            worker_name=visit.worker_name,
            reference=visit.reference,
            amount=Decimal("0.50"),
            currency=self.provider.currency,
            reason="For the test.",
        )

    def _approve(self, provider: Provider, visit: VisitView) -> CallResult:
        given = VisitVerdict(
            key=f"conformance-{visit.id}", visit=visit, verdict=Verdict.APPROVED, note=""
        )
        (result,) = _ask("decide", provider.decide, [given])
        return result


def _ask(
    name: str, call: Callable[[Sequence[I]], Iterable[tuple[str, Result]]], items: Sequence[I]
) -> list[CallResult]:
    """Make a call as core does; return the result of each item, in their order."""
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
    return [found.get(place, NO_RESULT) for place in range(len(items))]


def _pay(provider: Provider, payment: PaymentView) -> Outcome:
    """Pay as core does: an exception means an unknown outcome, except for two errors."""
    try:
        return provider.pay(payment)
    except (UnavailableError, RefusedError):
        return Outcome.FAILED
    except Exception:  # noqa: BLE001 - a provider's code may raise anything
        return Outcome.UNKNOWN
