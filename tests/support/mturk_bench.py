"""The MTurk providers by themselves: real boto3, a real database, and a fake MTurk to call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.loaders
import pytest
from attrs import define, evolve, field

from famulus import (
    Context,
    Database,
    GrantView,
    Outcome,
    PaymentKind,
    PaymentView,
    Plan,
    RequesterView,
    Result,
    Role,
    RunView,
    SharedTaskState,
    TaskArgs,
    Verdict,
    VisitStatus,
    VisitVerdict,
    VisitView,
)
from famulus.testing.conformance.rehearsal_rules import set_environment
from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import Account, HitPage
from famulus_mturk.options import MturkArgs
from famulus_mturk.provider import MturkProvider, MturkSandboxProvider
from famulus_mturk.rehearsal import ENVIRONMENT
from famulus_mturk.schema import SCHEMA


@cache
def _shared_loader(search_path: str | None) -> Any:
    return botocore.loaders.create_loader(search_path)


def share_service_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all sessions of botocore share the descriptions of AWS's services.

    Each reads them again otherwise, which takes longer than most tests.
    """
    monkeypatch.setattr("botocore.session.create_loader", _shared_loader)


def set_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give AWS's own search for keys something to find, and no setting of this machine's.

    They are in the environment, for the commands that tests start as well.
    """
    set_environment(monkeypatch, ENVIRONMENT)


def parameters(shown: HitPage) -> dict[str, str]:
    """Return what MTurk has appended to the address in a worker's frame."""
    return dict(parse_qsl(urlsplit(shown.url or "").query))


def _only(results: Iterable[tuple[str, Result]]) -> Outcome:
    """Return the outcome of a call's only item, or raise its error."""
    ((_, result),) = results
    if isinstance(result, Exception):
        raise result
    return result


def _grant(worker: str, qualification: str, value: int) -> GrantView:
    return GrantView(key="grant", worker_name=worker, qualification=qualification, value=value)


@define(eq=False)
class Bench:
    """One run of a requester, as core would show it to the provider."""

    account: Account
    database: Database
    clock: MovableClock
    requester: int = 1
    shared_state: SharedTaskState = field(factory=SharedTaskState)
    task: dict[str, Any] = field(factory=dict)
    changes: dict[str, Any] = field(factory=dict)
    options: dict[str, Any] = field(factory=dict)
    provider: MturkProvider = field(init=False)
    _numbers: Any = field(factory=lambda: count(1))

    def __attrs_post_init__(self) -> None:
        self.database.prepare([SCHEMA])
        self.restart()

    def restart(self, **options: Any) -> None:
        """Start again with only the database, as after a crash."""
        self.options = options
        self.provider = self.make(**options)

    def make(self, **options: Any) -> MturkProvider:
        """Make another instance of the account's provider."""
        is_sandbox = self.account.name == "sandbox"
        cls = MturkSandboxProvider if is_sandbox else MturkProvider
        where = {"endpoint_url": self.account.endpoint_url, "worker_site": self.account.worker_url}
        context = Context(
            database=self.database,
            clock=self.clock,
            shared_state=self.shared_state,
            requester=RequesterView(id=self.requester, name="me", provider_type=cls.type),
            run_id=self.run.id,
        )
        return cls(cls.Args(**{**where, **options}), context)

    @property
    def plan(self) -> Plan:
        """A plan that MTurk accepts, except for ``task``."""
        given = {
            "task_title": "Label a picture",
            "task_description": "What is on it?",
            "task_reward": Decimal("0.30"),
            "task_tags": "picture,label",
            "assignment_duration_in_seconds": 600,
            **self.task,
        }
        nothing = Role(type="nothing", args=None)
        return Plan(
            task=TaskArgs(**given),
            blueprint=nothing,
            architect=nothing,
            provider=Role(
                type=f"mturk{'_sandbox' * (self.account.name == 'sandbox')}",
                args=MturkArgs(**self.options),
            ),
            shared_state=self.shared_state,
            task_dir=Path(),
        )

    @property
    def run(self) -> RunView:
        """The run as it is now, with ``changes``."""
        view = RunView(
            id=7,
            key="1234567890abcdef-7",
            plan=self.plan,
            url="https://tasks.example.org/study/?a=1&b=2",
            closes_at=_START + timedelta(days=2),
        )
        return evolve(view, **self.changes)

    @property
    def group(self) -> str:
        """The group of the run's HITs."""
        [entrance] = self.provider.entrances(self.run)
        return entrance.rpartition("=")[2]

    def accept(self, worker: str) -> tuple[HitPage, VisitView]:
        """Have a worker accept the oldest open HIT and arrive."""
        shown = self.account.worker(worker).accept(self.group)
        return shown, self.visit(worker, parameters(shown))

    def visit(self, worker: str, query: Mapping[str, str], **changes: Any) -> VisitView:
        """Return a visit as core would show it."""
        values: dict[str, Any] = {
            "id": next(self._numbers),
            "run_id": self.run.id,
            "worker_name": worker,
            "reference": query["assignmentId"],
            "query": query,
            "arrived_at": self.clock(),
            "last_arrived_at": self.clock(),
        }
        return VisitView(**{**values, **changes})

    def submitted(self, worker: str) -> VisitView:
        """Have a worker accept and submit."""
        shown, visit = self.accept(worker)
        self.account.worker(worker).submit(shown, {"visit": str(visit.id)})
        return visit

    def approved(self, worker: str) -> VisitView:
        """Have a worker accept, submit and be approved, on MTurk alone."""
        visit = self.submitted(worker)
        self.account.client().approve_assignment(AssignmentId=visit.reference)
        return visit

    def sync(self, *visits: VisitView) -> dict[str, VisitStatus]:
        """Return what is reported, by worker."""
        found = self.provider.sync(self.run, visits, None)
        return {report.worker_name: report.status for report in found}

    def decide(self, visit: VisitView, verdict: Verdict) -> Outcome:
        """Send one verdict."""
        given = VisitVerdict(key=f"verdict-{visit.id}", visit=visit, verdict=verdict)
        return _only(self.provider.decide([given]))

    def pay(self, payment: PaymentView) -> Outcome:
        """Make one payment."""
        return _only(self.provider.pay([payment], lambda key, data: None))

    def settle(self, payment: PaymentView) -> Outcome:
        """Ask for the outcome of one payment."""
        return _only(self.provider.settle(None, [payment], []))

    def grant(self, worker: str, qualification: str, value: int) -> None:
        """Grant one qualification."""
        _only(self.provider.grant([_grant(worker, qualification, value)]))

    def revoke(self, worker: str, qualification: str) -> None:
        """Revoke one qualification."""
        _only(self.provider.revoke([_grant(worker, qualification, 0)]))

    def bonus(self, visit: VisitView, **changes: Any) -> PaymentView:
        """Return a bonus on a visit."""
        values: dict[str, Any] = {
            "id": 3,
            "key": "1234567890abcdef-3",
            "kind": PaymentKind.BONUS,
            "run_id": self.run.id,
            "worker_name": visit.worker_name,
            "reference": visit.reference,
            "amount": Decimal("0.50"),
            "currency": "USD",
            "reason": "Well done.",
        }
        return PaymentView(**{**values, **changes})


_START = MovableClock()()
