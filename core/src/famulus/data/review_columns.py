"""What was decided about submissions and paid for them, for a whole page of them at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from attrs import Factory, frozen

from famulus.engine.ledger.rewards import reward_key
from famulus.iso_time import iso
from famulus.model.fields import from_micros
from famulus.model.money import from_minor
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, PaymentKind, PaymentStatus
from famulus.model.tables import Payment, Review
from famulus.model.transaction import Row, Transaction

#: Attempts about which something may be decided.
_REVIEWED = frozenset({AgentStatus.APPROVED, AgentStatus.SOFT_REJECTED, AgentStatus.REJECTED})
#: Several bonuses together are as far as the one that is least far.
_LEAST_FAR = (
    PaymentStatus.UNKNOWN,
    PaymentStatus.PLANNED,
    PaymentStatus.SENT,
    PaymentStatus.CONFIRMED,
    PaymentStatus.FAILED,
)

#: Values of one statement: its text is made once, which takes longer than running it.
_SLOTS = 500
_AMONG = tuple(Param(f"slot{number}") for number in range(_SLOTS))

_REVIEWS = Statement(
    Review.select(Review.agent, Review.decision, Review.note, Review.decided_at)
    .where(Review.unit << _AMONG, Review.undone_at.is_null())
    .order_by(Review.id)
)
_ANY_PAYMENT = Statement(Payment.select(Payment.id).where(Payment.run == Param("run")).limit(1))
_REWARDS = Statement(
    Payment.select(Payment.key, Payment.amount, Payment.currency, Payment.status).where(
        Payment.key << _AMONG
    )
)
_BONUSES = Statement(
    Payment.select(
        Payment.unit, Payment.worker, Payment.amount, Payment.currency, Payment.status
    ).where(Payment.unit << _AMONG, Payment.kind == PaymentKind.BONUS)
)


class _Decided(NamedTuple):
    decision: str | None = None
    note: str | None = None
    at: str | None = None


class _Money(NamedTuple):
    amount: str | None = None
    status: str | None = None
    currency: str | None = None


_UNDECIDED = _Decided()
_NONE = _Money()
#: What is said of most submissions, as long as nobody has reviewed them.
_NOTHING: Mapping[str, str | None] = MappingProxyType(
    {
        "review_decision": None,
        "review_note": None,
        "reviewed_at": None,
        "reward": None,
        "reward_status": None,
        "bonus": None,
        "bonus_status": None,
        "currency": None,
    }
)


@frozen(kw_only=True)
class ReviewColumns:
    """What is known about the submissions of one page."""

    #: by attempt
    _reviews: Mapping[int, _Decided] = Factory(dict)
    #: by visit
    _rewards: Mapping[str, _Money] = Factory(dict)
    #: by unit and worker
    _bonuses: Mapping[tuple[int, int], _Money] = Factory(dict)

    def columns(self, row: Row) -> Mapping[str, str | None]:
        """Return what an export says of a submission: None where there is nothing."""
        if not (self._reviews or self._rewards or self._bonuses):
            return _NOTHING
        decided = self._reviews.get(row.agent, _UNDECIDED)
        reward = self._rewards.get(reward_key(row.visit), _NONE)
        bonus = self._bonuses.get((row.unit, row.worker_id), _NONE)
        return {
            "review_decision": decided.decision,
            "review_note": decided.note,
            "reviewed_at": decided.at,
            "reward": reward.amount,
            "reward_status": reward.status,
            "bonus": bonus.amount,
            "bonus_status": bonus.status,
            "currency": reward.currency or bonus.currency,
        }


def read_review_columns(tx: Transaction, run: int, rows: Sequence[Row]) -> ReviewColumns:
    """Return what is known about submissions of a run.

    :param rows: with ``agent``, ``agent_status``, ``unit``, ``visit`` and ``worker_id``.
    """
    units = [row.unit for row in rows]
    visits = [reward_key(row.visit) for row in rows]
    is_reviewed = any(row.agent_status in _REVIEWED for row in rows)
    is_paid = tx.one(_ANY_PAYMENT, run=run) is not None
    return ReviewColumns(
        reviews=_reviews(_among(tx, _REVIEWS, units)) if is_reviewed else {},
        rewards=_rewards(_among(tx, _REWARDS, visits)) if is_reviewed and is_paid else {},
        bonuses=_bonuses(_among(tx, _BONUSES, units)) if is_paid else {},
    )


def _among(
    tx: Transaction, statement: Statement[Any], values: Iterable[int | str]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that have one of the values."""
    wanted = list(dict.fromkeys(values))
    for first in range(0, len(wanted), _SLOTS):
        some = wanted[first : first + _SLOTS]
        some += some[-1:] * (_SLOTS - len(some))
        yield from tx.all(statement, **{f"slot{at}": value for at, value in enumerate(some)})


def _reviews(rows: Iterable[tuple[Any, ...]]) -> dict[int, _Decided]:
    """Return the newest decision about each attempt."""
    return {
        agent: _Decided(decision, note, iso(from_micros(decided)))
        for agent, decision, note, decided in rows
    }


def _rewards(rows: Iterable[tuple[Any, ...]]) -> dict[str, _Money]:
    return {
        key: _Money(_text(amount, currency), status, currency)
        for key, amount, currency, status in rows
    }


def _bonuses(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[int, int], _Money]:
    """Return the bonuses for each unit and worker, added up; one that has failed is none."""
    sums: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], _Money] = {}
    for unit, worker, amount, currency, status in rows:
        one = (unit, worker)
        sums[one] = sums.get(one, 0) + (0 if status == PaymentStatus.FAILED else amount)
        before = found.get(one, _NONE).status or status
        found[one] = _Money(
            _text(sums[one], currency), min(before, status, key=_LEAST_FAR.index), currency
        )
    return found


def _text(amount: int, currency: str) -> str:
    return f"{from_minor(amount, currency):f}"
