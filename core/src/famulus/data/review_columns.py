"""The export columns about reviews and payments, read for one page of answers at a time.

Their values are JSON: strings, or null for a missing value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import peewee

from famulus.engine.ledger.rewards import reward_key
from famulus.iso_time import iso_texts
from famulus.model.fields import dump_json
from famulus.model.many_values import AMONG, run_among
from famulus.model.money import from_minor
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, ReviewTable, TaskRunTable
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


class _BonusRow(NamedTuple):
    unit: int
    worker: int
    amount: int
    currency: str
    status: PaymentStatus


# Rows stay tuples, because a run has as many of them as answers.
_REVIEWS = Statement(
    ReviewTable.select(
        ReviewTable.agent.alias("agent"),
        ReviewTable.decision,
        ReviewTable.note,
        ReviewTable.amount,
        ReviewTable.category,
        ReviewTable.decided_at,
    )
    .where(ReviewTable.unit << AMONG, ReviewTable.undone_at.is_null())
    .order_by(ReviewTable.id)
)
_CURRENCY = Statement(
    TaskRunTable.select(TaskRunTable.currency).where(TaskRunTable.id == Param("run"))
)
_ANY_PAYMENT = Statement(
    PaymentTable.select(peewee.SQL("1")).where(PaymentTable.run == Param("run")).limit(1)
)
_REWARDS = Statement(
    PaymentTable.select(
        PaymentTable.key, PaymentTable.amount, PaymentTable.currency, PaymentTable.status
    ).where(PaymentTable.key << AMONG)
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


_NULL = "null"


#: The columns of a decision.
_Decided = tuple[str, str, str, str, str]
#: Amount, status and currency.
_Money = tuple[str, str, str]
_UNDECIDED: _Decided = (_NULL, _NULL, _NULL, _NULL, _NULL)
_NONE: _Money = (_NULL, _NULL, _NULL)
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


def read_review_columns(
    tx: Transaction, run: int, answers: Mapping[str, Sequence[Any]]
) -> Mapping[str, Sequence[str]]:
    """Return the review and payment columns for answers of a run, by column name.

    :param answers: columns of :data:`famulus.engine.answers.STORED`, as they are stored.
    """
    units, agents = answers["unit"], answers["agent"]
    visits = list(map(reward_key, answers["visit"]))
    statuses = set(answers["agent_status"])
    is_reviewed, may_have_decision = statuses & _REVIEWED, statuses & _MAY_HAVE_DECISION
    is_paid = tx.one(_ANY_PAYMENT, run=run) is not None
    currency = tx.one(_CURRENCY, run=run)
    assert currency is not None
    reviews = _reviews(run_among(tx, _REVIEWS, units), *currency) if may_have_decision else {}
    rewards = _rewards(run_among(tx, _REWARDS, visits)) if is_reviewed and is_paid else {}
    bonuses = _bonuses(run_among(tx, _BONUSES, units)) if is_paid else {}
    if not (reviews or rewards or bonuses):
        return dict.fromkeys(REVIEW_COLUMNS, (_NULL,) * len(agents))
    decided = [reviews.get(agent, _UNDECIDED) for agent in agents]
    payees = zip(units, answers["worker_id"], strict=True)
    rewarded = [rewards.get(visit, _NONE) for visit in visits]
    extra = [bonuses.get(payee, _NONE) for payee in payees]
    reward, reward_status, reward_currency = zip(*rewarded, strict=True)
    bonus, bonus_status, bonus_currency = zip(*extra, strict=True)
    currencies = [
        two if one == _NULL else one
        for one, two in zip(reward_currency, bonus_currency, strict=True)
    ]
    columns = (*zip(*decided, strict=True), reward, reward_status, bonus, bonus_status, currencies)
    return dict(zip(REVIEW_COLUMNS, columns, strict=True))


def _reviews(rows: Iterable[tuple[Any, ...]], currency: str) -> dict[int, _Decided]:
    """Return the newest decision about each attempt; rows come in the order of the decisions."""
    columns = tuple(zip(*rows, strict=True))
    if not columns:
        return {}
    agents, decisions, notes, amounts, categories, times = columns
    decided = zip(
        map(_json, decisions),
        map(_json, notes),
        [_NULL if amount is None else _amount(amount, currency) for amount in amounts],
        [_json(category) if category else _NULL for category in categories],
        [f'"{text}"' for text in iso_texts(times)],
        strict=True,
    )
    return dict(zip(agents, decided, strict=True))


def _rewards(rows: Iterable[tuple[Any, ...]]) -> dict[str, _Money]:
    columns = tuple(zip(*rows, strict=True))
    if not columns:
        return {}
    keys, amounts, currencies, statuses = columns
    money = zip(
        map(_amount, amounts, currencies),
        map(_json, statuses),
        map(_json, currencies),
        strict=True,
    )
    return dict(zip(keys, money, strict=True))


def _bonuses(rows: Iterable[_BonusRow]) -> dict[tuple[int, int], _Money]:
    """Return the sum of the bonuses for each unit and worker; a failed one adds nothing."""
    sums: dict[tuple[int, int], int] = {}
    statuses: dict[tuple[int, int], PaymentStatus] = {}
    found: dict[tuple[int, int], _Money] = {}
    for row in rows:
        payee = (row.unit, row.worker)
        sums[payee] = sums.get(payee, 0) + (0 if row.status == PaymentStatus.FAILED else row.amount)
        before = statuses.get(payee, row.status)
        statuses[payee] = min(before, row.status, key=_STATUS_OF_SEVERAL.index)
        found[payee] = (
            _amount(sums[payee], row.currency),
            _json(statuses[payee]),
            _json(row.currency),
        )
    return found


@lru_cache(maxsize=1024)
def _json(text: str) -> str:
    """Return a text as JSON, cached: statuses and most notes repeat."""
    return dump_json(text)


@lru_cache(maxsize=1024)
def _amount(amount: int, currency: str) -> str:
    """Return an amount as JSON, cached: most amounts of a run are the same."""
    return dump_json(f"{from_minor(amount, currency):f}")
