"""A provider that breaks one rule about its platform's requests fails the test of that rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve

from famulus import Capabilities, PlatformRequest, Received, Unverified, VisitStatus, VisitView
from famulus.testing import ProviderConformance
from famulus.testing.conformance.harness import PluginHarness
from famulus.testing.signed_crowd import SignedCrowdProvider, list_change, signed

TAKES = "request_of_the_platform_has_its_run_synced_and_may_come_twice"
VERIFIES = "altered_request_is_not_verified_and_has_no_effect"


class Rules(ProviderConformance):
    provider = SignedCrowdProvider

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"worker_id": worker, "assignment_id": reference}

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"log": tmp_path / "changes.jsonl"}

    def submitted_visit(self, harness: PluginHarness) -> VisitView:
        visit = super().submitted_visit(harness)
        log = harness.plan.provider.args.log
        list_change(log, visit.worker_name, visit.reference, VisitStatus.SUBMITTED)
        return visit

    def platform_request(
        self, harness: PluginHarness, worker: str, reference: str
    ) -> PlatformRequest | None:
        return signed([reference], harness.clock())


class TestSignedCrowd(Rules):
    """The provider that the others are made from is right."""


class Gullible(SignedCrowdProvider):
    def receive(self, request: PlatformRequest) -> Received | Unverified:
        return Received(references=["visit"])


class BodyAside(SignedCrowdProvider):
    """Verifies that the headers are complete, and nothing more."""

    def receive(self, request: PlatformRequest) -> Received | Unverified:
        if not request.headers:
            return Unverified(note="no headers")
        return Received(references=["visit"])


class Once(SignedCrowdProvider):
    """Takes a repeated request for a forged one."""

    seen: ClassVar[set[bytes]] = set()

    def receive(self, request: PlatformRequest) -> Received | Unverified:
        if request.body in self.seen:
            return Unverified(note="it came already")
        self.seen.add(request.body)
        return super().receive(request)


class Silent(SignedCrowdProvider):
    def receive(self, request: PlatformRequest) -> Received | Unverified:
        received = super().receive(request)
        return evolve(received, references=()) if isinstance(received, Received) else received


class Unreporting(SignedCrowdProvider):
    capabilities = Capabilities(receives=True)


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Gullible, VERIFIES, "with another byte at 0"),
        (BodyAside, VERIFIES, "with another byte at 0"),
        (Once, TAKES, r"also when it comes again: the replies were \[200, 403\]"),
        (Silent, TAKES, "must name the visit, or the run"),
    ],
)
def test_broken_rule_is_named(
    tmp_path: Path, broken: type[SignedCrowdProvider], rule: str, sentence: str
) -> None:
    rules = Rules()
    rules.provider = broken  # type: ignore[misc]

    with pytest.raises(AssertionError, match=sentence):
        getattr(rules, f"test_{rule}")(tmp_path)


def test_provider_that_is_never_synced_is_named() -> None:
    rules = Rules()
    rules.provider = Unreporting  # type: ignore[misc]

    with pytest.raises(AssertionError, match="must say reports_submissions"):
        rules.test_capabilities_are_kept()


def test_author_who_signs_no_request_is_asked_for_one(tmp_path: Path) -> None:
    class Unsigned(Rules):
        def platform_request(self, *_: object) -> None:
            return None

    with pytest.raises(AssertionError, match=r"must define platform_request\(\)"):
        getattr(Unsigned(), f"test_{TAKES}")(tmp_path)
