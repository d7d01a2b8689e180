"""mock keeps the rules of a provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from famulus.testing import ProviderConformance
from famulus.testing.conformance.harness import PluginHarness
from famulus_mock import faults
from famulus_mock.provider import MockProvider
from famulus_mock.tables import SCHEMA, MockPayment


class TestMock(ProviderConformance):
    provider = MockProvider
    schemas = (SCHEMA,)

    @pytest.fixture(autouse=True)
    def look_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stages: list[PluginHarness] = []
        self.monkeypatch = monkeypatch

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"worker_id": worker, "assignment_id": reference}

    def platform_state(self) -> object:
        if not self.stages:
            return None
        with self.stages[0].database.read() as tx:
            return [row.key for row in tx.rows(MockPayment.select(MockPayment.key))]

    @contextmanager
    def losing_a_reply(self, harness: PluginHarness) -> Iterator[None]:
        self.stages.append(harness)
        with self.monkeypatch.context() as patched:
            patched.setattr(faults, "_next_fault", lambda *_: faults.Fault.LOST)
            yield
