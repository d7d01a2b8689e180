"""What holds of a run on a fake Prolific: at each moment, and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from peewee import JOIN

from famulus.engine.runs import find_run
from famulus.model.states import (
    PENDING_VISITS,
    SUBMITTED_VISITS,
    Decision,
    PaymentKind,
    PaymentStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    AgentTable,
    PaymentTable,
    ReviewTable,
    UnitTable,
    VisitTable,
    WorkerTable,
)
from famulus.model.transaction import Row
from famulus_prolific.fake import State, StudyStatus, Submission, SubmissionStatus
from famulus_prolific.fake.changes import open_places
from famulus_prolific.fake.records import IN_PLACE
from famulus_prolific.provider import ProlificProvider
from famulus_prolific.records import StudyRecords
from prolific_machine import Study

_NO_UNIT_FREE = ("nothing_left", "run_complete")
_LIVE = frozenset({StudyStatus.PUBLISHING, StudyStatus.ACTIVE, StudyStatus.SCHEDULED})
_SERVED = (
    UnitStatus.ASSIGNED,
    UnitStatus.COMPLETED,
    UnitStatus.ACCEPTED,
    UnitStatus.SOFT_REJECTED,
    UnitStatus.REJECTED,
)
#: The status here of a visit whose submission has ended there.
_ENDED: Mapping[SubmissionStatus, VisitStatus] = MappingProxyType(
    {
        SubmissionStatus.APPROVED: VisitStatus.APPROVED,
        SubmissionStatus.REJECTED: VisitStatus.REJECTED,
        SubmissionStatus.SCREENED_OUT: VisitStatus.SCREENED_OUT,
        SubmissionStatus.RETURNED: VisitStatus.RETURNED,
        SubmissionStatus.TIMED_OUT: VisitStatus.TIMED_OUT,
    }
)
_LEFT = (
    SubmissionStatus.RETURNED,
    SubmissionStatus.REJECTED,
    SubmissionStatus.TIMED_OUT,
    SubmissionStatus.SCREENED_OUT,
)
_DAYS = timedelta(days=ProlificProvider.capabilities.days_before_rejection)
_Paid = Counter[tuple[str, int]]
_REFERENCE = VisitTable.reference.alias("reference")


def check_always(study: Study) -> None:
    """Check what holds at each moment."""
    with study.prolific.turn() as state:
        check_studies(state)
        check_money(study, state)
        check_statuses(study, state)
        check_rejections(study, state)
        check_places(study, state)
        check_messages(study, state)


def check_end(study: Study) -> None:
    """Check what holds once the run is over and nothing changes any more."""
    check_always(study)
    listed = study.doctor
    with study.prolific.turn() as state:
        check_nothing_is_open(study, state)
        check_settled(study, state)
        check_unpaid(study, state, listed)


def check_studies(state: State) -> None:
    """Only one study of the run was ever published."""
    published = [one for one in state.studies.values() if one.published_at is not None]
    assert len(published) <= 1, "two studies of one run were published"


def check_money(study: Study, state: State) -> None:
    """No work is paid twice, every bonus is in the ledger, and no bonus there is made up."""
    rewards = Counter(one.submission_id for one in state.money.ledger if not one.bulk_id)
    bulks = [one for one in state.bulks.values() if len(one.paid_at) > 1]
    assert set(rewards.values()) <= {1}, "a reward was paid twice"
    assert bulks == [], "a set of bonuses was paid twice"
    paid, promised, confirmed = _paid_bonuses(state), _Paid(), _Paid()
    for row in _payments(study, PaymentKind.BONUS):
        promised[row.reference, row.amount] += row.status is not PaymentStatus.FAILED
        confirmed[row.reference, row.amount] += row.status is PaymentStatus.CONFIRMED
    assert paid <= promised, f"bonuses were paid that the ledger calls unpaid: {paid - promised}"
    assert confirmed <= paid, f"bonuses are confirmed that were not paid: {confirmed - paid}"


def check_statuses(study: Study, state: State) -> None:
    """Every visit that is shown as submitted was handed in by that participant."""
    handed_in = {
        (one.id, one.participant_id)
        for one in state.submissions.values()
        if one.completed_at is not None
    }
    query = (
        VisitTable.select(VisitTable.reference, WorkerTable.name)
        .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
        .where(VisitTable.status << SUBMITTED_VISITS)
    )
    with study.database.read() as tx:
        shown = {(row.reference, row.name) for row in tx.rows(query)}
    assert shown <= handed_in, "something is shown as submitted that was not"


def check_rejections(study: Study, state: State) -> None:
    """Only a person's decision rejects, by its category and reason, and not too early."""
    for one in state.submissions.values():
        if one.rejection is None or one.id in study.rejected_there:
            continue
        query = (
            ReviewTable.select(ReviewTable.category, ReviewTable.note)
            .join(AgentTable, on=(ReviewTable.agent == AgentTable.id))
            .join(VisitTable, on=(AgentTable.visit == VisitTable.id))
            .where(VisitTable.reference == one.id, ReviewTable.decision == Decision.REJECTED)
        )
        with study.database.read() as tx:
            decided = {(row.category, row.note) for row in tx.rows(query)}
        given = (one.rejection.category, one.rejection.message)
        assert given in decided, f"{one.id} was rejected as {given}, which no person has decided"
        if one.status is SubmissionStatus.REJECTED and _was_asked_by_us(one):
            assert one.return_requested is not None
            assert one.history[-1][1] - one.return_requested >= _DAYS, "rejected too early"


def _was_asked_by_us(submission: Submission) -> bool:
    """Return whether a return was requested, and not by the code that was entered."""
    return submission.return_requested not in (None, submission.completed_at)


def check_places(study: Study, state: State) -> None:
    """No more participants are invited or on their way than there are free units.

    What was not reported yet may have opened a place of Prolific. So does a submission that timed
    out there, and whose answers complete a unit. A run that is not open is closed.
    """
    is_open = find_run(study.database, study.run).status is RunStatus.RUNNING
    with study.database.read() as tx:
        query = (
            UnitTable.select(UnitTable.status, VisitTable.status.alias("visit"), _REFERENCE)
            .join(AgentTable, JOIN.LEFT_OUTER, on=(UnitTable.agent_id == AgentTable.id))
            .join(VisitTable, JOIN.LEFT_OUTER, on=(AgentTable.visit == VisitTable.id))
        )
        units = tx.rows(query)
        arrived = {row.reference for row in tx.rows(VisitTable.select(VisitTable.reference))}
    free = sum(unit.status is UnitStatus.LAUNCHED for unit in units)
    ended = [unit for unit in units if unit.status in _SERVED and _has_no_place(state, unit)]
    replaced = (VisitStatus.REJECTED, VisitStatus.SCREENED_OUT, VisitStatus.RETURNED)
    surprising = sum(unit.visit not in replaced for unit in ended)
    closing = 0 if is_open else len(units)
    for one in state.studies.values():
        if one.status not in _LIVE:
            continue
        coming = sum(
            each.status in (SubmissionStatus.RESERVED, SubmissionStatus.ACTIVE)
            and each.id not in arrived
            for each in one.submissions
        )
        invited = open_places(one) + coming
        assert invited <= free + surprising + closing, (
            f"{open_places(one)} places are open, {coming} participants are on their way, and "
            f"{free} units are free: {[(u.status.value, u.visit, u.reference) for u in units]}, "
            f"{[(each.id, each.status.value) for each in one.submissions]}"
        )


def check_refused(study: Study, submission: Submission) -> None:
    """No participant who comes is sent away while the holder of a unit has left."""
    page = study.pages.get(submission.id)
    if page is None or page.reply.headers.get("X-Famulus-Refusal") not in _NO_UNIT_FREE:
        return
    query = (
        VisitTable.select(_REFERENCE)
        .join(AgentTable, on=(AgentTable.visit == VisitTable.id))
        .join(UnitTable, on=(UnitTable.agent_id == AgentTable.id))
        .where(
            VisitTable.status << PENDING_VISITS,
            UnitTable.status << [UnitStatus.ASSIGNED, UnitStatus.COMPLETED],
        )
    )
    with study.database.read() as tx:
        holders = {row.reference for row in tx.rows(query)}
    with study.prolific.turn() as state:
        left = [one.id for one in state.submissions.values() if one.status in _LEFT]
        # A list that lags behind may lack those that have left.
        if not state.faults.lists_late:
            assert holders.isdisjoint(left), f"{submission.id} came for nothing: {left} have left"


def _has_no_place(state: State, unit: Row) -> bool:
    submission = state.submissions.get(unit.reference)
    return submission is None or submission.status not in IN_PLACE


def check_messages(study: Study, state: State) -> None:
    """Who has a message was named, and who was named has it, unless that is not known."""
    got: dict[str, set[str]] = {}
    for one in state.messages:
        got.setdefault(one.body, set()).add(one.recipient_id)
    for text, (certain, maybe) in study.written.items():
        assert certain <= got.get(text, set()), f"{text} has not arrived"
        assert got.get(text, set()) <= maybe, f"{text} has gone to others"


def check_nothing_is_open(study: Study, state: State) -> None:
    """No study is open, and no subscription is left."""
    live = [one.id for one in state.studies.values() if one.status in _LIVE]
    assert live == [], "a study is still open after the end"
    paused = [one.id for one in state.studies.values() if one.status is StudyStatus.PAUSED]
    assert paused == [], "a study is only paused after the end"
    assert [*state.subscriptions] == [], "a subscription is left after the end"


def check_settled(study: Study, state: State) -> None:
    """The status of each visit and reward is what Prolific says."""
    rewards = {one.submission_id: one.amount for one in state.money.ledger if not one.bulk_id}
    with study.database.read() as tx:
        visits = tx.rows(VisitTable.select(VisitTable.reference, VisitTable.status))
    for row in visits:
        submission = state.submissions.get(row.reference)
        if submission is None:
            continue
        wanted = _ENDED.get(submission.status)
        if wanted is None and _has_work_to_review(study, submission):
            wanted = VisitStatus.SUBMITTED
        assert wanted in (None, row.status), (
            f"{row.reference} is {submission.status}, and here {row.status}: {submission.history}"
        )
    for row in _payments(study, PaymentKind.REWARD):
        is_paid = row.status is PaymentStatus.CONFIRMED
        assert is_paid is (row.reference in rewards), (
            f"the reward for {row.reference} is {row.status}, and Prolific has paid "
            f"{rewards.get(row.reference)}"
        )
        assert not is_paid or row.amount == rewards[row.reference], "another amount was paid"


def _has_work_to_review(study: Study, submission: Submission) -> bool:
    if submission.status is not SubmissionStatus.AWAITING_REVIEW:
        return False
    return not _left_without_work(study, submission)


def _left_without_work(study: Study, submission: Submission) -> bool:
    record = StudyRecords(database=study.database).find(study.run)
    assert record is not None
    refusals = {code for outcome, code in record.codes.items() if outcome != "completed"}
    return submission.entered_code in refusals


def check_unpaid(study: Study, state: State, listed: str) -> None:
    """All that was handed in, and all work that is stored, is paid or listed with the reason."""
    rewarded = {one.submission_id for one in state.money.ledger if not one.bulk_id}
    query = (
        AgentTable.select(VisitTable.reference)
        .join(VisitTable, on=(AgentTable.visit == VisitTable.id))
        .where(AgentTable.submission_id.is_null(False), AgentTable.unit.is_null(False))
    )
    with study.database.read() as tx:
        stored = {row.reference for row in tx.rows(query)}
    for one in state.submissions.values():
        is_work = one.id in stored or one.status is SubmissionStatus.AWAITING_REVIEW
        # Rejections have their own check, and who returns a submission takes the work back.
        is_over = one.status in (SubmissionStatus.REJECTED, SubmissionStatus.RETURNED)
        if one.id in rewarded or is_over or not is_work:
            continue
        assert one.participant_id in listed or one.id in listed, (
            f"{one.participant_id} is unpaid for {one.id} ({one.status}, {one.entered_code}), and "
            f"the doctor does not list it:\n{listed}"
        )


def _paid_bonuses(state: State) -> _Paid:
    return _Paid((one.submission_id, one.amount) for one in state.money.ledger if one.bulk_id)


def _payments(study: Study, kind: PaymentKind) -> list[Any]:
    query = (
        PaymentTable.select(PaymentTable.amount, PaymentTable.status, VisitTable.reference)
        .join(VisitTable, on=(PaymentTable.visit == VisitTable.id))
        .where(PaymentTable.kind == kind)
    )
    with study.database.read() as tx:
        return tx.rows(query)
