"""Requesters: registering them, and the choice of the one that pays for a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from attrs import frozen

from famulus.contracts.context import RequesterView
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities
from famulus.engine.requesters import list_requesters, register_requester
from famulus.engine.runs import find_run
from famulus.errors import PluginError, Problem, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.options.declare import option
from famulus.plugins import Plugins
from famulus.testing.inprocess import ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import CrowdProvider, RowsState
from famulus.testing.movable_clock import MovableClock

SECRET = "sesame-sesame"


@frozen(kw_only=True)
class BankArgs:
    requester_name: str | None = option(help="Who pays.")


@frozen(kw_only=True)
class AccountArgs:
    region: str = option(help="Where it is.", choices=["north", "south"], default="north")
    key: str | None = option(help="What opens it.", secret=True, required=True)


class Bank(CrowdProvider):
    """A provider whose requesters have to be registered; ``returns`` are their settings."""

    type = "bank"
    Args: ClassVar[Any] = BankArgs
    RequesterArgs = AccountArgs
    default_requester: ClassVar[Any] = None
    capabilities = Capabilities(pays=True)

    returns: ClassVar[Any] = None
    seen: ClassVar[list[RequesterView | None]] = []

    def problems(self, plan: Plan) -> list[Problem]:
        self.seen.append(self.context.requester)
        return []

    def register(self, name: str, args: Any) -> Mapping[str, Any]:
        self.seen.append(self.context.requester)
        if isinstance(self.returns, Exception):
            raise self.returns
        return {"region": args.region} if self.returns is None else self.returns


class BankSandbox(Bank):
    """The same provider as a sandbox."""

    type = "bank_sandbox"
    capabilities = Capabilities(sandbox=True)


class Market(Bank):
    """A provider with a default requester."""

    type = "market"
    default_requester = "MARKET"


class BankPlugin:
    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [Bank, BankSandbox, Market]


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Plugins:
    monkeypatch.setattr(Bank, "seen", [])
    return kit_plugins(bank=BankPlugin())


@pytest.fixture
def banker(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    operator = ManualOperator(database, plugins=plugins)
    with operator:
        yield operator


def register(database: Database, plugins: Plugins, name: str, **more: Any) -> RequesterView:
    kind = more.pop("provider", "bank")
    return register_requester(database, kind, name, plugins=plugins, **{"key": SECRET, **more})


def configured(name: str | None = None, provider: str = "bank") -> dict[str, Any]:
    options = {} if name is None else {"provider": {"requester_name": name}}
    return {**rows_configuration(provider=provider), **options}


def problems_of(operator: ManualOperator, configuration: dict[str, Any]) -> list[str]:
    with pytest.raises(UsageError) as caught:
        operator.check(configuration, shared_state=RowsState(rows=[{"n": 1}]))
    return list(map(str, caught.value.problems))


def launch(operator: ManualOperator, configuration: dict[str, Any]) -> str:
    state = RowsState(rows=[{"n": 1}])
    run = operator.launch(configuration, shared_state=state).run_id
    return find_run(operator.database, run).requester_name


def test_requester_is_stored_with_the_settings_of_its_provider(
    database: Database, plugins: Plugins, clock: MovableClock
) -> None:
    registered = register(database, plugins, "lab", region="south")

    [listed] = list_requesters(database, plugins=plugins)
    assert registered.settings == listed.settings == {"region": "south"}
    assert (listed.name, listed.provider_type, listed.runs) == ("lab", "bank", 0)
    assert (listed.sandbox, listed.registered_at) == (False, clock())


def test_registering_again_changes_only_the_settings(
    database: Database, plugins: Plugins, clock: MovableClock
) -> None:
    first = register(database, plugins, "lab")
    at = clock()
    clock.advance(60)

    second = register(database, plugins, "lab", region="south")

    [listed] = list_requesters(database, plugins=plugins)
    assert (second.id, listed.registered_at) == (first.id, at)
    assert listed.settings == {"region": "south"}
    assert Bank.seen == [None, first]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (UsageError("the account is closed"), UsageError),
        (UnavailableError("nobody answers"), UnavailableError),
        (ZeroDivisionError("on purpose"), PluginError),
    ],
)
def test_refused_account_is_not_stored(
    database: Database,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    kind: type[Exception],
) -> None:
    monkeypatch.setattr(Bank, "returns", fault)

    with pytest.raises(kind, match=str(fault)):
        register(database, plugins, "lab")

    assert list_requesters(database, plugins=plugins) == []


@pytest.mark.parametrize(
    "returned",
    [{"key": SECRET}, {"url": f"https://x:{SECRET}@bank.invalid"}, {"list": [{SECRET: 1}]}],
)
def test_secret_is_never_stored(
    database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch, returned: Any
) -> None:
    monkeypatch.setattr(Bank, "returns", returned)

    with pytest.raises(
        PluginError, match="returns the secret key among the settings to store"
    ) as caught:
        register(database, plugins, "lab")

    assert SECRET not in str(caught.value)
    assert list_requesters(database, plugins=plugins) == []


def test_secret_in_an_error_of_a_plugin_is_not_shown(
    database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bank, "returns", ValueError(f"bad key {SECRET}"))

    with pytest.raises(PluginError, match=r"failed to register 'lab': ValueError$") as caught:
        register(database, plugins, "lab")

    assert caught.value.__cause__ is None


def test_settings_that_are_not_json_are_an_error_of_the_plugin(
    database: Database, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bank, "returns", {"at": object()})

    with pytest.raises(PluginError, match="failed to register 'lab': TypeError"):
        register(database, plugins, "lab")


def test_all_problems_are_reported_at_once(database: Database, plugins: Plugins) -> None:
    with pytest.raises(UsageError) as caught:
        register_requester(
            database, "bank", "l\x9bab", plugins=plugins, regin="south", region="west"
        )

    keys = [problem.key for problem in caught.value.problems]
    assert keys == ["name", "regin", "region", "key"]
    assert Bank.seen == []


def test_the_only_requester_pays(banker: ManualOperator, plugins: Plugins) -> None:
    lab = register(banker.database, plugins, "lab")
    register(banker.database, plugins, "toy", provider="bank_sandbox")
    Bank.seen.clear()

    assert launch(banker, configured()) == "lab"
    assert Bank.seen == [lab]
    assert [each.runs for each in list_requesters(banker.database, plugins=plugins)] == [1, 0]


def test_missing_requester_is_reported_with_the_remedy(banker: ManualOperator) -> None:
    [problem] = problems_of(banker, configured())

    assert problem == (
        "provider.requester_name: no requester of bank is registered; "
        "`famulus register bank name=NAME` registers one"
    )


def test_one_of_several_has_to_be_named(banker: ManualOperator, plugins: Plugins) -> None:
    register(banker.database, plugins, "lab")
    register(banker.database, plugins, "attic")

    [problem] = problems_of(banker, configured())

    assert problem.endswith("name the requester of bank that pays: attic, lab")
    assert launch(banker, configured("attic")) == "attic"


def test_unknown_name_is_an_error(banker: ManualOperator, plugins: Plugins) -> None:
    register(banker.database, plugins, "lab")

    [problem] = problems_of(banker, configured("lap"))

    assert problem.endswith("there is no requester 'lap' of bank; did you mean 'lab'?")


@pytest.mark.parametrize(
    ("registered", "launched"), [("bank", "bank_sandbox"), ("bank_sandbox", "bank")]
)
def test_requester_of_a_sandbox_is_not_used_live_nor_the_reverse(
    banker: ManualOperator, plugins: Plugins, registered: str, launched: str
) -> None:
    register(banker.database, plugins, "lab", provider=registered)
    register(banker.database, plugins, "other", provider=launched)

    [problem] = problems_of(banker, configured("lab", provider=launched))

    assert f"'lab' is registered with {registered}" in problem
    assert f"this run's provider is {launched};" in problem


def test_two_providers_may_have_requesters_of_one_name(
    banker: ManualOperator, plugins: Plugins
) -> None:
    register(banker.database, plugins, "lab", region="south")
    register(banker.database, plugins, "lab", provider="bank_sandbox")
    Bank.seen.clear()

    launch(banker, configured("lab"))

    [seen] = Bank.seen
    assert seen is not None
    assert (seen.provider_type, seen.settings) == ("bank", {"region": "south"})


def test_default_requester_is_created_by_the_launch(operator: ManualOperator) -> None:
    assert launch(operator, configured(provider="crowd")) == "requester of the crowd"
    assert launch(operator, configured(provider="crowd")) == "requester of the crowd"
    [listed] = list_requesters(operator.database, plugins=operator.plugins)
    assert listed.runs == 2


def test_requester_is_not_created_under_the_name_of_another_provider(
    banker: ManualOperator, plugins: Plugins
) -> None:
    register(banker.database, plugins, "lab")

    [problem] = problems_of(banker, configured("lab", provider="market"))

    assert "'lab' is registered with bank, but this run's provider is market" in problem
    assert launch(banker, configured("stall", provider="market")) == "stall"
    assert launch(banker, configured(provider="market")) == "MARKET"
