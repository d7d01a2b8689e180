"""The harness of one plugin under test: a checked plan, a database and an operator."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, fields, frozen

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.context import RequesterView
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.plan import Plan, SharedTaskState
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView
from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.errors import Problem, UsageError
from famulus.model.database import Database
from famulus.model.schema import PluginSchema
from famulus.operate.lease import LEASE_SECONDS
from famulus.plan import Draft, RunParts, configuration_from_mapping, draft_plan
from famulus.plan.shared_state import fitting_state
from famulus.plugins import Plugins
from famulus.testing.conformance.plugin_calls import explained
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

_TASK = {
    "task_name": "conformance",
    "task_title": "A task",
    "task_description": "Of the conformance kit.",
    "task_reward": "0.10",
    # Scripted workers open several tabs.
    "allowed_concurrent": 0,
}
_REQUESTER = RequesterView(id=1, name="requester", provider_type="")

State = Callable[[], SharedTaskState | None]


@frozen(kw_only=True, eq=False)
class PluginUnderTest:
    """A plugin that registers the classes under test."""

    blueprints: Sequence[type[Blueprint]] = ()
    providers: Sequence[type[Provider]] = ()
    schemas: Sequence[PluginSchema] = ()

    @hookimpl
    def famulus_register_blueprints(self) -> list[type[Blueprint]]:
        """Return the blueprints."""
        return [*self.blueprints]

    @hookimpl
    def famulus_register_architects(self) -> list[type[Architect]]:
        """Return none."""
        return []

    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        """Return the providers."""
        return [*self.providers]

    @hookimpl
    def famulus_register_schemas(self) -> list[PluginSchema]:
        """Return the tables."""
        return [*self.schemas]


def plugins_with(under_test: PluginUnderTest) -> Plugins:
    """Return the kit's plugins and the one under test.

    :raises AssertionError: with core's message, when core refuses the classes.
    """
    plugins = kit_plugins(under_test=under_test)
    [info] = [info for info in plugins.infos if info.name == "under_test"]
    assert not info.refused, f"Core must accept the class, and refuses it: {info.refused}"
    return plugins


def draft(
    plugins: Plugins,
    folder: Path,
    *,
    state: SharedTaskState | None,
    roles: Mapping[str, str],
    options: Mapping[str, Mapping[str, Any]],
) -> Draft:
    """Read a configuration as a launch does, without the checks by plugins.

    :param options: the options of each section; the options of ``task`` are added to the kit's own.
    """
    configuration = {
        "defaults": [{role: type_name} for role, type_name in roles.items()],
        **{section: _without_paths(given) for section, given in options.items()},
        "task": {**_TASK, **options.get("task", {})},
    }
    return draft_plan(configuration_from_mapping(configuration, task_dir=folder), plugins, state)


@define
class PluginHarness:
    """The objects of one valid plan: instances of its plugins, a database, an operator, runs.

    :func:`open_harness` makes it and closes it.
    """

    folder: Path
    plugins: Plugins
    plan: Plan
    #: makes a new shared state, as a run script does each time it runs
    state: State
    clock: MovableClock = field(factory=MovableClock)
    _exits: contextlib.ExitStack = field(factory=contextlib.ExitStack, repr=False)
    _database: Database | None = None
    _rows: list[dict[str, Any]] | None = None
    _operator: ManualOperator | None = None

    @property
    def database(self) -> Database:
        """The database, whose file is created by the first write."""
        if self._database is None:
            self._database = self._exits.enter_context(
                Database(self.folder / "famulus.db", clock=self.clock)
            )
        return self._database

    @property
    def operator(self) -> ManualOperator:
        """An operator without threads of its own."""
        if self._operator is None:
            self._operator = ManualOperator(self.database, plugins=self.plugins)
            self._exits.callback(self._close_operator)
        return self._operator

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The blueprint's data, read from a new state, so that a generator is not consumed."""
        if self._rows is None:
            self._rows = [dict(row) for row in self.blueprint(fresh_state=True).assignments()]
        return self._rows

    def blueprint(self, *, fresh_state: bool = False) -> Blueprint:
        """Make another instance of the plan's blueprint.

        :param fresh_state: whether to give it a new shared state.
        """
        parts = self._parts()
        if fresh_state:
            state = fitting_state(parts.blueprint_class, self.state())
            parts = evolve(parts, plan=evolve(self.plan, shared_state=state))
        return parts.blueprint

    def provider(self) -> Provider:
        """Make another instance of the plan's provider."""
        return self._parts().provider

    def run_view(self) -> RunView:
        """Return a run as the provider's methods get it, without launching one."""
        return RunView(
            id=1,
            key="conformance-1",
            plan=self.plan,
            url="https://tasks.example.org/",
            closes_at=self.clock() + timedelta(days=1),
        )

    def launch(self) -> Gateway:
        """Launch the plan, load all its data and open a gateway."""
        launched = self.operator.launch(self.plan)
        self.operator.load_all(launched)
        return self._open(launched.run_id, self.plan.shared_state)

    def kill(self) -> None:
        """Drop the operator as a crash would: nothing is stopped, and its lease expires."""
        operator, self._operator = self.operator, None
        for managed in operator._threads.going_on():
            if managed.callbacks is not None:
                managed.callbacks.close()
        self.clock.advance(LEASE_SECONDS + 1)

    def resume(self, run: int) -> Gateway:
        """Resume a run as another process would, with another operator and gateway."""
        state = self.state()
        launched = self.operator.resume(run, shared_state=state)
        self.operator.load_all(launched)
        return self._open(launched.run_id, state)

    def close(self) -> None:
        """Stop everything that was started."""
        self._exits.close()

    def _open(self, run: int, state: SharedTaskState | None) -> Gateway:
        gateway = open_gateway(self.database, run, plugins=self.plugins, shared_state=state)
        self._exits.callback(gateway.close)
        return gateway

    def _close_operator(self) -> None:
        if self._operator is not None:
            self._operator.close()

    def _parts(self) -> RunParts:
        return RunParts(
            database=self.database, plugins=self.plugins, plan=self.plan, requester=_REQUESTER
        )


@contextlib.contextmanager
def open_harness(
    plugins: Plugins,
    folder: Path,
    *,
    state: State,
    roles: Mapping[str, str],
    options: Mapping[str, Mapping[str, Any]],
    seconds: float,
) -> Iterator[PluginHarness]:
    """Set up a harness for a valid configuration, until the end of a ``with`` block.

    :param seconds: how long the block may take.
    :raises AssertionError: when the configuration cannot even be read, or a method of the plugin
        raises within the block.
    """
    found = draft(plugins, folder, state=state(), roles=roles, options=options)
    assert not found.problems, (
        f"configuration() must return options that core can read:\n{listed(found.problems)}"
    )
    assert found.plan is not None, "configuration() must return options for a plan."
    made = PluginHarness(folder=folder, plugins=plugins, plan=found.plan, state=state)
    with (
        contextlib.closing(made) as harness,
        explained([Blueprint, Provider], seconds=seconds),
    ):
        if plugins.schemas():
            harness.database.prepare(plugins.schemas())
        yield harness


def problems_of(ask: Callable[[Plan], list[Problem]], plan: Plan) -> list[Problem]:
    """Return a plugin's problems, without its warnings.

    :raises AssertionError: when the plugin raises instead of returning them.
    """
    with must_not_raise("problems() must return what is wrong"):
        try:
            return [each for each in ask(plan) if not getattr(each, "warning", False)]
        except UsageError as error:
            return list(error.problems)


@contextlib.contextmanager
def must_not_raise(rule: str) -> Iterator[None]:
    """Turn an exception of a plugin into a failed assertion, whose message begins with ``rule``.

    :raises AssertionError: from the plugin's exception.
    """
    try:
        yield
    except AssertionError:
        raise
    except (Exception, SystemExit) as error:
        raise AssertionError(f"{rule}, and raised {type(error).__name__}: {error}") from error


def listed(problems: Sequence[Problem]) -> str:
    """Return one line per problem."""
    return "\n".join(map(str, problems)) or "(no problems)"


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the size and the modification time of each file in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        found[str(path.relative_to(folder))] = (status.st_size, status.st_mtime_ns)
    return found


def assert_json(value: Any, rule: str) -> None:
    """Assert that a value survives JSON; the message of a failure begins with ``rule``."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise AssertionError(f"{rule}: {error}.") from error
    again = json.loads(text)
    assert again == value, f"{rule}: {value!r} is {again!r} once it is read again."


def assert_same_options(args: Any, stored: Any) -> None:
    """Assert that options are the same once they are stored; a failure names those that are not."""
    changed = [
        each.name
        for each in fields(type(args))
        if getattr(args, each.name) != getattr(stored, each.name)
    ]
    assert not changed, (
        "Each field of Args must be the same after it is stored as JSON, from which a serving"
        f" process reads it, and {', '.join(changed)} is not: keep to texts, numbers, booleans,"
        " paths, lists and mappings of them."
    )


def _without_paths(value: Any) -> Any:
    """Turn paths into text, since a configuration has the types of YAML."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _without_paths(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_paths(item) for item in value]
    return value
