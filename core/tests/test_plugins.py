"""Plugins are found by their entry points, and one that is faulty harms no other."""

from __future__ import annotations

import importlib.metadata
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.blueprint_args import BlueprintArgs, OnboardingArgs
from famulus.contracts.hookspecs import RunEvent, hookimpl
from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.errors import PluginError
from famulus.options.declare import option
from famulus.plugins import Plugins, discover, listeners_of
from famulus.testing.inprocess import kit_plugins
from famulus.testing.kinds import CrowdProvider, KitPlugin, NowhereArchitect, RowsBlueprint

Install = Callable[..., None]
AT = datetime(2030, 1, 1, tzinfo=UTC)
HALF = Decimal("0.5")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution of one module, the way an installer leaves it on the disk."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def installed(
        name: str, source: str, *, entry: str | None = None, version: str = "1.2"
    ) -> None:
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(
            f"[famulus]\n{entry or name} = {module}\n", encoding="utf-8"
        )
        importlib.invalidate_caches()

    yield installed
    for module in set(sys.modules) - before:
        if module.startswith("third_party"):
            del sys.modules[module]


PROVIDER = """
    from attrs import frozen
    from famulus import Nothing, Preview, Provider, hookimpl

    @frozen
    class Args:
        pass

    class ThirdParty(Provider):
        type = "third"
        Args = Args

        def problems(self, plan):
            return []

        def arrive(self, query):
            return Preview()

        def completion(self, visit, outcome):
            return Nothing()

    @hookimpl
    def famulus_register_providers():
        return [ThirdParty]
"""


def reason(plugins: Plugins, name: str) -> str:
    (info,) = [info for info in plugins.infos if info.name == name]
    return info.refused


def test_an_installed_provider_is_simply_there(install: Install) -> None:
    install("third-party-crowd", PROVIDER, entry="third")

    plugins = discover()

    assert plugins.provider("third").__name__ == "ThirdParty"
    (info,) = [info for info in plugins.infos if info.name == "third"]
    assert (info.distribution, info.version) == ("third-party-crowd", "1.2")
    assert info.registered() == ["provider third"]


def test_a_plugin_that_cannot_be_imported_is_listed_and_raised_at_use(install: Install) -> None:
    install("third-party-broken", "import no_such_module_at_all", entry="broken")
    install("third-party-crowd", PROVIDER, entry="third")

    plugins = discover()

    assert plugins.provider("third")
    assert reason(plugins, "broken").startswith("ModuleNotFoundError: No module named 'no_such")
    with pytest.raises(PluginError, match=r"'broken' \(third-party-broken\) cannot be used") as e:
        plugins.provider("broken")
    assert isinstance(e.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize("source", ["raise SystemExit(3)", "1 / 0", "def broken(:"])
def test_an_exception_at_import_affects_no_other_plugin(install: Install, source: str) -> None:
    install("third-party-broken", source, entry="broken")

    assert reason(discover(), "broken")


def test_a_plugin_can_be_switched_off_by_name_before_it_is_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("third-party-crowd", PROVIDER, entry="third")
    install("third-party-broken", "1 / 0", entry="broken")
    monkeypatch.setenv("FAMULUS_DISABLED_PLUGINS", "broken, third")

    plugins = discover()

    assert "third_party_crowd" not in sys.modules
    assert reason(plugins, "broken") == "disabled by FAMULUS_DISABLED_PLUGINS"
    with pytest.raises(PluginError, match="cannot be used: disabled by FAMULUS_DISABLED_PLUGINS"):
        plugins.provider("third")


def test_two_distributions_with_one_plugin_name_do_not_share_it(install: Install) -> None:
    install("third-party-crowd", PROVIDER, entry="third")
    install("third-party-other", PROVIDER.replace('"third"', '"other"'), entry="third")

    plugins = discover()

    accepted = [info for info in plugins.accepted if info.name == "third"]
    refused = [info for info in plugins.infos if info.name == "third" and info.refused]
    assert (len(accepted), len(refused)) == (1, 1)
    assert accepted[0].distribution in refused[0].refused


class Listening(KitPlugin):
    """Records the events of runs."""

    def __init__(self) -> None:
        self.received: list[RunEvent] = []

    @hookimpl
    def famulus_run_launched(self, event: RunEvent) -> None:
        self.received.append(event)


def test_a_name_that_is_taken_leaves_the_first_as_it_was() -> None:
    first, second = Listening(), Listening()
    plugins = Plugins()
    plugins.add("kit", first, distribution="one")
    plugins.add("kit", second, distribution="two")

    for listener in listeners_of(plugins):
        listener.run_launched(RunEvent(run_id=1, task_name="t", at=AT))

    assert (len(first.received), len(second.received)) == (1, 0)
    assert plugins.blueprint("rows") is RowsBlueprint


class UnknownHook:
    @hookimpl
    def famulus_register_provider(self) -> list[Any]:
        return []


class WrongArgument:
    @hookimpl
    def famulus_run_launched(self, run: int) -> None:
        """Take an argument that the hook does not have."""


class NoHook:
    def famulus_register_providers(self) -> list[Any]:
        return []


class NoList:
    @hookimpl
    def famulus_register_providers(self) -> Any:
        return CrowdProvider


class NoClass:
    @hookimpl
    def famulus_register_providers(self) -> list[Any]:
        return ["CrowdProvider"]


class OtherContract:
    @hookimpl
    def famulus_register_providers(self) -> list[Any]:
        return [RowsBlueprint]


class Abstract:
    @hookimpl
    def famulus_register_architects(self) -> list[Any]:
        class Incomplete(Architect):
            type = "half"
            Args = NowhereArchitect.Args

            def problems(self, plan: Any) -> list[Any]:
                return []

        return [Incomplete]


class FirstContract:
    @hookimpl
    def famulus_register_architects(self) -> list[Any]:
        def is_alive(self: object) -> bool:
            return True

        rest = {"health": Architect.health, "is_alive": is_alive}
        return [type("First", (NowhereArchitect,), rest)]


class NoType:
    @hookimpl
    def famulus_register_providers(self) -> list[Any]:
        return [type("Nameless", (CrowdProvider,), {"type": None})]


class NoArgs:
    @hookimpl
    def famulus_register_providers(self) -> list[Any]:
        return [type("Bare", (CrowdProvider,), {"Args": dict})]


class Raising:
    @hookimpl
    def famulus_register_schemas(self) -> list[Any]:
        raise LookupError("on purpose")


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (UnknownHook, "unknown hook: famulus_register_provider; did you mean 'famulus_register_"),
        (WrongArgument, "run"),
        (NoHook, "it implements no hook; mark its functions with @famulus.hookimpl"),
        (NoList, "it has to return a list"),
        (NoClass, "returned 'CrowdProvider', not a subclass of Provider"),
        (OtherContract, "not a subclass of Provider"),
        (
            Abstract,
            "Incomplete lacks deploy(deployment), health(), shutdown() of contract 2 of "
            "famulus.Architect",
        ),
        (FirstContract, "First lacks health() of contract 2 of famulus.Architect; health replaces"),
        (NoType, "Nameless has no type name"),
        (NoArgs, "Bare has no attrs class Args"),
        (Raising, "LookupError: on purpose"),
    ],
)
def test_a_faulty_plugin_is_refused_with_the_reason_and_no_other(
    plugin: Callable[[], object], message: str
) -> None:
    plugins = kit_plugins(faulty=plugin(), fine=Listening())

    assert message in reason(plugins, "faulty")
    assert [info.name for info in plugins.accepted] == ["kit", "fine"]


@frozen(kw_only=True)
class PlainArgs:
    units_per_assignment: int = option(help="Workers for each row.", default=1)


class UndecoratedArgs(OnboardingArgs):
    rows_file: str | None = option(help="The file.")


@frozen(kw_only=True)
class MisspeltArgs(OnboardingArgs):
    block_qualificaton: str | None = option(help="Workers who have it are refused.")


@frozen(kw_only=True)
class NearArgs(OnboardingArgs):
    units_per_assignments: int = option(help="Workers for each row.", default=1)


@frozen(kw_only=True)
class OwnOnboardingArgs(BlueprintArgs):
    onboarding_qualification: str | None = option(help="Set it to have an onboarding.")


class WithoutOnboarding(RowsBlueprint):
    has_onboarding = Blueprint.has_onboarding


class WithoutJudge(RowsBlueprint):
    onboarding_passed = Blueprint.onboarding_passed


def with_method(contract: type[Any], name: str, method: Callable[..., Any]) -> type[Any]:
    return type("Old", (contract,), {name: method})


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (
            type("Plain", (RowsBlueprint,), {"Args": PlainArgs}),
            "Plain.Args has to be a subclass of famulus.BlueprintArgs, which declares "
            "units_per_assignment, block_qualification",
        ),
        (
            type("Undecorated", (RowsBlueprint,), {"Args": UndecoratedArgs}),
            "UndecoratedArgs lacks its decorator @attrs.frozen(kw_only=True)",
        ),
        (
            type("Misspelt", (RowsBlueprint,), {"Args": MisspeltArgs}),
            "MisspeltArgs has the option 'block_qualificaton'; did you mean 'block_qualification'",
        ),
        (
            type("Near", (RowsBlueprint,), {"Args": NearArgs}),
            "'units_per_assignments'; did you mean 'units_per_assignment'",
        ),
        (
            type("OwnOnboarding", (RowsBlueprint,), {"Args": OwnOnboardingArgs}),
            "OwnOnboardingArgs declares onboarding_qualification; subclass famulus.OnboardingArgs",
        ),
        (
            type("NoOnboardingArgs", (RowsBlueprint,), {"Args": BlueprintArgs}),
            "NoOnboardingArgs.Args has to be a subclass of famulus.OnboardingArgs",
        ),
        (WithoutOnboarding, "but WithoutOnboarding has no onboarding; override has_onboarding"),
        (WithoutJudge, "WithoutJudge has an onboarding and lacks onboarding_passed"),
        (
            with_method(RowsBlueprint, "task_page", lambda self, page: None),
            "Old.task_page takes (page); change it to (view), as contract 2 of "
            "famulus.Blueprint has it",
        ),
        (
            with_method(RowsBlueprint, "read_answers", lambda self, form: None),
            "Old.read_answers takes (form); change it to (form, attempt)",
        ),
        (
            with_method(RowsBlueprint, "assets", lambda self, folder: ()),
            "Old.assets takes (folder); change it to ()",
        ),
    ],
)
def test_a_blueprint_that_breaks_the_contract_is_refused_with_what_to_change(
    cls: type[Blueprint], message: str
) -> None:
    assert message in reason(kit_plugins(faulty=blueprints(cls)), "faulty")


def test_a_blueprint_has_options_of_its_own_about_qualifications_and_units() -> None:
    @frozen(kw_only=True)
    class OwnArgs(OnboardingArgs):
        qualification: str | None = option(help="Shown to the worker.")
        units: int = option(help="Shown to the worker.", default=1)

    own = type("Own", (RowsBlueprint,), {"Args": OwnArgs})

    assert "own" in [info.name for info in kit_plugins(own=blueprints(own)).accepted]


@pytest.mark.parametrize(
    "method",
    [
        lambda self, _form, _attempt: None,
        lambda self, form, attempt, more=None: None,
        lambda self, form, *more: None,
        lambda *anything: None,
        lambda self, form, attempt, **more: None,
        lambda self, form, attempt, /, *, more=None: None,
        cache(lambda self, form, attempt: None),
    ],
)
def test_parameters_beyond_those_of_the_contract_are_accepted(method: Callable[..., Any]) -> None:
    fitting = with_method(RowsBlueprint, "read_answers", method)

    assert reason(kit_plugins(fine=blueprints(fitting)), "fine") == ""


def blueprints(cls: type[Blueprint]) -> object:
    """Return a plugin that registers a blueprint."""

    class OneBlueprint:
        @hookimpl
        def famulus_register_blueprints(self) -> list[Any]:
            return [cls]

    return OneBlueprint()


async def leave(self: Any, visit: Any, outcome: Any) -> None: ...


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            lambda self, visit: None,
            "takes (visit); change it to (visit, outcome), as contract 2 of famulus.Provider",
        ),
        (lambda self, visit, *, outcome: None, "takes (visit, *, outcome); change it to (visit, "),
        (lambda self, *given, outcome: None, "takes (*given, outcome); change it to (visit, "),
        (leave, "is async; define it without async"),
        (property(lambda self: None), "has to be a method, as in contract 2 of famulus.Provider"),
        ("a code", "has to be a method, as in contract 2 of famulus.Provider"),
    ],
)
def test_a_method_that_cannot_be_called_as_the_contract_has_it_is_refused(
    method: Any, message: str
) -> None:
    class OneProvider:
        @hookimpl
        def famulus_register_providers(self) -> list[Any]:
            return [with_method(CrowdProvider, "completion", method)]

    refused = reason(kit_plugins(faulty=OneProvider()), "faulty")

    assert f"Old.completion {message}" in refused


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None])
def test_a_batch_size_that_is_no_number_of_items_is_refused(size: Any) -> None:
    class OneProvider:
        @hookimpl
        def famulus_register_providers(self) -> list[Any]:
            return [type("Bulk", (CrowdProvider,), {"type": "bulk", "batch_size": size})]

    refused = reason(kit_plugins(faulty=OneProvider()), "faulty")

    assert f"Bulk.batch_size is {size!r}; set it to the most items" in refused


@pytest.mark.parametrize(
    ("capabilities", "message"),
    [
        (
            Capabilities(partial_approvals=PartialBounds(smallest=Decimal(0), largest=HALF)),
            "partial_approvals is from 0 to 0.5; set shares of a reward",
        ),
        (
            Capabilities(partial_approvals=PartialBounds(smallest=HALF, largest=Decimal(1))),
            "partial_approvals is from 0.5 to 1; set shares of a reward",
        ),
        (
            Capabilities(partial_approvals=PartialBounds(smallest=HALF, largest=HALF / 2)),
            "partial_approvals is from 0.5 to 0.25; set shares of a reward",
        ),
        (Capabilities(days_before_rejection=7), "set requests_return too"),
    ],
)
def test_capabilities_that_no_platform_has_are_refused(
    capabilities: Capabilities, message: str
) -> None:
    class OneProvider:
        @hookimpl
        def famulus_register_providers(self) -> list[Any]:
            return [type("Crowd", (CrowdProvider,), {"capabilities": capabilities})]

    refused = reason(kit_plugins(faulty=OneProvider()), "faulty")

    assert "Crowd.capabilities." in refused
    assert message in refused


def test_a_type_that_two_plugins_claim_is_an_error_that_names_both() -> None:
    plugins = kit_plugins(second=KitPlugin())

    with pytest.raises(PluginError, match="'rows' is claimed by the plugins 'kit' and 'second'"):
        plugins.blueprint("rows")


def test_an_unknown_type_is_reported_with_the_known_ones() -> None:
    plugins = kit_plugins(faulty=NoHook())

    with pytest.raises(PluginError, match=r"'crowed'.*did you mean 'crowd'.*refused: faulty"):
        plugins.provider("crowed")
    with pytest.raises(PluginError, match=r"'xyz'.*crowd, reporting_crowd.*refused: faulty"):
        plugins.provider("xyz")


def test_naming_a_type_of_a_refused_plugin_raises_its_reason() -> None:
    class Two(KitPlugin):
        @hookimpl
        def famulus_register_schemas(self) -> list[Any]:
            raise LookupError("on purpose")

    plugins = Plugins()
    plugins.add("two", Two(), distribution="two-dist")

    with pytest.raises(PluginError, match=r"'two' \(two-dist\) cannot be used: LookupError: on pu"):
        plugins.provider("crowd")


@pytest.mark.parametrize(
    "hook", ["run_launched", "unit_assigned", "unit_submitted", "unit_reviewed", "run_finished"]
)
def test_every_listener_is_called_separately(hook: str) -> None:
    received: list[str] = []

    def listener(name: str, *, failing: bool) -> object:
        def hear(event: RunEvent) -> None:
            received.append(name)
            if failing:
                raise ZeroDivisionError("on purpose")

        return type("L", (), {f"famulus_{hook}": staticmethod(hookimpl(hear))})()

    plugins = kit_plugins(one=listener("one", failing=True), two=listener("two", failing=False))
    arguments: dict[str, dict[str, Any]] = {
        "run_launched": {},
        "run_finished": {},
        "unit_assigned": {"unit": None, "worker": None},
        "unit_submitted": {"unit": None},
        "unit_reviewed": {"unit": None, "decision": "accepted"},
    }
    event = RunEvent(run_id=1, task_name="t", at=AT)

    one, two = listeners_of(plugins)
    with pytest.raises(ZeroDivisionError):
        getattr(one, hook)(event=event, **arguments[hook])
    getattr(two, hook)(event=event, **arguments[hook])

    assert received == ["one", "two"]
    assert (one.label, one.implements(f"famulus_{hook}"), one.implements("famulus_x")) == (
        "plugin 'one'",
        True,
        False,
    )


def test_the_first_party_plugins_are_found_through_the_same_door() -> None:
    plugins = discover()

    assert plugins.blueprint("static_task").type == "static_task"
    assert plugins.architect("local").type == "local"
    assert plugins.provider("mock").type == "mock"
    assert all(info.refused == "" for info in plugins.infos)


def test_a_hook_of_a_later_version_can_be_optional() -> None:
    class Forward:
        @hookimpl(optionalhook=True)
        def famulus_of_a_later_version(self) -> None:
            """Not called by this version."""

    plugins = kit_plugins(forward=Forward())

    assert reason(plugins, "forward") == ""
