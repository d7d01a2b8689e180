"""Outbox rows that a platform has refused, or that wait for a retry: for the log and for status."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Row, Transaction

#: The action of the platform when a row of each kind is delivered.
_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        OutboxKind.OPEN_PLACES: "open places",
        OutboxKind.MOVE_END: "change when its places close",
        OutboxKind.CLOSE_PLACES: "close its places",
        OutboxKind.DISPOSE: "clean up",
        OutboxKind.DECIDE: "record a verdict",
        OutboxKind.PAY: "make a payment",
        OutboxKind.QUALIFY: "set a qualification",
        OutboxKind.BLOCK: "set a block",
    }
)
#: Rows that are read at most, to bound the cost of ``famulus status``.
_MOST = 1_000


@frozen(kw_only=True)
class UndeliveredRows:
    """Rows of one kind that a platform has refused, or that wait for a retry."""

    kind: OutboxKind
    is_refused: bool
    rows: int
    #: of the newest row; empty where its delivery has not been tried
    error: str

    def __str__(self) -> str:
        times = "" if self.rows == 1 else f" ({self.rows} times)"
        state = "has refused to" if self.is_refused else "has yet to"
        reason = f": {self.error}" if self.error else ""
        return f"the platform {state} {_ACTIONS[self.kind]}{times}{reason}"


def read_undelivered(tx: Transaction, run: int) -> list[UndeliveredRows]:
    """Return by kind the rows of a run that were refused, or were tried and wait."""
    failed = OutboxTable.status == literal(OutboxStatus.FAILED)
    waiting = (OutboxTable.status == literal(OutboxStatus.PENDING)) & (OutboxTable.attempts > 0)
    found = []
    for is_refused, condition in ((True, failed), (False, waiting)):
        rows = tx.rows(
            OutboxTable.select(OutboxTable.kind, OutboxTable.error)
            .where(OutboxTable.run == run, condition)
            .order_by(OutboxTable.id)
            .limit(_MOST)
        )
        for kind in OutboxKind:
            errors = [row.error for row in rows if row.kind == kind]
            if errors:
                found.append(
                    UndeliveredRows(
                        kind=kind, is_refused=is_refused, rows=len(errors), error=errors[-1]
                    )
                )
    return found


def describe_undelivered(row: Row, *, is_refused: bool, error: str) -> str:
    """Return the log line for a row that was not delivered, with the remedy."""
    subject, action = _subject(row), _action(row)
    command = "`famulus sync`" if row.run_id is None else f"`famulus sync {row.run_id}`"
    if not is_refused:
        return (
            f"{subject}: the platform could not {action}: {error}; this is retried automatically, "
            f"and {command} retries it now"
        )
    if row.kind == OutboxKind.PAY:
        remedy = f"`famulus payments --run {row.run_id}` shows what can be done"
    else:
        remedy = f"remove the cause, then {command} retries it"
    return f"{subject}: the platform has refused to {action}: {error}; {remedy}"


def describe_recovery(row: Row) -> str:
    """Return the log line for the first row of a kind that is delivered after others waited."""
    return f"{_subject(row)}: the platform can {_action(row)} again"


def _action(row: Row) -> str:
    return _ACTIONS.get(row.kind, f"do {row.kind!r}")


def _subject(row: Row) -> str:
    return f"requester {row.requester_id}" if row.run_id is None else f"run {row.run_id}"
