"""The operator: check, launch, watch, stop, finish and resume runs, from any program."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from famulus.contracts.plan import Plan, SharedTaskState
from famulus.engine.places.closing import ClosingLimits, PlacesOpenError
from famulus.engine.requesters import plan_parts
from famulus.engine.runs import RunRecord, find_run, requester_of
from famulus.errors import (
    ConflictError,
    FamulusError,
    Problem,
    UnavailableError,
    UsageError,
    reason,
)
from famulus.model.database import Database
from famulus.model.states import ENDED_RUNS, LoadingStatus
from famulus.operate import lease
from famulus.operate.checking import Checked, Configured, check_draft, read_draft
from famulus.operate.ending import (
    FINISHED,
    close_run,
    complete_end,
    finish_run,
    order_finish,
    order_stop,
)
from famulus.operate.estimate import Estimate, balance_problems, estimate_cost
from famulus.operate.launching import Launched, create_run, fail_launch, load_first, open_run
from famulus.operate.managed_run import HASTE_SECONDS, ManagedRun, manage
from famulus.operate.observer import LaunchRequest, OperatorObserver
from famulus.operate.progress import Progress, log_progress, read_progress
from famulus.operate.resuming import (
    check_source,
    load_next,
    refuse_ended,
    refuse_other_money,
    refuse_unservable,
    serve_again,
    take_lease,
)
from famulus.operate.run_threads import RunThreads
from famulus.plan import RunParts, plan_from_stored
from famulus.plugins import Plugins, discover

if TYPE_CHECKING:
    from famulus.engine.gateway import Gateway

_log = logging.getLogger(__name__)

#: Rows that are counted before a launch, to compare their cost with the requester's balance.
_MOST_COUNTED = 50_000
#: A run by its number, or as ``launch`` and ``resume`` return it.
RunLike = Launched | int


class Operator:
    """Run tasks on one database. Use it in a ``with`` block, which ends what it has started.

    Leaving the block stops runs that are still going on; they can be resumed. Four threads look
    after any number of runs; the first run starts them.

    :param database: a :class:`~famulus.Database`, which the caller closes, or an address.
    :param observer: a program's additions to the operator, such as a display of its progress.
    """

    _closing_limits = ClosingLimits()

    def __init__(
        self,
        database: Database | str | Path | None = None,
        *,
        plugins: Plugins | None = None,
        observer: OperatorObserver | None = None,
    ) -> None:
        self._owns_database = not isinstance(database, Database)
        self.database = database if isinstance(database, Database) else Database(database)
        self.plugins = discover() if plugins is None else plugins
        self._observer = OperatorObserver() if observer is None else observer
        self._holder = lease.Holder()
        self._runs: dict[int, ManagedRun] = {}
        #: runs that the observer has returned without launching them
        self._not_launched: set[int] = set()
        self._threads = self._make_threads(self._runs)
        self._is_shut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        going_on = [each.run for each in self._threads.going_on() if not each.is_over]
        if error is None and going_on:
            self._observer.leaving(self, going_on)
        try:
            self.close()
        except PlacesOpenError:
            # It is logged; the exception that ends the block matters more to the caller.
            if error is None:
                raise

    def check(
        self,
        configuration: Configured,
        *,
        overrides: Sequence[str] = (),
        shared_state: SharedTaskState | None = None,
        serving: bool = True,
    ) -> Checked:
        """Find everything that is wrong with a configuration; nothing is written.

        :param configuration: a YAML file, a mapping in its shape, a run script's ``cfg``, or a
            plan. A :class:`Checked` is returned unchanged.
        :param overrides: ``section.option=value`` as on the command line.
        :param serving: whether the run is to be served here; a taken port is a problem then.
        :raises famulus.UsageError: with every problem, each with its key, file and line.
        """
        if isinstance(configuration, Checked):
            return configuration
        draft = read_draft(configuration, overrides, self.plugins, shared_state)
        return check_draft(draft, self.plugins, self.database, serving=serving)

    def estimate(self, checked: Checked, *, most_rows: int | None = None) -> Estimate:
        """Estimate what a checked configuration will cost with the provider's fees. Writes nothing.

        :param most_rows: the most rows of the data to count.
        :raises famulus.UnavailableError: when the platform has to be asked and does not answer.
        """
        return estimate_cost(self.database, self.plugins, checked, most_rows=most_rows)

    def balance_problems(self, checked: Checked) -> list[Problem]:
        """Ask the provider whether the requester can pay for a checked configuration.

        A launch does the same. Return the problem if the requester cannot pay, or a warning if the
        platform does not answer. Writes nothing.
        """
        try:
            return balance_problems(self.database, self.plugins, checked, most_rows=_MOST_COUNTED)
        except UnavailableError as error:
            message = f"whether the requester can pay for it cannot be checked now: {error}"
            return [checked.plan.problem("provider", message, warning=True)]

    def launch(
        self,
        configuration: Configured,
        *,
        overrides: Sequence[str] = (),
        shared_state: SharedTaskState | None = None,
    ) -> Launched:
        """Launch a run and return once it is served and has work for the first worker.

        The rest of the data is loaded in the background. Arguments and errors are as for
        :meth:`check`.

        :raises famulus.UnavailableError: when the platform cannot be asked what a unit costs, and
            nothing is written; or when the run cannot be served, and it is marked failed.
        """
        request = LaunchRequest(
            configuration=configuration, overrides=overrides, shared_state=shared_state
        )
        launched = self._observer.launch(self, request, self._launch)
        if launched.run_id not in self._runs:
            self._not_launched.add(launched.run_id)
        return launched

    def launch_task_run(
        self, configuration: Configured, shared_state: SharedTaskState | None = None
    ) -> int:
        """Launch a run and return its number; raises what :meth:`launch` does.

        For run scripts, ``cfg`` and ``cfg.mephisto`` are the same.
        """
        return self.launch(configuration, shared_state=shared_state).run_id

    def wait_for_runs_then_shutdown(
        self, skip_input: bool = True, log_rate: float | None = 30
    ) -> None:
        """Wait until this operator manages no runs any more, then close it.

        :param skip_input: has no effect, since no question is ever asked; existing scripts pass it.
        :param log_rate: seconds between lines of progress in the log.
        """
        with self:
            proceed = partial(self._log_until_ended, log_rate)
            self._observer.wait(self, [*self._runs], log_rate, proceed)

    def resume(
        self,
        run: RunLike,
        *,
        shared_state: SharedTaskState | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Launched:
        """Go on with a run that was stopped, or whose operator has died, at the same address.

        Workers who were at work get back the time during which the run was not served.

        :param shared_state: the state with the callbacks that the run was launched with, if there
            were any.
        :param secrets: the secrets of its configuration, as ``{"provider.token": …}``; by default,
            each comes from the environment, such as ``FAMULUS_SECRET_PROVIDER_TOKEN``.
        :raises famulus.ConflictError: when the run is over; when another operator has it; when its
            provider was a sandbox at the launch and is none now, or the reverse; or when the
            requester's account has another currency than at the launch.
        :raises famulus.UsageError: when a secret or something that was given in Python is missing,
            or the run's provider could admit no worker.
        """
        record = find_run(self.database, _number(run))
        name = f"run {record.id}"
        if self.holds(record.id):
            raise ConflictError(f"{name} is already managed by this operator")
        refuse_ended(record)
        plan = plan_from_stored(record.plan, self.plugins, shared_state, secrets=secrets, run=name)
        parts = self._parts(plan, record)
        refuse_other_money(record, parts.provider)
        refuse_unservable(parts, record.id)
        check_source(parts, record, given=shared_state is not None)
        self._prepare()
        record = take_lease(self.database, record.id, self._holder, self._closing_limits.waiting)
        managed = self._manage(plan, record)
        is_loading = record.loading is LoadingStatus.LOADING
        try:
            with self._threads.renewing(managed):
                if is_loading:
                    load_next(managed)
                url = serve_again(managed)
        except BaseException:
            managed.shut_down()
            raise
        return self._manage_run(managed, plan, url, load=is_loading)

    def gateway(self, run: RunLike) -> Gateway:
        """Open the gateway of a run of this operator, for a program that serves the run itself.

        The gateway has the run's callbacks; close it when the program ends.
        """
        # The server has its own process: hardly any operator needs this.
        from famulus.engine.open_gateway import open_gateway

        managed = self._managed_run(run)
        state = managed.blueprint.context.shared_state
        return open_gateway(self.database, managed.run, plugins=self.plugins, shared_state=state)

    def progress(self, run: RunLike) -> Progress:
        """Return the progress of a run, regardless of which process operates it."""
        find_run(self.database, _number(run))
        return read_progress(self.database, _number(run))

    def holds(self, run: RunLike) -> bool:
        """Return whether this operator manages a run. Does not read the database."""
        managed = self._runs.get(_number(run))
        return managed is not None and not managed.ended.is_set()

    def watch(self, run: RunLike, *, every: float = 1.0) -> Iterator[Progress]:
        """Yield a run's progress at regular intervals until this operator no longer manages it.

        The last item shows the progress at that moment.
        """
        if _number(run) not in self._not_launched:
            managed = self._managed_run(run)
            while not managed.ended.wait(every):
                yield read_progress(self.database, managed.run)
        yield read_progress(self.database, _number(run))

    def wait(self, run: RunLike, *, timeout: float | None = None) -> RunRecord:
        """Wait until this operator no longer manages a run, and return its state then.

        :param timeout: the most seconds to wait; after them, return the run as it is, still going
            on.
        """
        if _number(run) not in self._not_launched:
            self._managed_run(run).ended.wait(timeout)
        return find_run(self.database, _number(run))

    def stop(self, run: RunLike, *, now: bool = False) -> None:
        """Admit no new workers; stop the run once those at work are done, or their time is over.

        Works on any run of the database: if another operator has the run, that operator does the
        rest. A run that ``finish(run, now=False)`` has closed is stopped instead, and can be
        resumed. If the run is finished and its server only stays for visits that are open on the
        platform, the server ends.

        :param now: do not wait for these workers; their pages retry until the run is resumed.
        :raises famulus.ConflictError: when the run is not going on.
        :raises famulus.UnavailableError: when the run is stopped, but its places are still open
            because the platform does not answer.
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
            self._runs[number].shut_down(HASTE_SECONDS)

    def finish(self, run: RunLike, *, now: bool = True) -> None:
        """End a run for good: open units expire. Answers that still come are kept as late ones.

        Works on any run of the database: if another operator has the run, it releases the run.

        :param now: do not wait for workers who are at work. Otherwise no new ones are admitted, and
            the run's operator ends it once those at work are done, or their time is over; a run
            that has no operator ends at once.
        :raises famulus.ConflictError: when the run is over already.
        :raises famulus.UnavailableError: when the run is finished, but its places are still open
            because the platform does not answer.
        """
        record = find_run(self.database, _number(run))
        if record.status in ENDED_RUNS:
            self._complete_end(record.id)
            raise ConflictError(f"run {record.id} is {record.status.value} already")
        if not now and self.database.write(partial(order_finish, run=record.id)):
            return
        on_step = partial(self._observer.finishing, record.id)
        finish_run(self.database, record.id, FINISHED, on_step)
        if self.holds(record.id):
            self._runs[record.id].shut_down()
        else:
            self._close(record.id)

    def close(self) -> None:
        """Stop the runs that are still going on, and everything this operator has started.

        :raises famulus.UnavailableError: when a platform could not close the places of a
            run of this operator; all else is done.
        """
        unclosed = self._shut_down()
        problem = PlacesOpenError(unclosed) if unclosed else None
        self._observer.closed(self, [*self._runs], problem)

    def _log_until_ended(self, log_rate: float | None) -> None:
        while going_on := self._threads.going_on():
            if not going_on[0].ended.wait(log_rate):
                log_progress(self.database, [managed.run for managed in going_on])

    def _shut_down(self) -> str:
        """End everything that this operator has started; return what is still open.

        Runs are stopped first, so that no places are opened while threads end.
        """
        unclosed: list[str] = []
        if self._is_shut:
            return ""
        self._is_shut = True
        with ExitStack() as steps:
            # Each is done even if others fail, the last one first.
            if self._owns_database:
                steps.callback(self.database.close)
            for managed in self._runs.values():
                steps.callback(lambda each: unclosed.extend(each.unclosed()), managed)
                steps.callback(managed.shut_down, HASTE_SECONDS)
            steps.callback(self._threads.end)
            for managed in self._threads.going_on():
                steps.callback(managed.release, "operator closed")
        return "\n".join(unclosed)

    def _launch(self, request: LaunchRequest) -> Launched:
        checked = self.check(
            request.configuration,
            overrides=request.overrides,
            shared_state=request.shared_state,
        )
        if checked is not request.configuration:
            for warning in checked.warnings:
                _log.warning("%s", warning)
        plan = checked.plan
        unpaid = balance_problems(self.database, self.plugins, checked, most_rows=_MOST_COUNTED)
        if unpaid:
            raise UsageError(unpaid)
        self._prepare()
        parts = plan_parts(self.database, self.plugins, plan)
        record = create_run(parts, checked.quotes, self._holder)
        managed = None
        try:
            managed = self._manage(plan, record)
            with self._threads.renewing(managed):
                load_first(managed)
                url = managed.serve()
                self.database.write(partial(open_run, run=record.id))
        except BaseException as error:
            fail_launch(self.database, record.id, managed, self._holder, error)
            raise
        return self._manage_run(managed, plan, url)

    def _prepare(self) -> None:
        if self._threads.closing.is_set():
            raise ConflictError("this operator is closed; make a new one")
        # Without usable keys nothing can be served: checked before a row is written.
        _ = self.database.signing_keys
        for info in self.plugins.accepted:
            try:
                self.database.prepare(info.schemas)
            except FamulusError as error:
                self.plugins.refuse(info, error)

    def _parts(self, plan: Plan, record: RunRecord) -> RunParts:
        return RunParts(
            database=self.database,
            plugins=self.plugins,
            plan=plan,
            requester=requester_of(record),
            run_id=record.id,
        )

    def _manage(self, plan: Plan, record: RunRecord) -> ManagedRun:
        return manage(self._parts(plan, record), record, self._holder, self._closing_limits)

    def _make_threads(self, runs: dict[int, ManagedRun]) -> RunThreads:
        return RunThreads(self.database, runs)

    def _manage_run(
        self, managed: ManagedRun, plan: Plan, url: str, *, load: bool = True
    ) -> Launched:
        self._threads.add(managed)
        if load:
            managed.load_rest()
        managed.open_first_places()
        entrances, invitation = _entrances(managed)
        return Launched(
            run_id=managed.run,
            task_name=plan.task_name,
            url=url,
            entrances=entrances,
            invitation=invitation,
        )

    def _managed_run(self, run: RunLike) -> ManagedRun:
        managed = self._runs.get(_number(run))
        if managed is None:
            raise ConflictError(
                f"run {_number(run)} is not managed by this operator; resume it first"
            )
        return managed

    def _complete_end(self, run: int) -> None:
        if not self.holds(run):
            complete_end(self.database, self.plugins, run, self._closing_limits)

    def _close(self, run: int) -> None:
        close_run(self.database, self.plugins, run, self._closing_limits)


def _entrances(managed: ManagedRun) -> tuple[Sequence[str], str]:
    """Return the addresses for workers, and how they come in.

    If the provider raises, return the run's own address.
    """
    provider = managed.bound.provider
    try:
        run = managed.bound.run_view()
        return provider.entrances(run), provider.invitation(run)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the run is served
        why = reason(error)
        _log.warning("run %d: the platform cannot be asked for its links: %s", managed.run, why)
        return (managed.url,), ""


def _number(run: RunLike) -> int:
    return run.run_id if isinstance(run, Launched) else run
