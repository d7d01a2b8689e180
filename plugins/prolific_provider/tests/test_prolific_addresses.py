"""Where participants are sent: to an address with HTTPS, unless Prolific is rehearsed here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from attrs import evolve

from famulus import Role
from prolific_bench import Bench

KEY = "architect.public_url"


def problems(bench: Bench, public_url: str | None) -> list[str]:
    architect = Role(type="external", args=SimpleNamespace(public_url=public_url))
    plan = evolve(bench.plan, architect=architect)
    return [each.message for each in bench.provider.problems(plan) if each.key == KEY]


@pytest.mark.parametrize("public_url", [None, "http://tasks.example.org/"])
def test_a_rehearsal_on_this_machine_needs_no_https(bench: Bench, public_url: str | None) -> None:
    assert problems(bench, public_url) == []


@pytest.mark.parametrize("api_url", ["https://gateway.example.org", "http://localhost.example.org"])
def test_participants_of_prolific_come_to_an_address_with_https(bench: Bench, api_url: str) -> None:
    bench.restart(api_url=api_url)

    (said,) = problems(bench, "http://tasks.example.org/")
    (missing,) = problems(bench, None)

    assert "http://tasks.example.org/ is not" in said
    assert "has no such address" in missing
    assert problems(bench, "https://tasks.example.org/") == []
