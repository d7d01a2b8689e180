"""One run that an operator serves, loads and looks after until it ends."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from typing import Any, Never

from attrs import Factory, define, evolve, field

from famulus.clock import has_passed
from famulus.contracts.architect import Architect, Deployed, Deployment, ServerHealth
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.views import SubmittedUnit
from famulus.engine.event_numbers import NewestEvent
from famulus.engine.events import Listeners
from famulus.engine.outbox.delivery import OutboxDelivery
from famulus.engine.places.closing import (
    ClosingLimits,
    close_places,
    describe_open,
    read_closing,
)
from famulus.engine.places.place_changes import close_refilled, newest_change, pause_surplus
from famulus.engine.platform.bound_provider import BoundProvider
from famulus.engine.runs import RunRecord, read_run
from famulus.engine.script_callbacks import CallbackServer, callback_names
from famulus.errors import ConflictError, FamulusError, PluginError, RunBusyError
from famulus.model.database import Database
from famulus.model.location import DATABASE_VARIABLE, FILES_VARIABLE
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.signing_keys import KEY_VARIABLE
from famulus.model.states import LIVE_RUNS
from famulus.operate import lease
from famulus.operate.leased_run import LeasedRun
from famulus.operate.loading import Loader, RunOverError, Source
from famulus.operate.open_visits import OpenVisits
from famulus.operate.periodic_sync import PeriodicSync
from famulus.plan import RunParts, secret_environment
from famulus.plugins import UNIT_SUBMITTED, Listener, listeners_of

#: The run that a serving process opens, in its environment.
_RUN_VARIABLE = "FAMULUS_RUN"

_log = logging.getLogger(__name__)

#: Seconds between looks at whether the server still answers, and before it is started again: a
#: little less than between looks at an idle run.
_PULSE_SECONDS = 1.9
#: Shortest time between looks at whether places are missing.
_PLACES_PAUSE = timedelta(seconds=1)
#: Seconds to wait for the user's generator to give the loading thread back.
_LOADING_SECONDS = 5.0
#: Seconds that listeners have for the remaining events when a run ends, and when it is stopped at
#: once.
_LISTENER_SECONDS = 30.0
HASTE_SECONDS = 5.0


@define(eq=False)
class ManagedRun:
    """The state of one run in the operator's memory: plugins, server, loader and deliveries.

    All state that matters is in the database, so another object for the run can be made at any
    time.
    """

    database: Database
    run: int
    holder: lease.Holder
    instance: str
    blueprint: Blueprint
    architect: Architect
    bound: BoundProvider
    listeners: Listeners
    callbacks: CallbackServer | None
    loader: Loader
    delivery: OutboxDelivery
    periodic_sync: PeriodicSync
    closing_limits: ClosingLimits
    url: str = ""
    stop_loading: threading.Event = field(factory=threading.Event)
    loading: threading.Thread | None = None
    #: set once the operator no longer manages the run
    ended: threading.Event = field(factory=threading.Event)
    _delivering: threading.Lock = field(factory=threading.Lock)
    #: held while the run is shut down, and while its server is started again
    _shutting_down: threading.RLock = field(factory=threading.RLock)
    _renewed_at: datetime | None = None
    _is_lost: bool = False
    #: where the run is served, as long as the database has not stored it
    _unpublished: Deployed | None = None
    _pulse_at: datetime | None = None
    _placed_at: datetime | None = None
    _last_change: tuple[int, int, int] | None = None
    _open_visits: OpenVisits = field(
        default=Factory(lambda self: OpenVisits(self.bound, self.holder), takes_self=True),
        init=False,
    )
    _newest_event: NewestEvent = field(
        default=Factory(lambda self: NewestEvent(self.run), takes_self=True), init=False
    )

    @property
    def _leased(self) -> LeasedRun:
        return LeasedRun(
            database=self.database,
            run=self.run,
            holder=self.holder,
            awaits_reports=self.periodic_sync.is_needed,
        )

    @property
    def is_over(self) -> bool:
        """Whether this operator has finished the run, even if its server stays for a while."""
        return self._open_visits.is_over

    def serve(self) -> str:
        """Serve the run and return its address.

        :raises famulus.errors.RunBusyError: when another operator has taken the run over.
        """
        record = self._record()
        # Else the handle could be the other operator's, and deploying would end its server.
        if not lease.is_ours(record, self.holder):
            self._raise_lost()
        deployment = Deployment(
            run_id=self.run,
            instance=self.instance,
            environment=self._environment(),
            handle=record.handle,
        )
        deployed = self.architect.deploy(deployment)
        if not isinstance(deployed, Deployed):
            raise PluginError(
                f"the architect {self.architect.type!r} returned {deployed!r} from deploy(); "
                "it must return famulus.Deployed(url, handle)"
            )
        self.url = deployed.url
        self._unpublished = deployed
        self._publish()
        return self.url

    def _publish(self) -> None:
        """Store where the run is served, unless that is already stored.

        Without the stored handle, the server could not be found if this operator were killed.
        """
        if self._unpublished is not None:
            if not self._leased.publish(self._unpublished, self.instance):
                self._raise_lost()
            self._unpublished = None

    def load_rest(self) -> None:
        """Load the remaining data in a separate thread, since slow code may produce it."""
        self.loading = threading.Thread(
            target=self._load, name=f"famulus-loading-{self.run}", daemon=True
        )
        self.loading.start()

    def renew_lease(self) -> None:
        """Renew the lease, if that is due, and account for the time when it was not renewed."""
        now = self.database.clock()
        if not has_passed(now, self._renewed_at, timedelta(seconds=lease.RENEWAL_SECONDS)):
            return
        if self._leased.renew():
            self._renewed_at = now
        else:
            self._is_lost = True

    def look_after(self) -> None:
        """Do what is due now, and end the run if it is over. Called by the operator's sweeper."""
        if self._is_lost:
            self._raise_lost()
        if self._is_live():
            self._sweep()
            if self._leased.end():
                self._open_visits.begin(self.delivery, self.closing_limits)
        if self._is_live():
            self._restart_server()
        elif not self._is_awaiting_visits():
            self.shut_down()

    def deliver(self) -> bool:
        """Deliver what is due to listeners and the platform; wait for no listener.

        Return whether anything was delivered to the platform.
        """
        self.listeners.dispatch()
        with self._delivering:
            delivered = self.delivery.deliver()
            capabilities = self.bound.provider.capabilities
            if delivered and capabilities.replaces_by_itself:
                self.database.write(lambda tx: close_refilled(tx, self.run))
                self.database.write(lambda tx: pause_surplus(tx, self.run, capabilities))
                delivered += self.delivery.deliver()
            return bool(delivered)

    def sync(self) -> None:
        """Ask the platform for the status of the run's visits, if that is due."""
        self.periodic_sync.sync()
        self._open_visits.look()

    def open_first_places(self) -> None:
        """Have the run's first places opened, if the platform and the database answer.

        Otherwise the operator's threads open them later.
        """
        if not self.bound.provider.capabilities.sells_places:
            return
        with suppress(DatabaseUnavailableError):
            self._open_places()
            with self._delivering:
                self.delivery.deliver()

    def release(self, cause: str) -> None:
        """Stop the run, unless another operator has taken it over.

        The server stays up until :meth:`shut_down`.
        """
        self._leased.stop(cause)

    def shut_down(self, listener_seconds: float = _LISTENER_SECONDS) -> None:
        """Stop everything that was started for the run and release its lease. Safe to call twice.

        :param listener_seconds: how long to wait for listeners at the most.
        """
        with self._shutting_down:
            if not self.ended.is_set():
                self._shut_down(listener_seconds)

    def _shut_down(self, listener_seconds: float) -> None:
        self.stop_loading.set()
        self.loader.close()
        # While places are open on a platform, workers who take them have to be served.
        with ExitStack() as steps:
            # Each is done even if others fail, the last one first.
            steps.callback(self._release)
            steps.callback(self._deliver_all, listener_seconds)
            steps.callback(self._end_server)
            steps.callback(self._end_loading)
            steps.callback(self._close_places)
        self.ended.set()

    def _end_loading(self) -> None:
        if self.loading is not None and self.loading is not threading.current_thread():
            # A generator that waits for something would keep us; its thread dies with the process.
            self.loading.join(timeout=_LOADING_SECONDS)

    def _end_server(self) -> None:
        try:
            self.architect.shutdown()
        except (Exception, SystemExit):  # noqa: BLE001 - third-party; the run ends all the same
            kind = self.architect.type
            _log.exception("run %d: the architect %r could not end the server", self.run, kind)

    def _release(self) -> None:
        if self.callbacks is not None:
            self.callbacks.close()
            self.callbacks = None
        self.database.write(lambda tx: lease.release(tx, self.run, self.holder))

    def _deliver_all(self, seconds: float) -> None:
        """Deliver everything to listeners and the platform before the run is released.

        :param seconds: how long to wait for listeners at the most.
        """
        self.listeners.dispatch()
        # Without the lock, which a thread holds whose call to the platform never returns.
        while self.delivery.deliver():
            pass  # There may be more than is delivered in one step.
        self.listeners.catch_up(seconds)
        self.bound.deliver()

    def _close_places(self) -> None:
        """Close the run's open places, if the platform answers: workers could still enter."""
        closing = close_places(self.delivery, self.closing_limits)
        if closing is not None:
            _log.error("%s", describe_open(self._record(), closing))

    def unclosed(self) -> Iterator[str]:
        """Try once more to close the run's places; yield a message if some are still open."""
        with self.database.read() as tx:
            closing = read_closing(tx, self.run)
        if closing is not None:
            closing = close_places(self.delivery, evolve(self.closing_limits, pauses=(0.0,)))
        if closing is not None:
            yield describe_open(self._record(), closing)

    def _environment(self) -> dict[str, str]:
        location = self.database.location
        environment = {
            DATABASE_VARIABLE: location.url,
            _RUN_VARIABLE: str(self.run),
            FILES_VARIABLE: str(location.files),
        }
        if keys := os.environ.get(KEY_VARIABLE):
            environment[KEY_VARIABLE] = keys
        if self.callbacks is not None:
            environment.update(self.callbacks.environment)
        return {**environment, **secret_environment(self.bound.plan)}

    def _load(self) -> None:
        try:
            self.loader.load_rest(self.stop_loading)
        except RunOverError:
            pass  # The rest is not needed.
        except ConflictError as error:
            _log.error("run %d: loading stopped: %s", self.run, error)
        except BaseException as error:  # noqa: BLE001 - the user's generator; what is loaded stays
            _log.error("run %d: loading stopped after %d rows", self.run, self.loader.rows)
            if not isinstance(error, FamulusError):
                _log.exception("run %d", self.run)
            self.loader.fail(f"{type(error).__name__}: {error}", self.stop_loading)

    def _record(self) -> RunRecord:
        with self.database.read() as tx:
            return read_run(tx, self.run)

    def _is_live(self) -> bool:
        return self._record().status in LIVE_RUNS

    def _is_awaiting_visits(self) -> bool:
        """Return whether the server of the ended run has to stay for visits on the platform."""
        if not self._open_visits.is_awaiting():
            return False
        # Without a server, there is nothing to wait for.
        now = self.database.clock()
        if not has_passed(now, self._pulse_at, timedelta(seconds=_PULSE_SECONDS)):
            return True
        self._pulse_at = now
        return self.architect.health() is not ServerHealth.GONE

    def _raise_lost(self) -> Never:
        self.shut_down()
        raise RunBusyError(f"run {self.run} was taken over by another operator")

    def _sweep(self) -> None:
        while self._leased.time_out():
            pass  # Each step is short, so that submissions come in between.
        is_strict = not self.bound.provider.capabilities.replaces_by_itself
        self._leased.adjust_window(is_strict=is_strict)
        self._open_places()
        answered = self.periodic_sync.answered_at
        if answered is not None:
            self._leased.mark_unreported(answered)

    def _open_places(self) -> None:
        """Have places opened for free units, if the run has changed since the last look."""
        now = self.database.clock()
        capabilities = self.bound.provider.capabilities
        if not capabilities.sells_places or not has_passed(now, self._placed_at, _PLACES_PAUSE):
            return
        with self.database.read() as tx:
            change = newest_change(tx, self._newest_event)
        if change == self._last_change:
            return
        opened = self._leased.open_places(capabilities)
        self._placed_at = now
        # There may be more than are opened in one step.
        self._last_change = change if opened == 0 else None

    def _restart_server(self) -> None:
        """Serve again at the same address if the server has died."""
        now = self.database.clock()
        pulse = timedelta(seconds=_PULSE_SECONDS)
        if not has_passed(now, self._pulse_at, pulse):
            return
        self._pulse_at = now
        is_gone = self.architect.health() is ServerHealth.GONE
        if not is_gone and self._unpublished is None:
            return
        with self._shutting_down:
            # Another thread may have ended the run, and its server, while that was asked.
            if self.ended.is_set() or not self._is_live():
                return
            self._publish()
            if not is_gone:
                return
            _log.warning("run %d: the server is gone; starting it again", self.run)
            try:
                self.serve()
            except FamulusError as error:
                _log.error("run %d: %s", self.run, error)


def manage(
    parts: RunParts, record: RunRecord, holder: lease.Holder, closing_limits: ClosingLimits
) -> ManagedRun:
    """Make the objects that operate a run in this process; only its callbacks are started."""
    database, plan, blueprint = parts.database, parts.plan, parts.blueprint
    source = Source(
        run=record.id,
        rows=blueprint.assignments,
        earlier=blueprint.earlier_assignments,
        lanes=record.units_per_assignment,
        stored=record.rows_loaded,
        stored_hash=record.source_hash,
        holder=holder.name,
    )
    state = plan.shared_state
    listeners = Listeners(
        database,
        record.id,
        record.task_name,
        [*listeners_of(parts.plugins), *_own_listeners(state.on_unit_submitted)],
    )
    bound = BoundProvider(
        database=database,
        record=record,
        plan=plan,
        blueprint=blueprint,
        provider=parts.provider,
    )
    return ManagedRun(
        database=database,
        run=record.id,
        holder=holder,
        instance=secrets.token_hex(8),
        blueprint=blueprint,
        architect=parts.architect,
        bound=bound,
        delivery=bound.delivery(),
        closing_limits=closing_limits,
        periodic_sync=PeriodicSync(database, bound),
        listeners=listeners,
        callbacks=CallbackServer(state) if callback_names(state) else None,
        loader=Loader(database, source),
    )


def _own_listeners(on_unit_submitted: Callable[[SubmittedUnit], Any] | None) -> list[Listener]:
    """Return the run's own function as a listener, if it has one."""
    if on_unit_submitted is None:
        return []
    return [
        Listener(
            name="(on_unit_submitted)",
            label="on_unit_submitted",
            hooks={UNIT_SUBMITTED: lambda **arguments: on_unit_submitted(arguments["unit"])},
        )
    ]
