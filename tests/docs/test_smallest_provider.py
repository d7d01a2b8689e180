"""The first provider of the page "Writing a provider" keeps every rule."""

from __future__ import annotations

from famulus.testing import ProviderConformance
from famulus_visitors import Visitors


class TestVisitors(ProviderConformance):
    provider = Visitors

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"who": worker, "visit": reference}
