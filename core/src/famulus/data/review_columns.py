"""The columns of an export about reviews and payments, read for a page of answers at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from attrs import Factory, frozen

from famulus.engine.answers import StoredAnswer
from famulus.engine.ledger.rewards import reward_key
from famulus.iso_time import iso
from famulus.model.fields import from_micros
from famulus.model.many_values import AMONG, run_among
from famulus.model.money import from_minor
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, PaymentKind, PaymentStatus
from famulus.model.tables import AgentTable, PaymentTable, ReviewTable, TaskRunTable
from famulus.model.transaction import Transaction

#: Statuses of attempts that have been decided on, and of one whose return may be requested.
_REVIEWED = frozenset({AgentStatus.APPROVED, AgentStatus.SOFT_REJECTED, AgentStatus.REJECTED})
_MAY_HAVE_DECISION = _REVIEWED | {AgentStatus.COMPLETED}
#: The status of several bonuses is the first of these that one of them has.
_STATUS_OF_SEVERAL = (
    PaymentStatus.UNKNOWN,
    PaymentStatus.PLANNED,
    PaymentStatus.OWED,
    PaymentStatus.SENT,
    PaymentStatus.CONFIRMED,
    PaymentStatus.FAILED,
)


class _ReviewRow(NamedTuple):
    agent: int
    decision: str
    note: str
    amount: int | None
    currency: str
    category: str
    decided_at: int


class _RewardRow(NamedTuple):
    key: str
    amount: int
    currency: str
    status: str


class _BonusRow(NamedTuple):
    unit: int
    worker: int
    amount: int
    currency: str
    status: PaymentStatus


_REVIEWS = Statement(
    ReviewTable.select(
        ReviewTable.agent.alias("agent"),
        ReviewTable.decision,
        ReviewTable.note,
        ReviewTable.amount,
        TaskRunTable.currency,
        ReviewTable.category,
        ReviewTable.decided_at,
    )
    .join(AgentTable, on=(ReviewTable.agent == AgentTable.id))
    .join(TaskRunTable, on=(AgentTable.run == TaskRunTable.id))
    .where(ReviewTable.unit << AMONG, ReviewTable.undone_at.is_null())
    .order_by(ReviewTable.id),
    _ReviewRow,
)
_ANY_PAYMENT = Statement(
    PaymentTable.select(PaymentTable.id).where(PaymentTable.run == Param("run")).limit(1)
)
_REWARDS = Statement(
    PaymentTable.select(
        PaymentTable.key, PaymentTable.amount, PaymentTable.currency, PaymentTable.status
    ).where(PaymentTable.key << AMONG),
    _RewardRow,
)
_BONUSES = Statement(
    PaymentTable.select(
        PaymentTable.unit.alias("unit"),
        PaymentTable.worker.alias("worker"),
        PaymentTable.amount,
        PaymentTable.currency,
        PaymentTable.status,
    ).where(PaymentTable.unit << AMONG, PaymentTable.kind == PaymentKind.BONUS),
    _BonusRow,
)


class _Decided(NamedTuple):
    decision: str | None = None
    note: str | None = None
    amount: str | None = None
    category: str | None = None
    at: str | None = None


class _Money(NamedTuple):
    amount: str | None = None
    status: str | None = None
    currency: str | None = None


_UNDECIDED = _Decided()
_NONE = _Money()
#: Names of the columns, in their order.
REVIEW_COLUMNS = (
    "review_decision",
    "review_note",
    "review_amount",
    "review_category",
    "reviewed_at",
    "reward",
    "reward_status",
    "bonus",
    "bonus_status",
    "currency",
)
#: The columns of an answer that is neither reviewed nor paid, as most are.
_NOTHING: Mapping[str, str | None] = MappingProxyType(dict.fromkeys(REVIEW_COLUMNS))


@frozen(kw_only=True)
class ReviewColumns:
    """Reviews and payments of a page of answers."""

    #: by attempt
    _reviews: Mapping[int, _Decided] = Factory(dict)
    #: by visit
    _rewards: Mapping[str, _Money] = Factory(dict)
    #: by unit and worker
    _bonuses: Mapping[tuple[int, int], _Money] = Factory(dict)

    def columns(self, answer: StoredAnswer) -> Mapping[str, str | None]:
        """Return the columns of an answer; None where there is no value."""
        if not (self._reviews or self._rewards or self._bonuses):
            return _NOTHING
        decided = self._reviews.get(answer.agent, _UNDECIDED)
        reward = self._rewards.get(reward_key(answer.visit), _NONE)
        bonus = self._bonuses.get((answer.unit, answer.worker_id), _NONE)
        return {
            "review_decision": decided.decision,
            "review_note": decided.note,
            "review_amount": decided.amount,
            "review_category": decided.category,
            "reviewed_at": decided.at,
            "reward": reward.amount,
            "reward_status": reward.status,
            "bonus": bonus.amount,
            "bonus_status": bonus.status,
            "currency": reward.currency or bonus.currency,
        }


def read_review_columns(
    tx: Transaction, run: int, answers: Sequence[StoredAnswer]
) -> ReviewColumns:
    """Return the reviews and payments of answers of a run."""
    units = [answer.unit for answer in answers]
    visits = [reward_key(answer.visit) for answer in answers]
    statuses = {answer.agent_status for answer in answers}
    is_reviewed, may_have_decision = statuses & _REVIEWED, statuses & _MAY_HAVE_DECISION
    is_paid = tx.one(_ANY_PAYMENT, run=run) is not None
    return ReviewColumns(
        reviews=_reviews(run_among(tx, _REVIEWS, units)) if may_have_decision else {},
        rewards=_rewards(run_among(tx, _REWARDS, visits)) if is_reviewed and is_paid else {},
        bonuses=_bonuses(run_among(tx, _BONUSES, units)) if is_paid else {},
    )


def _reviews(rows: Iterable[_ReviewRow]) -> dict[int, _Decided]:
    """Return the newest decision about each attempt; rows come in the order of the decisions."""
    return {
        row.agent: _Decided(
            row.decision,
            row.note,
            None if row.amount is None else _text(row.amount, row.currency),
            row.category or None,
            iso(from_micros(row.decided_at)),
        )
        for row in rows
    }


def _rewards(rows: Iterable[_RewardRow]) -> dict[str, _Money]:
    return {
        row.key: _Money(_text(row.amount, row.currency), row.status, row.currency) for row in rows
    }


def _bonuses(rows: Iterable[_BonusRow]) -> dict[tuple[int, int], _Money]:
    """Return the sum of the bonuses for each unit and worker; a failed one adds nothing."""
    sums: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], _Money] = {}
    for row in rows:
        payee = (row.unit, row.worker)
        sums[payee] = sums.get(payee, 0) + (0 if row.status == PaymentStatus.FAILED else row.amount)
        before = found.get(payee, _NONE).status or row.status
        found[payee] = _Money(
            _text(sums[payee], row.currency),
            min(before, row.status, key=_STATUS_OF_SEVERAL.index),
            row.currency,
        )
    return found


def _text(amount: int, currency: str) -> str:
    return f"{from_minor(amount, currency):f}"
