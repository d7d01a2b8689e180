"""Operations on submitted assignments, and on money."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from famulus_mturk.fake.errors import RequestError, bad_value, missing, processed, wrong_status
from famulus_mturk.fake.hit_views import HitViews
from famulus_mturk.fake.limits import check_sizes
from famulus_mturk.fake.money import CENT, fee
from famulus_mturk.fake.paging import page
from famulus_mturk.fake.records import VISIBLE, Accept, Bonus, LedgerEntry, Stage
from famulus_mturk.fake.state import State

_UNDOING = timedelta(days=30)
#: how recently a worker must have worked for the requester to get a bonus
_BONUS_REACH = timedelta(days=183)


class Assignments:
    """Shows, approves, rejects and rewards."""

    def __init__(self, state: State, views: HitViews) -> None:
        self._state = state
        self._views = views

    def list_assignments_for_hit(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List what was submitted for a HIT, oldest first."""
        state = self._state
        hit = state.hit(parameters["HITId"])
        wanted = parameters.get("AssignmentStatuses") or VISIBLE
        found = [
            (number, accept)
            for number, accept in enumerate(hit.accepts)
            if accept.stage in wanted
            and accept.submitted_at is not None
            and not state.late(accept.submitted_at)
        ]
        shown, token = page(found, parameters, lambda numbered: numbered[0])
        return {
            "Assignments": [_show(accept) for _, accept in shown],
            "NumResults": len(shown),
            "NextToken": token,
        }

    def get_assignment(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Show one assignment that was submitted."""
        accept = self._state.assignment(parameters["AssignmentId"])
        return {"Assignment": _show(accept), "HIT": self._views.show(accept.hit)}

    def approve_assignment(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Approve and pay; a rejection can be overridden within 30 days, while its HIT exists."""
        check_sizes(parameters)
        accept = self._state.assignment(parameters["AssignmentId"])
        if accept.stage is Stage.REJECTED and parameters.get("OverrideRejection"):
            self._check_undoing(accept)
            self._state.money.require(accept.hit.type.reward + self._state.place_fee(accept.hit))
        elif accept.stage is not Stage.SUBMITTED:
            raise wrong_status("InvalidAssignmentState", "Submitted")
        self.approve(accept, parameters.get("RequesterFeedback"))
        return {}

    def reject_assignment(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Reject with a reason, which the worker gets."""
        check_sizes(parameters)
        state = self._state
        accept = state.assignment(parameters["AssignmentId"])
        if accept.stage is not Stage.SUBMITTED:
            raise wrong_status("InvalidAssignmentState", "Submitted")
        accept.stage, accept.rejected_at = Stage.REJECTED, state.now
        accept.feedback = parameters["RequesterFeedback"]
        state.touch(accept.hit)
        state.note("AssignmentRejected", accept.hit, accept)
        return {}

    def send_bonus(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Pay a bonus on an assignment that has been decided on."""
        check_sizes(parameters)
        state, token = self._state, parameters.get("UniqueRequestToken")
        if state.known_token("bonus", token) is not None:
            raise processed(token)
        accept = self._bonus_for(parameters)
        amount = Decimal(parameters["BonusAmount"])
        if amount < CENT:
            raise bad_value("BonusAmount", f"{amount} is less than {CENT}")
        extra = fee(amount)
        state.money.require(amount + extra)
        self._pay("bonus", accept, amount, extra)
        bonus = Bonus(
            number=state.next_number(),
            worker_id=accept.worker_id,
            assignment_id=accept.assignment_id,
            hit_id=accept.hit.id,
            amount=amount,
            reason=parameters["Reason"],
            granted_at=state.now,
        )
        state.bonuses.append(bonus)
        state.remember_token("bonus", token, str(bonus.number))
        return {}

    def list_bonus_payments(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List the bonuses on a HIT or an assignment, oldest first."""
        hit_id, assignment_id = parameters.get("HITId"), parameters.get("AssignmentId")
        if hit_id is None and assignment_id is None:
            raise bad_value("HITId", "either it or AssignmentId must be given")
        if hit_id is not None:
            self._state.hit(hit_id)
        elif assignment_id not in self._state.assignments:
            raise missing("Assignment", str(assignment_id))
        found = [
            bonus
            for bonus in self._state.bonuses
            if assignment_id in (None, bonus.assignment_id)
            and hit_id in (None, bonus.hit_id)
            and not self._state.late(bonus.granted_at)
        ]
        shown, token = page(found, parameters, lambda bonus: bonus.number)
        return {
            "BonusPayments": [self._show_bonus(bonus) for bonus in shown],
            "NumResults": len(shown),
            "NextToken": token,
        }

    def _show_bonus(self, bonus: Bonus) -> dict[str, Any]:
        is_folded = self._state.facts.texts_are_folded
        return {
            "WorkerId": bonus.worker_id,
            "BonusAmount": f"{bonus.amount:.2f}",
            "AssignmentId": bonus.assignment_id,
            "Reason": " ".join(bonus.reason.split()) if is_folded else bonus.reason,
            "GrantTime": bonus.granted_at,
        }

    def approve(self, accept: Accept, feedback: str | None = None) -> None:
        """Pay for an approved assignment."""
        state = self._state
        accept.stage, accept.approved_at = Stage.APPROVED, state.now
        accept.feedback = feedback or accept.feedback
        self._pay("reward", accept, accept.hit.type.reward, state.place_fee(accept.hit))
        state.touch(accept.hit)
        state.note("AssignmentApproved", accept.hit, accept)

    def _pay(self, kind: str, accept: Accept, amount: Decimal, extra: Decimal) -> None:
        self._state.money.pay(
            LedgerEntry(
                kind=kind,
                worker_id=accept.worker_id,
                assignment_id=accept.assignment_id,
                amount=amount,
                fee=extra,
                at=self._state.now,
            )
        )

    def _check_undoing(self, accept: Accept) -> None:
        assert accept.submitted_at is not None
        if accept.hit.disposed:
            raise wrong_status("InvalidHITState", "Reviewing, Reviewable", "Disposed")
        if self._state.now - accept.submitted_at > _UNDOING:
            raise RequestError(
                "InvalidAssignmentState",
                f"Assignment {accept.assignment_id} was submitted more than 30 days ago; its"
                " rejection can no longer be overridden.",
            )

    def _bonus_for(self, parameters: dict[str, Any]) -> Accept:
        state, worker_id = self._state, parameters["WorkerId"]
        hit = state.assignments.get(parameters["AssignmentId"])
        accept = hit.current(parameters["AssignmentId"]) if hit is not None else None
        if accept is None or accept.submitted_at is None:
            raise missing("Assignment", parameters["AssignmentId"])
        if accept.worker_id != worker_id:
            raise bad_value(
                "WorkerId", f"{worker_id} did not submit assignment {accept.assignment_id}"
            )
        if accept.stage is Stage.SUBMITTED:
            raise wrong_status("InvalidAssignmentState", "Approved,Rejected")
        submitted = (one.submitted_at for one in state.accepts_of(worker_id) if one.submitted_at)
        if state.now - max(submitted) > _BONUS_REACH:
            raise bad_value("WorkerId", f"{worker_id} has not worked for you in six months")
        return accept


def _show(accept: Accept) -> dict[str, Any]:
    return {
        "AssignmentId": accept.assignment_id,
        "WorkerId": accept.worker_id,
        "HITId": accept.hit.id,
        "AssignmentStatus": accept.stage,
        "AutoApprovalTime": accept.auto_approval_at,
        "AcceptTime": accept.accepted_at,
        "SubmitTime": accept.submitted_at,
        "ApprovalTime": accept.approved_at,
        "RejectionTime": accept.rejected_at,
        "Deadline": accept.deadline,
        "Answer": accept.answer,
        "RequesterFeedback": accept.feedback,
    }
