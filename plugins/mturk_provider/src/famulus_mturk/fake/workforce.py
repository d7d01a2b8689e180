"""Operations on workers themselves: blocks and messages."""

from __future__ import annotations

from typing import Any

from famulus_mturk.fake.errors import RequestError, bad_value, missing
from famulus_mturk.fake.limits import check_sizes
from famulus_mturk.fake.paging import page
from famulus_mturk.fake.state import State

_MOST_NOTIFIED = 100


class Workforce:
    """Blocks, unblocks and writes to workers."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create_worker_block(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Block a worker from all HITs of the account."""
        check_sizes(parameters)
        if parameters["WorkerId"] in self._state.unknown_workers:
            raise missing("Worker", parameters["WorkerId"])
        if self._state.facts.blocks_are_strict and parameters["WorkerId"] in self._state.blocks:
            raise RequestError("WorkerBlockAlreadyExists", "The worker block already exists.")
        self._state.blocks[parameters["WorkerId"]] = parameters["Reason"]
        return {}

    def delete_worker_block(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Unblock a worker."""
        if self._state.facts.blocks_are_strict and parameters["WorkerId"] not in self._state.blocks:
            raise missing("WorkerBlock", parameters["WorkerId"])
        self._state.blocks.pop(parameters["WorkerId"], None)
        return {}

    def list_worker_blocks(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """List the blocked workers and the reasons."""
        numbered = list(enumerate(self._state.blocks.items()))
        shown, token = page(numbered, parameters, lambda one: one[0])
        return {
            "WorkerBlocks": [
                {"WorkerId": worker_id, "Reason": reason} for _, (worker_id, reason) in shown
            ],
            "NumResults": len(shown),
            "NextToken": token,
        }

    def notify_workers(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Write to workers whose work was decided on before; the others are listed as failures."""
        check_sizes(parameters)
        workers = parameters["WorkerIds"]
        if not 1 <= len(workers) <= _MOST_NOTIFIED:
            raise bad_value("WorkerIds", f"{len(workers)} is not between 1 and {_MOST_NOTIFIED}")
        strangers = []
        for worker_id in workers:
            if any(accept.decided_at for accept in self._state.accepts_of(worker_id)):
                self._state.send_mail(worker_id, parameters["Subject"], parameters["MessageText"])
            else:
                strangers.append(worker_id)
        return {"NotifyWorkersFailureStatuses": [_failure(worker_id) for worker_id in strangers]}


def _failure(worker_id: str) -> dict[str, Any]:
    return {
        "NotifyWorkersFailureCode": "HardFailure",
        "NotifyWorkersFailureMessage": (
            "Cannot send a notification to a worker who has not done any work for you"
        ),
        "WorkerId": worker_id,
    }
