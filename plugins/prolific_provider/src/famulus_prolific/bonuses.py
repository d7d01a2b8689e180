"""Bonuses, which are set up and then paid by a call that must not be repeated.

A set of bonuses has an id before it is paid. The id is kept with each payment, and the set is
marked as started in the database before the call that pays it; no other process starts it again. A
set that was never started was not paid. For all others, Prolific is asked: it shows the amounts of
a submission's bonuses, without ids, minutes after they were paid. So equal amounts are counted.
Elapsed time alone proves nothing: a bonus that is not shown counts as unpaid only if the cost of
the study's bonuses has not changed since before the attempt. Otherwise its outcome stays unknown
until a person records it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen

import famulus
from famulus import ConflictError, Outcome, UnavailableError, UnpayableError
from famulus_prolific.account_lock import AccountLock
from famulus_prolific.api import CallLostError, ProlificApi, ProlificRefusedError
from famulus_prolific.submissions import RETURNED, TIMED_OUT, read_submission

if TYPE_CHECKING:
    from famulus import Database, Keep, PaymentView, Result
    from famulus_prolific.account_lock import Hold
    from famulus_prolific.bulks import BulkRecord, BulkRecords

#: By when Prolific shows a bonus, in the submission and in the cost of the study.
_SHOWN_BY = timedelta(days=1)
#: Seconds until Prolific is asked again whether it shows a bonus.
_LOOK_AGAIN = 60
#: Seconds until a payment is tried again that another one of the account may have kept back.
_BUSY = 60
#: Seconds between questions about a bonus that should have been shown long ago.
_ASK_RARELY = 3600
#: What a refusal to pay says where it will not pass by itself, unless it is about another payment
#: that is under way, for which no wording is documented.
_FINAL = ("balance", "fund", "credit", "top up", "permission", "not found")
_PASSING = ("another", "other payment", "progress", "process", "concurrent", "again", "later")
_FINAL_STATUSES = (402, 403, 404)
#: What a refusal says that means the opposite: the set was paid.
_ALREADY_PAID = re.compile(r"already (been )?paid", re.IGNORECASE)


@frozen(kw_only=True)
class Bonuses:
    """Pays bonuses and compensations as one account, and determines whether they were paid."""

    api: ProlificApi
    database: Database
    records: BulkRecords
    #: the account's id on Prolific
    account: str
    #: returns the study of a run; raises :class:`famulus.RefusedError` where it has none
    study_of: Callable[[int], str]

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        """Pay bonuses; one process per account pays at a time.

        A payment that Prolific has accepted is confirmed once its amount is shown.

        :raises famulus.UnavailableError: when payments cannot be sent now; those without a result
            were not paid.
        """
        subject = f"bonuses of the account {self.account}"
        lock = AccountLock(database=self.database, name=subject, activity=f"pays {subject}")
        with lock.acquire() as hold:
            for together in _sets(payments):
                yield from self._pay_set(together, keep, hold)

    def settle(
        self, unsettled: Sequence[PaymentView], confirmed: Sequence[PaymentView]
    ) -> Iterator[tuple[str, Result]]:
        """Determine the outcome of payments for one submission.

        :raises famulus.UnavailableError: when Prolific cannot be asked.
        """
        ours = [each for each in confirmed if _bulk(each)]
        bulks = self.records.read({_bulk(each) for each in (*unsettled, *ours)} - {""})
        by_amount: dict[Decimal, list[PaymentView]] = defaultdict(list)
        for each in unsettled:
            if not _bulk(each) or self.records.abandon(_bulk(each)):
                yield each.key, Outcome.FAILED
            else:
                by_amount[each.amount].append(each)
        if not by_amount:
            return
        reference = next(iter(by_amount.values()))[0].reference
        shown = [*read_submission(self.api, reference).bonuses]
        for amount, waiting in by_amount.items():
            known = [each for each in ours if each.amount == amount]
            others = _others([*known, *waiting], bulks)
            left = shown.count(_cents(amount)) - others - len(known)
            for each in sorted(waiting, key=lambda one: _order(bulks[_bulk(one)])):
                is_shown = left > 0
                left -= 1
                bulk = bulks[_bulk(each)]
                yield each.key, Outcome.CONFIRMED if is_shown else self._not_shown(each, bulk)

    def _pay_set(
        self, payments: Sequence[PaymentView], keep: Keep, hold: Hold
    ) -> Iterator[tuple[str, Result]]:
        """Pay bonuses for different submissions of one study."""
        shown: dict[str, int] = {}
        for each in payments:
            try:
                shown[each.key] = self._count_shown(each)
            except ProlificRefusedError as error:
                yield each.key, UnpayableError(str(error)) if error.is_missing else error
            except famulus.RefusedError as error:
                yield each.key, error
        payable = [each for each in payments if each.key in shown]
        if not payable:
            return
        spent = self._spent(payable[0].run_id)
        try:
            bulk = self._set_up(payable)
        except famulus.RefusedError as error:
            if len(payable) == 1:
                yield payable[0].key, self._refusal(payable[0], error)
            else:
                # A single id that Prolific does not accept makes it refuse the whole set.
                for each in payable:
                    yield from self._pay_set([each], keep, hold)
            return
        known = {
            each.key: {"bulk": bulk, "shown": shown[each.key], "spent": spent} for each in payable
        }
        taken = [each for each in payable if not _is_kept(keep, each, known[each.key])]
        if taken:
            self.records.abandon(bulk)
            for each in taken:
                yield each.key, Outcome.UNKNOWN
            rest = [each for each in payable if each not in taken]
            yield from self._pay_set(rest, keep, hold)
            return
        yield from self._send(bulk, payable, shown, hold)

    def _set_up(self, payments: Sequence[PaymentView]) -> str:
        """Set bonuses up, which pays nothing, and store the id of their set."""
        run = payments[0].run_id
        lines = [f"{each.reference},{each.amount:.2f}" for each in payments]
        reply = self.api.post(
            "submissions/bonus-payments/",
            {"study_id": self.study_of(run), "csv_bonuses": "\n".join(lines)},
        )
        wanted, given = sum(_cents(each.amount) for each in payments), reply.get("amount")
        if given is not None and round(float(given)) != wanted:
            raise famulus.RefusedError(
                f"Prolific has read the bonuses as {given} instead of {wanted}, in the smallest "
                "unit of the currency, so nothing was paid"
            )
        bulk = str(reply["id"])
        self.records.add(run, bulk)
        return bulk

    def _send(
        self, bulk: str, payments: Sequence[PaymentView], shown: Mapping[str, int], hold: Hold
    ) -> Iterator[tuple[str, Result]]:
        self.records.start(bulk, hold)
        if hold.is_over:
            # The machine was suspended in between: another process may pay now.
            self.records.withdraw(bulk)
            raise UnavailableError("paying took too long to begin, so nothing was paid")
        try:
            self.api.post(f"bulk-bonus-payments/{bulk}/pay/")
        except CallLostError as error:
            if not error.maybe_done:
                self.records.withdraw(bulk)
                raise
            yield from ((each.key, Outcome.UNKNOWN) for each in payments)
            return
        except ProlificRefusedError as error:
            # If the call was delivered twice, this is the answer to the second delivery.
            if not _ALREADY_PAID.search(str(error)):
                self.records.withdraw(bulk)
                yield from ((each.key, _refusal(error)) for each in payments)
                return
        self.records.accept(bulk)
        for each in payments:
            yield each.key, self._look(each, shown[each.key])

    def _refusal(self, payment: PaymentView, error: famulus.RefusedError) -> famulus.RefusedError:
        """Return the error of a refused bonus, which is final for a returned submission."""
        status = read_submission(self.api, payment.reference).status
        return UnpayableError(str(error)) if status in (RETURNED, TIMED_OUT) else error

    def _look(self, payment: PaymentView, before: int) -> Outcome:
        """Return the outcome of an accepted payment, which is confirmed once Prolific shows it."""
        try:
            is_shown = self._count_shown(payment) > before
        except (CallLostError, ProlificRefusedError):
            is_shown = False
        return Outcome.CONFIRMED if is_shown else Outcome.ACCEPTED

    def _count_shown(self, payment: PaymentView) -> int:
        """Return how many bonuses of the payment's amount its submission has."""
        if not payment.reference:
            raise UnpayableError(
                f"Prolific pays only for submissions, but {payment.worker_name} has made none in "
                f"run {payment.run_id}"
            )
        found = read_submission(self.api, payment.reference)
        return [*found.bonuses].count(_cents(payment.amount))

    def _not_shown(self, payment: PaymentView, bulk: BulkRecord) -> Result:
        """Return the outcome of a payment that was started but is not shown yet."""
        since = bulk.accepted_at or bulk.started_at or 0
        began = datetime.fromtimestamp(since, UTC)
        if self.database.clock() < began + _SHOWN_BY:
            if bulk.accepted_at is not None:
                return Outcome.ACCEPTED
            message = "its reply was lost, and Prolific does not show the bonus yet"
            return UnavailableError(message, retry_after=_LOOK_AGAIN)
        spent = payment.kept.get("spent")
        if bulk.accepted_at is None and spent is not None and spent == self._spent(payment.run_id):
            return Outcome.FAILED
        done = "was asked to pay" if bulk.accepted_at is None else "accepted"
        return UnavailableError(
            f"Prolific {done} the bonus on {began:%Y-%m-%d %H:%M} UTC but does not show it; ask "
            "its support whether it was paid, and record the answer with `famulus payments resolve "
            f"{payment.id}`",
            retry_after=_ASK_RARELY,
        )

    def _spent(self, run: int) -> float | None:
        """Return what all bonuses of a run's study have cost; None if it cannot be read."""
        try:
            found = self.api.get(f"studies/{self.study_of(run)}/cost/")
            return float(found["bonuses"]["rewards"]["amount"])
        except (CallLostError, famulus.RefusedError, KeyError, TypeError, ValueError):
            return None


def _sets(payments: Sequence[PaymentView]) -> Iterator[list[PaymentView]]:
    """Yield payments that can be set up together: of one run, one for each submission.

    The effect of two lines for one submission is not documented.
    """
    left = [*payments]
    while left:
        together: dict[str, PaymentView] = {}
        for each in left:
            if each.run_id == left[0].run_id:
                together.setdefault(each.reference, each)
        yield [*together.values()]
        left = [each for each in left if together.get(each.reference) is not each]


def _is_kept(keep: Keep, payment: PaymentView, known: Mapping[str, Any]) -> bool:
    """Store the facts from before a payment; return False if another process took it over."""
    try:
        keep(payment.key, dict(known))
    except ConflictError:
        return False
    return True


def _bulk(payment: PaymentView) -> str:
    """Return the id of the set that a payment was last part of; empty if there is none."""
    kept: Any = payment.kept
    return str(kept["bulk"]) if isinstance(kept, dict) and "bulk" in kept else ""


def _others(payments: Sequence[PaymentView], bulks: Mapping[str, BulkRecord]) -> int:
    """Return how many of the shown bonuses of one amount were paid by other people or programs.

    With each payment the number of bonuses of its amount that were shown before it is stored. If
    that exceeds the number of earlier payments in the list, others have paid the difference.
    """
    known = [each for each in payments if _bulk(each) in bulks]
    known.sort(key=lambda each: bulks[_bulk(each)].number)
    found = [int(each.kept["shown"]) - before for before, each in enumerate(known)]
    return max(0, *found) if found else 0


def _order(bulk: BulkRecord) -> tuple[bool, int]:
    """Return the sort key by which sets that Prolific has accepted come first."""
    return bulk.accepted_at is None, bulk.number


def _refusal(error: ProlificRefusedError) -> Result:
    """Return the result of a payment that Prolific has refused, so that nothing was paid."""
    said = str(error).lower()
    is_passing = any(word in said for word in _PASSING)
    is_final = error.status in _FINAL_STATUSES or any(word in said for word in _FINAL)
    if is_final and not is_passing:
        return error
    return UnavailableError(str(error), retry_after=_BUSY)


def _cents(amount: Decimal) -> int:
    """Return an amount in the smallest unit of its currency."""
    return int((amount * 100).to_integral_exact())
