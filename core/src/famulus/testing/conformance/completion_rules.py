"""The rules of a provider's completions: how workers leave, for each outcome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from famulus.contracts.completion import (
    Completion,
    GoTo,
    Nothing,
    OwnPage,
    PostForm,
    ReturnPlace,
    ShowCode,
    VisitOutcome,
)
from famulus.contracts.provider_views import (
    Arrival,
    VisitView,
)
from famulus.testing.conformance.harness import PluginHarness, must_not_raise, snapshot
from famulus.testing.conformance.provider_under_test import ProviderUnderTest

_KINDS = (PostForm, GoTo, ShowCode, ReturnPlace, OwnPage, Nothing)
_COMPLETED = VisitOutcome.COMPLETED


class ProviderCompletionRules(ProviderUnderTest):
    """Every worker with a place is shown how to leave; only completed work gives a claim to pay."""

    def test_completion_answers_every_outcome(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            stored = self._visit(harness)
            for visit in (stored, attrs.evolve(stored, id=0, run_url="")):
                for outcome, found in self._completions(harness, visit).items():
                    assert type(found) in _KINDS, (
                        "completion() must return PostForm, GoTo, ShowCode, ReturnPlace, OwnPage or"
                        f" Nothing for each outcome, not {found!r} for {outcome}."
                    )

    def test_completion_is_the_same_when_it_is_asked_again(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            first, second = (self._completions(harness, self._visit(harness)) for _ in range(2))

        for outcome in VisitOutcome:
            # The next unit is a visit of its own, whose reference may be new each time.
            once, again = (attrs.evolve(each[outcome], next_query=None) for each in (first, second))
            assert once == again, (
                f"completion() must return the same for the same visit, not {once!r} and {again!r}:"
                " a browser that got no reply asks again."
            )

    def test_addresses_of_completions_are_on_the_web(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            found = self._completions(harness, self._visit(harness))

        for completion in found.values():
            url = getattr(completion, "url", "")
            # A code, or the request to return the place, needs no address.
            is_needed = isinstance(completion, (GoTo, PostForm))
            assert url.startswith(("https://", "http://")) or not (url or is_needed), (
                "completion() must return an address that begins with https:// or http://, not"
                f" {url!r}."
            )

    def test_completed_worker_is_not_asked_to_return_the_place(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            found = self._completions(harness, self._visit(harness))[_COMPLETED]

        assert not isinstance(found, ReturnPlace), (
            "completion() must not ask a worker to return the place whose work is stored: on a"
            " platform that pays by submissions, they would lose their pay."
        )

    def test_only_completed_work_has_the_claim_to_the_pay(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            found = self._completions(harness, self._visit(harness))

        claim = attrs.evolve(found.pop(_COMPLETED), next_query=None)
        for outcome, completion in found.items():
            other = attrs.evolve(completion, next_query=None)
            assert isinstance(claim, (OwnPage, Nothing)) or other != claim, (
                f"completion() must not return for {outcome} what it returns for completed work:"
                f" {claim!r} is the claim to the pay."
            )

    def test_next_unit_is_the_same_workers_in_a_new_visit(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            visit, provider = self._visit(harness), harness.provider()
            for completion in self._completions(harness, visit).values():
                if completion.next_query is None:
                    continue
                with must_not_raise("arrive() must accept the next_query of a completion"):
                    found = provider.arrive(completion.next_query)
                is_theirs = isinstance(found, Arrival) and found.worker_name == visit.worker_name
                assert is_theirs, (
                    "completion() must return a next_query for the same worker,"
                    f" {visit.worker_name!r}: arrive() returned {found!r} for it."
                )
                assert provider.arrive(visit.query) != found, (
                    "completion() must return a next_query that begins a new visit, not"
                    f" {visit.reference!r} again, whose work is stored."
                )

    def test_asking_for_a_completion_changes_nothing(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            # What is opened at the first call is not a change.
            self._completions(harness, self._visit(harness))
            before, state_before = _files(tmp_path), self.platform_state()

            self._completions(harness, self._visit(harness))

            assert _files(tmp_path) == before, "completion() must not write anything."
            assert self.platform_state() == state_before, (
                "completion() must not call the platform: the worker's browser does."
            )

    def test_answers_are_shown_only_where_nothing_is_real(self) -> None:
        capabilities = self.provider.capabilities

        assert capabilities.sandbox or not capabilities.shows_answers, (
            "A provider whose capabilities say shows_answers must say sandbox: workers of a paid"
            " crowd are not shown what they have sent."
        )

    def _completions(
        self, harness: PluginHarness, visit: VisitView
    ) -> dict[VisitOutcome, Completion]:
        provider = harness.provider()
        found = {}
        for outcome in VisitOutcome:
            with must_not_raise(f"completion() must know how a worker leaves after {outcome}"):
                found[outcome] = provider.completion(visit, outcome)
        return found

    def _visit(self, harness: PluginHarness) -> VisitView:
        query = self.query("worker", "visit")
        arrival = self._accepted(harness, query)
        return VisitView(
            id=1,
            run_id=1,
            run_url="https://nowhere.invalid/",
            worker_name=arrival.worker_name,
            reference=arrival.reference,
            query=query,
        )


def _files(folder: Path) -> Mapping[str, tuple[int, int]]:
    """Return the files of a folder without SQLite's shared memory, which reading changes."""
    return {name: found for name, found in snapshot(folder).items() if not name.endswith("-shm")}
