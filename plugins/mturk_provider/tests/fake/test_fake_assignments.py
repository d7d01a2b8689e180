"""Submissions: listed, approved, rejected, approved automatically."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import NO_ASSIGNMENT, Account, HitPage, WorkerRefusedError
from turk_errors import turk_code

Launch = Callable[..., dict[str, Any]]
Status = Callable[[dict[str, Any]], tuple[Any, ...]]

DAY = 24 * 3600


def work(sandbox: Account, hit: dict[str, Any], worker_id: str = "A1") -> HitPage:
    worker = sandbox.worker(worker_id)
    shown = worker.accept(hit["HITGroupId"])
    worker.submit(shown, {"label": "a cat & a dog"})
    return shown


def test_unfinished_work_does_not_exist_for_the_requester(
    sandbox: Account, client: Any, launch: Launch
) -> None:
    hit = launch()
    shown = sandbox.worker("A1").accept(hit["HITGroupId"])

    for ask in (client.get_assignment, client.approve_assignment):
        with pytest.raises(client.exceptions.RequestError) as caught:
            ask(AssignmentId=shown.assignment_id)
        assert turk_code(caught) == "AssignmentDoesNotExist"
    assert client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"] == []


def test_submissions_are_shown_with_their_answers(
    sandbox: Account, client: Any, launch: Launch, clock: MovableClock
) -> None:
    hit = launch(AutoApprovalDelayInSeconds=DAY)
    shown = work(sandbox, hit)

    found = client.get_assignment(AssignmentId=shown.assignment_id)

    assignment = found["Assignment"]
    assert assignment["AssignmentStatus"] == "Submitted"
    assert assignment["WorkerId"] == "A1"
    assert assignment["SubmitTime"] == clock()
    assert (assignment["AutoApprovalTime"] - clock()).total_seconds() == DAY
    assert "<FreeText>a cat &amp; a dog</FreeText>" in assignment["Answer"]
    assert found["HIT"]["HITId"] == hit["HITId"]


def test_assignments_are_listed_by_status(sandbox: Account, client: Any, launch: Launch) -> None:
    hit = launch(MaxAssignments=3)
    first, second = work(sandbox, hit, "A1"), work(sandbox, hit, "A2")
    client.approve_assignment(AssignmentId=first.assignment_id)

    page = client.list_assignments_for_hit(
        HITId=hit["HITId"], AssignmentStatuses=["Submitted", "Rejected"]
    )

    assert [one["AssignmentId"] for one in page["Assignments"]] == [second.assignment_id]


def test_an_approved_assignment_is_not_approved_or_rejected_again(
    sandbox: Account, client: Any, launch: Launch
) -> None:
    shown = work(sandbox, launch())
    client.approve_assignment(AssignmentId=shown.assignment_id)

    for again, more in (
        (client.approve_assignment, {}),
        (client.reject_assignment, {"RequesterFeedback": "changed my mind"}),
    ):
        with pytest.raises(client.exceptions.RequestError) as caught:
            again(AssignmentId=shown.assignment_id, **more)
        assert turk_code(caught) == "InvalidAssignmentState"
        assert "This operation can be called with a status of: Submitted (" in str(caught.value)
    assert len(sandbox.state.money.ledger) == 1


def test_a_rejection_needs_its_reason(sandbox: Account, client: Any, launch: Launch) -> None:
    shown = work(sandbox, launch())

    with pytest.raises(client.exceptions.RequestError) as caught:
        client.reject_assignment(AssignmentId=shown.assignment_id, RequesterFeedback=" ")
    client.reject_assignment(AssignmentId=shown.assignment_id, RequesterFeedback="It is empty.")

    found = client.get_assignment(AssignmentId=shown.assignment_id)["Assignment"]
    assert turk_code(caught) == "ParameterValidationError"
    assert (found["AssignmentStatus"], found["RequesterFeedback"]) == ("Rejected", "It is empty.")
    assert sandbox.state.money.ledger == []


def test_a_rejection_is_overridden_within_30_days(
    sandbox: Account, client: Any, launch: Launch, clock: MovableClock
) -> None:
    shown = work(sandbox, launch())
    client.reject_assignment(AssignmentId=shown.assignment_id, RequesterFeedback="no")
    clock.advance(30 * DAY)
    with pytest.raises(client.exceptions.RequestError):
        client.approve_assignment(AssignmentId=shown.assignment_id)

    client.approve_assignment(AssignmentId=shown.assignment_id, OverrideRejection=True)

    found = client.get_assignment(AssignmentId=shown.assignment_id)["Assignment"]
    assert found["AssignmentStatus"] == "Approved"
    assert len(sandbox.state.money.ledger) == 1


@pytest.mark.parametrize("too_late", ["after 30 days", "after the HIT"])
def test_a_rejection_stands_once_it_is_too_late(
    sandbox: Account, client: Any, launch: Launch, clock: MovableClock, too_late: str
) -> None:
    hit = launch()
    shown = work(sandbox, hit)
    client.reject_assignment(AssignmentId=shown.assignment_id, RequesterFeedback="no")
    if too_late == "after the HIT":
        client.delete_hit(HITId=hit["HITId"])
    else:
        clock.advance(30 * DAY + 1)

    with pytest.raises(client.exceptions.RequestError) as caught:
        client.approve_assignment(AssignmentId=shown.assignment_id, OverrideRejection=True)

    assert turk_code(caught) in ("InvalidAssignmentState", "InvalidHITState")


def test_a_rejected_place_is_not_offered_again(
    sandbox: Account, client: Any, launch: Launch, status: Status
) -> None:
    hit = launch()
    client.reject_assignment(AssignmentId=work(sandbox, hit).assignment_id, RequesterFeedback="no")

    assert status(hit) == ("Reviewable", 0, 0, 1)
    assert sandbox.worker("A2").groups() == []


@pytest.mark.parametrize("delay", [0, 3600])
def test_unreviewed_work_is_approved_automatically(
    sandbox: Account, client: Any, launch: Launch, clock: MovableClock, delay: int
) -> None:
    hit = launch(AutoApprovalDelayInSeconds=delay)
    submitted = clock()
    shown = work(sandbox, hit)
    clock.advance(delay)

    found = client.get_assignment(AssignmentId=shown.assignment_id)["Assignment"]
    with pytest.raises(client.exceptions.RequestError, match="a status of: Submitted"):
        client.approve_assignment(AssignmentId=shown.assignment_id)

    assert found["AssignmentStatus"] == "Approved"
    assert (found["ApprovalTime"] - submitted).total_seconds() == delay
    assert len(sandbox.state.money.ledger) == 1


def test_things_happen_at_their_own_times_when_the_clock_leaps(
    sandbox: Account, client: Any, launch: Launch, clock: MovableClock
) -> None:
    hit = launch(MaxAssignments=2, AutoApprovalDelayInSeconds=7200)
    start = clock()
    shown = work(sandbox, hit, "A1")
    sandbox.worker("A2").accept(hit["HITGroupId"])
    clock.advance(DAY)

    client.get_hit(HITId=hit["HITId"])

    assert [
        (event.name, (event.at - start).total_seconds()) for event in sandbox.state.events[-3:]
    ] == [("AssignmentAbandoned", 600), ("HITExpired", 3600), ("AssignmentApproved", 7200)]
    assert sandbox.state.events[-1].assignment_id == shown.assignment_id


def test_time_running_out_reopens_the_place_and_refuses_the_form(
    sandbox: Account, launch: Launch, status: Status, clock: MovableClock
) -> None:
    hit, worker = launch(), sandbox.worker("A1")
    shown = worker.accept(hit["HITGroupId"])
    clock.advance(600)

    with pytest.raises(WorkerRefusedError, match="its time ran out"):
        worker.submit(shown, {"x": "1"})

    assert status(hit) == ("Assignable", 0, 1, 0)


def test_a_place_given_back_keeps_its_id_for_the_next_worker(
    sandbox: Account, client: Any, launch: Launch
) -> None:
    hit, first, second = launch(), sandbox.worker("A1"), sandbox.worker("A2")
    given_back = first.accept(hit["HITGroupId"])
    first.give_back(given_back)

    taken = second.accept(hit["HITGroupId"])
    with pytest.raises(WorkerRefusedError, match="have not accepted"):
        first.submit(given_back, {"x": "mine"})
    second.submit(taken, {"x": "1"})

    assert taken.assignment_id == given_back.assignment_id
    found = client.get_assignment(AssignmentId=taken.assignment_id)["Assignment"]
    assert found["WorkerId"] == "A2"


def test_a_worker_may_accept_a_returned_hit_again(sandbox: Account, launch: Launch) -> None:
    hit, worker = launch(), sandbox.worker("A1")
    first = worker.accept(hit["HITGroupId"])
    worker.give_back(first)

    again = worker.accept(hit["HITGroupId"])

    assert again == first


def test_ids_are_new_where_a_test_wants_that(sandbox: Account, launch: Launch) -> None:
    sandbox.state.reuse_assignment_ids = False
    hit, worker = launch(), sandbox.worker("A1")
    first = worker.accept(hit["HITGroupId"])
    worker.give_back(first)

    assert worker.accept(hit["HITGroupId"]).assignment_id != first.assignment_id


def test_a_worker_does_a_hit_once(sandbox: Account, launch: Launch) -> None:
    hit = launch(MaxAssignments=2)
    work(sandbox, hit, "A1")

    with pytest.raises(WorkerRefusedError, match="already worked"):
        sandbox.worker("A1").accept_hit(hit["HITId"])
    with pytest.raises(WorkerRefusedError, match="no more"):
        sandbox.worker("A1").accept(hit["HITGroupId"])


def test_a_form_posted_twice_is_refused_the_second_time(sandbox: Account, launch: Launch) -> None:
    shown = work(sandbox, launch())

    with pytest.raises(WorkerRefusedError, match="already submitted"):
        sandbox.worker("A1").submit(shown, {"x": "again"})


def test_a_form_without_any_answer_is_refused(sandbox: Account, launch: Launch) -> None:
    worker = sandbox.worker("A1")
    shown = worker.accept(launch()["HITGroupId"])

    with pytest.raises(WorkerRefusedError, match="there are none"):
        worker.submit(shown, {"assignmentId": shown.assignment_id})


def test_mturk_appends_its_parameters_to_the_address(sandbox: Account, launch: Launch) -> None:
    hit, worker = launch(), sandbox.worker("A1")

    preview = worker.preview(hit["HITGroupId"])
    shown = worker.accept(hit["HITGroupId"])

    origin = sandbox.worker_url.replace(":", "%3A").replace("/", "%2F")
    begin = "https://tasks.example/?run=7&x=1&assignmentId="
    rest = f"&hitId={hit['HITId']}&turkSubmitTo={origin}"
    assert preview.assignment_id == NO_ASSIGNMENT
    assert preview.url == f"{begin}ASSIGNMENT_ID_NOT_AVAILABLE{rest}"
    assert shown.url == f"{begin}{shown.assignment_id}{rest}&workerId=A1"


def test_a_test_says_where_forms_are_posted(sandbox: Account, launch: Launch) -> None:
    sandbox.submit_to = "https://workersandbox.mturk.com"

    shown = sandbox.worker("A1").accept(launch()["HITGroupId"])

    assert "turkSubmitTo=https%3A%2F%2Fworkersandbox.mturk.com&" in str(shown.url)
