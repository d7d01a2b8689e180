"""A provider bound to a stored run or account, and the delivery of due changes to its platform.

Commands use it whether or not an operator serves the run.
"""

from __future__ import annotations

import logging
from typing import Any

import attrs
from attrs import evolve, frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.context import RequesterView
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView
from famulus.engine.outbox.delivery import OutboxDelivery
from famulus.engine.outbox.outbox_rows import (
    OutboxKind,
    release_account_claims,
    release_claims,
)
from famulus.engine.places.closing import (
    ClosingLimits,
    PlacesOpenError,
    close_places,
    describe_open,
)
from famulus.engine.places.place_changes import close_refilled, pause_surplus
from famulus.engine.platform.cleanup import enqueue_cleanup
from famulus.engine.platform.outbox_calls import OUTBOX_CALLS
from famulus.engine.platform.run_views import run_view
from famulus.engine.platform.stored_parts import stored_parts
from famulus.engine.platform.visit_sync import sync_run
from famulus.engine.requesters import prepare_tables, requester_view
from famulus.engine.runs import RunRecord, find_run
from famulus.errors import NotFoundError, reason
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, RequesterTable, literal
from famulus.plan import account_provider
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class BoundProvider:
    """A run's provider, constructed to call its platform rather than to serve the run."""

    database: Database
    record: RunRecord
    plan: Plan
    blueprint: Blueprint
    provider: Provider

    def run_view(self) -> RunView:
        """Return the run as it is now."""
        record = find_run(self.database, self.record.id)
        return run_view(self.database, record, self.plan, self.blueprint)

    def deliver(self) -> int:
        """Deliver the due outbox rows, closings first and the clean-up last.

        Return how many outbox rows were delivered or refused.
        """
        delivery = self.delivery()
        self.database.write(lambda tx: release_claims(tx, self.record.id))
        delivered = delivery.deliver_all()
        capabilities = self.provider.capabilities
        if capabilities.replaces_by_itself:
            self.database.write(lambda tx: close_refilled(tx, self.record.id))
            self.database.write(lambda tx: pause_surplus(tx, self.record.id, capabilities))
            delivered += delivery.deliver_all()
        if capabilities.sells_places:
            self.database.write(lambda tx: enqueue_cleanup(tx, self.record.id))
            delivered += delivery.deliver_all()
        return delivered

    def close_places(self, limits: ClosingLimits | None = None) -> None:
        """Close a run's places on the platform, if they are still to be closed.

        :raises famulus.UnavailableError: when they are still open after a bounded time.
        """
        self.database.write(lambda tx: release_claims(tx, self.record.id))
        closing = close_places(self.delivery(), limits or ClosingLimits())
        if closing is not None:
            raise PlacesOpenError(describe_open(find_run(self.database, self.record.id), closing))

    def delivery(self) -> OutboxDelivery:
        """Make the delivery of the outbox rows of the run and of its requester's account."""
        return OutboxDelivery(
            database=self.database,
            provider=self.provider,
            calls=OUTBOX_CALLS,
            requester=self.record.requester_id,
            run_id=self.record.id,
            run=self.run_view,
        )


def deliver_run(database: Database, plugins: Plugins, run: int) -> int:
    """Deliver the due outbox rows of a run and of its requester's account.

    Return how many outbox rows were delivered or refused. The others stay: the run's operator
    delivers them.

    :raises famulus.NotFoundError: when there is no such run.
    :raises famulus.UsageError: when its provider cannot be constructed from what is stored.
    """
    bound = bind_provider(database, plugins, run)
    if bound.provider.capabilities.reports_submissions and _is_verdict_waiting(database, run):
        try:
            sync_run(database, bound.provider, bound.run_view())
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; for verdicts only
            why = reason(error)
            _log.warning("run %d: the platform was not asked about visits before: %s", run, why)
    return bound.deliver()


def deliver_requester(database: Database, plugins: Plugins, requester: int) -> int:
    """Deliver the due outbox rows of a requester's account, such as qualifications and blocks.

    Return how many outbox rows were delivered or refused.

    :raises famulus.NotFoundError: when there is no such requester.
    """
    provider = requester_provider(database, plugins, requester)
    database.write(lambda tx: release_account_claims(tx, requester))
    return OutboxDelivery(
        database=database, provider=provider, calls=OUTBOX_CALLS, requester=requester
    ).deliver_all()


def bind_provider(database: Database, plugins: Plugins, run: int) -> BoundProvider:
    """Construct a run's provider from its stored plan; raises like :func:`deliver_run`."""
    record = find_run(database, run)
    parts = stored_parts(database, plugins, record)
    return BoundProvider(
        database=database,
        record=record,
        plan=parts.plan,
        blueprint=parts.blueprint,
        provider=parts.provider,
    )


def requester_provider(database: Database, plugins: Plugins, requester: int) -> Provider:
    """Construct the provider of a requester's account, without a run."""
    query = RequesterTable.select().where(RequesterTable.id == requester)
    with database.read() as tx:
        row = tx.row(query)
    if row is None:
        raise NotFoundError(f"there is no requester {requester}")
    view = requester_view(row)
    cls = plugins.provider(row.provider_type)
    prepare_tables(database, plugins, cls)
    return account_provider(database, cls, _account_args(cls, view), view)


def _is_verdict_waiting(database: Database, run: int) -> bool:
    """Return whether a verdict may be waiting for the platform to report its submission."""
    query = OutboxTable.select(OutboxTable.id).where(
        OutboxTable.run == run,
        OutboxTable.kind == OutboxKind.DECIDE.value,
        OutboxTable.status == literal(OutboxStatus.PENDING),
    )
    with database.read() as tx:
        return tx.row(query.limit(1)) is not None


def _account_args(cls: type[Provider], requester: RequesterView) -> Any:
    """Return a provider's options with the values that its account provides.

    The account provides its name, and each stored setting that has the name of an option.
    """
    args = cls.Args()
    known = {**requester.settings, "requester_name": requester.name}
    names = {field.alias or field.name: field.name for field in attrs.fields(type(args))}
    return evolve(args, **{name: value for name, value in known.items() if name in names})
