"""HITs: creating them once, their statuses, their end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import EXTERNAL, Account
from turk_errors import turk_code

Launch = Callable[..., dict[str, Any]]
Status = Callable[[dict[str, Any]], tuple[Any, ...]]

DAY = 24 * 3600
TYPE = {"Title": "t", "Description": "d", "Reward": "0.30", "AssignmentDurationInSeconds": 600}


def test_equal_values_are_one_hit_type(client: Any) -> None:
    made = client.create_hit_type(**TYPE)["HITTypeId"]

    same = client.create_hit_type(**TYPE | {"Reward": "0.3", "Keywords": ""})["HITTypeId"]
    other = client.create_hit_type(**TYPE | {"Reward": "0.31"})["HITTypeId"]

    assert made == same != other


def test_hits_of_a_type_are_one_group(client: Any, launch: Launch, question: str) -> None:
    first = launch(RequesterAnnotation="place 1")

    second = client.create_hit_with_hit_type(
        HITTypeId=first["HITTypeId"],
        LifetimeInSeconds=60,
        Question=question,
        RequesterAnnotation="place 2",
    )["HIT"]

    assert second["HITGroupId"] == first["HITGroupId"]
    assert second["RequesterAnnotation"] == "place 2"


def test_a_token_makes_one_hit_within_24_hours(
    client: Any, launch: Launch, clock: MovableClock
) -> None:
    hit = launch(UniqueRequestToken="place-1", LifetimeInSeconds=3 * DAY)
    clock.advance(DAY - 1)

    with pytest.raises(client.exceptions.RequestError) as caught:
        launch(UniqueRequestToken="place-1")

    assert turk_code(caught) == "HITAlreadyExists"
    assert hit["HITId"] in str(caught.value)


def test_a_token_makes_another_hit_after_24_hours(launch: Launch, clock: MovableClock) -> None:
    hit = launch(UniqueRequestToken="place-1")
    clock.advance(DAY)

    again = launch(UniqueRequestToken="place-1")

    assert again["HITId"] != hit["HITId"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Question": "<ExternalQuestion>"}, "XMLParseError"),
        ({"Question": "<p/>"}, "XMLParseError"),
        ({"Question": f'<ExternalQuestion xmlns="{EXTERNAL}"/>'}, "XMLParseError"),
        ({"Question": "x" * 65_536}, "ParameterValidationError"),
        ({"Reward": "0.00"}, "ParameterValidationError"),
        ({"MaxAssignments": 0}, "ParameterValidationError"),
        ({"LifetimeInSeconds": 29}, "ParameterValidationError"),
        ({"AutoApprovalDelayInSeconds": 2_592_001}, "ParameterValidationError"),
        ({"Title": "t" * 129}, "ParameterValidationError"),
        ({"RequesterAnnotation": "r" * 256}, "ParameterValidationError"),
        ({"Reward": "90000"}, "InsufficientFunds"),
    ],
)
def test_a_hit_that_cannot_be_is_refused(
    client: Any, launch: Launch, changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(client.exceptions.RequestError) as caught:
        launch(**changes)

    assert turk_code(caught) == expected
    assert client.list_hits()["HITs"] == []


def test_the_page_has_to_be_served_over_https(client: Any, launch: Launch, question: str) -> None:
    with pytest.raises(client.exceptions.RequestError, match="must use the HTTPS protocol"):
        launch(Question=question.replace("https://", "http://"))


def test_statuses_follow_the_places(
    sandbox: Account, client: Any, launch: Launch, status: Status
) -> None:
    hit = launch(MaxAssignments=2)
    seen = [status(hit)]
    first = sandbox.worker("A1").accept(hit["HITGroupId"])
    seen.append(status(hit))
    second = sandbox.worker("A2").accept(hit["HITGroupId"])
    seen.append(status(hit))
    sandbox.worker("A1").submit(first, {"x": "1"})
    sandbox.worker("A2").submit(second, {"x": "2"})
    seen.append(status(hit))
    client.update_hit_review_status(HITId=hit["HITId"])
    client.approve_assignment(AssignmentId=first.assignment_id)
    seen.append(status(hit))
    client.reject_assignment(AssignmentId=second.assignment_id, RequesterFeedback="empty")
    client.delete_hit(HITId=hit["HITId"])
    seen.append(status(hit))

    assert seen == [
        ("Assignable", 0, 2, 0),
        ("Assignable", 1, 1, 0),
        ("Unassignable", 2, 0, 0),
        ("Reviewable", 0, 0, 0),
        ("Reviewing", 0, 0, 1),
        ("Disposed", 0, 0, 2),
    ]


def test_a_preview_counts_as_pending(sandbox: Account, launch: Launch, status: Status) -> None:
    hit, worker = launch(), sandbox.worker("A1")

    shown = worker.preview(hit["HITGroupId"])
    while_looking = status(hit)
    worker.leave(shown)

    assert while_looking == ("Assignable", 1, 0, 0)
    assert status(hit) == ("Assignable", 0, 1, 0)


def test_after_its_lifetime_a_hit_takes_no_new_worker(
    sandbox: Account, launch: Launch, status: Status, clock: MovableClock
) -> None:
    hit = launch(MaxAssignments=2, AssignmentDurationInSeconds=7200)
    worker = sandbox.worker("A1")
    shown = worker.accept(hit["HITGroupId"])
    clock.advance(3600)
    while_at_work = status(hit)

    worker.submit(shown, {"x": "late, and welcome"})

    assert while_at_work == ("Unassignable", 1, 1, 0)
    assert status(hit) == ("Reviewable", 0, 1, 0)
    assert sandbox.worker("A2").groups() == []


def test_a_past_expiration_ends_a_hit_now(
    client: Any, launch: Launch, status: Status, clock: MovableClock
) -> None:
    hit = launch()

    for _ in range(2):
        client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)

    assert status(hit)[0] == "Reviewable"
    assert client.get_hit(HITId=hit["HITId"])["HIT"]["Expiration"] == clock()


def test_a_later_expiration_reopens_a_hit_and_is_taken_once(
    client: Any, launch: Launch, status: Status, clock: MovableClock
) -> None:
    hit, later = launch(), clock() + timedelta(hours=3)
    clock.advance(3600)
    over = status(hit)[0]
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=later)

    with pytest.raises(client.exceptions.RequestError, match="idempotency token"):
        client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=later)

    assert (over, status(hit)[0]) == ("Reviewable", "Assignable")


@pytest.mark.parametrize("submitted", [False, True])
def test_only_a_reviewed_hit_that_has_ended_is_deleted(
    sandbox: Account, client: Any, launch: Launch, submitted: bool
) -> None:
    hit = launch()
    if submitted:
        shown = sandbox.worker("A1").accept(hit["HITGroupId"])
        sandbox.worker("A1").submit(shown, {"x": "1"})

    with pytest.raises(client.exceptions.RequestError) as caught:
        client.delete_hit(HITId=hit["HITId"])

    assert turk_code(caught) == "InvalidHITState"
    assert "called with a status of: Reviewing, Reviewable" in str(caught.value)


def test_a_deleted_hit_is_shown_and_not_listed(client: Any, launch: Launch) -> None:
    hit = launch()
    client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)

    client.delete_hit(HITId=hit["HITId"])

    assert client.get_hit(HITId=hit["HITId"])["HIT"]["HITStatus"] == "Disposed"
    assert client.list_hits()["HITs"] == []


def test_after_120_days_mturk_forgets_a_hit(
    client: Any, launch: Launch, clock: MovableClock
) -> None:
    hit = launch()
    clock.advance(3600 + 120 * DAY)

    with pytest.raises(client.exceptions.RequestError) as caught:
        client.get_hit(HITId=hit["HITId"])

    assert turk_code(caught) == "HITDoesNotExist"


def test_a_hit_that_is_still_open_is_not_forgotten(
    launch: Launch, status: Status, clock: MovableClock
) -> None:
    hit = launch(LifetimeInSeconds=300 * DAY)
    clock.advance(200 * DAY)

    assert status(hit)[0] == "Assignable"


def test_places_are_added_below_ten_only(client: Any, launch: Launch, status: Status) -> None:
    hit = launch(MaxAssignments=2)

    client.create_additional_assignments_for_hit(
        HITId=hit["HITId"], NumberOfAdditionalAssignments=7
    )
    with pytest.raises(client.exceptions.RequestError) as caught:
        client.create_additional_assignments_for_hit(
            HITId=hit["HITId"], NumberOfAdditionalAssignments=1
        )

    assert status(hit) == ("Assignable", 0, 9, 0)
    assert turk_code(caught) == "InvalidMaximumAssignmentsIncrease"


def test_a_token_adds_places_once(client: Any, launch: Launch, status: Status) -> None:
    hit = launch()
    asked = {
        "HITId": hit["HITId"],
        "NumberOfAdditionalAssignments": 1,
        "UniqueRequestToken": "more",
    }
    client.create_additional_assignments_for_hit(**asked)

    with pytest.raises(client.exceptions.RequestError, match="idempotency token"):
        client.create_additional_assignments_for_hit(**asked)

    assert status(hit) == ("Assignable", 0, 2, 0)


def test_lists_come_in_pages_newest_first(client: Any, launch: Launch) -> None:
    made = [launch()["HITId"] for _ in range(12)]

    first = client.list_hits()
    launch()
    second = client.list_hits(NextToken=first["NextToken"])

    listed = [hit["HITId"] for hit in first["HITs"] + second["HITs"]]
    assert listed == made[::-1]
    assert (first["NumResults"], second["NumResults"]) == (10, 2)
    assert "NextToken" not in second


def test_a_full_last_page_promises_an_empty_one(client: Any, launch: Launch) -> None:
    for _ in range(2):
        launch()

    full = client.list_hits(MaxResults=2)
    empty = client.list_hits(MaxResults=2, NextToken=full["NextToken"])

    assert (empty["HITs"], "NextToken" in empty) == ([], False)


def test_reviewable_hits_are_listed_by_type_and_status(client: Any, launch: Launch) -> None:
    over, _, other = launch(), launch(), launch(Title="another type")
    for hit in (over, other):
        client.update_expiration_for_hit(HITId=hit["HITId"], ExpireAt=0)

    found = client.list_reviewable_hits(HITTypeId=over["HITTypeId"])["HITs"]

    assert [hit["HITId"] for hit in found] == [over["HITId"]]
    assert client.list_reviewable_hits(Status="Reviewing")["HITs"] == []


def test_hits_are_found_by_the_qualification_they_require(client: Any, launch: Launch) -> None:
    made = client.create_qualification_type(
        Name="q", Description="d", QualificationTypeStatus="Active"
    )["QualificationType"]["QualificationTypeId"]
    launch()
    hit = launch(QualificationRequirements=[{"QualificationTypeId": made, "Comparator": "Exists"}])

    found = client.list_hits_for_qualification_type(QualificationTypeId=made)["HITs"]

    assert [one["HITId"] for one in found] == [hit["HITId"]]
