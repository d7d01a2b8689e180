"""Submissions of the fake: codes with their actions, and decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific, ParticipantRefusedError

HandIn = Callable[..., str]
LONG = "The answers are of one letter each, which the instructions say will not be accepted. " * 2
SCREEN_OUT = {
    "code": "OUT",
    "code_type": "SCREENED_OUT",
    "actions": [{"action": "FIXED_SCREEN_OUT_PAYMENT", "fixed_screen_out_reward": 20, "slots": 1}],
}
DONE = {"code": "DONE", "code_type": "COMPLETED", "actions": [{"action": "MANUALLY_REVIEW"}]}


def code(name: str, action: str, **more: Any) -> dict[str, Any]:
    actor = more.pop("actor", "participant")
    actions = [{"action": action, **more}]
    return {"code": name, "code_type": "OTHER", "actions": actions, "actor": actor}


def status(client: Any, submission: str) -> str:
    return str(client.ask("GET", f"submissions/{submission}/")["status"])


def test_a_code_that_approves_pays_at_once(
    prolific: FakeProlific, client: Any, hand_in: HandIn
) -> None:
    study = client.launch(completion_codes=[code("YES", "AUTOMATICALLY_APPROVE")])

    submission = hand_in(study, 1, "YES")

    assert status(client, submission) == "APPROVED"
    assert [(one.kind, one.amount) for one in prolific.state.money.ledger] == [("reward", 100)]


@pytest.mark.parametrize("entered", ["WRONG", None])
def test_a_wrong_code_or_none_is_handed_in_too(
    prolific: FakeProlific, client: Any, hand_in: HandIn, entered: str | None
) -> None:
    submission = hand_in(client.launch(), 1, entered)

    shown = client.ask("GET", f"submissions/{submission}/")
    assert (shown["status"], shown["entered_code"]) == ("AWAITING REVIEW", entered)
    assert any("with the code" in one for one in prolific.audit())


def test_a_screen_out_is_paid_from_its_slots_and_pauses_the_study(
    client: Any, hand_in: HandIn
) -> None:
    study = client.launch(completion_codes=[DONE, SCREEN_OUT], total_available_places=1)
    submission = hand_in(study, 1, "OUT")
    paused = client.status(study)
    more = {**SCREEN_OUT, "actions": [{**SCREEN_OUT["actions"][0], "slots": 2}]}  # type: ignore[dict-item]

    fewer = client.send("PATCH", f"studies/{study}/", {"completion_codes": [more, DONE]})
    client.ask("PATCH", f"studies/{study}/", {"completion_codes": [DONE, more]})

    assert (status(client, submission), paused) == ("SCREENED OUT", "PAUSED")
    assert fewer.is_error
    assert client.move(study, "START") == "ACTIVE"
    assert status(client, hand_in(study, 2, "OUT")) == "SCREENED OUT"


@pytest.mark.parametrize("paid", [False, True])
def test_screen_outs_beyond_the_slots_may_be_paid(
    prolific: FakeProlific, client: Any, paid: bool
) -> None:
    prolific.facts.screen_outs_beyond_slots_paid = paid
    study = client.launch(completion_codes=[DONE, SCREEN_OUT], total_available_places=2)
    people = [prolific.participant(number) for number in (1, 2)]
    taken = [person.take(study)[0] for person in people]

    for person, submission in zip(people, taken, strict=True):
        person.complete(submission, "OUT")

    assert status(client, taken[1].id) == ("SCREENED OUT" if paid else "AWAITING REVIEW")


def test_a_code_changes_groups_and_asks_for_a_return(
    prolific: FakeProlific, client: Any, hand_in: HandIn
) -> None:
    [workspace] = prolific.state.workspaces
    group = client.ask("POST", "participant-groups/", {"name": "g", "workspace_id": workspace})
    join = code("JOIN", "ADD_TO_PARTICIPANT_GROUP", participant_group=group["id"])
    back = code("BACK", "REQUEST_RETURN", return_reason="No consent")
    study = client.launch(completion_codes=[join, back])

    hand_in(study, 1, "JOIN")
    returned = hand_in(study, 2, "BACK")

    members = client.ask("GET", f"participant-groups/{group['id']}/participants/")["results"]
    assert [one["participant_id"] for one in members] == [f"{1:024x}"]
    assert client.ask("GET", f"submissions/{returned}/")["return_requested"]


@pytest.mark.parametrize(("returns", "expected"), [(False, "AWAITING REVIEW"), (True, "RETURNED")])
def test_a_code_that_asks_for_a_return_may_return_by_itself(
    prolific: FakeProlific, client: Any, hand_in: HandIn, returns: bool, expected: str
) -> None:
    prolific.facts.return_codes_return = returns
    back = code("BACK", "REQUEST_RETURN", return_reason="No consent")
    study = client.launch(completion_codes=[back], total_available_places=1)

    submission = hand_in(study, 1, "BACK")

    assert status(client, submission) == expected
    assert client.status(study) == ("ACTIVE" if returns else "AWAITING REVIEW")


def test_a_researcher_completes_and_pays_in_part(prolific: FakeProlific, client: Any) -> None:
    part = code("PART", "DYNAMIC_PAYMENT", actor="researcher")
    study = client.launch(completion_codes=[DONE, part])
    submission, _ = prolific.participant(1).take(study)
    body = {"completion_code": "PART", "completion_code_data": {"percentage_of_reward": 40}}

    refused = client.decide(submission.id, "COMPLETE", completion_code="PART")
    client.decide(submission.id, "COMPLETE", **body)
    again = client.decide(submission.id, "COMPLETE", **body)

    assert refused.is_error
    assert again.json()["status"] == "PARTIALLY APPROVED"
    assert [one.amount for one in prolific.state.money.ledger] == [40]


def test_only_one_code_may_be_without_actions(client: Any) -> None:
    bare = [{"code": name, "code_type": "OTHER", "actions": []} for name in "AB"]

    with pytest.raises(AssertionError, match="without actions"):
        client.create(completion_codes=bare)


def test_a_decision_again_is_ignored_and_another_refused(
    prolific: FakeProlific, client: Any, hand_in: HandIn
) -> None:
    submission = hand_in(client.launch(), 1)
    client.decide(submission, "APPROVE")

    again = client.decide(submission, "APPROVE")
    other = client.decide(submission, "REJECT", message=LONG, rejection_category="OTHER")

    assert again.is_success
    assert other.status_code == 400
    assert len(prolific.state.money.ledger) == 1


def test_a_submission_that_is_not_handed_in_cannot_be_approved(
    prolific: FakeProlific, client: Any
) -> None:
    submission, _ = prolific.participant(1).take(client.launch())

    assert client.decide(submission.id, "APPROVE").is_error


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"message": LONG},
        {"message": LONG, "rejection_category": "AI_USE"},
        {"message": "Too short", "rejection_category": "LOW_EFFORT"},
    ],
)
def test_a_rejection_needs_a_category_and_a_long_message(
    client: Any, hand_in: HandIn, given: dict[str, str]
) -> None:
    submission = hand_in(client.launch(), 1)

    assert client.decide(submission, "REJECT", **given).status_code == 400
    assert status(client, submission) == "AWAITING REVIEW"


def test_a_rejection_can_be_taken_back(client: Any, hand_in: HandIn) -> None:
    submission = hand_in(client.launch(), 1)
    client.decide(submission, "REJECT", message=LONG, rejection_category="LOW_EFFORT")

    client.decide(submission, "UNREJECT")

    assert client.decide(submission, "APPROVE").json()["status"] == "APPROVED"


@pytest.mark.parametrize(("strict", "approved"), [(False, "APPROVED"), (True, "AWAITING REVIEW")])
def test_a_bulk_approval_may_be_refused_as_a_whole(
    prolific: FakeProlific, client: Any, hand_in: HandIn, strict: bool, approved: str
) -> None:
    prolific.facts.bulk_approval_is_strict = strict
    study = client.launch()
    submission = hand_in(study, 1)
    at_work, _ = prolific.participant(2).take(study)

    body = {"submission_ids": [submission, at_work.id]}
    reply = client.send("POST", "submissions/bulk-approve/", body)

    assert reply.is_error is strict
    assert (status(client, submission), str(at_work.status)) == (approved, "ACTIVE")


def test_a_bulk_approval_may_take_a_while(
    prolific: FakeProlific, client: Any, hand_in: HandIn, clock: MovableClock
) -> None:
    prolific.facts.bulk_approval_takes = timedelta(minutes=1)
    submission = hand_in(client.launch(), 1)

    client.ask("POST", "submissions/bulk-approve/", {"submission_ids": [submission]})
    at_once = status(client, submission)
    clock.advance(60)

    assert (at_once, status(client, submission)) == ("AWAITING REVIEW", "APPROVED")


def test_unreviewed_work_approves_itself(
    prolific: FakeProlific, client: Any, hand_in: HandIn, clock: MovableClock
) -> None:
    submission = hand_in(client.launch(total_available_places=1), 1)

    clock.advance(21 * 24 * 3600)

    assert status(client, submission) == "APPROVED"
    assert any("approved itself" in one for one in prolific.audit())


@pytest.mark.parametrize("accepted", [False, True])
def test_a_late_code_may_be_accepted(
    prolific: FakeProlific, client: Any, clock: MovableClock, accepted: bool
) -> None:
    prolific.facts.late_codes_accepted = accepted
    person = prolific.participant(1)
    submission, _ = person.take(client.launch())
    clock.advance(3600)

    if accepted:
        person.complete(submission, "DONE")
    else:
        with pytest.raises(ParticipantRefusedError, match="TIMED-OUT"):
            person.complete(submission, "DONE")

    expected = "AWAITING REVIEW" if accepted else "TIMED-OUT"
    assert status(client, submission.id) == expected


@pytest.mark.parametrize("back", [False, True])
def test_a_participant_who_returned_may_come_back(
    prolific: FakeProlific, client: Any, back: bool
) -> None:
    prolific.facts.returned_may_come_back = back
    person, study = prolific.participant(1), client.launch()
    person.give_back(person.take(study)[0])

    assert bool(person.studies()) is back


def test_as_many_are_at_work_at_once_as_the_study_allows(
    prolific: FakeProlific, client: Any
) -> None:
    study = client.launch(submissions_config={"max_concurrent_submissions": 1})
    prolific.participant(1).take(study)

    with pytest.raises(ParticipantRefusedError, match="at work"):
        prolific.participant(2).reserve(study)


def test_lists_and_details_name_things_differently(client: Any, hand_in: HandIn) -> None:
    study = client.launch()
    submission = hand_in(study, 1)

    [row] = client.ask("GET", "submissions/", study=study)["results"]
    detail = client.ask("GET", f"submissions/{submission}/")

    assert (row["participant_id"], row["study_code"], row["reward"]) == (f"{1:024x}", "DONE", 10000)
    assert (detail["participant"], detail["entered_code"]) == (f"{1:024x}", "DONE")


def test_what_a_request_to_return_leads_to_is_up_to_the_participant(
    prolific: FakeProlific, client: Any
) -> None:
    person, study = prolific.participant(1), client.launch()
    submission, _ = person.take(study)
    person.complete(submission, "DONE")
    path = f"submissions/{submission.id}/request-return/"

    client.ask("POST", path, {"request_return_reasons": ["Did not finish"]})
    asked = status(client, submission.id)
    person.give_back(submission)

    assert (asked, status(client, submission.id)) == ("AWAITING REVIEW", "RETURNED")
