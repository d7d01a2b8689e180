"""A platform that refills places by itself gets no worker too many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    Outcome,
    Result,
    RunView,
    VisitReport,
    VisitVerdict,
    VisitView,
)
from famulus.contracts.visit_verdict import Reject
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import Decision, RunStatus, UnitStatus, VisitStatus
from famulus.model.tables import UnitTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.operate.manual_sync import sync_now
from famulus.testing.fake_platform import PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock
from interleaving import examples

UNITS = 4
#: seconds that a worker has
DURATION = 600
_REFILLED = (VisitStatus.REJECTED, VisitStatus.RETURNED)


@define
class Study:
    """The study of a run on a platform where its number of places only grows.

    It recruits while it is active and a place is free: one whose visit was rejected or returned is.
    A rejection makes it active again, whatever its state, and so does a return of submitted work.
    """

    total: int = 0
    is_active: bool = False
    #: by reference, in the order of arrival
    visits: dict[str, VisitStatus] = field(factory=dict)
    workers: dict[str, str] = field(factory=dict)
    _numbers: count[int] = field(factory=count)

    @property
    def offered(self) -> int:
        """How many workers could still come."""
        used = sum(status not in _REFILLED for status in self.visits.values())
        return self.total - used if self.is_active else 0

    def recruit(self) -> tuple[str, str] | None:
        """Let a new worker take a place; return their name and the reference of their visit."""
        if self.offered <= 0:
            return None
        number = next(self._numbers)
        worker, reference = f"worker-{number}", f"visit-{number}"
        self.visits[reference], self.workers[reference] = VisitStatus.ACCEPTED, worker
        return worker, reference

    def provider(self) -> type[Provider]:
        """Return a provider's class that calls this platform."""
        return type("StudyProvider", (_StudyProvider,), {"study": self})


class _StudyProvider(CrowdProvider):
    type = "study"
    study: Study
    sync_seconds = 0
    capabilities = Capabilities(
        sells_places=True,
        pays=True,
        reports_submissions=True,
        keeps_paused_places=True,
        replaces_by_itself=True,
    )

    def set_places(self, run: RunView, total: int) -> None:
        self.study.total = max(self.study.total, total)
        self.study.is_active = True

    def pause_places(self, run: RunView) -> None:
        self.study.is_active = False

    def count_open_places(self, run: RunView) -> int | None:
        return self.study.offered

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterable[VisitReport]:
        for reference, status in self.study.visits.items():
            worker = self.study.workers[reference]
            yield VisitReport(worker_name=worker, reference=reference, status=status)

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        for each in verdicts:
            is_rejected = isinstance(each.verdict, Reject)
            status = VisitStatus.REJECTED if is_rejected else VisitStatus.APPROVED
            self.study.visits[each.visit.reference] = status
            self.study.is_active |= is_rejected
            yield each.key, Outcome.CONFIRMED


@define
class Course:
    """One run, its study, and what happens to them."""

    database: Database
    clock: MovableClock
    onboarding: str | None = None
    study: Study = field(factory=Study)
    operator: ManualOperator = field(init=False)
    gateway: Gateway = field(init=False)

    def __attrs_post_init__(self) -> None:
        plugins = kit_plugins(study=PlatformPlugin(self.study.provider()))
        self.operator = ManualOperator(self.database, plugins=plugins)
        rows = [{"n": n} for n in range(UNITS)]
        blueprint = {"onboarding_qualification": self.onboarding} if self.onboarding else {}
        self.gateway = self.operator.launch_rows(
            rows,
            provider="study",
            blueprint=blueprint,
            assignment_duration_in_seconds=DURATION,
            submission_timeout=60,
        )

    @property
    def run(self) -> int:
        return self.gateway.run_id

    def act(self, name: str) -> None:
        """Do one thing, and let core do what is due."""
        with suppress(ConflictError):
            getattr(self, name)()
        for _ in range(3):
            self.clock.advance(1)
            self.operator.turn()
        if not self.operator.holds(self.run):
            sync_now(self.database, self.operator.plugins, self.run)

    def wait(self) -> None:
        """Let nothing happen."""

    def work(self) -> None:
        """Let a new worker submit, or return the place where there is no unit for them."""
        self._visit(submits=True)

    def stay(self) -> None:
        """Let a new worker take a unit and work on."""
        found = self.study.recruit()
        if found is not None:
            GatewayWorker(self.gateway, found[0]).arrive(found[1])

    def leave(self) -> None:
        """Let a worker who is at work return the place."""
        at_work = (
            each for each, status in self.study.visits.items() if status is VisitStatus.ACCEPTED
        )
        reference = next(at_work, None)
        if reference is not None:
            self.study.visits[reference] = VisitStatus.RETURNED

    def hand_in(self) -> None:
        """Let a new worker submit on the platform, and nothing here until their time is over."""
        found = self.study.recruit()
        if found is not None:
            GatewayWorker(self.gateway, found[0]).arrive(found[1])
            self.study.visits[found[1]] = VisitStatus.SUBMITTED
            self.clock.advance(DURATION)

    def give_back(self) -> None:
        """Let a new worker take a unit and return it."""
        self._visit(submits=False)

    def take_back(self) -> None:
        """Let a worker return what is submitted and not decided on."""
        submitted = (
            each for each, status in self.study.visits.items() if status is VisitStatus.SUBMITTED
        )
        reference = next(submitted, None)
        if reference is not None:
            self.study.visits[reference] = VisitStatus.RETURNED
            self.study.is_active = True

    def accept(self) -> None:
        self._decide(Decision.ACCEPTED)

    def reject(self) -> None:
        self._decide(Decision.REJECTED)

    def stop(self) -> None:
        self.operator.stop(self.run, now=True)

    def resume(self) -> None:
        self.operator.resume(self.run)

    def check(self) -> None:
        """The study was asked for no more places than units, and offers as many as are free."""
        empty = self._visits_without_work()
        assert self.study.total <= UNITS + empty.count(VisitStatus.APPROVED)
        waiting = empty.count(VisitStatus.SUBMITTED)
        if self.operator.progress(self.run).status is not RunStatus.RUNNING:
            assert self.study.offered == 0
        else:
            free = len(self._units(UnitStatus.LAUNCHED))
            assert self.study.offered + waiting >= free
            assert free or not self.study.offered, "a worker is invited, and there is no unit"

    def _visit(self, *, submits: bool) -> None:
        found = self.study.recruit()
        if found is None:
            return
        worker, reference = GatewayWorker(self.gateway, found[0]), found[1]
        page = worker.arrive(reference)
        if page.has_form and submits:
            worker.submit(page)
            self.study.visits[reference] = VisitStatus.SUBMITTED
        else:
            self.study.visits[reference] = VisitStatus.RETURNED

    def _visits_without_work(self) -> list[VisitStatus]:
        query = VisitTable.select(VisitTable.reference).where(
            VisitTable.run == self.run, VisitTable.done_at.is_null(False)
        )
        with self.database.read() as tx:
            done = {row.reference for row in tx.rows(query)}
        return [status for name, status in self.study.visits.items() if name not in done]

    def _units(self, status: UnitStatus) -> list[int]:
        query = UnitTable.select(UnitTable.id).where(
            UnitTable.run == self.run, UnitTable.status == status
        )
        with self.database.read() as tx:
            return [row.id for row in tx.rows(query.order_by(UnitTable.id))]

    def _decide(self, decision: Decision) -> None:
        units = self._units(UnitStatus.COMPLETED)[:1]

        def apply(tx: Transaction) -> None:
            for unit in units:
                decide(tx, unit, decision, note="A reason.")
            apply_decisions(tx, units)

        self.database.write(apply)


ACTIONS = (
    "work",
    "work",
    "stay",
    "leave",
    "hand_in",
    "give_back",
    "take_back",
    "accept",
    "reject",
    "stop",
    "resume",
)


def test_recruitment_that_opens_again_offers_no_place_too_many(
    database: Database, clock: MovableClock
) -> None:
    @examples(database, sqlite=15, postgresql=4)
    @given(actions=st.lists(st.sampled_from(ACTIONS), min_size=4, max_size=14))
    def holds(actions: Sequence[str]) -> None:
        course = Course(database, clock)
        try:
            for name in ("work", *actions, "stop", "reject", "take_back"):
                course.act(name)
                course.check()
        finally:
            course.gateway.close()
            course.operator.close()

    holds()


def test_a_run_that_is_over_is_closed_again_after_a_return(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock)
    for name in ("work", "stop", "take_back"):
        course.act(name)

    assert course.study.visits["visit-0"] is VisitStatus.RETURNED
    assert (course.study.is_active, course.study.offered) == (False, 0)
    course.act("resume")
    assert course.study.offered == UNITS
    course.gateway.close()
    course.operator.close()


def test_platform_refills_the_place_of_a_rejected_visit_without_being_asked(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock)
    for name in ("work", "reject"):
        course.act(name)

    assert (course.study.total, course.study.offered) == (UNITS, UNITS)
    assert course.operator.progress(course.run).status is RunStatus.RUNNING
    course.gateway.close()
    course.operator.close()


def test_a_rejection_invites_no_worker_while_no_unit_is_free(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock)
    for name in ("work", "reject", "stay", "work", "work"):
        course.act(name)

    assert course.operator.progress(course.run).status is RunStatus.RUNNING
    assert course.study.offered == 0, "the place of the rejected visit is refilled"
    course.act("reject")
    assert course.study.offered == 0
    course.act("leave")
    assert (course.study.total, course.study.offered > 0) == (UNITS, True)
    course.act("stay")
    assert course.study.offered == 0
    course.gateway.close()
    course.operator.close()


@pytest.mark.parametrize(
    ("action", "status"), [("reject", VisitStatus.REJECTED), ("take_back", VisitStatus.RETURNED)]
)
def test_a_run_that_waits_for_workers_before_it_stops_is_closed_again(
    database: Database, clock: MovableClock, action: str, status: VisitStatus
) -> None:
    course = Course(database, clock)
    course.act("work")
    at_work = course.study.recruit()
    assert at_work is not None
    GatewayWorker(course.gateway, at_work[0]).arrive(at_work[1])
    course.operator.stop(course.run)
    course.operator.turn()
    assert not course.study.is_active

    course.act(action)

    assert course.study.visits["visit-0"] is status
    assert course.operator.progress(course.run).status is RunStatus.STOPPING
    assert course.study.offered == 0
    course.gateway.close()
    course.operator.close()


@pytest.mark.parametrize(
    ("status", "places"), [(VisitStatus.REJECTED, UNITS), (VisitStatus.APPROVED, UNITS + 1)]
)
def test_a_submission_without_work_keeps_its_place_until_it_is_decided(
    database: Database, clock: MovableClock, status: VisitStatus, places: int
) -> None:
    course = Course(database, clock)
    course.act("hand_in")
    assert course.study.total == UNITS

    course.study.visits["visit-0"] = status
    course.act("give_back")

    assert (course.study.total, course.study.offered) == (places, UNITS)
    course.gateway.close()
    course.operator.close()


def test_a_worker_in_the_onboarding_has_the_place_of_a_unit(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock, onboarding="can label")
    found = course.study.recruit()
    assert found is not None
    worker = GatewayWorker(course.gateway, found[0])
    page = worker.arrive(found[1])

    course.act("wait")
    assert course.study.total == UNITS
    worker.submit(worker.submit(page, "right"))
    course.act("wait")

    assert len(course._units(UnitStatus.COMPLETED)) == 1
    assert (course.study.total, course.study.offered) == (UNITS, UNITS - 1)
    course.gateway.close()
    course.operator.close()
