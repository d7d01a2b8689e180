"""``famulus register`` shows what an account can spend, as its platform says at that moment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from famulus import Provider
from famulus.cli.program import program
from famulus.testing.conformance.rehearsal_rules import set_environment
from famulus_links.provider import LinksProvider
from famulus_mock.provider import MockProvider
from famulus_mturk.provider import MturkProvider, MturkSandboxProvider
from famulus_prolific.fake import FakeProlific, Fault
from famulus_prolific.provider import ProlificProvider

BALANCES = [
    (ProlificProvider, "1000.00", "GBP"),
    (MturkProvider, "100.00", "USD"),
    (MturkSandboxProvider, "10000.00", "USD"),
]
Register = Callable[..., Result]


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Register:
    """Register an account that keeps its secrets in a folder of the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def run(provider: str, settings: Mapping[str, Any], *options: str) -> Result:
        words = ["register", provider, "name=lab", *(f"{key}={settings[key]}" for key in settings)]
        environment = {**os.environ, "FAMULUS_DATABASE": str(tmp_path / "famulus.db")}
        return CliRunner(env=environment).invoke(program, [*words, *options], prog_name="famulus")

    return run


@pytest.mark.parametrize(("provider", "amount", "currency"), BALANCES)
def test_the_balance_is_shown_with_its_currency(
    register: Register,
    provider: type[Provider],
    amount: str,
    currency: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rehearsal = provider.rehearsal()
    assert rehearsal is not None
    with rehearsal:
        set_environment(monkeypatch, rehearsal.environment)
        shown = register(provider.type, rehearsal.registration)
        found = register(provider.type, rehearsal.registration, "--json")

    assert (shown.exit_code, found.exit_code) == (0, 0), shown.output
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["balance", amount, currency] in lines
    listed = json.loads(found.stdout)
    assert (listed["balance"], listed["currency"]) == (amount, currency)
    assert listed["settings"].keys() >= rehearsal.registration.keys()
    assert "balance" not in listed["settings"]


def test_the_balance_is_that_of_the_moment_and_is_asked_for_once(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProlific() as prolific:
        monkeypatch.setenv("PROLIFIC_TOKEN", prolific.token)
        register("prolific", {"api_url": prolific.api_url})
        with prolific.turn() as state:
            state.money.balance -= 12_050
        shown = register("prolific", {"api_url": prolific.api_url})
        asked = prolific.called("get-workspace-balance")

    assert "balance    879.50 GBP" in shown.stdout
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("fault", "options"), [(Fault.FAIL, ()), (Fault.GARBLE, ()), (Fault.LOSE_REPLY, ("--json",))]
)
def test_an_account_is_registered_although_its_balance_cannot_be_read(
    register: Register, fault: Fault, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProlific() as prolific:
        monkeypatch.setenv("PROLIFIC_TOKEN", prolific.token)
        prolific.faults.plan(fault, "get-workspace-balance")
        done = register("prolific", {"api_url": prolific.api_url}, *options)

    assert done.exit_code == 0
    warnings = [line for line in done.stderr.splitlines() if "balance" in line]
    assert len(warnings) == 1
    assert "is registered, but its balance cannot be read now: " in warnings[0]
    if options:
        assert json.loads(done.stdout)["balance"] is None
    else:
        assert done.stdout.startswith("Registered the requester lab of prolific.\n")
        assert "balance" not in done.stdout


@pytest.mark.parametrize("provider", [MockProvider, LinksProvider])
def test_a_provider_without_a_balance_shows_none(
    register: Register, provider: type[Provider]
) -> None:
    shown = register(provider.type, {})
    found = register(provider.type, {}, "--json")

    assert shown.output == f"Registered the requester lab of {provider.type}.\n"
    assert json.loads(found.output)["balance"] is None
