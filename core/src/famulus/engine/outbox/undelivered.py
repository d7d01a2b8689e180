"""Outbox rows that a platform has refused, or that wait for a retry: for the log and for status."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType

from attrs import frozen

from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.stored_verdicts import rows_in_ledger
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Row, Transaction

#: The action of the platform when a row of each kind is delivered.
_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        OutboxKind.SET_PLACES: "open places",
        OutboxKind.MOVE_END: "change when its places close",
        OutboxKind.PAUSE_PLACES: "close its places",
        OutboxKind.END_PLACES: "close its places",
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

    #: an :class:`OutboxKind`, or one of a newer version
    kind: str
    is_refused: bool
    rows: int
    #: of the newest row; empty where its delivery has not been tried
    error: str
    #: whether they concern the requester's account, and so no run
    of_account: bool = False
    #: whether they pay: a payment that was refused is retried by its number in the ledger
    in_ledger: bool = False

    def __str__(self) -> str:
        times = "" if self.rows == 1 else f" ({self.rows} times)"
        state = "has refused to" if self.is_refused else "has yet to"
        reason = f": {self.error}" if self.error else ""
        return f"the platform {state} {_action(self.kind)}{times}{reason}"


def read_undelivered(tx: Transaction, run: int, requester: int) -> list[UndeliveredRows]:
    """Return by kind the rows that were refused, or were tried and wait.

    They are those of a run and of its requester's account, without which workers may be kept out.
    """
    account = OutboxTable.run.is_null() & (OutboxTable.requester == requester)
    failed = OutboxTable.status == literal(OutboxStatus.FAILED)
    waiting = (OutboxTable.status == literal(OutboxStatus.PENDING)) & (OutboxTable.attempts > 0)
    found: list[UndeliveredRows] = []
    for of_account, whose in ((False, OutboxTable.run == run), (True, account)):
        for is_refused, condition in ((True, failed), (False, waiting)):
            rows = tx.rows(
                OutboxTable.select(
                    OutboxTable.id, OutboxTable.kind, OutboxTable.error, OutboxTable.payload
                )
                .where(whose, condition)
                .order_by(OutboxTable.id)
                .limit(_MOST)
            )
            paying = rows_in_ledger(tx, rows)
            found += _by_kind(rows, paying, is_refused=is_refused, of_account=of_account)
    return found


def kinds_of(rows: Iterable[Row]) -> Sequence[str]:
    """Return the kinds of rows, those that only a newer version knows at the end."""
    return list(dict.fromkeys((*OutboxKind, *(row.kind for row in rows))))


def _by_kind(
    rows: Sequence[Row], paying: Collection[int], *, is_refused: bool, of_account: bool
) -> Iterator[UndeliveredRows]:
    for kind, in_ledger in product(kinds_of(rows), (False, True)):
        errors = [row.error for row in rows if row.kind == kind and (row.id in paying) is in_ledger]
        if errors:
            yield UndeliveredRows(
                kind=kind,
                is_refused=is_refused,
                rows=len(errors),
                error=errors[-1],
                of_account=of_account,
                in_ledger=in_ledger,
            )


def describe_undelivered(row: Row, *, is_refused: bool, in_ledger: bool, error: str) -> str:
    """Return the log line for a row that was not delivered, with the remedy."""
    subject, action = _subject(row), _action(row.kind)
    command = "`famulus sync`" if row.run_id is None else f"`famulus sync {row.run_id}`"
    if not is_refused:
        return (
            f"{subject}: the platform could not {action}: {error}; this is retried automatically, "
            f"and {command} retries it now"
        )
    if in_ledger:
        remedy = f"`famulus payments --run {row.run_id}` shows what can be done"
    else:
        remedy = f"remove the cause, then {command} retries it"
    return f"{subject}: the platform has refused to {action}: {error}; {remedy}"


def describe_recovery(row: Row) -> str:
    """Return the log line for the first row of a kind that is delivered after others waited."""
    return f"{_subject(row)}: the platform can {_action(row.kind)} again"


def _action(kind: str) -> str:
    return _ACTIONS.get(kind, f"do {str(kind)!r}")


def _subject(row: Row) -> str:
    return f"requester {row.requester_id}" if row.run_id is None else f"run {row.run_id}"
