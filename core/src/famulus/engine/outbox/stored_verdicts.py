"""Verdicts as the payload of an outbox row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.outbox.outbox_rows import OutboxKind, find_outbox_row, pay_key, verdict_key
from famulus.errors import UnavailableError
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Statement
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, TaskRunTable, literal
from famulus.model.transaction import Row, Transaction


class _Word(StrEnum):
    """The kind of a verdict, as it is stored."""

    APPROVED = "approved"
    PARTLY_APPROVED = "partly_approved"
    RETURN_REQUESTED = "return_requested"
    REJECTED = "rejected"


#: What a verdict without a reason, an amount or a category has in their stead.
_NOTHING: Mapping[str, str] = MappingProxyType({"note": "", "amount": "", "category": ""})
#: Visits whose reward the platform pays, and has not paid yet.
_REWARDED = Statement(
    PaymentTable.select(PaymentTable.visit)
    .join(TaskRunTable, on=(PaymentTable.run == TaskRunTable.id))
    .where(
        PaymentTable.kind == literal(PaymentKind.REWARD),
        PaymentTable.status != literal(PaymentStatus.CONFIRMED),
        ~TaskRunTable.paid_outside,
        PaymentTable.visit << AMONG,
    )
)


def dump_verdict(verdict: Verdict) -> dict[str, str]:
    """Return the part of a payload that :func:`load_verdict` reads."""
    match verdict:
        case Approve():
            own = {"verdict": _Word.APPROVED.value}
        case ApprovePartially(amount):
            own = {"verdict": _Word.PARTLY_APPROVED.value, "amount": f"{amount:f}"}
        case RequestReturn(reason):
            own = {"verdict": _Word.RETURN_REQUESTED.value, "note": reason}
        case Reject(reason, category):
            own = {"verdict": _Word.REJECTED.value, "note": reason, "category": category}
        case _:
            raise TypeError(f"{verdict!r} is not a verdict that can be stored")
    return {**_NOTHING, **own}


def load_verdict(payload: Mapping[str, Any]) -> Verdict:
    """Return the verdict of a payload.

    Rows of earlier versions have no amount and no category.

    :raises famulus.UnavailableError: when a newer version has written it.
    """
    match payload["verdict"]:
        case _Word.APPROVED:
            return Approve()
        case _Word.PARTLY_APPROVED:
            return ApprovePartially(Decimal(payload["amount"]))
        case _Word.RETURN_REQUESTED:
            return RequestReturn(payload["note"])
        case _Word.REJECTED:
            return Reject(payload["note"], payload.get("category", ""))
    raise UnavailableError(
        f"this version of Famulus cannot deliver the verdict {payload['verdict']!r}; install a "
        "newer one"
    )


def read_verdicts(tx: Transaction, visit: int) -> Iterator[Row]:
    """Yield the outbox rows of a visit's verdicts, oldest first."""
    number = 1
    while (row := find_outbox_row(tx, verdict_key(visit, number))) is not None:
        yield row
        number += 1


def newest_verdict(tx: Transaction, visit: int) -> Row | None:
    """Return the outbox row of a visit's newest verdict, or None."""
    newest = None
    for row in read_verdicts(tx, visit):
        newest = row
    return newest


def is_approval(row: Row) -> bool:
    """Return whether an outbox row approves a visit, which pays its reward or a part of it."""
    paying = (_Word.APPROVED, _Word.PARTLY_APPROVED)
    return bool(row.kind == OutboxKind.DECIDE and row.payload["verdict"] in paying)


def is_rejection(row: Row) -> bool:
    """Return whether an outbox row rejects a visit."""
    return bool(row.kind == OutboxKind.DECIDE and row.payload["verdict"] == _Word.REJECTED)


def is_return_request(row: Row) -> bool:
    """Return whether an outbox row asks a worker to return a visit."""
    return bool(row.kind == OutboxKind.DECIDE and row.payload["verdict"] == _Word.RETURN_REQUESTED)


def rows_in_ledger(tx: Transaction, rows: Iterable[Row]) -> frozenset[int]:
    """Return the ids of outbox rows that pay: if one is refused, its ledger row is retried instead.

    An approval pays nothing if the work is unpaid, if it is paid outside of the platform, or once
    the platform has paid.

    :param rows: outbox rows with their ``id``, ``kind`` and ``payload``.
    """
    rows = list(rows)
    visits = (row.payload["visit"] for row in rows if is_approval(row))
    rewarded = {visit for (visit,) in run_among(tx, _REWARDED, visits)}
    return frozenset(
        row.id
        for row in rows
        if row.kind == OutboxKind.PAY or (is_approval(row) and row.payload["visit"] in rewarded)
    )


def payment_outbox_key(tx: Transaction, payment: Row) -> str:
    """Return the key of the outbox row that leads to a payment; empty if there is none."""
    if payment.kind is not PaymentKind.REWARD:
        return pay_key(payment.id)
    verdict = newest_verdict(tx, payment.visit_id)
    return "" if verdict is None else str(verdict.key)
