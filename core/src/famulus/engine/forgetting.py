"""Forgetting a worker: their name leaves the database, and their answers if that is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from famulus.engine.ledger.payment_views import read_identity
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.status import NewEvent, record
from famulus.errors import ConflictError
from famulus.model.fields import dump_json
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Statement
from famulus.model.states import (
    DUE_PAYMENTS,
    OPEN_AGENTS,
    OutboxStatus,
    UnitStatus,
)
from famulus.model.tables import (
    IS_RARE_EVENT,
    AgentTable,
    EventTable,
    OutboxTable,
    PaymentTable,
    ReviewTable,
    TaskRunTable,
    UnitTable,
    UploadTable,
    VisitTable,
    WorkerTable,
    literal,
    literals,
)
from famulus.model.transaction import Transaction
from famulus.names import forgotten_reference

#: The new status in the event of a worker who was forgotten.
_FORGOTTEN = "forgotten"
#: What people have written, in the payloads of outbox rows.
_WRITTEN = ("note", "reason")
_ATTEMPTS: Statement[tuple[int, int]] = Statement(
    AgentTable.select(AgentTable.id, AgentTable.run)
    .where(AgentTable.worker << AMONG)
    .order_by(AgentTable.id)
)


def check_forgettable(tx: Transaction, worker: int, name: str) -> None:
    """Raise if a worker's name is still needed for something that is to be done for them.

    :raises famulus.ConflictError: while they are at work, or are owed a decision or a payment.
    """
    reasons = [reason for find in _REASONS for reason in find(tx, worker)]
    if reasons:
        raise ConflictError(f"{name} cannot be forgotten yet: {'; '.join(reasons)}")


def begin_forgetting(
    tx: Transaction, worker: int, *, name: str, texts: Sequence[str], pseudonym: str
) -> bool:
    """Block a worker, and replace their provider's other names for them in the stored texts.

    Called before the provider deletes these names, so that a call that is repeated after an
    interruption can still ask for them. Return whether the worker was blocked before.

    :raises famulus.ConflictError: like :func:`check_forgettable`.
    """
    check_forgettable(tx, worker, name)
    # Without their provider's rows, a worker who comes in between could not be named or paid.
    unblocked = (WorkerTable.id == worker) & ~WorkerTable.blocked
    was_blocked = not tx.execute(WorkerTable.update(blocked=True).where(unblocked)).rowcount
    for text in texts:
        _replace_in_texts(tx, worker, text, pseudonym)
    return was_blocked


def admit_again(tx: Transaction, worker: int) -> None:
    """Admit a worker again who could not be forgotten."""
    tx.execute(WorkerTable.update(blocked=False).where(WorkerTable.id == worker))


def forget_rows(
    tx: Transaction, worker: int, *, name: str, pseudonym: str, blocked: bool, answers: bool
) -> int:
    """Replace the name of a worker by a pseudonym, wherever core has stored it.

    Also remove the platform's parameters and references from their visits, and the data that
    providers have kept to find payments. In texts that a requester has written about the worker,
    such as the reason of a bonus, replace only the name.

    Return how many attempts have lost their answers.

    :param name: the name that the provider gives them here.
    :param blocked: whether the pseudonym is shown as blocked.
    :param answers: whether their answers, uploaded files and the notes of their reviews are removed
        as well.
    :raises famulus.ConflictError: like :func:`check_forgettable`.
    """
    check_forgettable(tx, worker, name)
    tx.execute(WorkerTable.update(name=pseudonym, blocked=blocked).where(WorkerTable.id == worker))
    _forget_visits(tx, worker, name)
    _replace_in_texts(tx, worker, name, pseudonym)
    tx.execute(AgentTable.update(message=None).where(AgentTable.worker == worker))
    tx.execute(PaymentTable.update(kept=None).where(PaymentTable.worker == worker))
    removed = _remove_answers(tx, worker) if answers else 0
    record(
        tx,
        NewEvent(
            run=None,
            subject="worker",
            subject_id=worker,
            new=_FORGOTTEN,
            cause="forget",
            detail={"answers": answers},
        ),
    )
    return removed


def forgotten_attempts(tx: Transaction) -> list[tuple[int, int]]:
    """Return the runs and ids of attempts whose answers were removed with their worker's name."""
    forgotten = tx.rows(
        EventTable.select(EventTable.subject_id, EventTable.detail)
        .where(
            EventTable.run.is_null(),
            IS_RARE_EVENT,
            EventTable.subject == "worker",
            EventTable.new == _FORGOTTEN,
        )
        .order_by(EventTable.id)
    )
    workers = [row.subject_id for row in forgotten if row.detail["answers"]]
    return [(run, agent) for agent, run in run_among(tx, _ATTEMPTS, workers)]


def _forget_visits(tx: Transaction, worker: int, name: str) -> None:
    """Replace the platform's data in visits; its later reports about them are still recognized."""
    identity = read_identity(tx)
    visits = VisitTable.select(VisitTable.id, VisitTable.reference)
    for row in tx.rows(visits.where(VisitTable.worker == worker).order_by(VisitTable.id)):
        reference = forgotten_reference(identity, name, row.reference)
        changed = VisitTable.update(reference=reference, accept="", place="", query={})
        tx.execute(changed.where(VisitTable.id == row.id))


def _remove_answers(tx: Transaction, worker: int) -> int:
    mine = AgentTable.select(AgentTable.id).where(AgentTable.worker == worker)
    tx.execute(UploadTable.delete().where(UploadTable.agent << mine))
    tx.execute(ReviewTable.update(note="").where(ReviewTable.agent << mine))
    removed = tx.execute(
        AgentTable.update(answers={}, unanswered=True).where(
            AgentTable.worker == worker, AgentTable.submitted_at.is_null(False)
        )
    )
    return int(removed.rowcount)


def _replace_in_texts(tx: Transaction, worker: int, name: str, pseudonym: str) -> None:
    """Replace the name in the texts of rows about a worker, and in what platforms were sent."""
    replaced = _replacing(name, pseudonym)
    mine = AgentTable.select(AgentTable.id).where(AgentTable.worker == worker)
    about_worker = (
        IS_RARE_EVENT & (EventTable.subject == "worker") & (EventTable.subject_id == worker)
    )
    for table, columns, condition in (
        (PaymentTable, ("reason", "error", "note"), PaymentTable.worker == worker),
        (ReviewTable, ("note",), ReviewTable.agent << mine),
        (EventTable, ("detail",), about_worker),
        # One call is about several workers, and so may be why it failed.
        (OutboxTable, ("error",), OutboxTable.error.contains(name)),
    ):
        for row in tx.rows(table.select().where(condition).order_by(table.id)):
            old = {column: getattr(row, column) for column in columns}
            new = {column: replaced(value) for column, value in old.items()}
            if new != old:
                tx.execute(table.update(**new).where(table.id == row.id))
    _replace_in_payloads(tx, worker, name, replaced)


def _replace_in_payloads(
    tx: Transaction, worker: int, name: str, replaced: Callable[[Any], Any]
) -> None:
    """Replace the name in what platforms were sent about a worker.

    Only texts that a person has written are changed: elsewhere the name may be a word of core's.
    """
    query = VisitTable.select(VisitTable.id).where(VisitTable.worker == worker)
    visits = {row.id for row in tx.rows(query)}
    stored = dump_json(name)[1:-1]
    for row in tx.rows(
        OutboxTable.select()
        .where(OutboxTable.payload.cast("TEXT").contains(stored))
        .order_by(OutboxTable.id)
    ):
        old = row.payload
        if old.get("worker") != worker and old.get("visit") not in visits:
            continue
        new = {**old, **{key: replaced(old[key]) for key in _WRITTEN if key in old}}
        if new != old:
            tx.execute(OutboxTable.update(payload=new).where(OutboxTable.id == row.id))


def _replacing(name: str, pseudonym: str) -> Callable[[Any], Any]:
    """Return a function that replaces a name in texts and in the texts of JSON values."""
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")

    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            return whole.sub(lambda _: pseudonym, value)
        if isinstance(value, dict):
            return {key: replaced(each) for key, each in value.items()}
        if isinstance(value, list):
            return [replaced(each) for each in value]
        return value

    return replaced


def _is_at_work(tx: Transaction, worker: int) -> Iterable[str]:
    query = AgentTable.select(AgentTable.run).where(
        AgentTable.worker == worker, AgentTable.status << literals(*OPEN_AGENTS)
    )
    for row in tx.rows(query.distinct().order_by(AgentTable.run)):
        yield f"they are at work in run {row.run_id}"


def _is_unreviewed(tx: Transaction, worker: int) -> Iterable[str]:
    query = (
        UnitTable.select(UnitTable.run)
        .join(AgentTable, on=(UnitTable.agent_id == AgentTable.id))
        .join(TaskRunTable, on=(UnitTable.run == TaskRunTable.id))
        .where(
            AgentTable.worker == worker,
            UnitTable.status == literal(UnitStatus.COMPLETED),
            TaskRunTable.reward > 0,
        )
    )
    for row in tx.rows(query.distinct().order_by(UnitTable.run)):
        yield f"work of theirs in run {row.run_id} is still to be reviewed"


def _is_owed(tx: Transaction, worker: int) -> Iterable[str]:
    query = PaymentTable.select(PaymentTable.id).where(
        PaymentTable.worker == worker, PaymentTable.status << literals(*DUE_PAYMENTS)
    )
    numbers = [str(row.id) for row in tx.rows(query.order_by(PaymentTable.id))]
    if numbers:
        word = "payment" if len(numbers) == 1 else "payments"
        yield f"they are owed {word} {', '.join(numbers)}, as `famulus payments` shows"


def _is_undelivered(tx: Transaction, worker: int) -> Iterable[str]:
    query = OutboxTable.select(OutboxTable.kind, OutboxTable.payload).where(
        OutboxTable.status == literal(OutboxStatus.PENDING),
        OutboxTable.kind
        << [OutboxKind.DECIDE.value, OutboxKind.QUALIFY.value, OutboxKind.BLOCK.value],
    )
    rows = tx.rows(query)
    visits = {row.payload["visit"] for row in rows if row.kind == OutboxKind.DECIDE}
    theirs = VisitTable.select(VisitTable.id).where(VisitTable.worker == worker)
    if any(row.payload.get("worker") == worker for row in rows) or (
        visits and visits & {row.id for row in tx.rows(theirs)}
    ):
        yield "their platform has not been told of a decision or a qualification yet"


_REASONS: Sequence[Callable[[Transaction, int], Iterable[str]]] = (
    _is_at_work,
    _is_unreviewed,
    _is_owed,
    _is_undelivered,
)
