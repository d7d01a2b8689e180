"""Who may come in, and what they get: the same unit again, the onboarding, a new unit or a refusal.

``REFUSALS`` lists every reason to refuse, in the order in which they apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from attrs import evolve, frozen

from famulus.contracts.provider_views import Arrival
from famulus.contracts.views import Refusal, RefusalReason
from famulus.engine.admission_results import AdmissionResult, AssignedUnit, OpenOnboarding
from famulus.engine.arrival import ArrivingWorker, RunRules
from famulus.engine.everyday import assign_everyday
from famulus.engine.everyday_postgresql import arrival_at_once
from famulus.engine.free_units import FreeUnit
from famulus.engine.onboarding_verdicts import read_verdict
from famulus.engine.qualifications.rules import FailedOnboarding
from famulus.engine.refusal_log import RefusalLog
from famulus.engine.runs import read_run
from famulus.engine.window import open_unit_exists
from famulus.engine.worker_progress import count_in_task, read_progress, save_progress
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.states import ENDED_RUNS, OPEN_RUNS, LoadingStatus, RunStatus
from famulus.model.transaction import Transaction

#: Transactions that one arrival may search through units that are not for the worker.
_SEARCHES = 500


def time_is_over(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a visit that has ended on the platform, or here by its deadline, without answers."""
    if worker.is_screened_out or worker.is_onboarding_failed:
        failed = _failed_onboarding(worker, "")
        return evolve(failed, is_screened_out=worker.is_screened_out or failed.is_screened_out)
    return Refusal(reason=RefusalReason.TIME_OVER) if worker.is_time_over else None


def run_gives_no_work(worker: ArrivingWorker) -> Refusal | None:
    """Refuse new work when the run ends for good, its lifetime is over, or it is stopped."""
    is_over = worker.run.is_finishing or worker.tx.micros >= worker.run.closes_at
    return _refuse_by_run(worker.run.status, is_over=is_over)


def _refuse_by_run(status: RunStatus, *, is_over: bool) -> Refusal | None:
    if is_over or status in ENDED_RUNS:
        return Refusal(reason=RefusalReason.RUN_CLOSED)
    return None if status in OPEN_RUNS else Refusal(reason=RefusalReason.RUN_STOPPED)


def stranger_at_taken_place(worker: ArrivingWorker) -> Refusal | None:
    """Refuse an unknown worker who names a place that another visit has.

    Neither the worker nor the refusal is stored: such names can be made up.
    """
    if worker.worker is not None:
        return None
    holder = worker.read_place_holder()
    if holder is None or holder.may_hand_over_to(worker.arrival):
        return None
    return Refusal(reason=RefusalReason.PLACE_TAKEN)


def worker_is_blocked(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a worker whom the requester has blocked."""
    if not worker.run.is_blocked:
        return None
    return Refusal(reason=RefusalReason.BLOCKED, note="blocked here")


def requirement_is_not_met(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a worker who fails a requirement of the run; the refusal names the first one."""
    for rule in worker.rules.requirements:
        if not rule.requirement.met_by(worker.qualifications):
            note = str(rule.requirement)
            if isinstance(rule.refusal, FailedOnboarding):
                return _failed_onboarding(worker, note)
            return evolve(rule.refusal, note=note)
    return None


def onboarding_was_failed(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a worker who has failed the run's onboarding."""
    onboarding = worker.rules.onboarding
    if onboarding is None or worker.qualifications.get(onboarding, 1) >= 1:
        return None
    return _failed_onboarding(worker, f"{onboarding} is {worker.qualifications[onboarding]}")


def _failed_onboarding(worker: ArrivingWorker, note: str) -> FailedOnboarding:
    """Return the refusal, with the blueprint's message if the worker failed in this run."""
    assert worker.worker is not None
    verdict = read_verdict(worker.tx, run=worker.rules.run, worker=worker.worker)
    if verdict is None:
        return FailedOnboarding(note=note)
    return FailedOnboarding(detail=verdict.message, note=note, is_screened_out=verdict.screened_out)


def place_is_taken(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a new visit while its place belongs to another visit that may not hand it over."""
    holder = worker.read_place_holder()
    if holder is None or holder.may_hand_over_to(worker.arrival):
        return None
    note = f"place {worker.arrival.place} belongs to visit {holder.visit}"
    return Refusal(reason=RefusalReason.PLACE_TAKEN, note=note)


def too_many_open(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a worker who has ``allowed_concurrent`` units open in the run."""
    most = worker.run.allowed_concurrent
    if worker.progress is None or not most or worker.progress.open_units < most:
        return None
    return Refusal(reason=RefusalReason.TOO_MANY_OPEN, note=f"allowed_concurrent {most}")


def maximum_is_reached(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a worker who has ``maximum_units_per_worker`` units done or open in the task."""
    most = worker.run.maximum
    if worker.worker is None or worker.progress is None or not most:
        return None
    in_task = count_in_task(worker.tx, worker=worker.worker, task=worker.rules.task)
    worker.progress.in_task = in_task
    if in_task < most:
        return None
    return Refusal(reason=RefusalReason.MAXIMUM_REACHED, note=f"maximum_units_per_worker {most}")


def all_is_done(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a worker who has tried every assignment that there will be."""
    is_loading = worker.run.loading is LoadingStatus.LOADING
    if worker.progress is None or is_loading or worker.progress.assignments < worker.run.rows:
        return None
    return Refusal(reason=RefusalReason.ALL_DONE)


def nothing_is_left(worker: ArrivingWorker) -> Refusal | None:
    """Refuse a worker for whom no unit is free now; store a free unit in ``found``."""
    if worker.progress is None:
        return None
    worker.find_unit(worker.progress)
    if worker.found or worker.only or worker.progress.is_cut_short:
        return None
    return no_unit_is_free(worker)


def no_unit_is_free(worker: ArrivingWorker) -> Refusal:
    """Return the refusal of a worker for whom no unit is free, by whether any unit is open."""
    is_loading = worker.run.loading is LoadingStatus.LOADING
    if is_loading or open_unit_exists(worker.tx, worker.rules.run):
        return Refusal(reason=RefusalReason.NOTHING_LEFT)
    return Refusal(reason=RefusalReason.RUN_COMPLETE)


RefusalRule = Callable[[ArrivingWorker], Refusal | None]

#: Before a worker who is not known yet is stored.
BEFORE_ENTRY: tuple[RefusalRule, ...] = (
    time_is_over,
    run_gives_no_work,
    stranger_at_taken_place,
)
#: With the worker and the place locked; the qualification checks of plugins are asked after these.
BEFORE_WORK: tuple[RefusalRule, ...] = (
    worker_is_blocked,
    requirement_is_not_met,
    onboarding_was_failed,
    place_is_taken,
)
#: Once the worker needs no onboarding; ``worker_can_do_unit`` is asked about units after these.
BEFORE_SEARCH: tuple[RefusalRule, ...] = (
    too_many_open,
    maximum_is_reached,
    all_is_done,
)
BEFORE_UNIT: tuple[RefusalRule, ...] = (*BEFORE_SEARCH, nothing_is_left)
#: Every reason to refuse, in the order in which they apply.
REFUSALS = (*BEFORE_ENTRY, *BEFORE_WORK, *BEFORE_UNIT)


@frozen(kw_only=True)
class Admission:
    """Admits workers to a run in one transaction, in which no plugin is called."""

    database: Database
    rules: RunRules
    refusal_log: RefusalLog
    #: whether the flat functions of ``everyday`` are tried first
    has_everyday_case: bool

    def admit(self, arrival: Arrival, query: Mapping[str, str]) -> AdmissionResult:
        """Give an arriving worker a unit, the onboarding, or the reason for a refusal.

        :param query: the parameters of the URL that the worker came with.
        """
        result = self._admit(arrival, query)
        if isinstance(result, Refusal) and result.note:
            self.refusal_log.note(arrival.worker_name, result)
        return result

    def refuse_all(self) -> Refusal | None:
        """Return why the run gives no new work to any worker now, or None."""
        with self.database.read() as tx:
            run = read_run(tx, self.rules.run)
            is_over = run.is_finishing or tx.now >= run.closes_at
            return _refuse_by_run(run.status, is_over=is_over)

    def refuse_another(self, worker_name: str) -> Refusal | None:
        """Return why a worker who has just done a unit would get no further unit now.

        Return None if there may be a further unit. Asks no plugin, and writes and locks nothing.
        """
        arrival = Arrival(worker_name=worker_name, reference="")
        with self.database.read() as tx:
            worker = ArrivingWorker(tx, self.rules, arrival, {})
            if worker.worker is None:
                return None
            worker.is_glance = True
            worker.read_qualifications()
            worker.progress = read_progress(tx, self.rules.run, worker.worker, lock=False)
            refusal = first_refusal(worker, REFUSALS)
        may_pass = refusal is not None and refusal.reason is RefusalReason.TOO_MANY_OPEN
        return None if may_pass else refusal

    def _assign_everyday(self, arrival: Arrival, query: Mapping[str, str]) -> AssignedUnit | None:
        if self.database.kind is DatabaseKind.POSTGRESQL:
            if arrival.place:
                return None
            return arrival_at_once(self.rules, arrival, query).run(self.database)
        # The only commits that a power failure may undo: the page holds what makes them again.
        job = partial(assign_everyday, rules=self.rules, arrival=arrival, query=query)
        return self.database.write(job, synced=False)

    def _admit(self, arrival: Arrival, query: Mapping[str, str]) -> AdmissionResult:
        if self.has_everyday_case:
            given = self._assign_everyday(arrival, query)
            if given is not None:
                return given

        def job(tx: Transaction) -> AdmissionResult | None:
            worker = ArrivingWorker(tx, self.rules, arrival, query)
            return enter(worker) or begin_onboarding(worker) or assign_unit(worker)

        for _ in range(_SEARCHES):
            result = self.database.write(job)
            if result is not None:
                return result
        return Refusal(reason=RefusalReason.NOTHING_LEFT)


def enter(worker: ArrivingWorker) -> AdmissionResult | None:
    """Store an arriving worker unless a refusal comes first.

    Return the result if it is decided already, or None for a worker who may get work.
    """
    if isinstance(worker.result, OpenOnboarding) and worker.end_decided_onboarding(worker.result):
        worker.read()
    result = worker.result or first_refusal(worker, BEFORE_ENTRY)
    if result is not None:
        worker.note_arrival()
        return result
    if worker.store_and_lock():
        result = worker.result or first_refusal(worker, BEFORE_ENTRY)
    worker.end_earlier_visit()
    worker.note_arrival()
    worker.read_qualifications()
    result = result or first_refusal(worker, BEFORE_WORK)
    if result is None:
        worker.take_over_place()
    return result


def begin_onboarding(worker: ArrivingWorker) -> OpenOnboarding | None:
    """Begin the onboarding of a worker who needs it; return None for others."""
    return worker.begin_onboarding() if worker.needs_onboarding else None


def assign_unit(
    worker: ArrivingWorker, only: FreeUnit | None = None
) -> AssignedUnit | Refusal | None:
    """Give a worker a unit within the limits.

    Return None if the search has to continue in another transaction, or if the unit ``only`` has
    been taken in the meantime.
    """
    worker.only, progress = only, worker.lock_progress()
    marks = list(progress.marks)
    refusal = first_refusal(worker, BEFORE_UNIT)
    if worker.found is not None:
        return worker.claim(worker.found, progress)
    if progress.marks != marks:
        save_progress(worker.tx, progress)
    return refusal


def first_refusal(worker: ArrivingWorker, rules: Iterable[RefusalRule]) -> Refusal | None:
    """Return the refusal of the first rule that refuses the worker, or None."""
    for rule in rules:
        refusal = rule(worker)
        if refusal is not None:
            return refusal
    return None
