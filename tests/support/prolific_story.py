"""One run on a fake Prolific in which participants leave in all ways."""

from __future__ import annotations

from famulus.model.states import Decision
from famulus_prolific.fake import Fault, Submission, SubmissionStatus
from prolific_invariants import check_always, check_end
from prolific_machine import FAILED, SCREENED_OUT, Setup, Study

#: What such a run begins with: two screen-outs need another slot.
SETUP = Setup(rows=5, slots=1, secure_urls=True)
_DAY = 86_400


def step(study: Study, seconds: float = 30) -> None:
    """Let time pass; the events of Prolific arrive, twice and in the wrong order."""
    study.clock.advance(seconds)
    study.deliver(copies=2, newest_first=True)
    study.turn()
    check_always(study)


def take(study: Study, number: int) -> Submission:
    """Have a participant take a place, which may need time after a kill."""
    for _ in range(5):
        found = study.take(number)
        if found is not None:
            return found
        step(study, 60)
    raise AssertionError(f"participant {number} finds no place")


def work(study: Study, number: int) -> Submission:
    """Have a participant do a unit and hand in."""
    found = take(study, number)
    study.work(found)
    study.come_back(found)
    step(study)
    return found


def leave(study: Study, number: int, answer: str) -> Submission:
    """Have a participant leave after the onboarding."""
    found = take(study, number)
    study.answer(found, answer)
    study.come_back(found)
    step(study)
    return found


def play(study: Study) -> dict[str, Submission]:
    """Have participants leave in all ways, and the requester decide on all of them."""
    step(study, 120)
    found = {
        "paid": work(study, 1),
        "screened out": leave(study, 2, SCREENED_OUT),
        "screened out later": leave(study, 3, SCREENED_OUT),
        "failed": leave(study, 4, FAILED),
    }
    found["returned"] = work(study, 5)
    study.give_back(found["returned"])
    step(study)
    study.review(Decision.ACCEPTED)
    study.plan_fault(Fault.LOSE_REPLY, "pay-bonus-payments")
    step(study, 200)
    # The same bonus again is the same payment, or the one that a kill has prevented.
    for amount in ("0.10", "0.25", "0.10", "0.25"):
        study.give_bonus(amount)
    step(study)
    found["rejected"], found["rejected too"] = work(study, 6), work(study, 7)
    study.request_returns()
    step(study)
    study.reject("LOW_EFFORT")
    assert found["rejected"].status is SubmissionStatus.AWAITING_REVIEW, "rejected too early"
    step(study, 8 * _DAY)
    study.reject("LOW_EFFORT")
    step(study)
    found["returned there"] = work(study, 8)
    study.decide_there(found["returned there"], "RETURN")
    study.write("Thank you.")
    step(study)
    study.finish()
    study.settle_down()
    # A payment whose call a kill has prevented has failed, and a person has it made again.
    study.retry()
    study.settle_down((900.0, 900.0))
    check_end(study)
    return found


def bonuses(study: Study, submission: Submission) -> list[int]:
    with study.prolific.turn() as state:
        return [
            one.amount
            for one in state.money.ledger
            if one.submission_id == submission.id and one.bulk_id
        ]


def check_ends(study: Study, found: dict[str, Submission]) -> None:
    """Check what became of each submission, which depends on the switches that are about it."""
    facts, done = study.prolific.facts, SubmissionStatus
    ends = {name: one.status for name, one in found.items()}
    kept = done.RETURNED if facts.return_codes_return else done.AWAITING_REVIEW
    rejected = [one for one in ("rejected", "rejected too") if ends[one] is done.REJECTED]

    assert (ends["paid"], ends["returned"]) == (done.APPROVED, done.RETURNED)
    assert (ends["screened out"], ends["screened out later"]) == (done.SCREENED_OUT,) * 2
    assert ends["failed"] is kept
    assert len(rejected) == (2 if facts.most_rejections is None else facts.most_rejections)
    there = done.RETURNED if facts.researchers_may_return else done.APPROVED
    assert ends["returned there"] is there
    paid = sorted(bonuses(study, found["paid"]))
    # Of a payment that a kill has prevented while another one was made, nothing can be proven: a
    # person has to ask.
    is_asked = "the outcome of 1 payment is unknown" in study.doctor
    assert paid == [10, 25] or (is_asked and paid in ([10], [25]))
