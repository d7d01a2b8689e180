"""One run in an operator's hands: served, loaded, swept, listened to, until it ends."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import ExitStack
from datetime import datetime, timedelta

from attrs import define, field

from famulus.contracts.architect import Architect, Deployment
from famulus.contracts.blueprint import Blueprint
from famulus.errors import ConflictError, FamulusError, RunBusyError
from famulus.model.database import Database
from famulus.model.keys import KEY_VARIABLE
from famulus.model.location import DATABASE_VARIABLE, FILES_VARIABLE
from famulus.model.states import LIVE_RUNS, OPEN_RUNS, LoadingStatus
from famulus.model.tables import TaskRun
from famulus.operate import lease
from famulus.operate.ending import (
    BUDGET_SPENT,
    LIFETIME_OVER,
    NO_SUBMISSION,
    begin_stop,
    end_stop,
    finish_run,
)
from famulus.operate.loading import Loader
from famulus.operate.syncer import Syncer
from famulus.planning import secret_environment
from famulus.work.callbacks import CallbackServer
from famulus.work.expiry import (
    doubt_visits,
    is_report_awaited,
    quiet_since,
    time_out,
)
from famulus.work.listeners import Listeners
from famulus.work.opening import RUN_VARIABLE
from famulus.work.platform.messenger import Messenger
from famulus.work.platform.outbox import hasten_places, is_telling_places
from famulus.work.platform.places import newest_change, open_missing
from famulus.work.platform.telling import Contact
from famulus.work.release import adjust_window, is_spent, is_window_off, open_unit_exists
from famulus.work.runs import RunRecord, agents_at_work, read_run

_log = logging.getLogger(__name__)

#: Seconds between looks at whether the server still answers, and before it is started again.
_PULSE_SECONDS = 2.0
#: Time between looks at whether places are missing, however much happens.
_PLACES_PAUSE = timedelta(seconds=1)
#: Seconds to wait for the user's generator to give the loading thread back.
_LOADING_SECONDS = 5.0
#: Seconds to wait before each attempt to close places that are still open at the end.
_CLOSING_PAUSES = (0.0, 0.5, 2.0)
#: Seconds to wait for other transactions that keep a run's last events from being read.
_TELLING_SECONDS = 5.0
_LOOK_SECONDS = 0.01


@define(eq=False)
class Operated:
    """What the operator keeps in memory for one run: threads' handles and the plugins' instances.

    Everything that matters is in the database; a new one can be made at any time.
    """

    database: Database
    run: int
    holder: lease.Holder
    instance: str
    blueprint: Blueprint
    architect: Architect
    contact: Contact
    listeners: Listeners
    callbacks: CallbackServer | None
    loader: Loader
    messenger: Messenger
    syncer: Syncer
    url: str = ""
    stop_loading: threading.Event = field(factory=threading.Event)
    loading: threading.Thread | None = None
    #: set once the run is out of the operator's hands
    ended: threading.Event = field(factory=threading.Event)
    _telling: threading.Lock = field(factory=threading.Lock)
    _letting_go: threading.RLock = field(factory=threading.RLock)
    _renewed_at: datetime | None = None
    _pulse_at: datetime | None = None
    _placed_at: datetime | None = None
    _last_change: int = -1

    def serve(self) -> str:
        """Serve the run and return its address."""
        deployment = Deployment(
            run_id=self.run,
            instance=self.instance,
            environment=self._environment(),
            previous_url=self._record().url,
        )
        self.url = self.architect.deploy(deployment)
        query = TaskRun.update(url=self.url, instance=self.instance).where(TaskRun.id == self.run)
        self.database.write(lambda tx: tx.execute(query))
        return self.url

    def load_rest(self) -> None:
        """Load what is left of the data, in a thread of its own: it may be slow code."""
        self.loading = threading.Thread(
            target=self._load, name=f"famulus-loading-{self.run}", daemon=True
        )
        self.loading.start()

    def look_after(self) -> None:
        """Do what is due now; ends the run when it is over. Called by the operator's sweeper."""
        self._renew()
        record = self._record()
        if record.status not in LIVE_RUNS:
            self.let_go()
            return
        self._sweep(record)
        if record.status in OPEN_RUNS:
            self._end_if_over(record)
        else:
            self._stop_if_idle()
        self._revive(record)

    def tell(self) -> bool:
        """Tell listeners and the platform what is due; say whether there was anything."""
        with self._telling:
            told = self.listeners.deliver()
            return bool(told + self.messenger.deliver())

    def sync(self) -> None:
        """Ask the platform what has become of the run's visits, if that is due."""
        self.syncer.sync()

    def open_first_places(self) -> None:
        """Have the run's first places opened on the platform, should it answer."""
        if self.contact.provider.capabilities.sells_places:
            self._open_places(self._record())
            with self._telling:
                self.messenger.deliver()

    def stop(self, cause: str) -> None:
        """Let nobody new in; those at work may finish."""
        self.database.write(lambda tx: begin_stop(tx, self.run, cause))

    def stop_now(self, cause: str) -> None:
        """Stop serving at once. Everything stays as it is and can be resumed."""
        self.database.write(lambda tx: end_stop(tx, self.run, cause))
        self.let_go()

    def finish(self, cause: str) -> None:
        """End the run for good: what is open expires; late answers would still be kept."""
        finish_run(self.database, self.run, cause)
        self.let_go()

    def let_go(self) -> None:
        """Stop whatever was started for the run and give up its lease. Safe to call twice."""
        with self._letting_go:
            if not self.ended.is_set():
                self._let_go()

    def _let_go(self) -> None:
        self.stop_loading.set()
        self.loader.close()
        if self.loading is not None and self.loading is not threading.current_thread():
            # A generator that waits for something would keep us; its thread dies with the process.
            self.loading.join(timeout=_LOADING_SECONDS)
        # While places are open on a platform, somebody has to answer those who take them.
        with ExitStack() as steps:
            # Each is done whatever becomes of the others, the last one first.
            steps.callback(self._release)
            steps.callback(self._tell_all)
            steps.callback(self._end_server)
            steps.callback(self._close_places)
            steps.callback(self.tell)
        self.ended.set()

    def _end_server(self) -> None:
        try:
            self.architect.shutdown()
        except Exception:  # noqa: BLE001 - third-party code; it changes nothing in the database
            _log.exception("run %d: the server could not be ended", self.run)

    def _release(self) -> None:
        if self.callbacks is not None:
            self.callbacks.close()
            self.callbacks = None
        self.database.write(lambda tx: lease.drop(tx, self.run, self.holder))

    def _tell_all(self) -> None:
        """Let listeners hear of everything before the run is let go: nobody tells them later."""
        pause, until = threading.Event(), time.monotonic() + _TELLING_SECONDS
        while self.tell() or (self.listeners.is_behind() and time.monotonic() < until):
            if self.listeners.is_behind():
                pause.wait(_LOOK_SECONDS)
        self.contact.tell()

    def _close_places(self) -> None:
        """Try again what the platform was not to be told of places: workers are let in there."""
        for seconds in _CLOSING_PAUSES:
            if not self.database.write(lambda tx: hasten_places(tx, self.run)):
                return
            threading.Event().wait(seconds)
            self.tell()
        with self.database.read() as tx:
            is_open = is_telling_places(tx, self.run)
        if is_open:
            _log.error(
                "run %d: the platform cannot be told to close its places; `famulus sync %d` does "
                "it later", self.run, self.run,
            )

    def _environment(self) -> dict[str, str]:
        location = self.database.location
        environment = {
            DATABASE_VARIABLE: location.url,
            RUN_VARIABLE: str(self.run),
            FILES_VARIABLE: str(location.files),
        }
        if keys := os.environ.get(KEY_VARIABLE):
            environment[KEY_VARIABLE] = keys
        if self.callbacks is not None:
            environment.update(self.callbacks.environment)
        return {**environment, **secret_environment(self.contact.plan)}

    def _load(self) -> None:
        try:
            self.loader.load_rest(self.stop_loading)
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

    def _renew(self) -> None:
        now = self.database.clock()
        soon = timedelta(seconds=lease.RENEWAL_SECONDS)
        if self._renewed_at is not None and now - self._renewed_at < soon:
            return
        if not self.database.write(lambda tx: lease.renew(tx, self.run, self.holder)):
            self.let_go()
            raise RunBusyError(f"run {self.run} was taken over by another operator")
        self._renewed_at = now

    def _sweep(self, record: RunRecord) -> None:
        reported = self.syncer.is_needed
        while self.database.write(
            lambda tx: time_out(tx, self.run, reported_by_platform=reported)
        ):
            """Each step is short, so that submissions come in between."""
        with self.database.read() as tx:
            is_off = record.status in OPEN_RUNS and is_window_off(tx, self.run)
        if is_off:
            self.database.write(lambda tx: adjust_window(tx, self.run))
        self._open_places(record)
        heard = self.syncer.heard_at
        if heard is not None:
            timeout = record.submission_timeout
            self.database.write(lambda tx: doubt_visits(tx, self.run, timeout, heard))

    def _open_places(self, record: RunRecord) -> None:
        """Have places opened for free units, when something has happened since the last look."""
        now = self.database.clock()
        if (
            not self.contact.provider.capabilities.sells_places
            or record.status not in OPEN_RUNS
            or now >= record.closes_at
            or (self._placed_at is not None and now - self._placed_at < _PLACES_PAUSE)
        ):
            return
        with self.database.read() as tx:
            change = newest_change(tx, self.run)
        if change == self._last_change:
            return
        opened = self.database.write(lambda tx: open_missing(tx, self.run))
        self._placed_at = now
        # There may be more than are opened in one go.
        self._last_change = change if opened == 0 else -1

    def _end_if_over(self, record: RunRecord) -> None:
        with self.database.read() as tx:
            open_units = record.loading is LoadingStatus.LOADING or open_unit_exists(tx, self.run)
            is_awaited = self.syncer.is_needed and is_report_awaited(tx, self.run)
            is_over_budget = is_spent(tx, self.run)
            at_work, _ = agents_at_work(tx, self.run)
            since = quiet_since(tx, record)
            now = tx.now
        if not open_units:
            if not is_awaited:
                self.finish("all done")
            return
        if is_over_budget and not is_awaited and not at_work:
            self.stop_now(BUDGET_SPENT)
            return
        if now - since >= timedelta(seconds=record.no_submission_patience):
            self.finish(NO_SUBMISSION)
        elif now >= record.closes_at and not at_work:
            self.finish(LIFETIME_OVER)

    def _stop_if_idle(self) -> None:
        with self.database.read() as tx:
            at_work, _ = agents_at_work(tx, self.run)
        if not at_work:
            self.stop_now("nobody at work")

    def _revive(self, record: RunRecord) -> None:
        """Serve again, at the same address, when the server has died under the workers."""
        now = self.database.clock()
        pulse = timedelta(seconds=_PULSE_SECONDS)
        if self.ended.is_set() or (self._pulse_at is not None and now - self._pulse_at < pulse):
            return
        self._pulse_at = now
        if record.status not in LIVE_RUNS or self.architect.is_alive():
            return
        _log.warning("run %d: the server is gone; starting it again", self.run)
        try:
            self.serve()
        except FamulusError as error:
            _log.error("run %d: %s", self.run, error)
