"""Verdicts and bonuses: calls that can be repeated after a lost reply without paying twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus import Outcome, PaymentKind, Reject, UnavailableError, Verdict
from famulus_mturk.calls import CallLostError, Mturk, MTurkRefusedError
from famulus_mturk.meanings import Meaning
from famulus_mturk.tables import MturkBonus
from famulus_mturk.texts import LONGEST_FEEDBACK, clean

if TYPE_CHECKING:
    from famulus import Clock, Database, PaymentView, Transaction, VisitView
    from famulus_mturk.records import HitRecords

_MARK_LENGTH = 8
#: Characters of a bonus's reason.
_LONGEST_REASON = 4096
#: The meanings of an error for a token that MTurk has seen before.
_DONE = (Meaning.PROCESSED, Meaning.EXISTS)
#: A bonus that MTurk does not list this long after the call was not paid.
_LISTED_BY = timedelta(hours=1)
#: MTurk documents 24 hours for the token of a HIT; that of a bonus is not trusted for longer, and
#: an hour is left for differing clocks.
_TOKEN_LIFE = timedelta(hours=23)


@frozen(kw_only=True)
class Money:
    """Approves, rejects and pays as one requester."""

    mturk: Mturk
    database: Database
    records: HitRecords
    clock: Clock

    def decide(self, visit: VisitView, verdict: Verdict) -> Outcome:
        """Approve or reject an assignment; the same decision on MTurk already counts as done.

        :raises MTurkRefusedError: when MTurk has the opposite decision, or refuses the call.
        """
        is_rejected = isinstance(verdict, Reject)
        if isinstance(verdict, Reject):
            self._reject(visit.reference, verdict.reason)
        else:
            self._approve(visit.reference)
        self.records.decided(visit.run_id, visit.reference, rejected=is_rejected)
        return Outcome.CONFIRMED

    def pay(self, payment: PaymentView) -> Outcome:
        """Send a bonus.

        :raises famulus.UnavailableError: when it is certain that nothing was paid.
        :raises MTurkRefusedError: when MTurk has refused the payment; nothing was paid either.
        """
        before = self._sent(payment.key)
        assignment = self._assignment(payment) if before is None else before.assignment_id
        self.database.write(lambda tx: _note_first(tx, payment.key, assignment))
        return self._send(payment, assignment)

    def settle(self, payment: PaymentView) -> Outcome:
        """Look for the payment's mark among the assignment's bonuses.

        A payment that is not listed is sent again while MTurk remembers its token: MTurk then pays
        it, or answers that it was paid.

        :raises famulus.UnavailableError: while a paid bonus may not be listed yet.
        """
        sent = self._sent(payment.key)
        if sent is None:
            return Outcome.FAILED
        bonuses = self.mturk.pages(
            "list_bonus_payments", "BonusPayments", AssignmentId=sent.assignment_id
        )
        if any(_is_bonus(payment, each) for each in bonuses):
            return Outcome.CONFIRMED
        known_at = _moment(sent.sent_at) + _LISTED_BY
        if self.clock() < _moment(sent.first_sent_at) + _TOKEN_LIFE:
            now = int(self.clock().timestamp())
            self.database.write(lambda tx: _note_last(tx, payment.key, now))
            try:
                return self._send(payment, sent.assignment_id)
            except (UnavailableError, MTurkRefusedError):
                # This attempt has not paid; an earlier one that has will be listed in time.
                self.database.write(lambda tx: _note_last(tx, payment.key, sent.sent_at))
        if self.clock() < known_at:
            raise UnavailableError(
                "MTurk does not list the bonus yet; if it does not by "
                f"{known_at:%Y-%m-%d %H:%M} UTC, it was not paid"
            )
        return Outcome.FAILED

    def _send(self, payment: PaymentView, assignment: str) -> Outcome:
        try:
            self.mturk.call(
                "send_bonus",
                WorkerId=payment.worker_name,
                AssignmentId=assignment,
                BonusAmount=f"{payment.amount:.2f}",
                Reason=_reason(payment),
                UniqueRequestToken=payment.key,
            )
        except CallLostError as error:
            if error.maybe_done:
                return Outcome.UNKNOWN
            raise
        except MTurkRefusedError as error:
            # An earlier attempt of the same payment, whose reply was lost, has paid.
            if error.meaning in _DONE:
                return Outcome.CONFIRMED
            if error.maybe_done:
                return Outcome.UNKNOWN
            if error.meaning is Meaning.STATE:
                raise UnavailableError(
                    f"MTurk pays a bonus once the work is approved or rejected: {error.message}"
                ) from error
            raise
        return Outcome.CONFIRMED

    def _assignment(self, payment: PaymentView) -> str:
        """Return the assignment to pay on.

        MTurk pays on submitted assignments only; a compensation for an assignment that was never
        submitted is paid on another assignment of the worker.
        """
        if payment.kind is not PaymentKind.COMPENSATION and payment.reference:
            return payment.reference
        submitted = self.records.submissions_of(payment.run_id, payment.worker_name)
        if not submitted:
            raise MTurkRefusedError(
                f"MTurk pays bonuses for submitted assignments only, but {payment.worker_name} has "
                "submitted none in this run; to pay them, post a HIT for this worker only",
                "NoAssignment",
            )
        return payment.reference if payment.reference in submitted else submitted[-1]

    def _approve(self, assignment: str) -> None:
        try:
            self.mturk.call("approve_assignment", AssignmentId=assignment)
        except MTurkRefusedError as error:
            status = self._status(assignment, error)
            if status == "Rejected":
                # MTurk allows a rejection to be overridden for 30 days.
                self.mturk.call(
                    "approve_assignment", AssignmentId=assignment, OverrideRejection=True
                )
            elif status != "Approved":
                raise

    def _reject(self, assignment: str, note: str) -> None:
        feedback = clean(note, LONGEST_FEEDBACK)
        try:
            self.mturk.call(
                "reject_assignment", AssignmentId=assignment, RequesterFeedback=feedback
            )
        except MTurkRefusedError as error:
            status = self._status(assignment, error)
            if status == "Approved":
                raise MTurkRefusedError(
                    "it has approved and paid the assignment already, automatically or for another "
                    "user of the account",
                    error.code,
                ) from error
            if status != "Rejected":
                raise

    def _status(self, assignment: str, refused: MTurkRefusedError) -> str:
        """Return an assignment's status.

        :raises famulus.UnavailableError: when MTurk does not find the submission yet.
        """
        try:
            answer = self.mturk.call("get_assignment", AssignmentId=assignment)
        except MTurkRefusedError as error:
            if error.meaning is not Meaning.MISSING:
                raise
            raise UnavailableError(str(refused)) from refused
        return str(answer["Assignment"]["AssignmentStatus"])

    def _sent(self, key: str) -> Any:
        with self.database.read() as tx:
            return tx.row(MturkBonus.select().where(MturkBonus.key == key))


def read_balance(mturk: Mturk) -> Decimal:
    """Return the available balance in dollars."""
    return Decimal(mturk.call("get_account_balance")["AvailableBalance"])


def _note_first(tx: Transaction, key: str, assignment: str) -> None:
    """Store that a payment is sent that certainly was not made before."""
    now = int(tx.now.timestamp())
    tx.execute(MturkBonus.delete().where(MturkBonus.key == key))
    tx.execute(MturkBonus.insert(key=key, assignment_id=assignment, sent_at=now, first_sent_at=now))


def _note_last(tx: Transaction, key: str, sent_at: int) -> None:
    """Store when a payment was sent last."""
    tx.execute(MturkBonus.update(sent_at=sent_at).where(MturkBonus.key == key))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _reason(payment: PaymentView) -> str:
    """Return the reason for the worker, with a mark that identifies this payment."""
    ending = f" {_mark(payment)}"
    return f"{clean(payment.reason, _LONGEST_REASON - len(ending))}{ending}".strip()


def _mark(payment: PaymentView) -> str:
    digest = hashlib.sha256(payment.key.encode()).hexdigest()[:_MARK_LENGTH]
    return f"(reference {digest})"


def _is_bonus(payment: PaymentView, found: Mapping[str, Any]) -> bool:
    """Return whether a bonus in MTurk's list has the worker, amount and mark of a payment."""
    whom = (str(found["WorkerId"]), Decimal(found["BonusAmount"]))
    return whom == (payment.worker_name, payment.amount) and _mark(payment) in found["Reason"]
