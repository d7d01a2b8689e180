"""Verdicts as the payload of an outbox row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famulus.contracts.visit_verdict import Approve, Reject, Verdict
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.model.transaction import Row

_APPROVED, _REJECTED = "approved", "rejected"


def dump_verdict(verdict: Verdict) -> dict[str, str]:
    """Return the part of a payload that :func:`load_verdict` reads."""
    if isinstance(verdict, Reject):
        return {"verdict": _REJECTED, "note": verdict.reason}
    return {"verdict": _APPROVED, "note": ""}


def load_verdict(payload: Mapping[str, Any]) -> Verdict:
    """Return the verdict of a payload.

    :raises ValueError: when it is none of those that :func:`dump_verdict` writes.
    """
    if payload["verdict"] == _APPROVED:
        return Approve()
    if payload["verdict"] == _REJECTED:
        return Reject(payload["note"])
    raise ValueError(f"{payload['verdict']!r} is no verdict")


def is_approval(row: Row) -> bool:
    """Return whether an outbox row approves a visit, which pays its reward."""
    return bool(row.kind == OutboxKind.DECIDE and row.payload["verdict"] == _APPROVED)
