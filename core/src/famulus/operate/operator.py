"""The operator: check, launch, watch, stop, finish and resume runs, from any program."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import evolve, frozen

from famulus.contracts.plan import Plan, SharedTaskState
from famulus.engine.gateway import Gateway
from famulus.engine.opening import open_gateway
from famulus.engine.platform.closing import ClosingLimits, StillOpenError, describe_open
from famulus.engine.platform.outbox import read_closing
from famulus.engine.providers.bound_provider import bind_provider
from famulus.engine.runs import RunRecord, find_run
from famulus.engine.status import change_run
from famulus.errors import ConflictError, FamulusError, Problem, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.states import LoadingStatus, RunStatus
from famulus.model.tables import TaskRun
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.assembly import Assembly
from famulus.operate.checking import draft_problems
from famulus.operate.checking_qualifications import qualification_warnings
from famulus.operate.ending import expire_rest, finish_run, order_stop
from famulus.operate.estimate import Estimate, balance_problems, estimate_cost
from famulus.operate.managed_run import HASTE_SECONDS, ManagedRun
from famulus.operate.progress import Progress, log_progress, read_progress
from famulus.operate.resuming import (
    close_again,
    open_run,
    refuse_ended,
    refuse_other_money,
    reopen_run,
    take_lease,
)
from famulus.options.reading import Configuration
from famulus.options.sections import Sections
from famulus.options.task_config import TaskConfig
from famulus.plan import (
    EVERYTHING,
    Draft,
    configuration_from_mapping,
    draft_plan,
    plan_from_stored,
    read_configuration,
)
from famulus.plugins import Plugins, discover

_log = logging.getLogger(__name__)

#: Seconds to wait for a thread to end that may be in a call to a platform.
_JOINING_SECONDS = 30.0
#: Seconds between looks at the runs.
_TICK = 0.25
#: Rows that are counted before a launch, to compare their cost with the requester's balance.
_MOST_COUNTED = 50_000
#: The ends of a run that are final.
_OVER = (RunStatus.FINISHED, RunStatus.FAILED)


@frozen(kw_only=True)
class Checked:
    """A plan without problems, and warnings: what in its configuration has no effect, and what its
    plugins doubt.
    """

    plan: Plan
    warnings: Sequence[Problem]


Configured = Checked | Plan | TaskConfig | Sections | Mapping[str, Any] | str | Path


@frozen(kw_only=True)
class Launched:
    """A run that is being served. ``entrances`` are addresses for people to come in by."""

    run_id: int
    task_name: str
    url: str
    entrances: Sequence[str]


#: A run by its number, or as ``launch`` and ``resume`` return it.
RunLike = Launched | int


class Operator:
    """Run tasks on one database. Use it with ``with``: what it has started ends with the block.

    Leaving the block stops runs that are still going on; they can be resumed. Four threads look
    after all its runs, whatever their number; they begin with the first run.

    :param database: a :class:`~famulus.Database`, which stays the caller's to close, or an address.
    """

    _closing_limits = ClosingLimits()

    def __init__(
        self,
        database: Database | str | Path | None = None,
        *,
        plugins: Plugins | None = None,
    ) -> None:
        self._owns_database = not isinstance(database, Database)
        self.database = database if isinstance(database, Database) else Database(database)
        self.plugins = discover() if plugins is None else plugins
        self._holder = lease.Holder()
        self._assembly = Assembly(self.database, self.plugins, self._holder, self._closing_limits)
        self._runs: dict[int, ManagedRun] = {}
        #: runs that are still being launched or resumed
        self._starting: list[ManagedRun] = []
        self._mutex = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._is_shut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except StillOpenError:
            # The log has it; what ends the block is what the caller has to know first.
            if error is None:
                raise

    def check(
        self,
        configuration: Configured,
        *,
        overrides: Sequence[str] = (),
        shared_state: SharedTaskState | None = None,
    ) -> Checked:
        """Find everything that is wrong with a configuration; nothing is written.

        :param configuration: a YAML file, a mapping in its shape, a run script's ``cfg``, or a
            plan. What has been checked already is taken as it is.
        :param overrides: ``section.option=value`` as on the command line.
        :raises famulus.UsageError: with every problem, each with its key, file and line.
        """
        if isinstance(configuration, Checked):
            return configuration
        draft = self._draft(configuration, overrides, shared_state)
        found = draft_problems(draft, self.plugins, self.database)
        problems = [each for each in found if not each.warning]
        if problems or draft.plan is None:
            raise UsageError(problems)
        doubts = qualification_warnings(draft.plan, self.database)
        return Checked(plan=draft.plan, warnings=[*draft.warnings, *found, *doubts])

    def estimate(self, checked: Checked, *, most_rows: int | None = None) -> Estimate:
        """Say what a checked configuration will cost with the provider's fees. Writes nothing.

        :param most_rows: count no more rows of the data than that.
        :raises famulus.UnavailableError: when the platform has to be asked, and is away.
        """
        return estimate_cost(self.database, self.plugins, checked.plan, most_rows=most_rows)

    def balance_problems(self, checked: Checked) -> list[Problem]:
        """Ask the provider whether the requester can pay for a checked configuration, as a launch
        does, and return the problem where they cannot; a warning where the platform cannot be
        asked. Writes nothing.
        """
        plan = checked.plan
        try:
            return balance_problems(self.database, self.plugins, plan, most_rows=_MOST_COUNTED)
        except UnavailableError as error:
            message = f"whether the requester can pay for it cannot be checked now: {error}"
            return [plan.problem("provider", message, warning=True)]

    def launch(
        self,
        configuration: Configured,
        *,
        overrides: Sequence[str] = (),
        shared_state: SharedTaskState | None = None,
    ) -> Launched:
        """Launch a run and return once it is served and has work for the first worker.

        The rest of the data is loaded meanwhile. Takes and raises what :meth:`check` does.

        :raises famulus.UnavailableError: when it cannot be served; the run is marked failed.
        """
        checked = self.check(configuration, overrides=overrides, shared_state=shared_state)
        if checked is not configuration:
            for warning in checked.warnings:
                _log.warning("%s", warning)
        plan = checked.plan
        unpaid = balance_problems(self.database, self.plugins, plan, most_rows=_MOST_COUNTED)
        if unpaid:
            raise UsageError(unpaid)
        self._prepare()
        record = self._assembly.create(plan)
        managed = None
        try:
            managed = self._assembly.manage(record, plan)
            with self._renewing(managed):
                self._load_first(managed)
                url = managed.serve()
                self.database.write(partial(open_run, record=record))
        except BaseException as error:
            self._fail(record, managed, error)
            raise
        return self._take_charge(managed, plan, url)

    def launch_task_run(
        self, configuration: Configured, shared_state: SharedTaskState | None = None
    ) -> int:
        """Launch a run and return its number; for run scripts, ``cfg`` and ``cfg.mephisto`` are the
        same. Raises what :meth:`launch` does.
        """
        return self.launch(configuration, shared_state=shared_state).run_id

    def wait_for_runs_then_shutdown(
        self, skip_input: bool = True, log_rate: float | None = 30
    ) -> None:
        """Wait until all runs are out of this operator's hands, then close it.

        :param skip_input: changes nothing, since nothing is ever asked; existing scripts give it.
        :param log_rate: seconds between lines of progress in the log.
        """
        with self:
            while going_on := self._going_on():
                if not going_on[0].ended.wait(log_rate):
                    log_progress(self.database, [managed.run for managed in going_on])

    def resume(
        self,
        run: RunLike,
        *,
        shared_state: SharedTaskState | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Launched:
        """Go on with a run that was stopped, or whose operator has died, at the same address.

        Those who were at work get back the time during which nobody served them.

        :param shared_state: brings the callbacks the run was launched with, if there were any.
        :param secrets: what was secret in its configuration, as ``{"provider.token": …}``; the
            environment's ``FAMULUS_SECRET_PROVIDER_TOKEN`` unless given.
        :raises famulus.ConflictError: when the run is over, or another operator has it, or its
            provider is no longer the sandbox, or the real thing, that it was.
        :raises famulus.UsageError: when a secret, or something that was given in Python, is
            missing.
        """
        record = find_run(self.database, _number(run))
        name = f"run {record.id}"
        if self.holds(record.id):
            raise ConflictError(f"{name} is in this operator's hands already")
        refuse_ended(record)
        plan = plan_from_stored(record.plan, self.plugins, shared_state, secrets=secrets, run=name)
        refuse_other_money(record, self.plugins.provider(plan.provider.type))
        self._assembly.check_source(record, plan, given=shared_state is not None)
        self._prepare()
        record = take_lease(self.database, record.id, self._holder, self._closing_limits.waiting)
        managed = self._assembly.manage(record, plan)
        try:
            with self._renewing(managed):
                if record.loading is LoadingStatus.LOADING:
                    managed.loader.load_batch()
                url = self._serve_again(managed)
        except BaseException:
            managed.let_go()
            raise
        loading = record.loading is LoadingStatus.LOADING
        return self._take_charge(managed, plan, url, load=loading)

    def gateway(self, run: RunLike) -> Gateway:
        """Open the way in to a run of this operator, for a program that serves it itself.

        It has the run's callbacks; close it when the program ends.
        """
        managed = self._mine(run)
        state = managed.blueprint.context.shared_state
        return open_gateway(self.database, managed.run, plugins=self.plugins, shared_state=state)

    def progress(self, run: RunLike) -> Progress:
        """Look at a run, whoever operates it."""
        find_run(self.database, _number(run))
        return read_progress(self.database, _number(run))

    def holds(self, run: RunLike) -> bool:
        """Say whether a run is in this operator's hands. Does not look at the database."""
        managed = self._runs.get(_number(run))
        return managed is not None and not managed.ended.is_set()

    def watch(self, run: RunLike, *, every: float = 1.0) -> Iterator[Progress]:
        """Look at a run every so many seconds until it is out of this operator's hands; the last
        look is from then.
        """
        managed = self._mine(run)
        while not managed.ended.wait(every):
            yield read_progress(self.database, managed.run)
        yield read_progress(self.database, managed.run)

    def wait(self, run: RunLike, *, timeout: float | None = None) -> RunRecord:
        """Wait until a run is out of this operator's hands and return it as it is then.

        :param timeout: seconds to wait at most; then the run is returned as it goes on.
        """
        managed = self._mine(run)
        managed.ended.wait(timeout)
        return find_run(self.database, managed.run)

    def stop(self, run: RunLike, *, now: bool = False) -> None:
        """Let nobody new in; the run stops when those at work are done, or their time is over.

        Works on any run of the database: another operator that has it does the rest.

        :param now: do not wait for them; their pages keep trying until the run is resumed.
        :raises famulus.ConflictError: when the run is not going on.
        :raises famulus.UnavailableError: when it is stopped, and its places are still open because
            the platform cannot be told.
        """
        number = find_run(self.database, _number(run)).id
        try:
            is_ended = self.database.write(partial(order_stop, run=number, now=now))
        except ConflictError:
            self._complete_end(number)
            raise
        if not self.holds(number):
            self._close(number)
        elif is_ended:
            self._runs[number].let_go(HASTE_SECONDS)

    def finish(self, run: RunLike) -> None:
        """End a run for good: what is open expires. Answers that still come are kept as late ones.

        Works on any run of the database: another operator that has it lets it go.

        :raises famulus.ConflictError: when the run is over already.
        :raises famulus.UnavailableError: when it is finished, and its places are still open because
            the platform cannot be told.
        """
        record = find_run(self.database, _number(run))
        if record.status in _OVER:
            self._complete_end(record.id)
            raise ConflictError(f"run {record.id} is {record.status.value} already")
        if self.holds(record.id):
            self._runs[record.id].finish("finished")
        else:
            finish_run(self.database, record.id, "finished")
            self._close(record.id)

    def close(self) -> None:
        """Stop the runs that are still going on, and everything this operator has started.

        :raises famulus.UnavailableError: when a platform could not be told to close the places of a
            run of this operator; all else is done.
        """
        unclosed = self._shut_down()
        if unclosed:
            raise StillOpenError(unclosed)

    def _shut_down(self) -> str:
        """End what this operator has started; return what is still open then, and how to close it.

        Runs are stopped first of all, so that places are not opened any more while threads end.
        """
        unclosed: list[str] = []
        if self._is_shut:
            return ""
        self._is_shut = True
        with ExitStack() as steps:
            # Each is done whatever becomes of the others, the last one first.
            if self._owns_database:
                steps.callback(self.database.close)
            for managed in self._runs.values():
                steps.callback(lambda each: unclosed.extend(each.unclosed()), managed)
                steps.callback(managed.let_go, HASTE_SECONDS)
            steps.callback(self._end_threads)
            for managed in self._going_on():
                steps.callback(managed.release, "operator closed")
        return "\n".join(unclosed)

    def _end_threads(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(_JOINING_SECONDS)
            if thread.is_alive():
                _log.error("%s does not return from a call and is left behind", thread.name)

    def _draft(
        self,
        configuration: Configured,
        overrides: Sequence[str],
        shared_state: SharedTaskState | None,
    ) -> Draft:
        if isinstance(configuration, Checked):
            configuration = configuration.plan
        if isinstance(configuration, Plan):
            return Draft(plan=configuration, sound=EVERYTHING, problems=(), warnings=())
        return draft_plan(_read(configuration, overrides), self.plugins, shared_state)

    def _prepare(self) -> None:
        if self._closing.is_set():
            raise ConflictError("this operator is closed; make a new one")
        # Without usable keys nothing can be served: said before a row is written.
        _ = self.database.signing_keys
        for info in self.plugins.accepted:
            try:
                self.database.prepare(info.schemas)
            except FamulusError as error:
                self.plugins.refuse(info, error)

    def _load_first(self, managed: ManagedRun) -> None:
        try:
            managed.loader.load_batch()
        except FamulusError:
            raise
        except Exception as error:
            if not managed.loader.rows:
                raise UsageError(
                    f"the data failed before the first row: {type(error).__name__}: {error}"
                ) from error
            raise
        if not managed.loader.rows:
            raise UsageError("the data have no rows; there is nothing to do")

    def _serve_again(self, managed: ManagedRun) -> str:
        """Open a run and serve it, in this order: its server turns nobody away. It opens no places
        before it is served.
        """
        run, holder = managed.run, self._holder
        opened_at = self.database.write(partial(reopen_run, run=run, holder=holder))
        try:
            return managed.serve()
        except BaseException:
            self.database.write(partial(close_again, run=run, holder=holder, opened_at=opened_at))
            raise

    @contextmanager
    def _renewing(self, managed: ManagedRun) -> Iterator[None]:
        """Keep the lease of a run while it starts: its data and its server may take their time."""
        with self._mutex:
            self._starting.append(managed)
            if not self._threads:
                self._start_threads()
        try:
            yield
        finally:
            with self._mutex:
                self._starting.remove(managed)

    def _take_charge(
        self, managed: ManagedRun, plan: Plan, url: str, *, load: bool = True
    ) -> Launched:
        with self._mutex:
            self._runs[managed.run] = managed
        if load:
            managed.load_rest()
        managed.open_first_places()
        return Launched(
            run_id=managed.run,
            task_name=plan.task_name,
            url=url,
            entrances=_entrances(managed),
        )

    def _start_threads(self) -> None:
        for name, work in (
            ("keeper", self._keep),
            ("sweeper", self._sweep),
            ("delivery", self._tell),
            ("syncer", self._sync),
        ):
            thread = threading.Thread(target=work, name=f"famulus-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _keep(self) -> None:
        # In a thread of its own: all others may be busy with one run for longer than a lease lasts.
        self._do_for_all("kept", ManagedRun.keep, starting=True)

    def _sweep(self) -> None:
        self._do_for_all("looked after", ManagedRun.look_after)

    def _tell(self) -> None:
        self._do_for_all("told of", ManagedRun.tell)

    def _sync(self) -> None:
        self._do_for_all("asked about", ManagedRun.sync)

    def _do_for_all(
        self, what: str, act: Callable[[ManagedRun], Any], *, starting: bool = False
    ) -> None:
        """Do something for each run again and again; log once what keeps it from being done, and
        when it is over.

        :param starting: for those too that are being launched or resumed.
        """
        faults: dict[int, str] = {}
        while not self._closing.wait(_TICK):
            for managed in [*self._going_on(), *(self._starting if starting else ())]:
                run = managed.run
                try:
                    act(managed)
                except DatabaseUnavailableError:
                    """Logged once by the database; tried again at the next tick."""
                except BaseException as error:  # noqa: BLE001 - third-party code; tried again
                    fault = f"{type(error).__name__}: {error}"
                    if faults.get(run) != fault:
                        faults[run] = fault
                        _log.exception("run %d cannot be %s", run, what)
                else:
                    if faults.pop(run, None) is not None:
                        _log.warning("run %d is %s again", run, what)

    def _going_on(self) -> list[ManagedRun]:
        with self._mutex:
            return [each for each in self._runs.values() if not each.ended.is_set()]

    def _mine(self, run: RunLike) -> ManagedRun:
        managed = self._runs.get(_number(run))
        if managed is None:
            raise ConflictError(
                f"run {_number(run)} is not in this operator's hands; resume it first"
            )
        return managed

    def _fail(self, record: RunRecord, managed: ManagedRun | None, error: BaseException) -> None:
        """Mark a launch as failed and take back what it has started; raises nothing of its own."""
        reason = str(error) or type(error).__name__

        def job(tx: Transaction) -> None:
            query = TaskRun.update(failure=reason, ended_at=tx.now)
            tx.execute(query.where(TaskRun.id == record.id))
            change_run(tx, run=record.id, old=record.status, new=RunStatus.FAILED, cause="launch")
            lease.drop(tx, record.id, self._holder)

        steps: list[Callable[[], None]] = [lambda: self.database.write(job)]
        if managed is not None:
            steps.append(managed.let_go)
        for step in steps:
            try:
                step()
            except Exception:  # noqa: BLE001 - the launch's own error is the one to be raised
                _log.exception("run %d: the failed launch could not be tidied up", record.id)

    def _complete_end(self, run: int) -> None:
        """Do what a process that was killed has left undone of the end of a run.

        :raises famulus.UnavailableError: when its places are still open after a bounded time.
        """
        if self.holds(run):
            return
        if find_run(self.database, run).status is RunStatus.FINISHED:
            expire_rest(self.database, run)
        with self.database.read() as tx:
            is_closed = read_closing(tx, run) is None
        if not is_closed:
            self._close(run)

    def _close(self, run: int) -> None:
        """Close the places of a run that is not in this operator's hands, and tell the platform
        what else is due.

        :raises famulus.UnavailableError: when they are still open after a bounded time.
        """
        with self.database.read() as tx:
            closing = read_closing(tx, run)
        try:
            bound = bind_provider(self.database, self.plugins, run)
        except FamulusError as error:
            if closing is not None:
                why = evolve(closing, error=str(error), is_under_way=False)
                raise StillOpenError(describe_open(find_run(self.database, run), why)) from error
            _log.warning("run %d: its platform cannot be told now: %s", run, error)
            return
        if closing is not None:
            bound.close_places(self._closing_limits)
        bound.deliver()


def _entrances(managed: ManagedRun) -> Sequence[str]:
    """Return where workers come in; where the platform cannot say now, the run's own address."""
    try:
        return managed.bound.provider.entrances(managed.bound.run_view())
    except UnavailableError as error:
        _log.warning("run %d: the platform cannot be asked for its links: %s", managed.run, error)
        return (managed.url,)


def _read(
    configuration: TaskConfig | Sections | Mapping[str, Any] | str | Path,
    overrides: Sequence[str],
) -> Configuration:
    if isinstance(configuration, TaskConfig):
        configuration = configuration.famulus
    if isinstance(configuration, Sections):
        return configuration.configuration()
    if isinstance(configuration, Mapping):
        return configuration_from_mapping(configuration, overrides)
    return read_configuration(Path(configuration), overrides)


def _number(run: RunLike) -> int:
    return run.run_id if isinstance(run, Launched) else run
