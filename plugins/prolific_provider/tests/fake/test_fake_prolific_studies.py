"""Studies of the fake: drafts, places, and the status that follows from submissions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific, ParticipantRefusedError

HandIn = Callable[..., str]
REASON = {"message": "Too short. " * 10, "rejection_category": "LOW_EFFORT"}


def test_an_approved_study_is_completed(client: Any, hand_in: HandIn) -> None:
    study = client.launch(total_available_places=1)
    begun = client.status(study)
    submission = hand_in(study, 1)
    handed_in = client.status(study)

    client.decide(submission, "APPROVE")

    assert (begun, handed_in) == ("ACTIVE", "AWAITING REVIEW")
    assert client.status(study) == "COMPLETED"


def test_a_rejection_opens_the_place_again(client: Any, hand_in: HandIn) -> None:
    study = client.launch(total_available_places=1)

    client.decide(hand_in(study, 1), "REJECT", **REASON)

    assert client.status(study) == "ACTIVE"
    assert hand_in(study, 2)


def test_a_return_after_handing_in_opens_the_place_again(
    prolific: FakeProlific, client: Any
) -> None:
    study, person = client.launch(total_available_places=1), prolific.participant(1)
    submission, _ = person.take(study)
    person.complete(submission, "DONE")

    person.give_back(submission)

    assert client.status(study) == "ACTIVE"


@pytest.mark.parametrize("wakes", [False, True])
def test_a_rejection_may_wake_a_stopped_study(
    prolific: FakeProlific, client: Any, hand_in: HandIn, wakes: bool
) -> None:
    prolific.facts.rejection_wakes_stopped = wakes
    study = client.launch()
    submission = hand_in(study, 1)
    stopped = client.move(study, "STOP")

    client.decide(submission, "REJECT", **REASON)

    assert stopped == "COMPLETED"
    assert client.status(study) == ("ACTIVE" if wakes else "COMPLETED")


def test_more_places_wake_a_completed_study(client: Any, hand_in: HandIn) -> None:
    study = client.launch(total_available_places=1)
    client.decide(hand_in(study, 1), "APPROVE")

    client.ask("PATCH", f"studies/{study}/", {"total_available_places": 2})

    assert client.status(study) == "ACTIVE"
    assert client.send("PATCH", f"studies/{study}/", {"total_available_places": 1}).is_error


@pytest.mark.parametrize("moves", [False, True])
def test_a_paused_study_may_move_on(
    prolific: FakeProlific, client: Any, clock: MovableClock, moves: bool
) -> None:
    prolific.facts.paused_moves_on = moves
    study, person = client.launch(total_available_places=1), prolific.participant(1)
    submission, _ = person.take(study)
    client.move(study, "PAUSE")

    person.complete(submission, "DONE")

    assert client.status(study) == ("AWAITING REVIEW" if moves else "PAUSED")


def test_there_are_never_more_participants_than_places(prolific: FakeProlific, client: Any) -> None:
    study = client.launch(total_available_places=1)
    prolific.participant(1).reserve(study)

    with pytest.raises(ParticipantRefusedError, match="full"):
        prolific.participant(2).reserve(study)


@pytest.mark.parametrize("end", ["removed", "RETURNED", "TIMED-OUT"])
def test_a_reservation_expires(
    prolific: FakeProlific, client: Any, clock: MovableClock, end: str
) -> None:
    prolific.facts.expired_reservation = end
    study = client.launch(total_available_places=1)
    submission = prolific.participant(1).reserve(study)

    clock.advance(600)

    counts = client.ask("GET", f"studies/{study}/submissions/counts/")
    assert counts["RESERVED"] == 0
    assert counts["TOTAL"] == (0 if end == "removed" else 1)
    assert end == "removed" or str(submission.status) == end
    assert prolific.participant(2).reserve(study).id


def test_time_runs_out_and_the_place_is_free(
    prolific: FakeProlific, client: Any, clock: MovableClock
) -> None:
    study = client.launch(total_available_places=1)
    submission, _ = prolific.participant(1).take(study)
    minutes = client.ask("GET", f"studies/{study}/")["maximum_allowed_time"]

    clock.advance(minutes * 60)

    assert minutes == 17
    assert client.ask("GET", f"submissions/{submission.id}/")["status"] == "TIMED-OUT"
    assert prolific.participant(2).studies()


def test_publishing_may_take_a_while(
    prolific: FakeProlific, client: Any, clock: MovableClock
) -> None:
    prolific.facts.publishing_takes = timedelta(seconds=30)
    study = client.create()

    at_once = client.move(study, "PUBLISH")
    clock.advance(30)

    assert (at_once, client.status(study)) == ("PUBLISHING", "ACTIVE")


def test_a_scheduled_study_is_published_by_itself(
    prolific: FakeProlific, client: Any, clock: MovableClock
) -> None:
    study = client.create()
    when = (clock() + timedelta(hours=1)).isoformat()
    body = {"action": "SCHEDULE_PUBLISH", "publish_at": when}

    scheduled = client.ask("POST", f"studies/{study}/transition/", body)["status"]
    clock.advance(3600)

    assert (scheduled, client.status(study)) == ("SCHEDULED", "ACTIVE")


@pytest.mark.parametrize("refused", [False, True])
def test_pausing_twice_may_be_refused(prolific: FakeProlific, client: Any, refused: bool) -> None:
    prolific.facts.repeats_refused = refused
    study = client.launch()
    client.move(study, "PAUSE")

    again = client.send("POST", f"studies/{study}/transition/", {"action": "PAUSE"})

    assert again.is_error is refused
    assert client.status(study) == "PAUSED"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": None}, "name"),
        ({"total_available_places": 0}, "total_available_places"),
        ({"eligibility_requirements": []}, "eligibility_requirements"),
        ({"maximum_allowed_time": 16}, "maximum_allowed_time"),
        ({"completion_codes": []}, "completion_codes"),
        ({"filters": [{"filter_id": "shoe-size", "selected_values": ["1"]}]}, "filters"),
        ({"project": "0" * 24}, "project"),
    ],
)
def test_a_wrong_draft_is_refused_with_the_name_of_the_field(
    client: Any, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(AssertionError, match=named):
        client.create(**change)


@pytest.mark.parametrize(("call", "created"), [("create", False), ("publish", True)])
def test_a_low_reward_is_refused(
    prolific: FakeProlific, client: Any, call: str, created: bool
) -> None:
    prolific.facts.low_reward_refused_at = call

    with pytest.raises(AssertionError, match="minimum of 600"):
        client.launch(reward=49)

    assert bool(prolific.state.studies) is created


def test_a_study_that_cannot_be_paid_is_not_published(client: Any) -> None:
    with pytest.raises(AssertionError, match="enough funds"):
        client.launch(total_available_places=1000)


def test_filters_decide_who_sees_a_study_while_it_is_published(
    prolific: FakeProlific, client: Any
) -> None:
    [workspace] = prolific.state.workspaces
    group = client.ask("POST", "participant-groups/", {"name": "g", "workspace_id": workspace})
    chosen = [{"filter_id": "participant_group_allowlist", "selected_values": [group["id"]]}]
    client.launch(filters=chosen)
    person = prolific.participant(1)
    before = person.studies()

    members = f"participant-groups/{group['id']}/participants/"
    client.ask("POST", members, {"participant_ids": [person.id]})
    granted = person.studies()
    client.ask("DELETE", members, {"participant_ids": [person.id]})

    assert (len(before), len(granted), len(person.studies())) == (0, 1, 0)


def test_only_a_draft_can_be_deleted_or_changed_freely(client: Any) -> None:
    study = client.create()
    client.ask("PATCH", f"studies/{study}/", {"reward": 120})
    client.move(study, "PUBLISH")

    assert client.send("PATCH", f"studies/{study}/", {"reward": 150}).is_error
    assert client.send("DELETE", f"studies/{study}/").is_error
    assert client.ask("GET", f"studies/{study}/")["reward"] == 120
