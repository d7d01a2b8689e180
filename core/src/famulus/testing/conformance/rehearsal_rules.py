"""The rules of the fake that a provider's package ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from famulus.contracts.rehearsal import Rehearsal
from famulus.testing.conformance.harness import listed, must_not_raise, problems_of
from famulus.testing.conformance.provider_under_test import ProviderUnderTest


class ProviderRehearsalRules(ProviderUnderTest):
    """The provider works with the fake of its platform, given the settings that the fake names."""

    def test_rehearsal_is_a_fake_that_the_provider_works_with(self, tmp_path: Path) -> None:
        rehearsal = self.provider.rehearsal()
        if rehearsal is None:
            pytest.skip("the package ships no fake")
        assert isinstance(rehearsal, Rehearsal), (
            f"rehearsal() must return a famulus.Rehearsal or None, not {rehearsal!r}."
        )
        with pytest.MonkeyPatch.context() as patch, rehearsal:
            set_environment(patch, rehearsal.environment)
            with self._harness_of(tmp_path, rehearsal.options) as harness:
                provider = harness.provider()
                problems = problems_of(provider.problems, harness.plan)
                assert not problems, (
                    f"rehearsal() must return options without a problem:\n{listed(problems)}"
                )
                with must_not_raise(
                    "register() must accept the registration that rehearsal() returns"
                ):
                    args = self.provider.RequesterArgs(**rehearsal.registration)
                    provider.register("requester", args)


def set_environment(patch: pytest.MonkeyPatch, variables: Mapping[str, str | None]) -> None:
    """Set the environment variables of a rehearsal; unset those whose value is None."""
    for name, value in variables.items():
        if value is None:
            patch.delenv(name, raising=False)
        else:
            patch.setenv(name, value)
