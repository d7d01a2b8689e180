"""The call that delivers verdicts. An approval pays the reward of its visit."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from attrs import evolve, frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities, VisitVerdict
from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.ledger.payment_status import (
    UNSETTLED,
    check_submitted,
    move_payment,
    read_payment,
    record_payment,
)
from famulus.engine.ledger.payment_views import lock_visit, read_identity
from famulus.engine.ledger.remainder_payments import plan_remainder
from famulus.engine.ledger.remainders import is_paid_in_part
from famulus.engine.ledger.replacement_units import match_replacements, replace_units
from famulus.engine.ledger.rewards import ask_for, first_status, read_priced_run, read_reward
from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.ledger.withdrawn_work import restore_work
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.batch_results import read_results
from famulus.engine.outbox.begun_calls import begin
from famulus.engine.outbox.outbox_rows import verdict_key
from famulus.engine.outbox.platform_call import (
    DONE,
    CallContext,
    CallResult,
    CallStatus,
    OutboxCall,
)
from famulus.engine.outbox.stored_verdicts import is_approval, load_verdict
from famulus.engine.status import Change, change_visit
from famulus.engine.units import give_back_units_of_visit
from famulus.engine.visits import read_visit, visit_view
from famulus.errors import RefusedError
from famulus.model.money import to_minor
from famulus.model.states import AgentStatus, PaymentStatus, VisitStatus, may_follow
from famulus.model.transaction import Row, Transaction

#: The statuses of visits after each verdict that decides on them.
_CLOSED_BY: Mapping[type[Verdict], VisitStatus] = MappingProxyType(
    {
        Approve: VisitStatus.APPROVED,
        ApprovePartially: VisitStatus.PARTIALLY_APPROVED,
        Reject: VisitStatus.REJECTED,
    }
)
_DECIDED = (*_CLOSED_BY.values(), VisitStatus.SCREENED_OUT)
#: Visits whose pay is settled, so that the verdict comes too late.
_TOO_LATE_FOR: Mapping[type[Verdict], Sequence[VisitStatus]] = MappingProxyType(
    {
        Approve: (VisitStatus.SCREENED_OUT, VisitStatus.PARTIALLY_APPROVED),
        ApprovePartially: (VisitStatus.SCREENED_OUT, VisitStatus.APPROVED),
        Reject: (VisitStatus.SCREENED_OUT, VisitStatus.PARTIALLY_APPROVED),
        RequestReturn: _DECIDED,
    }
)


@frozen(kw_only=True)
class _PreparedVerdict:
    sent: VisitVerdict
    #: whether this call, and no earlier one, has moved the reward to ``sent``
    is_first: bool
    #: whether the platform sells the place of a rejected visit again by itself
    is_refilled: bool


class DecideCall(OutboxCall):
    """Payload: ``visit``; ``n``, the number of the visit's verdict; and the verdict itself.

    A verdict is sent again until its outcome is known, even if a newer verdict has followed:
    approving an approved visit pays nothing. The reward's row has the amount of the verdict that
    was sent last.
    """

    def batch_size(self, provider: Provider) -> int:
        return provider.batch_size

    def wait_until(self, tx: Transaction, row: Row, together: Collection[int]) -> datetime | None:
        # What the visit has earned is not to change before the row is prepared.
        lock_visit(tx, row.payload["visit"])
        return super().wait_until(tx, row, together)

    def prepare(
        self, tx: Transaction, row: Row, capabilities: Capabilities
    ) -> _PreparedVerdict | None:
        payload = row.payload
        reward = read_reward(tx, payload["visit"]) if is_approval(row) else None
        may_be_paid = reward is not None and reward.status in UNSETTLED
        successor = verdict_key(payload["visit"], payload["n"] + 1)
        if outbox_rows.find_outbox_row(tx, successor) is not None and not may_be_paid:
            return None
        visit = read_visit(tx, payload["visit"])
        if _is_withdrawn(tx, visit):
            return None
        if capabilities.reports_submissions:
            check_submitted(visit)
        verdict = _fitting(load_verdict(payload), capabilities)
        if reward is not None and is_paid_in_part(tx, visit.id, reward):
            plan_remainder(tx, visit.id)  # What has been earned since.
            return None
        _check_undecided(visit, verdict)
        is_first = reward is not None and _send_reward(tx, reward, verdict)
        sent = VisitVerdict(
            key=f"{read_identity(tx)}-{row.key}",
            visit=visit_view(visit),
            verdict=verdict,
        )
        if payload["note"]:
            begin(tx, row)
        is_refilled = capabilities.replaces_by_itself
        if is_refilled and isinstance(verdict, Reject):
            # The next worker may come before the reply.
            replace_units(tx, visit.run, visit.id)
        return _PreparedVerdict(sent=sent, is_first=is_first, is_refilled=is_refilled)

    def deliver(
        self, context: CallContext, prepared: Mapping[int, _PreparedVerdict]
    ) -> Generator[tuple[int, CallResult], None, None]:
        rows = {each.sent.key: row for row, each in prepared.items()}
        verdicts = [each.sent for each in prepared.values()]
        return read_results(lambda: context.provider.decide(verdicts), rows)

    def record(
        self, tx: Transaction, row: Row, prepared: _PreparedVerdict | None, result: CallResult
    ) -> None:
        had_no_effect = result.status in (CallStatus.REFUSED, CallStatus.FAILED)
        if had_no_effect and _is_withdrawn(tx, read_visit(tx, row.payload["visit"])):
            prepared, result = None, DONE  # It was withdrawn while the call was under way.
        is_sent = prepared is not None or result.status is not CallStatus.DONE
        reward = read_reward(tx, row.payload["visit"]) if is_sent and is_approval(row) else None
        if reward is not None:
            is_first = prepared is not None and prepared.is_first
            record_payment(tx, reward, result, is_first=is_first)
        if result.status is CallStatus.DONE and prepared is not None:
            _close_visit(tx, prepared)
        is_final = result.status in (CallStatus.DONE, CallStatus.REFUSED)
        if is_final and prepared is not None and prepared.is_refilled:
            match_replacements(tx, prepared.sent.visit.run_id, prepared.sent.visit.id)
        super().record(tx, row, prepared, result)


def _is_withdrawn(tx: Transaction, visit: Row) -> bool:
    """Return whether the worker has taken the work back, so that there is nothing to decide on."""
    return visit.status is VisitStatus.RETURNED and not read_visit_work(tx, visit.id).units


def _fitting(verdict: Verdict, capabilities: Capabilities) -> Verdict:
    """Shorten the joined reasons for several units to the length that the platform allows."""
    longest = capabilities.longest_rejection
    if longest is None or not isinstance(verdict, Reject) or len(verdict.reason) <= longest:
        return verdict
    return evolve(verdict, reason=f"{verdict.reason[: longest - 1]}…")


def _send_reward(tx: Transaction, reward: Row, verdict: Verdict) -> bool:
    """Record that a reward is paid by a verdict; return whether no earlier call may have paid it.

    A reward that an earlier verdict failed to pay is planned again, and any planned reward gets the
    amount of the verdict.
    """
    if reward.status is PaymentStatus.FAILED:
        due = first_status(paid_outside=read_priced_run(tx, reward.visit_id).paid_outside)
        move_payment(tx, reward, due, "verdict")
        reward = read_payment(tx, reward.id)
    if reward.status is PaymentStatus.PLANNED:
        part = verdict.amount if isinstance(verdict, ApprovePartially) else None
        ask_for(tx, reward.visit_id, None if part is None else to_minor(part, reward.currency))
    return move_payment(tx, reward, PaymentStatus.SENT, "verdict")


def _check_undecided(visit: Row, verdict: Verdict) -> None:
    """Refuse a verdict on a visit on which the platform has made a different, final decision.

    A verdict that the platform already has is not refused, and is sent again.
    """
    if visit.status in _TOO_LATE_FOR[type(verdict)]:
        raise RefusedError(
            f"the platform reports visit {visit.reference} as {visit.status}, and what it has "
            "paid for it is in the ledger; a bonus or a compensation pays more"
        )


def _close_visit(tx: Transaction, prepared: _PreparedVerdict) -> None:
    """Give a visit the status that follows from the verdict, unless that requests a return."""
    new = _CLOSED_BY.get(type(prepared.sent.verdict))
    visit = read_visit(tx, prepared.sent.visit.id)
    if new is not None and may_follow(visit.status, new):
        change_visit(
            tx, Change(run=visit.run, id=visit.id, old=visit.status, new=new, cause="review")
        )
        if visit.status is VisitStatus.RETURNED:
            restore_work(tx, visit.run, visit.id)  # The platform has paid for it after all.
        if new is VisitStatus.REJECTED and prepared.is_refilled:
            # As for a rejection that the platform reports: the next worker comes for this unit too.
            give_back_units_of_visit(
                tx, visit.run, visit.id, new=AgentStatus.RETURNED, cause="review"
            )
