"""The rules of a provider whose platform sends requests by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from famulus.contracts.receiving import PlatformRequest
from famulus.engine.gateway import Gateway
from famulus.engine.platform.sync_requests import is_sync_requested
from famulus.testing.conformance.harness import PluginHarness
from famulus.testing.conformance.provider_under_test import ProviderUnderTest
from famulus.testing.scripted_worker import GatewayTransport, ScriptedWorker

_SUCCESSES = range(200, 300)
_FORBIDDEN = 403


class ProviderReceivingRules(ProviderUnderTest):
    """A request of the platform is verified, and names the visit or the run that it is about."""

    def test_request_of_the_platform_has_its_run_synced_and_may_come_twice(
        self, tmp_path: Path
    ) -> None:
        with self.harness(tmp_path) as harness:
            gateway, request = self._announced(harness)
            statuses = [gateway.receive(self.provider.type, request).status for _ in range(2)]

            assert all(status in _SUCCESSES for status in statuses), (
                "receive() must take a request that the platform has signed, also when it comes"
                f" again: the replies were {statuses}."
            )
            assert _is_requested(harness, gateway), (
                "receive() must name the visit, or the run, that a request is about."
            )

    def test_altered_request_is_not_verified_and_has_no_effect(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            gateway, request = self._announced(harness)
            for how, forged in _forged(request):
                status = gateway.receive(self.provider.type, forged).status

                assert status == _FORBIDDEN, (
                    "receive() must verify the signature by the bytes of the body, and return"
                    f" Unverified for a request {how}: anyone can send one. The reply was {status}."
                )
                assert not _is_requested(harness, gateway), (
                    f"receive() must not announce changes for a request {how}, and a sync was"
                    " requested."
                )

    def _announced(self, harness: PluginHarness) -> tuple[Gateway, PlatformRequest]:
        """Have a worker arrive; return the platform's request about the visit."""
        if not self.provider.capabilities.receives:
            pytest.skip("the platform sends no requests")
        self._register(harness)
        gateway = harness.launch()
        page = ScriptedWorker(GatewayTransport(gateway), "worker", query=self.query).open("visit")
        assert page.has_form, (
            "A worker who comes with the parameters of query() must get a unit, and got:"
            f" {page.answer.text}"
        )
        request = self.platform_request(harness, "worker", "visit")
        assert request is not None, (
            "A test of a provider whose capabilities say receives must define platform_request():"
            " what its platform sends about a visit."
        )
        return gateway, request


def _forged(request: PlatformRequest) -> Iterator[tuple[str, PlatformRequest]]:
    """Yield requests that the platform has not signed, each with a description of its fault."""
    body = request.body
    for place in sorted({0, len(body) // 2, len(body) - 1}):
        changed = bytes([*body[:place], body[place] ^ 1, *body[place + 1 :]])
        yield f"with another byte at {place}", attrs.evolve(request, body=changed)
    yield "with more at its end", attrs.evolve(request, body=body + b" ")
    yield "without its body", attrs.evolve(request, body=b"")
    yield "without headers", attrs.evolve(request, headers={})


def _is_requested(harness: PluginHarness, gateway: Gateway) -> bool:
    with harness.database.read() as tx:
        return is_sync_requested(tx, gateway.run_id)
