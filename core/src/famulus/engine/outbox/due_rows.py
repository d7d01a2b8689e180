"""Outbox rows that are due, in the order of their delivery."""

from __future__ import annotations

from collections.abc import Collection

from famulus.engine.outbox.outbox_rows import CLOSING_KINDS, OutboxKind
from famulus.model.statements import Param, Statement
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Row, Transaction

_IS_PENDING = OutboxTable.status == literal(OutboxStatus.PENDING)
_OF_RUN = OutboxTable.run == Param("run")
_OF_ACCOUNT = OutboxTable.run.is_null() & (OutboxTable.requester == Param("requester"))
_IS_DUE = _IS_PENDING & (OutboxTable.next_attempt_at <= Param("now"))
_IS_CLOSING = OutboxTable.kind << [kind.value for kind in CLOSING_KINDS]
_DUE_OF_RUN = Statement(
    OutboxTable.select()
    .where(_IS_DUE, _OF_RUN)
    .order_by(_IS_CLOSING.desc(), OutboxTable.id)
    .limit(Param("most"))
)
_DUE_OF_ACCOUNT = Statement(
    OutboxTable.select().where(_IS_DUE, _OF_ACCOUNT).order_by(OutboxTable.id).limit(Param("most"))
)


def select_due(
    tx: Transaction,
    *,
    run: int | None,
    requester: int,
    most: int,
    kinds: Collection[OutboxKind] | None = None,
) -> list[Row]:
    """Return rows that are due: those of a run first, then those of its requester's account.

    The oldest come first, except that closing places comes before everything.

    :param kinds: only these kinds of the run's rows, and none of the requester's.
    """
    if kinds is not None:
        return [] if run is None else _select_due_of_kinds(tx, run, most, kinds)
    rows = []
    if run is not None:
        rows = tx.rows_of(_DUE_OF_RUN, run=run, now=tx.micros, most=most)
    if len(rows) < most:
        rows += tx.rows_of(
            _DUE_OF_ACCOUNT, requester=requester, now=tx.micros, most=most - len(rows)
        )
    return rows


def _select_due_of_kinds(
    tx: Transaction, run: int, most: int, kinds: Collection[OutboxKind]
) -> list[Row]:
    return tx.rows(
        OutboxTable.select()
        .where(
            _IS_PENDING,
            OutboxTable.next_attempt_at <= tx.now,
            OutboxTable.run == run,
            OutboxTable.kind << [kind.value for kind in kinds],
        )
        .order_by(_IS_CLOSING.desc(), OutboxTable.id)
        .limit(most)
    )
