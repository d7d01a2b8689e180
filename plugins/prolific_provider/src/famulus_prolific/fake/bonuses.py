"""Bonuses, which are set up first and paid by a second call."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from famulus_prolific.fake.errors import ApiError, bad_request, missing
from famulus_prolific.fake.exchange import ApiReply, Request, created
from famulus_prolific.fake.records import (
    BulkBonus,
    LedgerEntry,
    Study,
    Submission,
    SubmissionStatus,
)
from famulus_prolific.fake.state import State

_MOST_LINES = 200


class Bonuses:
    """The operations on bonuses."""

    def __init__(self, state: State) -> None:
        self._state = state

    def set_up(self, request: Request) -> ApiReply:
        """Store bonuses, which pays nothing."""
        study = self._state.study(request.member("study_id", str))
        lines = [one for one in request.member("csv_bonuses", str).splitlines() if one.strip()]
        if not lines or len(lines) > _MOST_LINES:
            detail = f"Between 1 and {_MOST_LINES} lines are needed."
            raise bad_request({"csv_bonuses": [detail]})
        amounts = [_read(study, one) for one in lines]
        unknown = [key for key, submission, _ in amounts if submission is None]
        if unknown:
            detail = f"These ids have not taken part: {', '.join(unknown)}."
            raise bad_request({"csv_bonuses": [detail]})
        returned = [
            key
            for key, submission, _ in amounts
            if submission is not None and submission.status is SubmissionStatus.RETURNED
        ]
        if returned and not self._state.facts.returned_get_bonuses:
            detail = f"These ids have returned their submission: {', '.join(returned)}."
            raise bad_request({"csv_bonuses": [detail]})
        bulk = BulkBonus(
            id=self._state.new_id(),
            study=study,
            amounts=[(one, amount) for _, one, amount in amounts if one is not None],
        )
        self._state.bulks[bulk.id] = bulk
        cost = self._state.money.cost(sum(amount for _, amount in bulk.amounts))
        return created(
            {
                "id": bulk.id,
                "study": study.id,
                "amount": float(cost.rewards),
                "fees": float(cost.fees),
                "vat": float(cost.vat),
                "total_amount": float(cost.total),
            }
        )

    def pay(self, request: Request) -> ApiReply:
        """Pay what was set up; the same request again pays again."""
        bulk = self._state.bulks.get(request.path["id"])
        if bulk is None:
            raise missing("Bulk bonus payment", request.path["id"])
        self._refuse(bulk)
        bulk.paid_at.append(self._state.now)
        if not self._state.faults.bonuses_vanish:
            for submission, amount in bulk.amounts:
                self._pay(bulk, submission, amount)
        return ApiReply(body=f"Bulk bonus payment with ID {bulk.id} is being processed.")

    def _refuse(self, bulk: BulkBonus) -> None:
        state = self._state
        if bulk.paid_at and state.facts.paying_twice_refused:
            raise bad_request("These bonuses have already been paid.")
        times = [one for each in state.bulks.values() for one in each.paid_at]
        if any(state.now - one < state.facts.paying_takes for one in times):
            detail = "Another bonus payment is being processed. Please try again later."
            raise ApiError(state.facts.paying_busy, detail)
        total = state.money.cost(sum(amount for _, amount in bulk.amounts)).total
        if total > state.money.available:
            raise bad_request("You do not have enough funds in your workspace.")

    def _pay(self, bulk: BulkBonus, submission: Submission, amount: int) -> None:
        state = self._state
        submission.bonuses.append((amount, state.now + state.facts.bonuses_take))
        state.money.pay(
            LedgerEntry(
                kind="bonus",
                submission_id=submission.id,
                participant_id=submission.participant_id,
                amount=amount,
                at=state.now,
                bulk_id=bulk.id,
            )
        )


def _read(study: Study, line: str) -> tuple[str, Submission | None, int]:
    """Return the id in a line, the submission that it leads to, and the amount in cents."""
    key, _, text = (one.strip() for one in line.partition(","))
    try:
        cents = Decimal(text) * 100
        whole = cents == cents.to_integral_value() and cents > 0
    except InvalidOperation:
        whole = False
    if not whole:
        raise bad_request({"csv_bonuses": [f"'{text}' is not an amount."]})
    found = [one for one in study.submissions if key in (one.id, one.participant_id)]
    return key, found[-1] if found else None, int(cents)
