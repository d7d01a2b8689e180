"""A worker who arrives: their stored state, and the steps of admitting them.

The order of the steps, and every refusal, is in ``admission``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from attrs import define, field, frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.provider_views import Arrival
from famulus.engine.admission_results import AlreadySubmitted, AssignedUnit, OpenOnboarding
from famulus.engine.attempts import (
    NewAttempt,
    OpenAttempt,
    PlaceVisit,
    find_open_onboarding,
    make_attempt,
    newest_attempt,
    read_place_holder,
)
from famulus.engine.free_units import MOST_PASSED, FreeUnit, find_units, lock_free_unit
from famulus.engine.qualifications.rules import Rule, onboarding_qualification, read_qualifications
from famulus.engine.runs import RunRecord
from famulus.engine.units import claim_unit, give_back_units, read_unit_data
from famulus.engine.visits import (
    NewVisit,
    end_visit,
    lock_place,
    make_visit,
    note_arrival,
    with_newest_visit,
)
from famulus.engine.worker_progress import UnitNumber, WorkerProgress, make_progress, number_unit
from famulus.engine.workers import lock_worker, make_worker
from famulus.model.database_kind import DatabaseKind
from famulus.model.statements import Statement
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_VISITS,
    SUBMITTED_VISITS,
    AgentStatus,
    LoadingStatus,
    RunStatus,
    VisitStatus,
)
from famulus.model.tables import TaskRunTable, VisitTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.options.requirements import OnboardingRequired

_SECOND = 1_000_000
#: Units passed over to find out whether there is another one for a worker.
_PASSED_AT_A_GLANCE = 200
_HANDOVER = "place passed on"
_ACCEPTED_AGAIN = "accepted again"
#: Visits that the platform does not begin again with the same reference.
_OVER_ON_THE_PLATFORM = (*SUBMITTED_VISITS, VisitStatus.TIMED_OUT, VisitStatus.SCREENED_OUT)
_TIME_IS_OVER = (AgentStatus.TIMEOUT, AgentStatus.EXPIRED, AgentStatus.DISCONNECT)


@frozen(kw_only=True)
class RunRules:
    """The properties of a run that never change while it lasts."""

    run: int
    task: int
    provider_type: str
    lanes: int
    requirements: Sequence[Rule]
    #: the qualification that passing the onboarding grants; None for a run without onboarding
    onboarding: str | None


def run_rules_of(run: RunRecord, blueprint: Blueprint, requirements: Sequence[Rule]) -> RunRules:
    """Return the rules of a run that asks these requirements of its workers."""
    return RunRules(
        run=run.id,
        task=run.task_id,
        provider_type=run.provider_type,
        lanes=run.units_per_assignment,
        requirements=requirements,
        onboarding=onboarding_qualification(blueprint),
    )


class _ArrivalRow(NamedTuple):
    """A run, the worker if they are known, and their newest visit of the same reference."""

    status: RunStatus
    is_finishing: bool
    closes_at: int
    duration: int
    allowed_concurrent: int
    maximum: int
    loading: LoadingStatus
    rows: int
    worker: int | None
    is_blocked: bool | None
    visit: int | None
    visit_status: VisitStatus | None
    accept: str | None


_ARRIVAL = Statement(
    with_newest_visit(
        TaskRunTable.status,
        TaskRunTable.is_finishing,
        TaskRunTable.closes_at,
        TaskRunTable.assignment_duration_in_seconds.alias("duration"),
        TaskRunTable.allowed_concurrent,
        TaskRunTable.maximum_units_per_worker.alias("maximum"),
        TaskRunTable.loading,
        TaskRunTable.rows_loaded.alias("rows"),
        WorkerTable.id.alias("worker"),
        WorkerTable.blocked.alias("is_blocked"),
        VisitTable.id.alias("visit"),
        VisitTable.status.alias("visit_status"),
        VisitTable.accept,
    ),
    _ArrivalRow,
)


@define(eq=False)
class ArrivingWorker:
    """A worker who arrives, as one transaction finds them, and the steps of admitting them in it.

    No third-party code is called.
    """

    tx: Transaction
    rules: RunRules
    arrival: Arrival
    #: of the URL that they came with
    query: Mapping[str, str]
    run: _ArrivalRow = field(init=False)
    #: None for one who is not known yet
    worker: int | None = field(init=False)
    visit: int | None = field(init=False)
    #: the open visit of an earlier accept of the same reference
    earlier_visit: int | None = field(init=False)
    #: whether their visit has ended without answers
    is_time_over: bool = field(init=False)
    #: whether it has ended after an onboarding that they have failed
    is_onboarding_failed: bool = field(init=False)
    #: whether the platform has ended it, since the work is not for them
    is_screened_out: bool = field(init=False)
    #: what their visit has already
    result: AssignedUnit | OpenOnboarding | AlreadySubmitted | None = field(init=False)
    #: by name; empty if the run asks for none
    qualifications: Mapping[str, int] = field(default=MappingProxyType({}), init=False)
    #: the visit that has the place of a new visit
    holder: PlaceVisit | None = field(default=None, init=False)
    #: counters in the run; None until a unit is asked for
    progress: WorkerProgress | None = field(default=None, init=False)
    #: the only unit to try; None for any
    only: FreeUnit | None = field(default=None, init=False)
    #: the free unit that was found
    found: FreeUnit | None = field(default=None, init=False)
    #: whether writing and locking are forbidden
    is_glance: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.read()

    def store_and_lock(self) -> bool:
        """Store the worker unless they are known, and lock them and their place.

        Return whether the state was read again, because another request of the same worker may have
        taken the lock first.
        """
        if self.worker is None:
            self.worker = make_worker(self.tx, self.rules.provider_type, self.arrival.worker_name)
        if self.tx.kind is DatabaseKind.SQLITE:
            return False
        lock_worker(self.tx, self.worker)
        lock_place(self.tx, self.rules.run, self.arrival.place)
        self.read()
        return True

    def end_decided_onboarding(self, onboarding: OpenOnboarding) -> bool:
        """End an open onboarding if its result was recorded elsewhere; return whether it was.

        The result comes from another run that shares the onboarding, or from a grant.
        """
        assert self.rules.onboarding is not None
        lock_worker(self.tx, onboarding.worker)
        names = {self.rules.onboarding, OnboardingRequired.get_failed_qual(self.rules.onboarding)}
        if names.isdisjoint(read_qualifications(self.tx, onboarding.worker)):
            return False
        attempt = OpenAttempt(
            agent=onboarding.agent,
            worker=onboarding.worker,
            visit=onboarding.visit,
            unit=None,
            status=AgentStatus.ONBOARDING,
        )
        self._give_back(attempt, cause="onboarding decided", visit_becomes=None)
        return True

    @property
    def needs_onboarding(self) -> bool:
        """Whether the worker has neither passed nor failed the run's onboarding."""
        onboarding = self.rules.onboarding
        return onboarding is not None and onboarding not in self.qualifications

    def begin_onboarding(self) -> OpenOnboarding:
        """Start the worker's onboarding, or return the one they have open in another visit."""
        assert self.worker is not None
        row = find_open_onboarding(self.tx, self.rules.run, self.worker)
        if row is not None:
            agent, visit, deadline, nonce = row
        else:
            visit, deadline = self._visit_for_work(), self._deadline()
            attempt = NewAttempt(
                run=self.rules.run,
                worker=self.worker,
                visit=visit,
                status=AgentStatus.ONBOARDING,
                deadline=deadline,
            )
            agent, nonce, _ = make_attempt(self.tx, attempt)
        return OpenOnboarding(
            agent=agent, nonce=nonce, worker=self.worker, visit=visit, deadline=deadline
        )

    def lock_progress(self) -> WorkerProgress:
        """Return the worker's counters in the run, locked; created if missing."""
        assert self.worker is not None
        self.progress = make_progress(
            self.tx,
            run=self.rules.run,
            worker=self.worker,
            task=self.rules.task,
            lanes=self.rules.lanes,
        )
        return self.progress

    def find_unit(self, progress: WorkerProgress) -> None:
        """Set ``found`` to the next unit for the worker, if there is one."""
        assert self.worker is not None
        most = _PASSED_AT_A_GLANCE if self.is_glance else MOST_PASSED
        found = find_units(self.tx, self.rules.run, self.worker, progress, most_passed=most)
        # On SQLite only one transaction writes at a time: what it has just found is still free.
        is_sure = self.is_glance or (self.only is None and self.tx.kind is DatabaseKind.SQLITE)
        free = found if self.only is None else iter((self.only,))
        run = self.rules.run
        unit = next(free, None) if is_sure else lock_free_unit(self.tx, run, free, self.worker)
        if unit is not None:
            self.found = unit

    def read(self) -> None:
        """Read the run, the worker, their visit, and the visit's open or submitted work."""
        row = self.tx.one(
            _ARRIVAL,
            run=self.rules.run,
            provider=self.rules.provider_type,
            name=self.arrival.worker_name,
            reference=self.arrival.reference,
        )
        if row is None:
            raise LookupError(f"run {self.rules.run} is gone")
        self.run, self.worker = row, row.worker
        self.visit = self.earlier_visit = self.result = None
        self.is_time_over = self.is_onboarding_failed = self.is_screened_out = False
        if row.visit is not None and row.visit_status is not None:
            if not self.arrival.accept or self.arrival.accept == row.accept:
                self._read_visit(row.visit, row.visit_status)
            elif row.visit_status in OPEN_VISITS:
                self.earlier_visit = row.visit

    def _read_visit(self, visit: int, status: VisitStatus) -> None:
        assert self.worker is not None
        attempt = newest_attempt(self.tx, visit)
        if attempt is not None and attempt.status is AgentStatus.IN_TASK:
            assert attempt.unit is not None
            assert attempt.assignment is not None
            index, data = read_unit_data(self.tx, attempt.unit)
            self.result = AssignedUnit(
                agent=attempt.agent,
                nonce=attempt.nonce,
                started_at=attempt.started_at,
                worker=self.worker,
                visit=visit,
                accept=self.run.accept or "",
                unit=attempt.unit,
                assignment=attempt.assignment,
                index=index,
                data=data,
                deadline=attempt.deadline,
            )
        elif attempt is not None and attempt.status is AgentStatus.ONBOARDING:
            self.result = OpenOnboarding(
                agent=attempt.agent,
                nonce=attempt.nonce,
                worker=self.worker,
                visit=visit,
                deadline=attempt.deadline,
            )
        elif attempt is not None and attempt.submission and attempt.unit is not None:
            self.result = AlreadySubmitted(visit=visit)
        elif status not in OPEN_VISITS:
            # Over on the platform without any answers here, or timed out here.
            self.is_time_over = status in _OVER_ON_THE_PLATFORM or (
                attempt is not None and attempt.status in _TIME_IS_OVER
            )
            self.is_onboarding_failed = (
                self.is_time_over and attempt is not None and attempt.status is AgentStatus.REJECTED
            )
            self.is_screened_out = status is VisitStatus.SCREENED_OUT
            return
        self.visit = visit

    def read_qualifications(self) -> None:
        """Read the worker's qualifications, if the run has requirements."""
        assert self.worker is not None
        if self.rules.requirements or self.rules.onboarding:
            self.qualifications = read_qualifications(self.tx, self.worker)

    def note_arrival(self) -> None:
        """Record that the worker has come back to a visit that has a place."""
        if self.arrival.place and self.visit is not None:
            note_arrival(self.tx, self.visit)

    def end_earlier_visit(self) -> None:
        """End the visit of an earlier accept.

        No platform lets a worker accept the same thing twice at the same time. Answers that still
        arrive for the earlier visit are stored as late ones.
        """
        visit, returned = self.earlier_visit, VisitStatus.RETURNED
        attempt = None if visit is None else newest_attempt(self.tx, visit)
        if visit is None or attempt is None or self.worker is None:
            return
        is_open = attempt.status in OPEN_AGENTS and self._give_back(
            OpenAttempt(
                agent=attempt.agent,
                worker=self.worker,
                visit=visit,
                unit=attempt.unit,
                status=attempt.status,
            ),
            cause=_ACCEPTED_AGAIN,
            visit_becomes=returned,
        )
        if not is_open:
            end_visit(self.tx, self.rules.run, visit, returned, _ACCEPTED_AGAIN)

    def read_place_holder(self) -> PlaceVisit | None:
        """Return the visit that has the place of a new visit, and store it in ``holder``."""
        self.holder = None
        if self.visit is None and self.arrival.place:
            self.holder = read_place_holder(self.tx, self.rules.run, self.arrival.place)
        return self.holder

    def take_over_place(self) -> None:
        """End the visit that has the place of a new visit, and make the new one."""
        holder = self.holder
        if holder is None:
            return
        if holder.attempt is not None:
            self._give_back(holder.attempt, cause=_HANDOVER, visit_becomes=None)
        end_visit(self.tx, self.rules.run, holder.visit, VisitStatus.RETURNED, _HANDOVER)
        # A unit may be found in another transaction: the place must have a visit till then.
        self.visit = self._make_visit(holder.handovers)

    def _give_back(
        self, attempt: OpenAttempt, *, cause: str, visit_becomes: VisitStatus | None
    ) -> bool:
        ended = give_back_units(
            self.tx,
            [attempt],
            run=self.rules.run,
            new=AgentStatus.RETURNED,
            cause=cause,
            visit_becomes=visit_becomes,
        )
        return bool(ended)

    def claim(self, found: FreeUnit, progress: WorkerProgress) -> AssignedUnit:
        """Give the worker a unit that is free."""
        assert self.worker is not None
        is_new, visit, deadline = self.visit is None, self._visit_for_work(), self._deadline()
        attempt = NewAttempt(
            run=self.rules.run,
            worker=self.worker,
            visit=visit,
            status=AgentStatus.IN_TASK,
            deadline=deadline,
            assignment=found.assignment,
            unit=found.unit,
        )
        agent, nonce, data = make_attempt(self.tx, attempt)
        assert data is not None
        claim_unit(self.tx, self.rules.run, found, agent, progress)
        return AssignedUnit(
            agent=agent,
            nonce=nonce,
            started_at=self.tx.micros,
            worker=self.worker,
            visit=visit,
            accept=self.arrival.accept if is_new else self.run.accept or "",
            unit=found.unit,
            assignment=found.assignment,
            index=found.lane,
            data=data,
            deadline=deadline,
            number=self._number(progress),
        )

    def _number(self, progress: WorkerProgress) -> UnitNumber:
        in_run, run = progress.open_units + progress.done_units, self.run
        return number_unit(
            in_run if progress.in_task is None else progress.in_task + 1,
            progress.assignments,
            maximum=run.maximum,
            rows=run.rows if run.loading is LoadingStatus.COMPLETE else None,
        )

    def _deadline(self) -> int:
        return self.tx.micros + self.run.duration * _SECOND

    def _visit_for_work(self) -> int:
        return self._make_visit() if self.visit is None else self.visit

    def _make_visit(self, handovers: int = 0) -> int:
        assert self.worker is not None
        visit = NewVisit(
            run=self.rules.run,
            worker=self.worker,
            reference=self.arrival.reference,
            accept=self.arrival.accept,
            query=self.query,
            place=self.arrival.place,
            handovers=handovers,
        )
        return make_visit(self.tx, visit, cause="arrival")
