"""Each difference between Prolific and the local rows is reported by one sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from famulus import VisitView
from famulus_prolific.differences import differences
from famulus_prolific.fake import StudyStatus
from famulus_prolific.filters import GROUP_ALLOW, GROUP_BLOCK
from famulus_prolific.hooks import Hooks
from famulus_prolific.records import StudyRecord
from prolific_account import CODE, RUN, ProlificAccount

REFUSED_CODE = "NOT-QUALIFIED"


@pytest.fixture
def record(account: ProlificAccount) -> StudyRecord:
    """The stored study of the run, which is open."""
    return StudyRecord(
        run_id=RUN,
        study_id=account.study.id,
        codes={"completed": CODE, "not_qualified": REFUSED_CODE},
        url="",
        is_paused=False,
        is_stopped=False,
        is_ended=False,
    )


def differences_of(
    account: ProlificAccount, record: StudyRecord | None, *visits: VisitView
) -> list[str]:
    kept: list[str] = []
    hooks = Hooks(
        api=account.api(),
        database=account.database,
        workspace=account.workspace,
        keep_secret=kept.append,
    )
    return [*differences(account.api(), lambda: hooks, record, visits)]


def test_no_difference_is_reported_without_one(
    account: ProlificAccount, record: StudyRecord
) -> None:
    visit = account.visit(account.submission(1))

    assert differences_of(account, record, visit) == []
    assert differences_of(account, None) == []
    assert differences_of(account, evolve(record, study_id=None)) == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"action": "APPROVE"}, "approved"),
        ({"action": "REJECT", "message": "x" * 100, "rejection_category": "OTHER"}, "rejected"),
    ],
)
def test_a_decision_from_elsewhere_is_named(
    account: ProlificAccount, record: StudyRecord, body: dict[str, str], word: str
) -> None:
    submission = account.submission(1)
    account.api().post(f"submissions/{submission.id}/transition/", body)

    (sentence,) = differences_of(account, record, account.visit(submission))

    assert f"is {word} on Prolific, but not decided here" in sentence


def test_a_submission_of_another_participant_is_named(
    account: ProlificAccount, record: StudyRecord
) -> None:
    visit = account.visit(account.submission(1))

    (sentence,) = differences_of(account, record, evolve(visit, worker_name="a stranger"))

    assert "do not pay for it" in sentence


def test_a_submission_that_prolific_does_not_have_is_named(
    account: ProlificAccount, record: StudyRecord
) -> None:
    visit = account.visit(account.submission(1))

    (sentence,) = differences_of(account, record, evolve(visit, reference="0" * 24))

    assert "is not on Prolific" in sentence


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("is_day_first", [True, False])
def test_work_that_was_refused_and_will_be_paid_is_named_in_a_line_each(
    account: ProlificAccount, record: StudyRecord, is_day_first: bool, count: int
) -> None:
    account.prolific.facts.list_dates_day_first = is_day_first
    refused = []
    for number in range(1, count + 1):
        submission, _ = account.prolific.participant(number).take(account.study.id)
        account.prolific.participant(number).complete(submission, REFUSED_CODE)
        refused.append(submission)

    first, *others = differences_of(account, record)
    for number, submission in enumerate(refused, start=1):
        account.prolific.participant(number).give_back(submission)

    assert first.startswith("1 submission handed" if count == 1 else f"{count} submissions handed")
    assert f'`famulus prolific message {RUN} PARTICIPANT --text "…"`' in first
    assert len(others) == count
    for sentence, submission in zip(others, refused, strict=True):
        assert submission.completed_at is not None
        paid_on = submission.completed_at.date() + timedelta(days=21)
        assert f"from {submission.participant_id}, paid from {paid_on} on" in sentence
        assert len(f"run 123: {sentence}") <= 80, "it needs more than a line"
    assert differences_of(account, record) == []


@pytest.mark.parametrize(
    ("is_stopped", "why"), [(True, "the run is stopped"), (False, "no unit is free")]
)
def test_a_study_that_is_open_although_it_was_paused_is_named(
    account: ProlificAccount, record: StudyRecord, is_stopped: bool, why: str
) -> None:
    assert account.study.status is StudyStatus.ACTIVE

    (sentence,) = differences_of(account, evolve(record, is_paused=True, is_stopped=is_stopped))

    assert f"is active on Prolific, and {why}: " in sentence
    assert f"`famulus sync {RUN}` pauses it" in sentence


@pytest.mark.parametrize("action", [None, "PAUSE", "STOP"])
def test_a_study_that_is_not_stopped_although_its_run_is_finished_is_named(
    account: ProlificAccount, record: StudyRecord, action: str | None
) -> None:
    if action is not None:
        account.api().post(f"studies/{account.study.id}/transition/", {"action": action})

    found = differences_of(account, evolve(record, is_paused=True, is_stopped=True, is_ended=True))

    if action == "STOP":
        assert found == []
    else:
        (sentence,) = found
        assert "and the run is finished" in sentence
        assert f"`famulus sync {RUN}` stops it" in sentence


def test_a_study_that_prolific_does_not_have_is_named(
    account: ProlificAccount, record: StudyRecord
) -> None:
    (sentence,) = differences_of(account, evolve(record, study_id="0" * 24))

    assert "nothing can be paid" in sentence


@pytest.mark.parametrize("name", [GROUP_ALLOW, GROUP_BLOCK])
def test_a_deleted_group_by_which_an_open_study_selects_is_named_last(
    account: ProlificAccount, record: StudyRecord, name: str
) -> None:
    api = account.api()
    stranger = evolve(account.visit(account.submission(1)), worker_name="a stranger")
    given = {"name": "careful", "workspace_id": account.workspace}
    group = api.post("participant-groups/", given)["id"]
    account.study.fields["filters"] = [{"filter_id": name, "selected_values": [group]}]
    assert differences_of(account, record) == []

    api.delete(f"participant-groups/{group}/")

    first, sentence = differences_of(account, record, stranger)
    assert "do not pay for it" in first
    assert f"the participant group {group}, by which the study {account.study.id}" in sentence
    assert "was deleted on Prolific" in sentence
    assert f"`famulus finish {RUN}`" in sentence
    ended = evolve(record, is_ended=True)
    assert differences_of(account, ended) == []
    api.post(f"studies/{account.study.id}/transition/", {"action": "PAUSE"})
    assert differences_of(account, record) == []
