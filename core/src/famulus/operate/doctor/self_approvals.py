"""Submissions that wait for a verdict so long that the platform will approve them by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from famulus.engine.runs import RunRecord
from famulus.model.transaction import Transaction
from famulus.operate.doctor.difference import Difference
from famulus.operate.self_approval import read_self_approval
from famulus.plugins import Plugins

#: It is a difference that soon before: a review takes its time.
_SOON = timedelta(days=7)


def of_self_approval(tx: Transaction, run: RunRecord, plugins: Plugins) -> Iterator[Difference]:
    """Find submissions that the platform is about to approve by itself."""
    found = read_self_approval(tx, run, lambda: plugins)
    if found is not None and found.first_at - tx.now <= _SOON:
        yield Difference(run=run.id, what=str(found), command=("review", run.task_name))


def later_self_approvals(tx: Transaction, run: RunRecord, plugins: Plugins) -> Iterator[str]:
    """Yield a remark about submissions that the platform will approve by itself, but not soon."""
    found = read_self_approval(tx, run, lambda: plugins)
    if found is not None and found.first_at - tx.now > _SOON:
        yield f"Run {run.id} has {found}."
