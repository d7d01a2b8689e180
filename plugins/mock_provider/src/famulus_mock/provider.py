"""The provider ``mock``."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attrs import frozen

from famulus import (
    Approve,
    ApprovePartially,
    Arrival,
    Capabilities,
    Completion,
    Keep,
    Nothing,
    Outcome,
    PartialBounds,
    PaymentKind,
    PaymentView,
    Plan,
    Preview,
    Problem,
    Provider,
    Refusal,
    RefusalReason,
    RefusedError,
    Reject,
    RequestReturn,
    Result,
    RunView,
    Transaction,
    UnavailableError,
    Verdict,
    VisitOutcome,
    VisitVerdict,
    VisitView,
    option,
)
from famulus_mock.catalogue import CATALOGUE, _n
from famulus_mock.exposure import exposed
from famulus_mock.faults import Fault, call
from famulus_mock.tables import MockPayment, MockVerdict

if TYPE_CHECKING:
    from attrs import Attribute

#: Characters of an id; those of real platforms are shorter.
_LONGEST = 255
#: Verdicts as they are stored.
_APPROVED, _PARTLY_APPROVED = "approved", "partly_approved"
_RETURN_REQUESTED, _REJECTED = "return_requested", "rejected"


def _is_part(_: object, _field: Attribute[Any], value: Decimal) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is not from 0 to 1")


@frozen(kw_only=True)
class MockArgs:
    """Options of the provider ``mock``."""

    requester_name: str | None = option(
        help="Requester that the run belongs to; MOCK_REQUESTER, created when needed, if unset."
    )
    fee: Decimal = option(
        help="The platform's fee on top of each payment, as a fraction of it: 0.2 is a fifth.",
        default=Decimal(0),
        validator=_is_part,
    )
    taxes: Decimal = option(
        help="The taxes on the platform's fee, as a fraction of it: 0.2 is a fifth.",
        default=Decimal(0),
        validator=_is_part,
    )
    faults: list[Fault] = option(
        help="For tests: the outcomes of the run's first calls about money, in order; killed ends "
        "the process; accepted, lost and killed_after happen after the payment.",
        factory=list,
    )


class MockProvider(Provider):
    """Admits any worker that the URL names: ``?worker_id=x&assignment_id=1``.

    For trying tasks out, on a machine of your own. Payments are play money: they are recorded,
    and no real money is paid.
    """

    type = "mock"
    catalogue = CATALOGUE
    Args = MockArgs
    capabilities = Capabilities(
        sandbox=True,
        pays=True,
        shows_answers=True,
        partial_approvals=PartialBounds(smallest=Decimal("0.01"), largest=Decimal("0.99")),
        requests_return=True,
    )
    #: more than one, so that trying out a task exercises batches too
    batch_size = 10
    is_quick = True
    default_requester = "MOCK_REQUESTER"

    def problems(self, plan: Plan) -> list[Problem]:
        """Warn of a run that others can reach, since no platform confirms who arrives."""
        return exposed(plan)

    def arrive(self, query: Mapping[str, str]) -> Arrival | Preview | Refusal:
        """Return the worker that the parameters name, or a preview if they name none."""
        worker = query.get("worker_id", "").strip()
        reference = query.get("assignment_id", "").strip()
        if not worker or not reference:
            return Preview()
        if not (_usable(worker) and _usable(reference)):
            return Refusal(
                reason=RefusalReason.UNKNOWN_LINK,
                detail=_n(
                    "worker_id and assignment_id have at most {count} printable character.",
                    "worker_id and assignment_id have at most {count} printable characters.",
                    count=_LONGEST,
                ),
            )
        return Arrival(worker_name=worker, reference=reference)

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Offer the next unit."""
        return Nothing(
            next_query={"worker_id": visit.worker_name, "assignment_id": secrets.token_hex(4)}
        )

    def entrances(self, run: RunView) -> Sequence[str]:
        """Return the address of the preview and a link for a worker."""
        return (run.url, f"{run.url}?{urlencode({'worker_id': 'x', 'assignment_id': '1'})}")

    def fee(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the fee that the options set."""
        part: Decimal = self.args.fee
        return amount * part

    def taxes(self, kind: PaymentKind, amount: Decimal) -> Decimal:
        """Return the taxes on the fee that the options set."""
        part: Decimal = self.args.taxes
        return self.fee(kind, amount) * part

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        """Store the verdicts; the approval of a visit, or of a part of its reward, is final."""
        for each in verdicts:
            yield each.key, self._result(each.visit.run_id, partial(_decide, given=each))

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        """Store payments; a second call stores them a second time."""
        for each in payments:
            yield (
                each.key,
                self._result(
                    each.run_id, partial(_pay, payment=each), shown_later=Outcome.ACCEPTED
                ),
            )

    def settle(
        self,
        visit: VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterator[tuple[str, Result]]:
        """Return for each payment whether it was made, or was accepted and is shown later."""
        for each in unsettled:
            act = partial(_settle, payment=each)
            yield each.key, self._result(each.run_id, act, shown_later=Outcome.ACCEPTED)

    def forget(self, worker_name: str, pseudonym: str) -> None:
        """Replace the name in payments and verdicts; empty the reasons, which may contain it."""
        payments = MockPayment.update(worker=pseudonym).where(MockPayment.worker == worker_name)
        verdicts = MockVerdict.update(worker=pseudonym, reason="").where(
            MockVerdict.worker == worker_name
        )

        def job(tx: Transaction) -> None:
            tx.execute(payments)
            tx.execute(verdicts)

        self.context.database.write(job)

    def _result(
        self,
        run: int,
        job: Callable[[Transaction], Outcome],
        *,
        shown_later: Outcome | None = None,
    ) -> Result:
        """Perform one item of a call; return its result or the error."""
        act = partial(self.context.database.write, job)
        try:
            return call(self.context, self.args.faults, run, act, shown_later=shown_later)
        except (UnavailableError, RefusedError) as error:
            return error


def _decide(tx: Transaction, given: VisitVerdict) -> Outcome:
    new = _stored(given.verdict)
    mine = MockVerdict.visit == given.visit.id
    row = tx.row(MockVerdict.select().where(mine))
    if row is not None and row.verdict in (_APPROVED, _PARTLY_APPROVED):
        is_same = (row.verdict, row.amount) == (new["verdict"], new.get("amount", ""))
        return Outcome.CONFIRMED if is_same else Outcome.FAILED
    tx.execute(MockVerdict.delete().where(mine))
    tx.execute(MockVerdict.insert(visit=given.visit.id, worker=given.visit.worker_name, **new))
    return Outcome.CONFIRMED


def _stored(verdict: Verdict) -> dict[str, str]:
    """Return the columns of a verdict that are not empty."""
    match verdict:
        case Approve():
            return {"verdict": _APPROVED}
        case ApprovePartially(amount):
            return {"verdict": _PARTLY_APPROVED, "amount": f"{amount:f}"}
        case RequestReturn(reason):
            return {"verdict": _RETURN_REQUESTED, "reason": reason}
        case Reject(reason, category):
            return {"verdict": _REJECTED, "reason": reason, "category": category}
    raise RefusedError(f"the provider mock does not support the verdict {verdict!r}")


def _pay(tx: Transaction, payment: PaymentView) -> Outcome:
    tx.insert(MockPayment, key=payment.key, worker=payment.worker_name, amount=str(payment.amount))
    return Outcome.CONFIRMED


def _settle(tx: Transaction, payment: PaymentView) -> Outcome:
    row = tx.row(MockPayment.select(MockPayment.id).where(MockPayment.key == payment.key))
    return Outcome.FAILED if row is None else Outcome.CONFIRMED


def _usable(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable()
