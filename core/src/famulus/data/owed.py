"""Amounts owed to workers whom the requester pays outside of the platform."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from attrs import frozen

from famulus.data.payments import PaymentRecord, list_payments
from famulus.model.database import Database
from famulus.model.states import PaymentStatus


@frozen(kw_only=True)
class OwedSum:
    """What one worker is owed in one currency."""

    provider_type: str
    #: the provider's id of the worker
    worker: str
    currency: str
    amount: Decimal
    #: numbers of the payments that it is the sum of, in ascending order
    payments: Sequence[int]


def list_owed(
    database: Database, *, run: int | None = None, task: str | None = None
) -> list[OwedSum]:
    """Return the sums owed, per worker and currency, for one run, for a task or for all runs.

    :raises famulus.NotFoundError: when there is no such task or run.
    """
    owed = list_payments(database, run=run, task=task, status=PaymentStatus.OWED)
    groups: dict[tuple[str, str, str], list[PaymentRecord]] = {}
    for each in owed:
        groups.setdefault((each.provider_type, each.worker, each.currency), []).append(each)
    return [
        OwedSum(
            provider_type=provider,
            worker=worker,
            currency=currency,
            amount=sum((each.amount for each in group), Decimal(0)),
            payments=[each.id for each in group],
        )
        for (provider, worker, currency), group in sorted(groups.items())
    ]
