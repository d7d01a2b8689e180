"""Plugins are found by their entry points, and one that is faulty harms no other."""

from __future__ import annotations

import importlib.metadata
import sys
import textwrap
from abc import abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen, make_class

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.blueprint_args import BlueprintArgs, OnboardingArgs
from famulus.contracts.hookspecs import RunEvent, hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.contracts.qualification_check import QualificationCheck
from famulus.errors import PluginError
from famulus.options.declare import option
from famulus.plugins import Plugins, discover, discover_types, listeners_of
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


@pytest.mark.parametrize("entry", ["third", "zebra"])
def test_only_the_plugins_of_named_types_are_loaded(install: Install, entry: str) -> None:
    install("third-party-crowd", PROVIDER, entry=entry)
    install("third-party-zoo", "raise RuntimeError", entry="zoo")

    plugins = discover_types([("provider", "third")])

    assert plugins.provider("third").__name__ == "ThirdParty"
    names = [info.name for info in plugins.infos]
    assert "zoo" not in names
    assert (names == ["third"]) == (entry == "third")


@pytest.mark.parametrize(
    "missing",
    [("provider", "broken"), ("blueprint", "third")],
    ids=["plugin-that-cannot-be-imported", "name-of-another-kind"],
)
def test_a_named_type_that_is_missing_is_an_error_as_with_all_plugins(
    install: Install, missing: tuple[str, str]
) -> None:
    install("third-party-broken", "import no_such_module_at_all", entry="broken")
    install("third-party-crowd", PROVIDER, entry="third")
    kind, name = missing

    plugins = discover_types([("provider", "third"), missing])

    assert {info.name for info in plugins.infos} == {info.name for info in discover().infos}
    with pytest.raises(PluginError) as expected:
        getattr(discover(), kind)(name)
    with pytest.raises(PluginError) as raised:
        getattr(plugins, kind)(name)
    assert str(raised.value) == str(expected.value)


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
            "Incomplete does not follow contract 2 of famulus.Architect: add deploy(deployment), "
            "add health(), add shutdown()",
        ),
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


class KindCheck(QualificationCheck):
    type = "kind"

    def refuse(self, worker: Any, run: Any) -> None: ...


#: The hook of each contract, and a class that follows it.
KINDS: dict[type[Any], tuple[str, type[Any]]] = {
    Blueprint: ("blueprints", RowsBlueprint),
    Architect: ("architects", NowhereArchitect),
    Provider: ("providers", CrowdProvider),
    QualificationCheck: ("qualification_checks", KindCheck),
}
CONTRACTS = tuple(KINDS)


def registering(kind: str, cls: type[Any]) -> object:
    """Return a plugin that registers one class."""

    class One:
        """Registers it."""

    def register(self: object) -> list[Any]:
        return [cls]

    name = f"famulus_register_{kind}"
    register.__name__ = name
    setattr(One, name, hookimpl(register))
    return One()


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
            "Old does not follow contract 2 of famulus.Blueprint: change task_page(page) to "
            "task_page(view)",
        ),
        (
            with_method(RowsBlueprint, "read_answers", lambda self, form: None),
            "change read_answers(form) to read_answers(form, attempt)",
        ),
        (
            with_method(RowsBlueprint, "assets", lambda self, folder: ()),
            "change assets(folder) to assets()",
        ),
    ],
)
def test_a_blueprint_that_breaks_the_contract_is_refused_with_what_to_change(
    cls: type[Blueprint], message: str
) -> None:
    assert message in reason(kit_plugins(faulty=registering("blueprints", cls)), "faulty")


@pytest.mark.parametrize(
    ("contract", "option_name", "meant"),
    [
        (Architect, "public_ulr", "public_url"),
        (Architect, "publicurl", "public_url"),
        (Provider, "requester", "requester_name"),
        (Provider, "requestor_name", "requester_name"),
    ],
)
def test_an_option_that_resembles_one_that_core_finds_by_name_is_refused(
    contract: type[Any], option_name: str, meant: str
) -> None:
    kind, fine = KINDS[contract]
    args = make_class("ResemblingArgs", {option_name: option(help="Whose.")}, frozen=True)
    # Beside the option itself, a similar name is meant as it is.
    both = {meant: option(help="Whose."), option_name: option(help="Whose else.")}
    both_args = make_class("BothArgs", both, frozen=True)

    faulty = registering(kind, type("Resembling", (fine,), {"Args": args}))
    deliberate = registering(kind, type("Both", (fine,), {"Args": both_args}))

    assert f"ResemblingArgs has the option {option_name!r}; did you mean {meant!r}" in reason(
        kit_plugins(faulty=faulty), "faulty"
    )
    assert reason(kit_plugins(fine=deliberate), "fine") == ""


def test_a_blueprint_has_options_of_its_own_about_qualifications_and_units() -> None:
    @frozen(kw_only=True)
    class OwnArgs(OnboardingArgs):
        qualification: str | None = option(help="Shown to the worker.")
        units: int = option(help="Shown to the worker.", default=1)

    own = type("Own", (RowsBlueprint,), {"Args": OwnArgs})

    assert "own" in [info.name for info in kit_plugins(own=registering("blueprints", own)).accepted]


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

    assert reason(kit_plugins(fine=registering("blueprints", fitting)), "fine") == ""


async def leave(self: Any, visit: Any, outcome: Any) -> None: ...


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            lambda self, visit: None,
            "change completion(visit) to completion(visit, outcome)",
        ),
        (lambda self, visit, *, outcome: None, "change completion(visit, *, outcome) to "),
        (lambda self, *given, outcome: None, "change completion(*given, outcome) to "),
        (leave, "define completion without async"),
        (property(lambda self: None), "make completion a method, completion(visit, outcome)"),
        ("a code", "make completion a method, completion(visit, outcome)"),
    ],
)
def test_a_method_that_cannot_be_called_as_the_contract_has_it_is_refused(
    method: Any, message: str
) -> None:
    cls = with_method(CrowdProvider, "completion", method)

    refused = reason(kit_plugins(faulty=registering("providers", cls)), "faulty")

    assert f"Old does not follow contract 2 of famulus.Provider: {message}" in refused


class FirstProvider(Provider):
    type = "first"
    Args = CrowdProvider.Args
    problems = CrowdProvider.problems
    arrive = CrowdProvider.arrive

    def completion(self, visit: Any) -> Any: ...  # type: ignore[override]

    def open_places(self, run: Any, places: range) -> None: ...

    def close_places(self, run: Any) -> None: ...

    def sync(self, run: Any, visits: Any) -> Any: ...  # type: ignore[override]

    def decide(self, visit: Any, verdict: Any, note: str) -> Any: ...  # type: ignore[override]


class FirstArchitect(Architect):
    type = "first"
    Args = NowhereArchitect.Args
    problems = NowhereArchitect.problems
    shutdown = NowhereArchitect.shutdown

    def deploy(self, deployment: Any) -> Any:
        return ""

    def is_alive(self) -> bool:
        return True


class FirstBlueprint(RowsBlueprint):
    def onboarding_passed(self, answers: Any) -> bool:  # type: ignore[override]
        return True


class FirstCheck(QualificationCheck):
    type = "first"

    def refuse(self, worker: Any, run_id: int) -> None: ...  # type: ignore[override]


@pytest.mark.parametrize(
    ("kind", "cls", "changes"),
    [
        (
            "providers",
            FirstProvider,
            "change open_places to set_places(run, total), change close_places to "
            "pause_places(run) and end_places(run), change completion(visit) to "
            "completion(visit, outcome), change sync(run, visits) to sync(run, visits, cursor), "
            "change decide(visit, verdict, note) to decide(verdicts)",
        ),
        ("architects", FirstArchitect, "change is_alive to health()"),
        (
            "blueprints",
            FirstBlueprint,
            "change onboarding_passed(answers) to onboarding_passed(answers, attempt)",
        ),
        (
            "qualification_checks",
            FirstCheck,
            "change refuse(worker, run_id) to refuse(worker, run)",
        ),
    ],
)
def test_a_class_for_the_first_contract_is_refused_with_every_change(
    kind: str, cls: type[Any], changes: str
) -> None:
    named = type("Named", (cls,), {"contract": 1})
    plugins = kit_plugins(silent=registering(kind, cls), named=registering(kind, named))

    contract = next(each.__name__ for each in CONTRACTS if issubclass(cls, each))
    assert reason(plugins, "silent") == (
        f"{cls.__name__} does not follow contract 2 of famulus.{contract}: {changes}"
    )
    assert reason(plugins, "named") == (
        f"Named is for contract 1 of famulus.{contract}, and this is 2: {changes}, set contract = 2"
    )


@pytest.mark.parametrize("name", ["open_places", "close_places"])
def test_a_method_of_the_first_contract_that_nothing_replaces_is_refused(name: str) -> None:
    cls = with_method(CrowdProvider, name, lambda self, run: None)

    assert f": change {name} to " in reason(
        kit_plugins(silent=registering("providers", cls)), "silent"
    )


def test_a_class_may_have_a_method_of_the_first_contract_beside_the_one_that_replaces_it() -> None:
    methods = {
        "set_places": lambda self, run, total: None,
        "pause_places": lambda self, run: None,
        "open_places": lambda self, run, places: None,
        "close_places": lambda self, run: None,
    }
    cls = type("Both", (CrowdProvider,), {"type": "both", **methods})

    assert reason(kit_plugins(both=registering("providers", cls)), "both") == ""


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_class_for_a_later_contract_is_refused(contract: type[Any]) -> None:
    kind, cls = KINDS[contract]
    later = type("Later", (cls,), {"type": "later", "contract": 3})

    assert reason(kit_plugins(later=registering(kind, later)), "later") == (
        f"Later is for contract 3 of famulus.{contract.__name__}, and this is 2: install the "
        "version of famulus that it needs"
    )


@pytest.mark.parametrize(
    ("kind", "cls", "name"),
    [
        ("providers", CrowdProvider, "currency"),
        ("providers", CrowdProvider, "default_requester"),
        ("blueprints", RowsBlueprint, "has_onboarding"),
    ],
)
def test_an_attribute_that_is_written_as_a_method_is_refused(
    kind: str, cls: type[Any], name: str
) -> None:
    wrong = with_method(cls, name, lambda self: None)

    assert f": make {name} an attribute, or put @property above it" in reason(
        kit_plugins(wrong=registering(kind, wrong)), "wrong"
    )


def test_what_a_class_between_the_contract_and_the_plugin_asks_for_has_to_be_there() -> None:
    class Between(CrowdProvider):
        @abstractmethod
        def send(self) -> None: ...

    between = type("Between", (Between,), {"type": "between"})

    assert ": add send" in reason(kit_plugins(wrong=registering("providers", between)), "wrong")


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None])
def test_a_batch_size_that_is_no_number_of_items_is_refused(size: Any) -> None:
    cls = type("Bulk", (CrowdProvider,), {"type": "bulk", "batch_size": size})

    refused = reason(kit_plugins(faulty=registering("providers", cls)), "faulty")

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


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("architect", "heroku", "there is no architect 'heroku'; use architect 'local' on a"),
        ("architect", "ec2", "there is no architect 'ec2'; use architect 'local' on a machine"),
        ("provider", "prolific", "there is no provider 'prolific'; it is a package of its own"),
        ("provider", "inhouse", "there is no provider 'inhouse'; use provider 'links' for people"),
        ("blueprint", "static_react_task", "'static_react_task'; use blueprint 'static_task',"),
        ("blueprint", "remote_procedure", "'remote_procedure'; use blueprint 'static_task',"),
        ("blueprint", "parlai_chat", "'parlai_chat'; chats of several workers are not supported"),
    ],
)
def test_a_plugin_of_the_former_system_names_its_replacement_and_no_other(
    kind: str, name: str, words: str
) -> None:
    plugins = kit_plugins()

    with pytest.raises(PluginError) as caught:
        getattr(plugins, kind)(name)

    message = str(caught.value)
    assert words in message
    assert "did you mean" not in message
    assert "installed" not in message
    assert "mock" not in message
    assert ("architect.public_url" in message) == (kind == "architect")


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
