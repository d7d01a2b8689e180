"""A run on a fake MTurk with the real engine, whose process can be killed at any call."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from famulus import RequesterView
from famulus.model.states import SUBMITTED_VISITS, PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, VisitTable, WorkerTable
from famulus.testing.conformance.harness import PluginUnderTest
from famulus.testing.inprocess import Seen, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus_mturk.calls import Mturk
from famulus_mturk.fake import Account, FakeMTurk, Fault, HitPage, Stage, WorkerRefusedError
from famulus_mturk.provider import MturkProvider, MturkSandboxProvider
from famulus_mturk.schema import SCHEMA
from killable_run import KillableRun, KillPlan
from mturk_bench import parameters


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


@frozen(kw_only=True)
class Size:
    """The rows of a run, the workers of each, and the units that are open at once (0: all)."""

    rows: int
    lanes: int
    window: int


class Study(KillableRun):
    """A requester with one run, workers and a clock; everything goes through the engine."""

    def __init__(
        self,
        folder: Path,
        size: Size,
        *,
        address: str | None = None,
        shared: Mapping[str, Any] | None = None,
        fault: Fault | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        clock, kills = MovableClock(), KillPlan()
        self.mturk = FakeMTurk(clock).__enter__()
        self.account: Account = self.mturk.sandbox
        if fault is not None:
            self.account.faults.plan(fault, "CreateHITWithHITType")
        provider = type("Provider", (_KillableProvider,), {"type": "mturk_sandbox", "kills": kills})
        providers = [provider, MturkProvider]
        plugins = kit_plugins(mturk=PluginUnderTest(providers=providers, schemas=[SCHEMA]))
        super().__init__(folder, plugins, clock, kills, address=address)
        self.add_requester("mturk_sandbox")
        self.gateway = self.operator.launch_rows(
            [{"n": n} for n in range(size.rows)],
            shared=shared,
            provider="mturk_sandbox",
            blueprint={"units_per_assignment": size.lanes},
            public_url="https://tasks.example.org/",
            provider_options={
                "endpoint_url": self.account.endpoint_url,
                "worker_site": self.account.worker_url,
                **(options or {}),
            },
            max_num_concurrent_units=size.window,
            assignment_duration_in_seconds=600,
            submission_timeout=900,
            no_submission_patience=10**8,
            task_lifetime_in_seconds=86400 * 300,
        )
        self.run = self.gateway.run_id

    def close(self) -> None:
        """Close everything, in any state."""
        self.account.faults.clear()
        self.gateway.close()
        self.database.close()
        self.mturk.__exit__(None, None, None)

    def clear_faults(self) -> None:
        self.account.faults.clear()

    def accept(self, worker: str) -> HitPage | None:
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

    def open(self, worker: str, shown: HitPage) -> Seen:
        """Open the page of a HIT, or load it again."""
        return self.open_page(f"{worker} {shown.assignment_id}", parameters(shown))

    def answer(self, worker: str, shown: HitPage) -> None:
        """Submit the page to us."""
        self.answer_page(f"{worker} {shown.assignment_id}")

    def post(self, worker: str, shown: HitPage) -> None:
        """Submit to MTurk, as the browser does once we have stored the answers."""
        # Refused where the time is over, or it was submitted before.
        with contextlib.suppress(WorkerRefusedError):
            self.account.worker(worker).submit(shown, {"visit": "1"})

    def give_back(self, worker: str, shown: HitPage) -> None:
        """Return the HIT."""
        # Refused where the time is over, or it was submitted or returned before.
        with contextlib.suppress(WorkerRefusedError):
            self.account.worker(worker).give_back(shown)

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
