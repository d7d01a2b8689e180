"""A run on a fake MTurk with the real engine, whose process can be killed at any call."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define, field

from famulus import Database, FamulusError, Form, RequesterView, RunStatus
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.platform.bound_provider import bind_provider
from famulus.engine.platform.visit_sync import sync_run
from famulus.engine.runs import find_run
from famulus.model.states import (
    SUBMITTED_VISITS,
    Decision,
    PaymentKind,
    PaymentStatus,
    UnitStatus,
)
from famulus.model.tables import PaymentTable, RequesterTable, UnitTable, VisitTable, WorkerTable
from famulus.operate.doctor import read_differences
from famulus.operate.lease import LEASE_SECONDS
from famulus.review.payment_actions import pay_bonus, retry_payment
from famulus.testing.conformance.harness import PluginUnderTest
from famulus.testing.inprocess import ManualOperator, Seen, kit_plugins, seen
from famulus.testing.movable_clock import MovableClock
from famulus_mturk.calls import Mturk
from famulus_mturk.fake import Account, FakeMTurk, Fault, Shown, Stage, WorkerRefusedError
from famulus_mturk.provider import MturkProvider, MturkSandboxProvider
from famulus_mturk.schema import SCHEMA
from mturk_bench import parameters


class Killed(BaseException):
    """The process is killed here; the code that catches it starts another one."""


@define
class KillPlan:
    """After how many calls to MTurk the process is killed: before the next one, or after it."""

    calls: int | None = None
    after: bool = False

    def check(self, *, after: bool) -> None:
        """Kill the process, if this is the call."""
        if self.calls == 0 and after == self.after:
            self.calls = None
            raise Killed
        if after and self.calls is not None:
            self.calls -= 1


@define(eq=False)
class KillableMturk(Mturk):
    """Makes real calls until the process is killed."""

    kills: KillPlan = field(factory=KillPlan, kw_only=True)

    def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call MTurk; the process may be killed before or after that."""
        self.kills.check(after=False)
        answer = super().call(operation, **parameters)
        self.kills.check(after=True)
        return answer


class Study:
    """A requester with one run, workers and a clock; everything goes through the engine."""

    def __init__(
        self,
        folder: Path,
        *,
        rows: int,
        lanes: int,
        window: int,
        address: str | None = None,
        shared: Mapping[str, Any] | None = None,
        fault: Fault | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.clock = MovableClock()
        self.mturk = FakeMTurk(self.clock).__enter__()
        self.account: Account = self.mturk.sandbox
        if fault is not None:
            self.account.faults.plan(fault, "CreateHITWithHITType")
        self.kills = KillPlan()
        provider = type(
            "Provider", (_KillableProvider,), {"type": "mturk_sandbox", "kills": self.kills}
        )
        providers = [provider, MturkProvider]
        self.plugins = kit_plugins(mturk=PluginUnderTest(providers=providers, schemas=[SCHEMA]))
        self.database = Database(address or folder / "study.db", clock=self.clock)
        self.database.prepare(self.plugins.schemas())
        self.database.write(
            lambda tx: tx.insert(
                RequesterTable, provider_type="mturk_sandbox", name="me", created_at=tx.now
            )
        )
        self.operator = ManualOperator(self.database, plugins=self.plugins)
        self.gateway = self.operator.launch_rows(
            [{"n": n} for n in range(rows)],
            shared=shared,
            provider="mturk_sandbox",
            blueprint={"units_per_assignment": lanes},
            public_url="https://tasks.example.org/",
            provider_options={
                "endpoint_url": self.account.endpoint_url,
                "worker_site": self.account.worker_url,
                **(options or {}),
            },
            max_num_concurrent_units=window,
            assignment_duration_in_seconds=600,
            submission_timeout=900,
            no_submission_patience=10**8,
            task_lifetime_in_seconds=86400 * 300,
        )
        self.run = self.gateway.run_id
        self.pages: dict[str, Seen] = {}

    def close(self) -> None:
        """Close everything, in any state."""
        self.account.faults.clear()
        self.gateway.close()
        self.database.close()
        self.mturk.__exit__(None, None, None)

    def turn(self) -> None:
        """Let the operator do one round; a killed operator is replaced."""
        try:
            self.operator.turn()
        except Killed:
            self.restart()

    def restart(self) -> None:
        """Lose the operator, as in a crash, and resume the run with another."""
        self.kills.calls = None
        self.clock.advance(LEASE_SECONDS + 1)
        self.operator = ManualOperator(self.database, plugins=self.plugins)
        self.resume()

    def resume(self) -> None:
        """Resume the run, unless it is finished or being operated."""
        status = find_run(self.database, self.run).status
        if self.operator.holds(self.run) or status is RunStatus.FINISHED:
            return
        while True:
            try:
                self.operator.resume(self.run)
                return
            except Killed:
                self.kills.calls = None
                self.clock.advance(LEASE_SECONDS + 1)
                self.operator = ManualOperator(self.database, plugins=self.plugins)

    def stop(self) -> None:
        """Stop the run now."""
        if self.operator.holds(self.run):
            try:
                self.operator.stop(self.run, now=True)
            except Killed:
                self.restart()

    def finish(self) -> None:
        """Finish the run."""
        if find_run(self.database, self.run).status is not RunStatus.FINISHED:
            try:
                self.operator.finish(self.run)
            except Killed:
                self.kills.calls = None
                self.operator = ManualOperator(self.database, plugins=self.plugins)

    def accept(self, worker: str) -> Shown | None:
        """Have a worker accept a HIT and open the page in its frame."""
        person = self.account.worker(worker)
        for group in person.groups():
            try:
                shown = person.accept(group.id)
            except WorkerRefusedError:
                return None
            self.open(worker, shown)
            return shown
        return None

    def open(self, worker: str, shown: Shown) -> Seen:
        """Open the page of a HIT, or load it again. Only operators are killed, no servers."""
        left, self.kills.calls = self.kills.calls, None
        page = self.arrive(parameters(shown))
        self.kills.calls = left
        self.pages[f"{worker} {shown.assignment_id}"] = page
        return page

    def arrive(self, query: Mapping[str, str]) -> Seen:
        """Open any address."""
        return seen(self.gateway.arrive(query))

    def answer(self, worker: str, shown: Shown) -> None:
        """Submit the page to us."""
        page = self.pages[f"{worker} {shown.assignment_id}"]
        if page.has_form:
            self.gateway.submit(Form(fields=[*page.hidden.items(), ("answer", "yes")]))

    def post(self, worker: str, shown: Shown) -> None:
        """Submit to MTurk, as the browser does once we have stored the answers."""
        # Refused where the time is over, or it was submitted before.
        with contextlib.suppress(WorkerRefusedError):
            self.account.worker(worker).submit(shown, {"visit": "1"})

    def give_back(self, worker: str, shown: Shown) -> None:
        """Return the HIT."""
        # Refused where the time is over, or it was submitted or returned before.
        with contextlib.suppress(WorkerRefusedError):
            self.account.worker(worker).give_back(shown)

    def review(self, decision: Decision) -> None:
        """Decide on every completed unit, and apply the decisions."""
        with self.database.read() as tx:
            query = UnitTable.select(UnitTable.id).where(
                UnitTable.run == self.run, UnitTable.status == UnitStatus.COMPLETED
            )
            units = [row.id for row in tx.rows(query)]
        for unit in units:
            self.database.write(lambda tx: decide(tx, unit, decision, note="A reason."))  # noqa: B023
        self.database.write(lambda tx: apply_decisions(tx, units))

    def give_bonus(self) -> None:
        """Pay a bonus of ten cents for each accepted unit, once."""
        with self.database.read() as tx:
            query = UnitTable.select(UnitTable.id).where(
                UnitTable.run == self.run, UnitTable.status == UnitStatus.ACCEPTED
            )
            units = [row.id for row in tx.rows(query)]
        for unit in units:
            try:
                pay_bonus(self.database, unit, "0.10", reason="Thank you.", plugins=self.plugins)
            except Killed:
                self.restart()

    def retry(self) -> None:
        """Retry failed bonuses."""
        query = PaymentTable.select(PaymentTable.id).where(
            PaymentTable.kind == PaymentKind.BONUS, PaymentTable.status == PaymentStatus.FAILED
        )
        with self.database.read() as tx:
            failed = [row.id for row in tx.rows(query)]
        for payment in failed:
            try:
                retry_payment(self.database, payment, plugins=self.plugins)
            except Killed:
                self.restart()

    def sync(self) -> None:
        """Do what `famulus sync RUN` does."""
        try:
            bound = bind_provider(self.database, self.plugins, self.run)
            sync_run(self.database, bound.provider, bound.run_view())
            bound.delivery().deliver_all()
        except Killed:
            self.restart()
        except FamulusError:
            pass  # a planned fault; a later sync succeeds

    def settle_down(self) -> None:
        """Remove all faults, and let time pass until nothing changes any more."""
        self.account.faults.clear()
        self.kills.calls = None
        for _ in range(12):
            self.clock.advance(900)
            self.turn()
            self.sync()
            self.review(Decision.ACCEPTED)

    @property
    def doctor(self) -> str:
        """The output of `famulus doctor`."""
        found = read_differences(self.database, self.plugins, self.run)
        return "\n".join(each.what for each in found)

    def check_hits(self) -> None:
        """No place has two HITs."""
        with self.account.turn() as state:
            annotations = [hit.annotation for hit in state.hits.values()]
        assert len(annotations) == len(set(annotations)), "a place has two HITs"

    def check_money(self) -> None:
        """No work is paid twice, and every payment is in the ledger."""
        with self.account.turn() as state:
            rewards = [
                (each.worker_id, each.assignment_id)
                for each in state.money.ledger
                if each.kind == "reward"
            ]
            bonuses = [(each.worker_id, each.reason) for each in state.bonuses]
        assert len(rewards) == len(set(rewards)), "a reward was paid twice"
        assert len(bonuses) == len(set(bonuses)), "a bonus was paid twice"
        query = PaymentTable.select(PaymentTable.id).where(
            PaymentTable.kind == PaymentKind.BONUS, PaymentTable.status != PaymentStatus.FAILED
        )
        with self.database.read() as tx:
            promised = len(tx.rows(query))
        assert len(bonuses) <= promised, "a bonus was paid that the ledger calls unpaid"

    def check_statuses(self) -> None:
        """Every visit that is shown as submitted was submitted."""
        with self.account.turn() as state:
            submitted = {
                (accept.worker_id, accept.assignment_id)
                for hit in state.hits.values()
                for accept in hit.accepts
                if accept.submitted_at is not None
            }
        query = (
            VisitTable.select(VisitTable.reference, WorkerTable.name)
            .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
            .where(VisitTable.status << SUBMITTED_VISITS)
        )
        with self.database.read() as tx:
            shown = {(row.name, row.reference) for row in tx.rows(query)}
        assert shown <= submitted, "something is shown as submitted that was not"

    def check_end(self) -> None:
        """No HIT can be accepted, and every unpaid worker is listed with the reason."""
        listed = self.doctor
        with self.account.turn() as state:
            hits = [*state.hits.values()]
            open_hits = [hit for hit in hits if state.status(hit, state.now) == "Assignable"]
            unpaid = [
                accept
                for hit in hits
                for accept in hit.accepts
                if accept.submitted_at is not None and accept.stage is Stage.SUBMITTED
            ]
        assert open_hits == [], "a HIT can still be accepted after the end"
        for accept in unpaid:
            assert accept.worker_id in listed, (
                f"{accept.worker_id} is unpaid for {accept.assignment_id}, and the doctor does not "
                f"list it:\n{listed}"
            )


class _KillableProvider(MturkSandboxProvider):
    kills: KillPlan

    @cached_property
    def _mturk(self) -> Mturk:
        assert isinstance(self.context.requester, RequesterView)
        return KillableMturk(self._account(self.context.requester.settings), kills=self.kills)


#: Long enough for MTurk to approve unreviewed work automatically.
AUTO_APPROVAL = timedelta(days=8).total_seconds()
