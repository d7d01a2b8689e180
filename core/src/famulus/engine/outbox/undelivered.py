"""Outbox rows that a platform has refused, or that wait for a retry: for the log and for status."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType

from attrs import frozen

from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.outbox.stored_verdicts import rows_in_ledger
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Statement
from famulus.model.states import PENDING_VISITS, OutboxStatus, PaymentStatus
from famulus.model.tables import OutboxTable, PaymentTable, VisitTable, literal, literals
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
_PENDING_VISITS = Statement(
    VisitTable.select(VisitTable.id).where(
        VisitTable.id << AMONG, VisitTable.status << literals(*PENDING_VISITS)
    )
)
#: Payments that a person has to make, or has made, instead of the platform.
_PAID_ELSEWHERE = Statement(
    PaymentTable.select(PaymentTable.id).where(
        PaymentTable.id << AMONG,
        PaymentTable.status << literals(PaymentStatus.OWED, PaymentStatus.CONFIRMED),
    )
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
    #: of the newest row; empty if its delivery has not been tried
    error: str
    #: whether they concern the requester's account, and so no run
    of_account: bool = False
    #: whether they pay: a payment that was refused is retried by its number in the ledger
    in_ledger: bool = False
    #: whether they are verdicts that the platform refuses again, because it has decided otherwise
    is_final: bool = False

    def __str__(self) -> str:
        times = "" if self.rows == 1 else f" ({self.rows} times)"
        state = "has refused to" if self.is_refused else "has yet to"
        reason = f": {self.error}" if self.error else ""
        if self.kind == OutboxKind.PAY and not self.is_refused:
            # A call without a reply may have paid.
            return (
                f"the platform has not confirmed a payment{times}{reason}; it is asked whether it "
                "was made, and nothing is paid twice"
            )
        return f"the platform {state} {_action(self.kind)}{times}{reason}"


def read_undelivered(tx: Transaction, run: int, requester: int) -> list[UndeliveredRows]:
    """Return, by kind, the rows that were refused, or were tried and wait for a retry.

    They are rows of a run and of its requester's account: without the latter, workers may be kept
    out. Refused payments that are owed, or were made, outside of the platform are left out.
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
            if is_refused:
                rows = _without_paid_elsewhere(tx, rows)
            paying = rows_in_ledger(tx, rows)
            final = rows_refused_for_good(tx, rows) if is_refused else frozenset[int]()
            found += _by_kind(rows, paying, final, is_refused=is_refused, of_account=of_account)
    return found


def _without_paid_elsewhere(tx: Transaction, rows: Sequence[Row]) -> list[Row]:
    payments = (row.payload["payment"] for row in rows if row.kind == OutboxKind.PAY)
    elsewhere = {payment for (payment,) in run_among(tx, _PAID_ELSEWHERE, payments)}
    return [
        row for row in rows if row.kind != OutboxKind.PAY or row.payload["payment"] not in elsewhere
    ]


def rows_refused_for_good(tx: Transaction, rows: Iterable[Row]) -> frozenset[int]:
    """Return the ids of verdicts that would be refused again: the platform has decided already.

    Verdicts that are retried by their payment's number in the ledger are left out.

    :param rows: refused rows, with their ``id``, ``kind`` and ``payload``.
    """
    rows = list(rows)
    paying = rows_in_ledger(tx, rows)
    verdicts = [row for row in rows if row.kind == OutboxKind.DECIDE and row.id not in paying]
    visits = (row.payload["visit"] for row in verdicts)
    pending = {visit for (visit,) in run_among(tx, _PENDING_VISITS, visits)}
    return frozenset(row.id for row in verdicts if row.payload["visit"] not in pending)


def kinds_of(rows: Iterable[Row]) -> Sequence[str]:
    """Return all known kinds, then the kinds of rows that only a newer version knows."""
    return list(dict.fromkeys((*OutboxKind, *(row.kind for row in rows))))


def _by_kind(
    rows: Sequence[Row],
    paying: Collection[int],
    final: Collection[int],
    *,
    is_refused: bool,
    of_account: bool,
) -> Iterator[UndeliveredRows]:
    for kind, in_ledger, is_final in product(kinds_of(rows), (False, True), (False, True)):
        errors = [
            row.error
            for row in rows
            if (row.kind, row.id in paying, row.id in final) == (kind, in_ledger, is_final)
        ]
        if errors:
            yield UndeliveredRows(
                kind=kind,
                is_refused=is_refused,
                rows=len(errors),
                error=errors[-1],
                of_account=of_account,
                in_ledger=in_ledger,
                is_final=is_final,
            )


def describe_undelivered(
    row: Row,
    *,
    is_refused: bool,
    error: str,
    in_ledger: bool = False,
    is_final: bool = False,
    is_owed: bool = False,
) -> str:
    """Return the log line for a row that was not delivered, with the remedy.

    :param is_owed: whether it is a payment that is to be made outside of the platform.
    """
    subject, action = _subject(row), _action(row.kind)
    command = "`famulus sync`" if row.run_id is None else f"`famulus sync {row.run_id}`"
    if not is_refused and row.kind == OutboxKind.PAY:
        # One that may have been made is asked about, and made only if it was not.
        return (
            f"{subject}: the platform has not confirmed a payment: {error}; it is asked again "
            f"automatically, {command} asks it now, and nothing is paid twice"
        )
    if not is_refused:
        return (
            f"{subject}: the platform could not {action}: {error}; this is retried automatically, "
            f"and {command} retries it now"
        )
    if is_owed:
        remedy = (
            f"it is owed outside of the platform, as `famulus payments owed {row.run_id}` lists"
        )
    elif in_ledger:
        remedy = f"`famulus payments --run {row.run_id}` shows what can be done"
    elif is_final:
        remedy = (
            f"the platform has decided otherwise, and `famulus sync {row.run_id} --acknowledge`"
        )
        remedy += " counts it as settled"
    else:
        remedy = f"remove the cause, then {command} retries it"
        if row.kind == OutboxKind.SET_PLACES:
            # A run keeps the configuration that it was launched with.
            remedy = (
                f"if the configuration is the cause, `famulus finish {row.run_id}` and launch a "
                f"corrected one; else {remedy}"
            )
    return f"{subject}: the platform has refused to {action}: {error}; {remedy}"


def describe_recovery(row: Row) -> str:
    """Return the log line for the first delivered row after rows of its kind had to wait."""
    return f"{_subject(row)}: the platform can {_action(row.kind)} again"


def _action(kind: str) -> str:
    return _ACTIONS.get(kind, f"do {str(kind)!r}")


def _subject(row: Row) -> str:
    return f"requester {row.requester_id}" if row.run_id is None else f"run {row.run_id}"
