"""Telling platforms what is due from a command, with or without an operator at work beside it."""

from __future__ import annotations

import logging
from typing import Any

import attrs
from attrs import evolve, frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.context import RequesterView
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider, RunView
from famulus.engine.platform.closing import Patience, StillOpenError, close_places, still_open
from famulus.engine.platform.delivery import OutboxDelivery
from famulus.engine.platform.disposal import dispose_if_over
from famulus.engine.platform.outbox import Telling, release_claims
from famulus.engine.platform.requesters import prepare_tables, requester_view
from famulus.engine.platform.run_views import run_view
from famulus.engine.platform.sync import sync_run
from famulus.engine.runs import RunRecord, find_run, requester_of
from famulus.errors import NotFoundError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, Requester, literal
from famulus.plan import RunParts, account_provider, plan_from_stored
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class BoundProvider:
    """A run's provider, made to tell its platform something and for nothing else."""

    database: Database
    record: RunRecord
    plan: Plan
    blueprint: Blueprint
    provider: Provider

    def run_view(self) -> RunView:
        """Return the run as it is now."""
        record = find_run(self.database, self.record.id)
        return run_view(self.database, record, self.plan, self.blueprint)

    def tell(self) -> int:
        """Tell the platform what is due, first of all to close what is still open, last of all to
        tidy up; return how many things were told or refused.
        """
        messenger = self.messenger()
        self.database.write(lambda tx: release_claims(tx, self.record.id))
        told = messenger.deliver_all()
        if self.provider.capabilities.sells_places:
            self.database.write(lambda tx: dispose_if_over(tx, self.record.id))
            told += messenger.deliver_all()
        return told

    def close_places(self, patience: Patience | None = None) -> None:
        """Close a run's places on the platform, if they are still to be closed.

        :raises famulus.UnavailableError: when they are still open after a bounded time.
        """
        self.database.write(lambda tx: release_claims(tx, self.record.id))
        closing = close_places(self.messenger(), patience or Patience())
        if closing is not None:
            raise StillOpenError(still_open(find_run(self.database, self.record.id), closing))

    def messenger(self) -> OutboxDelivery:
        """Return who tells the platform what is due."""
        return OutboxDelivery(
            database=self.database,
            provider=self.provider,
            requester=self.record.requester_id,
            run_id=self.record.id,
            run=self.run_view,
        )


def tell_run(database: Database, plugins: Plugins, run: int) -> int:
    """Tell the platform of a run what is due now, what concerns its requester as well; return how
    many things were told or refused. The others stay, and the run's operator tells them.

    :raises famulus.NotFoundError: when there is no such run.
    :raises famulus.UsageError: when its provider cannot be made from what is stored.
    """
    reached = contact(database, plugins, run)
    if reached.provider.capabilities.reports_submissions and _is_verdict_waiting(database, run):
        try:
            sync_run(database, reached.provider, reached.run_view())
        except Exception as error:  # noqa: BLE001 - third-party code; verdicts wait, all else is told
            _log.warning("run %d: the platform cannot be asked about visits: %s", run, error)
    return reached.tell()


def tell_requester(database: Database, plugins: Plugins, requester: int) -> int:
    """Tell a platform what is due now that concerns a requester's account, such as qualifications
    and blocks; return how many things were told or refused.

    :raises famulus.NotFoundError: when there is no such requester.
    """
    provider = requester_provider(database, plugins, requester)
    return OutboxDelivery(database=database, provider=provider, requester=requester).deliver_all()


def contact(database: Database, plugins: Plugins, run: int) -> BoundProvider:
    """Make a run's provider from what is stored; raises like :func:`tell_run`.

    The run's callbacks are not needed for that, nor secrets of other plugins than the provider.
    """
    record = find_run(database, run)
    stored = dict(record.plan)
    stored["shared_state"] = {**stored["shared_state"], "callbacks": []}
    secrets = {key: "" for key in stored["secrets"] if not key.startswith("provider.")}
    plan = plan_from_stored(stored, plugins, secrets=secrets, run=f"run {run}")
    parts = RunParts(
        database=database,
        plugins=plugins,
        plan=plan,
        requester=requester_of(record),
        run_id=run,
    )
    prepare_tables(database, plugins, parts.provider_class)
    return BoundProvider(
        database=database,
        record=record,
        plan=plan,
        blueprint=parts.blueprint,
        provider=parts.provider,
    )


def requester_provider(database: Database, plugins: Plugins, requester: int) -> Provider:
    """Make a provider that speaks for a requester's account, without any run."""
    query = Requester.select().where(Requester.id == requester)
    with database.read() as tx:
        row = tx.row(query)
    if row is None:
        raise NotFoundError(f"there is no requester {requester}")
    view = requester_view(row)
    cls = plugins.provider(row.provider_type)
    prepare_tables(database, plugins, cls)
    return account_provider(database, cls, _account_args(cls, view), view)


def _is_verdict_waiting(database: Database, run: int) -> bool:
    """Say whether a verdict may be held up by a submission that the platform has not reported."""
    query = Outbox.select(Outbox.id).where(
        Outbox.run == run,
        Outbox.kind == Telling.DECIDE.value,
        Outbox.status == literal(OutboxStatus.PENDING),
    )
    with database.read() as tx:
        return tx.row(query.limit(1)) is not None


def _account_args(cls: type[Provider], requester: RequesterView) -> Any:
    """Return a provider's options as far as an account gives them: its name, and what registering
    it has left under an option's name.
    """
    args = cls.Args()
    known = {**requester.settings, "requester_name": requester.name}
    names = {field.alias or field.name: field.name for field in attrs.fields(type(args))}
    return evolve(args, **{name: value for name, value in known.items() if name in names})
