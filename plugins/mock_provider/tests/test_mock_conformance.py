"""mock keeps the rules of a provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from famulus import Database
from famulus.testing import PluginHarness, ProviderConformance
from famulus_mock import faults
from famulus_mock.provider import MockProvider
from famulus_mock.tables import SCHEMA, MockPayment, MockVerdict


class TestMock(ProviderConformance):
    provider = MockProvider
    schemas = (SCHEMA,)
    database: Database

    @pytest.fixture(autouse=True)
    def _patches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def prepare(self, harness: PluginHarness) -> None:
        self.database = harness.database

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"worker_id": worker, "assignment_id": reference}

    def platform_state(self) -> object:
        with self.database.read() as tx:
            paid = [row.key for row in tx.rows(MockPayment.select(MockPayment.key))]
            return paid, tx.rows(MockVerdict.select())

    @contextmanager
    def losing_a_reply(self, harness: PluginHarness) -> Iterator[None]:
        with self.monkeypatch.context() as patched:
            patched.setattr(faults, "_next_fault", lambda *_: faults.Fault.LOST)
            yield
