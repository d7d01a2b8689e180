"""The rules of a provider's places: repeated calls offer no more places than are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView
from famulus.testing.conformance.harness import PluginHarness
from famulus.testing.conformance.provider_under_test import ProviderUnderTest

#: Places that the rules want.
_TOTAL = 3


class ProviderPlaceRules(ProviderUnderTest):
    """A platform offers no more places than are wanted."""

    def test_as_many_places_are_offered_as_are_wanted(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as (harness, run):
            assert _offered(harness.provider(), run) in (_TOTAL, None), (
                "set_places() must offer places until the total is reached, when it grows as well."
            )

    def test_a_total_that_was_reached_changes_nothing(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as (harness, run):
            once = self.platform_state(), _offered(harness.provider(), run)
            for total in (_TOTAL, _TOTAL - 1, 0):
                harness.provider().set_places(run, total)

                again = self.platform_state(), _offered(harness.provider(), run)
                assert again == once, (
                    "set_places() must change nothing where the same total or a larger one was set"
                    " before, also by another process."
                )

    def test_paused_places_are_not_offered(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as (harness, run):
            harness.provider().pause_places(run)

            assert _offered(harness.provider(), run) in (0, None), (
                "pause_places() must leave no place that a worker can take."
            )

    def test_ended_places_are_not_offered(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as (harness, run):
            harness.provider().end_places(run)

            assert _offered(harness.provider(), run) in (0, None), (
                "end_places() must leave no place that a worker can take."
            )

    def test_places_that_are_gone_are_replaced_by_others(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as (harness, run):
            if self.provider.capabilities.keeps_paused_places:
                pytest.skip("the platform keeps paused places")
            harness.provider().pause_places(run)
            # One more was wanted, and never opened.
            resumed = attrs.evolve(run, gone_places=_TOTAL + 1)
            for more in (0, 2):
                harness.provider().set_places(resumed, _TOTAL + 1 + more)

                assert _offered(harness.provider(), run) in (more, None), (
                    "set_places() after a pause must offer the places from run.gone_places to the"
                    " total, and none of those before."
                )

    def test_places_that_are_kept_come_back_after_a_pause(self, tmp_path: Path) -> None:
        with self._opened(tmp_path) as (harness, run):
            if not self.provider.capabilities.keeps_paused_places:
                pytest.skip("paused places are gone")
            for more in (0, 2):
                harness.provider().pause_places(run)
                harness.provider().set_places(run, _TOTAL + more)

                assert _offered(harness.provider(), run) in (_TOTAL + more, None), (
                    "set_places() after a pause must offer the places again that were open, with"
                    " the same total as with a larger one."
                )

    @contextmanager
    def _opened(self, tmp_path: Path) -> Iterator[tuple[PluginHarness, RunView]]:
        """Open places for a run, in two steps as core does."""
        if not self.provider.capabilities.sells_places:
            pytest.skip("the platform sells no places")
        with self.harness(tmp_path) as harness:
            run = harness.run_view()
            for total in (1, _TOTAL):
                harness.provider().set_places(run, total)
            yield harness, run


def _offered(provider: Provider, run: RunView) -> int | None:
    """Return how many places are open; None if the platform cannot be asked."""
    return provider.count_open_places(run)
