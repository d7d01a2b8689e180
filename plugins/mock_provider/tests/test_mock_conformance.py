"""mock keeps the rules of a provider."""

from __future__ import annotations

from famulus.testing import ProviderConformance
from famulus_mock.provider import MockProvider


class TestMock(ProviderConformance):
    provider = MockProvider

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"worker_id": worker, "assignment_id": reference}
