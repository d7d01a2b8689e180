"""Resuming a run: checking that this is possible, taking its lease, and opening it again."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from attrs import evolve

from famulus.clock import Waiting
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities
from famulus.engine.deadlines import extend_deadlines
from famulus.engine.ledger.charges import account_currency
from famulus.engine.outbox.outbox_rows import release_claims
from famulus.engine.places.closing import ClosingLimits
from famulus.engine.places.place_changes import close_refused, retry_refused
from famulus.engine.runs import RunRecord, find_run, lock_run
from famulus.engine.status import change_run
from famulus.errors import (
    ConflictError,
    FamulusError,
    RunBusyError,
    UsageError,
    as_plugin_error,
    reason,
    without_warnings,
)
from famulus.model.database import Database
from famulus.model.states import ENDED_RUNS, LoadingStatus, RunStatus
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.ending import complete_end, end_stop
from famulus.operate.managed_run import ManagedRun
from famulus.plan import RunParts, stored_code
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)

#: Seconds between looks at whether a lease is renewed.
_LOOK_SECONDS = 0.2


def refuse_ended(record: RunRecord) -> None:
    """Refuse to resume a run that is over for good.

    :raises famulus.ConflictError: when the run is over.
    """
    if record.status in ENDED_RUNS:
        raise ConflictError(
            f"run {record.id} is {record.status.value} and cannot be resumed; launch a new one"
        )


def complete_unattended_end(database: Database, plugins: Plugins, record: RunRecord) -> bool:
    """Complete the end of a run that finished just before its operator was killed.

    Return whether it is such a run: finished, with a killed operator that still has its lease.

    :raises famulus.UnavailableError: when its places are still open after a bounded time.
    """
    with database.read() as tx:
        is_operated = lease.is_operated(tx, record)
    if record.status is not RunStatus.FINISHED or not record.lease_holder or is_operated:
        return False
    complete_end(database, plugins, record.id, ClosingLimits())
    return True


def refuse_other_money(record: RunRecord, provider: Provider) -> None:
    """Refuse to resume a run whose payments would differ from those at its launch.

    They differ if the provider has become a sandbox or has begun to pay workers, or the reverse, or
    if its account has another currency.

    :raises famulus.ConflictError: when they differ.
    """
    if provider.capabilities.sandbox != record.sandbox:
        was, now = ("a sandbox", "none") if record.sandbox else ("no sandbox", "one")
        raise ConflictError(
            f"run {record.id} was launched when {provider.type} was {was}, but the installed "
            f"{provider.type} is {now}; install what it was launched with, or launch a new run"
        )
    if record.reward and provider.capabilities.pays == record.paid_outside:
        was, now = ("did not", "does") if record.paid_outside else ("did", "does not")
        raise ConflictError(
            f"run {record.id} was launched when {provider.type} {was} pay workers, and the "
            f"installed {provider.type} {now}; install what it was launched with, or launch a new "
            "run"
        )
    if (currency := account_currency(provider)) != record.currency:
        raise ConflictError(
            f"run {record.id} was launched in {record.currency}, but the account of the requester "
            f"{record.requester_name!r} is in {currency}; register the account that it was "
            "launched with again, or launch a new run"
        )


def refuse_unservable(parts: RunParts, run: int) -> None:
    """Refuse to resume a run that could admit no worker, for example without a key; log warnings.

    :raises famulus.UsageError: with what its provider has found.
    """
    provider = parts.provider
    with as_plugin_error(f"the provider {provider.type!r} failed while checking"):
        found = provider.serving_problems(parts.plan)
        problems = without_warnings(found)
    if problems:
        raise UsageError(problems)
    for each in found:
        _log.warning("run %d: %s", run, each)


def reopen_run(
    tx: Transaction, run: int, holder: lease.Holder, capabilities: Capabilities
) -> datetime:
    """Open a run again, in any state in which its last operator left it.

    Workers at work get back the time during which the run was not served. Return the time of the
    opening.

    :raises famulus.ConflictError: when the run has been finished or taken over in the meantime.
    """
    record = lock_run(tx, run)
    refuse_ended(record)
    if not lease.acquire(tx, run, holder):
        raise RunBusyError(f"run {run} was taken over by {lease.shown(record)}")
    close_refused(tx, run)
    opened = TaskRunTable.update(opened_at=tx.now, ended_at=None, is_finishing=False)
    tx.execute(opened.where(TaskRunTable.id == run))
    if record.ended_at is not None:
        extend_deadlines(tx, run, tx.now - record.ended_at)
    if record.status is not RunStatus.RUNNING:
        change_run(tx, run=run, old=record.status, new=RunStatus.RUNNING, cause="resume")
    retry_refused(tx, run, capabilities)
    return tx.now


def close_again(tx: Transaction, run: int, holder: lease.Holder, opened_at: datetime) -> None:
    """Stop a run that was opened again and could not be served."""
    if lease.acquire(tx, run, holder):
        end_stop(tx, run, "resume failed", served_until=opened_at)


def serve_again(managed: ManagedRun) -> str:
    """Open a run, then serve it, so that its server refuses no worker; return its address.

    No places are opened on a platform before it is served.
    """
    database, run, holder = managed.database, managed.run, managed.holder
    capabilities = managed.bound.provider.capabilities
    opened_at = database.write(
        partial(reopen_run, run=run, holder=holder, capabilities=capabilities)
    )
    try:
        return managed.serve()
    except BaseException:
        database.write(partial(close_again, run=run, holder=holder, opened_at=opened_at))
        raise


def check_source(parts: RunParts, record: RunRecord, *, given: bool) -> None:
    """Check that the rest of a run's data can be loaded, if there is any.

    :param given: whether the caller has brought the shared state.
    :raises famulus.UsageError: with everything that is wrong with the data.
    """
    if record.loading is not LoadingStatus.LOADING:
        return
    blueprint = parts.blueprint
    with as_plugin_error(f"the blueprint {blueprint.type!r} failed while checking"):
        is_code, problems = blueprint.data_is_code, without_warnings(blueprint.problems(parts.plan))
    if not given and (is_code or stored_code(record.plan)):
        raise UsageError(
            f"run {record.id} had stored {record.rows_loaded} rows of data that came from "
            "Python; run its script again, or resume it from Python with the same data"
        )
    if problems:
        raise UsageError(problems)


def load_next(managed: ManagedRun) -> None:
    """Load the next batch of a run's data, after the rows that are stored already.

    :raises famulus.UsageError: when the data cannot be read any more.
    """
    loader = managed.loader
    try:
        loader.load_batch()
    except FamulusError:
        raise
    except Exception as error:
        raise UsageError(
            f"run {managed.run} has stored {loader.rows} rows of its data, and reading the others "
            f"failed: {reason(error)}"
        ) from error


def take_lease(database: Database, run: int, holder: lease.Holder, waiting: Waiting) -> RunRecord:
    """Take the lease of a run; if its holder no longer renews it, wait until it expires.

    Return the run as its last operator left it; ``ended_at`` is when it was last served.

    :raises famulus.errors.RunBusyError: when another operator is alive and keeps the lease.
    """
    until = waiting.monotonic() + lease.LEASE_SECONDS + 1
    seen = find_run(database, run)
    while True:
        try:
            return database.write(lambda tx: _take(tx, run, holder))
        except RunBusyError:
            again = find_run(database, run)
            renewed = again.lease_until != seen.lease_until
            if (renewed and again.lease_holder == seen.lease_holder) or waiting.monotonic() > until:
                raise
            waiting.pause(_LOOK_SECONDS)


def _take(tx: Transaction, run: int, holder: lease.Holder) -> RunRecord:
    left = lock_run(tx, run)
    lease.acquire_or_raise(tx, left, holder)
    release_claims(tx, run, of=left.lease_process)
    if left.ended_at is None:
        # Stored at once: if the run cannot be served, the next attempt needs it too.
        left = evolve(left, ended_at=lease.last_sign(left) or left.opened_at)
        tx.execute(TaskRunTable.update(ended_at=left.ended_at).where(TaskRunTable.id == run))
    return left
