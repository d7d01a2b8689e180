"""Blocks and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from famulus_mturk.fake import Account, WorkerRefusedError

Launch = Callable[..., dict[str, Any]]


def test_a_blocked_worker_accepts_nothing(sandbox: Account, client: Any, launch: Launch) -> None:
    hit, worker = launch(), sandbox.worker("A1")
    client.create_worker_block(WorkerId="A1", Reason="spam")
    listed = client.list_worker_blocks()["WorkerBlocks"]

    with pytest.raises(WorkerRefusedError, match="blocked"):
        worker.accept(hit["HITGroupId"])
    for _ in range(2):
        client.delete_worker_block(WorkerId="A1")

    assert listed == [{"WorkerId": "A1", "Reason": "spam"}]
    assert worker.accept(hit["HITGroupId"]).hit_id == hit["HITId"]


def test_messages_reach_only_those_whose_work_was_decided_on(
    sandbox: Account, client: Any, launch: Launch
) -> None:
    hit = launch(MaxAssignments=2)
    for worker_id in ("A1", "A2"):
        shown = sandbox.worker(worker_id).accept(hit["HITGroupId"])
        sandbox.worker(worker_id).submit(shown, {"x": "1"})
    client.reject_assignment(
        AssignmentId=client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"][0][
            "AssignmentId"
        ],
        RequesterFeedback="no",
    )

    reply = client.notify_workers(
        Subject="More work", MessageText="Come back", WorkerIds=["A1", "A2", "A3"]
    )

    failures = reply["NotifyWorkersFailureStatuses"]
    assert [mail.worker_id for mail in sandbox.state.mail] == ["A1"]
    assert [(one["WorkerId"], one["NotifyWorkersFailureCode"]) for one in failures] == [
        ("A2", "HardFailure"),
        ("A3", "HardFailure"),
    ]


def test_a_message_goes_to_a_hundred_at_most(client: Any) -> None:
    with pytest.raises(client.exceptions.RequestError, match="101 is not between 1 and 100"):
        client.notify_workers(
            Subject="s", MessageText="t", WorkerIds=[f"A{number}" for number in range(101)]
        )
