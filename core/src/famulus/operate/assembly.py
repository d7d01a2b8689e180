"""Putting a run's parts together: its rows, its plugins' instances, its loader and listeners."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from famulus.contracts.plan import Plan
from famulus.contracts.views import SubmittedUnit
from famulus.engine.events import Listeners
from famulus.engine.platform.closing import ClosingLimits
from famulus.engine.providers.bound_provider import BoundProvider
from famulus.engine.qualifications.rules import qualification_names
from famulus.engine.runs import RunRecord, find_run, requester_of
from famulus.engine.script_callbacks import CallbackServer, callback_names
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import LoadingStatus, PaymentKind
from famulus.operate.launching import create_run
from famulus.operate.lease import Holder
from famulus.operate.loading import Loader, Source
from famulus.operate.managed_run import ManagedRun
from famulus.operate.periodic_sync import PeriodicSync
from famulus.plan import RunParts, stored_code
from famulus.plugins import UNIT_SUBMITTED, Listener, Plugins, listeners_of


class Assembly:
    """Make runs and what operates them, for one operator."""

    def __init__(
        self, database: Database, plugins: Plugins, holder: Holder, closing_limits: ClosingLimits
    ) -> None:
        self._database = database
        self._plugins = plugins
        self._holder = holder
        self._closing_limits = closing_limits

    def create(self, plan: Plan) -> RunRecord:
        """Write a new run that this operator holds."""
        parts = self._parts(plan)
        blueprint = parts.blueprint
        names = qualification_names(plan, blueprint)
        reward = plan.task.task_reward or Decimal(0)
        fee = parts.provider.fee(PaymentKind.REWARD, reward)
        run = self._database.write(
            lambda tx: create_run(
                tx,
                plan,
                parts.provider_class,
                lanes=blueprint.units_per_assignment,
                fee=fee,
                qualifications=names,
                holder=self._holder,
            )
        )
        return find_run(self._database, run)

    def manage(self, record: RunRecord, plan: Plan) -> ManagedRun:
        """Make what operates a run in this process; nothing is started but its callbacks."""
        parts = self._parts(plan, record)
        blueprint = parts.blueprint
        source = Source(
            run=record.id,
            rows=blueprint.assignments,
            lanes=record.units_per_assignment,
            stored=record.rows_loaded,
            stored_hash=record.source_hash,
            holder=self._holder.name,
        )
        state = plan.shared_state
        listeners = Listeners(
            self._database,
            record.id,
            record.task_name,
            [*listeners_of(self._plugins), *_own_listeners(state.on_unit_submitted)],
        )
        bound = BoundProvider(
            database=self._database,
            record=record,
            plan=plan,
            blueprint=blueprint,
            provider=parts.provider,
        )
        return ManagedRun(
            database=self._database,
            run=record.id,
            holder=self._holder,
            instance=secrets.token_hex(8),
            blueprint=blueprint,
            architect=parts.architect,
            bound=bound,
            delivery=bound.delivery(),
            closing_limits=self._closing_limits,
            periodic_sync=PeriodicSync(self._database, bound),
            listeners=listeners,
            callbacks=CallbackServer(state) if callback_names(state) else None,
            loader=Loader(self._database, source),
        )

    def check_source(self, record: RunRecord, plan: Plan, *, given: bool) -> None:
        """Check that the rest of a run's data can be loaded, where some is left.

        :raises famulus.UsageError: with everything that is wrong with the data.
        """
        if record.loading is not LoadingStatus.LOADING:
            return
        blueprint = self._parts(plan).blueprint
        if not given and (blueprint.data_is_code or stored_code(record.plan)):
            raise UsageError(
                f"run {record.id} had stored {record.rows_loaded} rows of data that came from "
                "Python; run its script again, or resume it from Python with the same data"
            )
        problems = [each for each in blueprint.problems(plan) if not each.warning]
        if problems:
            raise UsageError(problems)

    def _parts(self, plan: Plan, record: RunRecord | None = None) -> RunParts:
        return RunParts(
            database=self._database,
            plugins=self._plugins,
            plan=plan,
            requester=None if record is None else requester_of(record),
            run_id=None if record is None else record.id,
        )


def _own_listeners(on_unit_submitted: Callable[[SubmittedUnit], Any] | None) -> list[Listener]:
    """Return the run's own function as a listener, if it has one."""
    if on_unit_submitted is None:
        return []
    return [
        Listener(
            name="(on_unit_submitted)",
            label="on_unit_submitted",
            hooks={UNIT_SUBMITTED: lambda **told: on_unit_submitted(told["unit"])},
        )
    ]
