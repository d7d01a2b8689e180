"""Both providers keep the rules of a provider, against a fake MTurk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from famulus import VisitView
from famulus.testing import MovableClock, PluginHarness, ProviderConformance
from famulus_mturk.fake import Account, Fault
from famulus_mturk.provider import MturkProvider, MturkSandboxProvider
from famulus_mturk.rehearsal import MturkRehearsal
from famulus_mturk.schema import SCHEMA
from mturk_bench import parameters


def _id(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "0", text.upper())


class _Conformance(ProviderConformance):
    schemas = (SCHEMA,)
    bad_registrations = (
        {"profile": "nobody"},
        {"endpoint_url": "http://127.0.0.1:9"},
        {"endpoint_url": "http://["},
    )
    rehearsal: MturkRehearsal
    account: Account
    #: what workers have accepted, by their names and references; nothing before HITs are open
    accepted: dict[tuple[str, str], dict[str, str]]

    @pytest.fixture(autouse=True)
    def _platform(self, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        rehearsal = self.provider.rehearsal(clock)
        assert isinstance(rehearsal, MturkRehearsal)
        with rehearsal:
            self.rehearsal, self.account, self.accepted = rehearsal, rehearsal.account, {}
            monkeypatch.setattr(type(self), "good_registration", rehearsal.registration)
            yield

    def query(self, worker: str, reference: str) -> dict[str, str]:
        if (worker, reference) not in self.accepted:
            someone = self.account.worker(f"A{_id(worker)}")
            for group in someone.groups():
                self.accepted[worker, reference] = parameters(someone.accept(group.id))
        return self.accepted.get((worker, reference)) or {
            "assignmentId": _id(reference),
            "hitId": _id(f"HIT{reference}"),
            "workerId": f"A{_id(worker)}",
            "turkSubmitTo": self.account.worker_url,
        }

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return dict(self.rehearsal.options)

    def submitted_visit(self, harness: PluginHarness) -> VisitView:
        provider, run = harness.provider(), harness.run_view()
        provider.set_places(run, 1)
        worker = self.account.worker("A1")
        shown = worker.accept(worker.groups()[0].id)
        worker.submit(shown, {"visit": "1"})
        query = parameters(shown)
        return VisitView(
            id=1, run_id=run.id, worker_name="A1", reference=query["assignmentId"], query=query
        )

    @contextmanager
    def losing_a_reply(self, harness: PluginHarness) -> Iterator[None]:
        self.account.faults.plan(Fault.LOSE_REPLY, "SendBonus")
        yield

    def platform_state(self) -> object:
        with self.account.turn() as state:
            return (
                [(hit.id, hit.expires_at, hit.disposed) for hit in state.hits.values()],
                [
                    (kind.name, {who: one.revoked for who, one in kind.grants.items()})
                    for kind in state.qualification_types.values()
                ],
                dict(state.blocks),
                list(state.money.ledger),
                list(state.bonuses),
            )


class TestMturk(_Conformance):
    provider = MturkProvider


class TestMturkSandbox(_Conformance):
    provider = MturkSandboxProvider


@pytest.mark.parametrize(
    ("provider", "name"), [(MturkProvider, "live"), (MturkSandboxProvider, "sandbox")]
)
def test_rehearsal_is_of_the_providers_own_site(provider: type[MturkProvider], name: str) -> None:
    rehearsal = provider.rehearsal()

    assert isinstance(rehearsal, MturkRehearsal)
    assert rehearsal.account.name == name
