"""Blocks in a requester's account; each call is idempotent."""

from __future__ import annotations

from famulus_mturk.calls import Mturk, MTurkRefusedError
from famulus_mturk.meanings import Meaning
from famulus_mturk.texts import clean

_LONGEST = 4096
_BLOCKED = "The requester has blocked you from their tasks."
_UNBLOCKED = "The requester has taken the block back."


def block(mturk: Mturk, worker: str, reason: str) -> None:
    """Block a worker from all HITs of the requester."""
    try:
        text = clean(reason, _LONGEST) or _BLOCKED
        mturk.call("create_worker_block", WorkerId=worker, Reason=text)
    except MTurkRefusedError as error:
        if error.meaning not in (Meaning.EXISTS, Meaning.PROCESSED):
            raise


def unblock(mturk: Mturk, worker: str, reason: str) -> None:
    """Unblock a worker."""
    try:
        text = clean(reason, _LONGEST) or _UNBLOCKED
        mturk.call("delete_worker_block", WorkerId=worker, Reason=text)
    except MTurkRefusedError as error:
        if error.meaning not in (Meaning.MISSING, Meaning.STATE):
            raise
