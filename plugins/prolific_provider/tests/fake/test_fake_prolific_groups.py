"""Participant groups, messages and test studies of the fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific

HandIn = Callable[..., str]


@pytest.fixture
def workspace(prolific: FakeProlific) -> str:
    [found] = prolific.state.workspaces
    return found


def test_members_are_added_and_removed_once(client: Any, workspace: str) -> None:
    body = {"name": "g", "workspace_id": workspace, "participant_ids": ["a" * 24]}
    group = client.ask("POST", "participant-groups/", body)
    path = f"participant-groups/{group['id']}/participants/"

    added = client.ask("POST", path, {"participant_ids": ["a" * 24, "b" * 24]})
    removed = client.ask("DELETE", path, {"participant_ids": ["b" * 24, "c" * 24]})

    assert [one["participant_id"] for one in added["results"]] == ["a" * 24, "b" * 24]
    assert [one["participant_id"] for one in removed["results"]] == ["a" * 24]
    listed = client.ask("GET", "participant-groups/", workspace_id=workspace)["results"]
    assert [one["participant_count"] for one in listed] == [1]


@pytest.mark.parametrize("unique", [False, True])
def test_two_groups_may_have_one_name(
    prolific: FakeProlific, client: Any, workspace: str, unique: bool
) -> None:
    prolific.facts.group_names_unique = unique
    body = {"name": "g", "workspace_id": workspace}
    client.ask("POST", "participant-groups/", body)

    assert client.send("POST", "participant-groups/", body).is_error is unique


def test_a_deleted_group_is_gone(client: Any, workspace: str) -> None:
    group = client.ask("POST", "participant-groups/", {"name": "g", "workspace_id": workspace})

    client.ask("DELETE", f"participant-groups/{group['id']}/")

    assert client.send("GET", f"participant-groups/{group['id']}/").status_code == 404
    assert client.ask("GET", "participant-groups/", workspace_id=workspace)["results"] == []


def test_messages_go_to_participants_and_come_from_them(
    prolific: FakeProlific, client: Any, hand_in: HandIn, clock: MovableClock
) -> None:
    study, person = client.launch(), prolific.participant(1)
    hand_in(study, 1)
    start = clock().isoformat()
    clock.advance(60)

    bulk = {"ids": [person.id], "body": "Thank you", "study_id": study}
    client.ask("POST", "messages/bulk/", bulk)
    prolific.receive_message(person.id, "You are welcome", study)

    listed = client.ask("GET", "messages/", created_after=start)["results"]
    assert [one["body"] for one in listed] == ["Thank you", "You are welcome"]
    stranger = {"recipient_id": "0" * 24, "body": "Hello", "study_id": study}
    assert client.send("POST", "messages/", stranger).is_error
    assert client.send("GET", "messages/").is_error


def test_only_test_participants_see_a_test_study_and_it_costs_nothing(
    prolific: FakeProlific, client: Any
) -> None:
    tester = client.ask("POST", "researchers/participants/", {"email": "a@example.com"})
    draft = client.create()

    study = client.ask("POST", f"studies/{draft}/test-study")["study_id"]
    prolific.participant(1)
    person = prolific.participant(tester["participant_id"])
    submission, _ = person.take(study)
    person.complete(submission, "DONE")
    client.decide(submission.id, "APPROVE")

    assert prolific.participant(1).studies() == []
    assert prolific.state.money.ledger == []
    assert client.status(draft) == "UNPUBLISHED"
