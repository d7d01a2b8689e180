"""The only functions that change the status of a study or a submission, with the consequences."""

from __future__ import annotations

from decimal import Decimal

from famulus_prolific.fake.records import (
    AT_WORK,
    HANDED_IN,
    IN_PLACE,
    Study,
    StudyStatus,
    Submission,
    SubmissionStatus,
)
from famulus_prolific.fake.state import State

#: statuses in which money is set aside for places that are not taken
_RECRUITING = frozenset(
    {
        StudyStatus.PUBLISHING,
        StudyStatus.ACTIVE,
        StudyStatus.PAUSED,
        StudyStatus.AWAITING_REVIEW,
    }
)
_LOST = frozenset({SubmissionStatus.REJECTED, SubmissionStatus.RETURNED})
SCREEN_OUT = "FIXED_SCREEN_OUT_PAYMENT"


def count(study: Study, statuses: frozenset[SubmissionStatus]) -> int:
    """Return how many submissions of a study have one of these statuses."""
    return sum(one.status in statuses for one in study.submissions)


def open_places(study: Study) -> int:
    """Return how many places of a study are not reserved yet, whether or not it is ACTIVE."""
    return max(0, study.places - count(study, IN_PLACE))


def open_slots(study: Study) -> int:
    """Return how many screen-outs can still be paid."""
    actions = [one.action(SCREEN_OUT) for one in study.codes]
    slots = sum(int(action["slots"]) for action in actions if action is not None)
    return max(0, slots - count(study, frozenset({SubmissionStatus.SCREENED_OUT})))


class Changes:
    """Changes statuses. The caller holds the lock."""

    def __init__(self, state: State) -> None:
        self._state = state

    def submission(self, submission: Submission, status: SubmissionStatus) -> None:
        """Give a submission another status."""
        state = self._state
        submission.status = status
        submission.history.append((status, state.now))
        state.note(
            {
                "event_type": "submission.status.change",
                "resource_id": submission.id,
                "participant_id": submission.participant_id,
                "status": str(status),
            }
        )
        state.note({"event_type": "study.progress.change", "resource_id": submission.study.id})
        study, lost = submission.study, status in _LOST
        if lost and study.stopped and state.facts.rejection_wakes_stopped:
            study.stopped = False
            self.study(study, StudyStatus.ACTIVE)
        self.settle(study)

    def study(self, study: Study, status: StudyStatus) -> None:
        """Give a study another status."""
        if study.status is not status:
            study.status = status
            self._state.note(
                {
                    "event_type": "study.status.change",
                    "resource_id": study.id,
                    "metadata": study.fields.get("metadata") or {},
                    "status": str(status),
                }
            )
        self._set_aside(study)

    def settle(self, study: Study) -> None:
        """Give a study the status that follows from its submissions."""
        self.study(study, self._following(study))

    def _following(self, study: Study) -> StudyStatus:
        status = study.status
        full = count(study, HANDED_IN) >= study.places
        done = not count(study, frozenset({SubmissionStatus.AWAITING_REVIEW}))
        finished = StudyStatus.COMPLETED if done else StudyStatus.AWAITING_REVIEW
        moves = status is StudyStatus.PAUSED and self._state.facts.paused_moves_on
        if status in (StudyStatus.ACTIVE, StudyStatus.AWAITING_REVIEW) or moves:
            if full:
                return finished
            return StudyStatus.ACTIVE if status is StudyStatus.AWAITING_REVIEW else status
        return status

    def _set_aside(self, study: Study) -> None:
        money = self._state.money
        waiting = count(study, AT_WORK | {SubmissionStatus.AWAITING_REVIEW})
        held = money.cost(study.reward, waiting).total
        if study.status in _RECRUITING:
            held = money.cost(study.reward, waiting + open_places(study)).total
            held += self.slots_cost(study)
        money.hold(study.id, Decimal(0) if study.is_test else held)

    def slots_cost(self, study: Study) -> Decimal:
        """Return what the screen-outs that can still be paid would cost."""
        cost = Decimal(0)
        for code in study.codes:
            action = code.action(SCREEN_OUT)
            if action is not None:
                reward = int(action["fixed_screen_out_reward"])
                cost += self._state.money.cost(reward, open_slots(study)).total
        return cost
