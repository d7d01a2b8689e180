"""Verdicts as the payload of an outbox row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from famulus.contracts.visit_verdict import Approve, Reject, Verdict
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Statement
from famulus.model.states import PaymentKind
from famulus.model.tables import PaymentTable, TaskRunTable, literal
from famulus.model.transaction import Row, Transaction

_APPROVED, _REJECTED = "approved", "rejected"
#: Visits whose reward the platform pays.
_REWARDED = Statement(
    PaymentTable.select(PaymentTable.visit)
    .join(TaskRunTable, on=(PaymentTable.run == TaskRunTable.id))
    .where(
        PaymentTable.kind == literal(PaymentKind.REWARD),
        ~TaskRunTable.paid_outside,
        PaymentTable.visit << AMONG,
    )
)


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


def rows_in_ledger(tx: Transaction, rows: Iterable[Row]) -> frozenset[int]:
    """Return the ids of outbox rows that pay: once refused, their ledger row is retried instead.

    An approval pays nothing where the work is unpaid, or where people pay outside of the platform.

    :param rows: with their ``id``, ``kind`` and ``payload``.
    """
    rows = list(rows)
    visits = (row.payload["visit"] for row in rows if is_approval(row))
    rewarded = {visit for (visit,) in run_among(tx, _REWARDED, visits)}
    return frozenset(
        row.id
        for row in rows
        if row.kind == OutboxKind.PAY or (is_approval(row) and row.payload["visit"] in rewarded)
    )
