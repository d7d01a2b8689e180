"""Admission to runs in which plugins may refuse: several transactions, plugins' code in between."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import evolve, frozen

from famulus.contracts.plan import Plan
from famulus.contracts.provider_views import Arrival
from famulus.contracts.qualification_check import GuardedRun, QualificationCheck
from famulus.contracts.views import Refusal, RefusalReason, UnitView, WorkerView
from famulus.engine.admission import (
    BEFORE_SEARCH,
    Admission,
    assign_unit,
    begin_onboarding,
    enter,
    first_refusal,
    no_unit_is_free,
)
from famulus.engine.admission_results import AdmissionResult
from famulus.engine.arrival import ArrivingWorker, RunRules
from famulus.engine.everyday import is_everyday
from famulus.engine.free_units import FreeUnit, find_units, stand_at
from famulus.engine.qualifications.history import past_work
from famulus.engine.refusal_log import RefusalLog
from famulus.engine.worker_progress import save_progress
from famulus.model.database import Database
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Statement
from famulus.model.tables import AssignmentTable, UnitTable
from famulus.model.transaction import Transaction
from famulus.plan import RunParts

#: Units that ``worker_can_do_unit`` is asked about between two transactions, and at one arrival.
_ASKED_TOGETHER = 50
_ASKED_AT_MOST = 500
#: Units that are not for a worker passed over for one question to ``worker_can_do_unit``.
_PASSED_FOR_ONE = 20_000

#: The rows of data of the units that are asked about together.
_DATA = Statement(
    UnitTable.select(UnitTable.id, AssignmentTable.data)
    .join(AssignmentTable, on=(UnitTable.assignment == AssignmentTable.id))
    .where(UnitTable.id << AMONG)
)

Predicate = Callable[[WorkerView, UnitView], bool]


@frozen(kw_only=True)
class CheckedAdmission(Admission):
    """Admission to a run that has qualification checks or ``worker_can_do_unit``."""

    checks: Sequence[QualificationCheck]
    #: the run as the checks see it
    guarded_run: GuardedRun
    predicate: Predicate | None

    def _admit(self, arrival: Arrival, query: Mapping[str, str]) -> AdmissionResult:
        def job(tx: Transaction) -> AdmissionResult | WorkerView:
            worker = ArrivingWorker(tx, self.rules, arrival, query)
            return enter(worker) or self._view(worker)

        entered = self.database.write(job)
        if not isinstance(entered, WorkerView):
            return entered
        for check in self.checks:
            refusal = self._ask(check, entered)
            if refusal is not None:
                return refusal
        if self.predicate is None:
            return super()._admit(arrival, query)
        return self._search(self.predicate, entered, arrival, query)

    def _ask(self, check: QualificationCheck, worker: WorkerView) -> Refusal | None:
        try:
            refusal = check.refuse(worker, self.guarded_run)
            if refusal is None:
                return None
            if not isinstance(refusal, Refusal):
                raise TypeError(f"refuse returned {refusal!r}: it must return a Refusal or None")
        except (Exception, SystemExit) as error:
            error.add_note(f"In the qualification check {check.type!r}: it admits no workers.")
            raise
        note = ": ".join(filter(None, [f"check {check.type}", refusal.note or refusal.detail]))
        return evolve(refusal, note=note)

    def _search(
        self,
        predicate: Predicate,
        worker: WorkerView,
        arrival: Arrival,
        query: Mapping[str, str],
    ) -> AdmissionResult:
        """Ask the predicate about a bounded number of units, from where the last search ended.

        The predicate is third-party code, so it is asked between transactions. The unit that it
        accepts is claimed only if it is still free then.
        """
        asked: set[int] = set()
        while len(asked) < _ASKED_AT_MOST:
            looked = self.database.write(lambda tx: self._look(tx, arrival, query))
            if not isinstance(looked, list):
                return looked
            coming = [(found, unit) for found, unit in looked if unit.id not in asked]
            if not coming:
                break
            for found, unit in coming:
                asked.add(unit.id)
                if not predicate(worker, unit):
                    continue
                claim = partial(self._claim, arrival=arrival, query=query, only=found)
                result = self.database.write(claim)
                if result is not None:
                    return result
        return Refusal(reason=RefusalReason.NOTHING_LEFT)

    def _look(
        self, tx: Transaction, arrival: Arrival, query: Mapping[str, str]
    ) -> AdmissionResult | list[tuple[FreeUnit, UnitView]]:
        """Return the next units to ask the predicate about, or a result that needs no question.

        The position from which the next search continues is stored.
        """
        worker = ArrivingWorker(tx, self.rules, arrival, query)
        result = enter(worker) or begin_onboarding(worker)
        if result is not None:
            return result
        progress = worker.lock_progress()
        refusal = first_refusal(worker, BEFORE_SEARCH)
        if refusal is not None:
            return refusal
        found = self._after_cursor(worker)
        progress.cursor = None
        if found:
            stand_at(progress, found[-1])
        save_progress(tx, progress)
        if not found:
            return no_unit_is_free(worker)
        data = dict(run_among(tx, _DATA, [each.unit for each in found]))
        return [(each, _unit_view(each, data[each.unit])) for each in found]

    def _after_cursor(self, worker: ArrivingWorker) -> list[FreeUnit]:
        assert worker.worker is not None
        assert worker.progress is not None
        for start in (worker.progress.cursor, [0, -1]):
            if start is None:
                continue
            coming = find_units(
                worker.tx,
                self.rules.run,
                worker.worker,
                worker.progress,
                start=(start[0], start[1]),
                most_passed=_PASSED_FOR_ONE,
            )
            found = list(itertools.islice(coming, _ASKED_TOGETHER))
            if found:
                return found
        return []

    def _claim(
        self, tx: Transaction, arrival: Arrival, query: Mapping[str, str], only: FreeUnit
    ) -> AdmissionResult | None:
        worker = ArrivingWorker(tx, self.rules, arrival, query)
        return enter(worker) or begin_onboarding(worker) or assign_unit(worker, only)

    def _view(self, worker: ArrivingWorker) -> WorkerView:
        assert worker.worker is not None
        return WorkerView(
            id=worker.worker,
            name=worker.arrival.worker_name,
            provider_type=self.rules.provider_type,
        )


def _unit_view(found: FreeUnit, data: str) -> UnitView:
    return UnitView(
        id=found.unit, assignment_id=found.assignment, index=found.lane, data=json.loads(data)
    )


def open_admission(
    database: Database,
    refusal_log: RefusalLog,
    *,
    rules: RunRules,
    parts: RunParts,
) -> Admission:
    """Return the admission of a run: the plain one if no plugin may refuse."""
    predicate = parts.plan.shared_state.worker_can_do_unit
    has_everyday_case = is_everyday(rules)
    if not parts.checks and predicate is None:
        return Admission(
            database=database,
            rules=rules,
            refusal_log=refusal_log,
            has_everyday_case=has_everyday_case,
        )
    return CheckedAdmission(
        database=database,
        rules=rules,
        refusal_log=refusal_log,
        has_everyday_case=has_everyday_case,
        checks=parts.checks,
        guarded_run=guarded_run(database, rules.run, parts.plan),
        predicate=predicate,
    )


def guarded_run(database: Database, run: int, plan: Plan) -> GuardedRun:
    """Return a run as qualification checks see it."""
    return GuardedRun(id=run, plan=plan, past_work=partial(past_work, database))
