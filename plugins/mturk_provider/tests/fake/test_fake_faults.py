"""The faults a test can switch on, as boto3 meets them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import Account, Fault

Launch = Callable[..., dict[str, Any]]
Status = Callable[[dict[str, Any]], tuple[Any, ...]]


def test_throttling_has_no_effect(sandbox: Account, client: Any, launch: Launch) -> None:
    sandbox.faults.plan(Fault.THROTTLE, "CreateHIT", times=2)

    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            launch()
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"

    assert client.list_hits()["HITs"] == []
    assert launch()
    assert [call.outcome for call in sandbox.called("CreateHIT")] == [
        "ThrottlingException",
        "ThrottlingException",
        "ok",
    ]


def test_boto3_tries_again_by_itself(sandbox: Account, launch: Launch) -> None:
    patient = sandbox.client(attempts=2)
    sandbox.faults.plan(Fault.THROTTLE, "CreateHIT")

    hit = launch(via=patient)

    patient.close()
    assert list(sandbox.state.hits) == [hit["HITId"]]


def test_a_rate_is_a_limit(sandbox: Account, client: Any) -> None:
    seconds = 0.0
    sandbox.faults.limit_rate(2, 1.0, timer=lambda: seconds)
    for _ in range(2):
        client.list_hits()
    with pytest.raises(ClientError, match="Rate exceeded"):
        client.list_hits()

    seconds = 0.5

    assert client.list_hits()["HITs"] == []
    with pytest.raises(ClientError, match="Rate exceeded"):
        client.list_hits()


@pytest.mark.parametrize(("fault", "made"), [(Fault.FAIL, 0), (Fault.FAIL_AFTER, 1)])
def test_a_service_fault_may_or_may_not_have_had_its_effect(
    sandbox: Account, client: Any, launch: Launch, fault: Fault, made: int
) -> None:
    sandbox.faults.plan(fault)

    with pytest.raises(client.exceptions.ServiceFault) as caught:
        launch()

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert len(sandbox.state.hits) == made


def test_a_lost_reply_hides_an_effect(sandbox: Account, client: Any, launch: Launch) -> None:
    sandbox.faults.plan(Fault.LOSE_REPLY, "CreateHIT")
    with pytest.raises(ConnectionClosedError):
        launch(UniqueRequestToken="place-1")

    with pytest.raises(client.exceptions.RequestError) as caught:
        launch(UniqueRequestToken="place-1")

    [made] = sandbox.state.hits
    assert made in str(caught.value)
    assert [call.outcome for call in sandbox.calls] == ["reply lost", "HITAlreadyExists"]


def test_an_errors_reply_can_be_lost_too(sandbox: Account, client: Any) -> None:
    sandbox.faults.plan(Fault.LOSE_REPLY)

    with pytest.raises(ConnectionClosedError):
        client.get_hit(HITId="3NONE")


def test_a_request_delivered_twice_has_the_second_reply(
    sandbox: Account, client: Any, launch: Launch
) -> None:
    sandbox.faults.plan(Fault.TWICE, "CreateHIT", times=2)
    with pytest.raises(client.exceptions.RequestError, match="already been created"):
        launch(UniqueRequestToken="place-1")

    launch()

    assert len(sandbox.state.hits) == 3


def test_young_things_are_missing_from_late_lists(
    sandbox: Account, client: Any, launch: Launch, clock: MovableClock
) -> None:
    sandbox.faults.lists_late = timedelta(minutes=2)
    hit, worker = launch(), sandbox.worker("A1")
    shown = worker.accept(hit["HITGroupId"])
    worker.submit(shown, {"x": "1"})
    client.approve_assignment(AssignmentId=shown.assignment_id)
    client.send_bonus(WorkerId="A1", AssignmentId=shown.assignment_id, BonusAmount="1", Reason="r")

    def listed() -> tuple[int, int, int]:
        return (
            client.list_hits()["NumResults"],
            client.list_assignments_for_hit(HITId=hit["HITId"])["NumResults"],
            client.list_bonus_payments(HITId=hit["HITId"])["NumResults"],
        )

    at_once = listed()
    clock.advance(120)

    assert (at_once, listed()) == ((0, 0, 0), (1, 1, 1))
    assert client.get_assignment(AssignmentId=shown.assignment_id)


def test_counts_can_be_as_they_were_a_while_ago(
    sandbox: Account, launch: Launch, status: Status, clock: MovableClock
) -> None:
    hit = launch()
    clock.advance(60)
    sandbox.worker("A1").accept(hit["HITGroupId"])
    sandbox.faults.counts_stale = timedelta(seconds=30)

    stale = status(hit)
    clock.advance(30)

    assert (stale, status(hit)) == (("Assignable", 0, 1, 0), ("Unassignable", 1, 0, 0))


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_a_request_can_be_held(sandbox: Account, launch: Launch, after: bool, made: int) -> None:
    done = threading.Event()

    def create() -> None:
        launch()
        done.set()

    with sandbox.faults.holding("CreateHIT", after=after) as gate:
        thread = threading.Thread(target=create)
        thread.start()
        assert gate.reached.wait(10)
        while_held = len(sandbox.state.hits), done.is_set()
    thread.join()

    assert while_held == (made, False)
    assert len(sandbox.state.hits) == 1


def test_everything_works_again_once_faults_are_cleared(
    sandbox: Account, client: Any, launch: Launch
) -> None:
    sandbox.faults.plan(Fault.FAIL, times=100)
    sandbox.faults.limit_rate(1, 1000)
    sandbox.faults.lists_late = timedelta(days=1)
    sandbox.faults.clear()

    hit = launch()

    assert [one["HITId"] for one in client.list_hits()["HITs"]] == [hit["HITId"]]


def test_faults_of_one_account_are_not_the_others(sandbox: Account, live_client: Any) -> None:
    sandbox.faults.plan(Fault.FAIL, times=100)

    assert live_client.list_hits()["HITs"] == []
