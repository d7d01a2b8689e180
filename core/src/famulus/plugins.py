"""Discovery of plugins, and the one typed facade through which every hook is called."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pluggy
from attrs import define, field, frozen

from famulus.contracts import hookspecs
from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.class_checks import check_class
from famulus.contracts.hookspecs import PROJECT, RunEvent
from famulus.contracts.provider import Provider
from famulus.contracts.qualification_check import QualificationCheck
from famulus.contracts.task_template import TaskTemplate
from famulus.contracts.views import SubmittedUnit, UnitView, WorkerView
from famulus.errors import PluginError, UsageError
from famulus.model.schema import PluginSchema
from famulus.options.compat import plugin_hint
from famulus.options.suggest import did_you_mean

DISABLED_VARIABLE = "FAMULUS_DISABLED_PLUGINS"

RUN_LAUNCHED = "famulus_run_launched"
RUN_FINISHED = "famulus_run_finished"
UNIT_ASSIGNED = "famulus_unit_assigned"
UNIT_SUBMITTED = "famulus_unit_submitted"
UNIT_REVIEWED = "famulus_unit_reviewed"

C = TypeVar("C")


@define
class PluginInfo:
    """One plugin: its distribution, what it registers, and the reason if it is refused."""

    name: str
    distribution: str = ""
    version: str = ""
    refused: str = ""
    error: BaseException | None = None
    blueprints: list[type[Blueprint]] = field(factory=list)
    architects: list[type[Architect]] = field(factory=list)
    providers: list[type[Provider]] = field(factory=list)
    checks: list[type[QualificationCheck]] = field(factory=list)
    schemas: list[PluginSchema] = field(factory=list)
    templates: list[TaskTemplate] = field(factory=list)
    listens: list[str] = field(factory=list)
    #: duration of its import and registration, or of the attempt
    import_seconds: float = 0.0

    def types(self) -> list[tuple[str, str]]:
        """Return the kind and the name of each type that the plugin registers."""
        kinds: Sequence[tuple[str, Sequence[Any]]] = (
            ("blueprint", self.blueprints),
            ("architect", self.architects),
            ("provider", self.providers),
            ("check", self.checks),
        )
        return [(kind, cls.type) for kind, classes in kinds for cls in classes]

    def registered(self) -> list[str]:
        """Return what the plugin registers, in words."""
        words = [f"{kind} {name}" for kind, name in self.types()]
        words += [f"tables of {schema.name}" for schema in self.schemas]
        if self.templates:
            words.append(f"{len(self.templates)} for `new task`")
        return words + [f"listens to {name}" for name in self.listens]


@frozen(kw_only=True)
class Listener:
    """A receiver of events: one plugin, or a function of a run script.

    Each method calls one hook, and raises what the hook raises.
    """

    name: str
    #: for messages
    label: str
    _hooks: Mapping[str, Callable[..., Any]]

    def implements(self, hook: str) -> bool:
        """Return whether the listener implements a hook."""
        return hook in self._hooks

    def run_launched(self, event: RunEvent) -> None:
        """Call the hook for a run that is open to workers."""
        self._hooks[RUN_LAUNCHED](event=event)

    def unit_assigned(self, event: RunEvent, unit: UnitView, worker: WorkerView) -> None:
        """Call the hook for a unit that was given to a worker."""
        self._hooks[UNIT_ASSIGNED](event=event, unit=unit, worker=worker)

    def unit_submitted(self, event: RunEvent, unit: SubmittedUnit) -> None:
        """Call the hook for answers that were stored."""
        self._hooks[UNIT_SUBMITTED](event=event, unit=unit)

    def unit_reviewed(self, event: RunEvent, unit: SubmittedUnit, decision: str) -> None:
        """Call the hook for a reviewer's decision."""
        self._hooks[UNIT_REVIEWED](event=event, unit=unit, decision=decision)

    def run_finished(self, event: RunEvent) -> None:
        """Call the hook for a run that is over for good."""
        self._hooks[RUN_FINISHED](event=event)


class Plugins:
    """The plugins of one session.

    Made by :func:`famulus.discover`, or by a program that adds its own plugins.
    """

    def __init__(self) -> None:
        self.infos: list[PluginInfo] = []
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)

    def add(self, name: str, plugin: object, *, distribution: str = "", version: str = "") -> None:
        """Register one plugin. A faulty one is listed with the reason and affects no other."""
        self._admit(PluginInfo(name, distribution, version), lambda: plugin)

    def refuse(self, info: PluginInfo, error: BaseException) -> None:
        """Unregister a plugin and keep the reason."""
        info.refused = _reason(error)
        info.error = error
        if self._manager.has_plugin(info.name) and self._of_that_name(info) is None:
            self._manager.unregister(name=info.name)

    @property
    def accepted(self) -> list[PluginInfo]:
        """The plugins that are in use."""
        return [info for info in self.infos if not info.refused]

    def blueprint(self, type_name: str) -> type[Blueprint]:
        """Return a blueprint's class by its type name.

        :raises famulus.PluginError: when it is unknown, claimed twice, or its plugin was refused.
        """
        return self._find("blueprint", type_name, lambda info: info.blueprints)

    def architect(self, type_name: str) -> type[Architect]:
        """Return an architect's class by its type name; raises like :meth:`blueprint`."""
        return self._find("architect", type_name, lambda info: info.architects)

    def provider(self, type_name: str) -> type[Provider]:
        """Return a provider's class by its type name; raises like :meth:`blueprint`."""
        return self._find("provider", type_name, lambda info: info.providers)

    def checks(self) -> list[type[QualificationCheck]]:
        """Return every qualification check."""
        return [check for info in self.accepted for check in info.checks]

    def conflicts(self) -> dict[tuple[str, str], list[PluginInfo]]:
        """Return the types that more than one plugin registers, with these plugins."""
        found: dict[tuple[str, str], list[PluginInfo]] = {}
        for info in self.accepted:
            for each in info.types():
                found.setdefault(each, []).append(info)
        return {each: infos for each, infos in found.items() if len(infos) > 1}

    def schemas(self) -> list[PluginSchema]:
        """Return every plugin's own tables."""
        return [schema for info in self.accepted for schema in info.schemas]

    def task_templates(self) -> list[TaskTemplate]:
        """Return every task that can be copied, by name."""
        found = [template for info in self.accepted for template in info.templates]
        return sorted(found, key=lambda template: template.name)

    def task_template(self, name: str) -> TaskTemplate:
        """Return a task that can be copied by its name.

        :raises famulus.UsageError: when it is unknown.
        :raises famulus.PluginError: when it is claimed twice.
        """
        found = [(info, each) for info in self.accepted for each in info.templates]
        named = [(info, each) for info, each in found if each.name == name]
        if len(named) > 1:
            raise PluginError(conflict_text("task template", name, [info for info, _ in named]))
        if named:
            return named[0][1]
        known = sorted(each.name for _, each in found)
        near = did_you_mean(name, known, otherwise="installed")
        raise UsageError(f"there is no task template {name!r}{near}")

    def _admit(
        self, info: PluginInfo, load: Callable[[], object], hooks: Collection[str] = ()
    ) -> None:
        """List a plugin, and load and register it unless it is disabled or faulty.

        :param hooks: if given, a plugin's types are only collected if it implements one of these
            hooks.
        """
        self.infos.append(info)
        if info.name in _disabled():
            info.refused = f"disabled by {DISABLED_VARIABLE}"
            return
        started = time.perf_counter()
        try:
            plugin = load()
            self._check_name(info)
            self._register(info, plugin, hooks)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; raised at use
            self.refuse(info, error)
        info.import_seconds = time.perf_counter() - started

    def _of_that_name(self, info: PluginInfo) -> PluginInfo | None:
        """Return the accepted plugin that has the same name as another one."""
        named = (each for each in self.accepted if each.name == info.name and each is not info)
        return next(named, None)

    def _check_name(self, info: PluginInfo) -> None:
        first = self._of_that_name(info)
        if first is not None:
            raise PluginError(
                f"the distributions {first.distribution!r} and {info.distribution!r} both bring a "
                f"plugin named {info.name!r}; uninstall one"
            )

    def _register(self, info: PluginInfo, plugin: object, hooks: Collection[str]) -> None:
        self._manager.register(plugin, name=info.name)
        callers = self._manager.get_hookcallers(plugin) or []
        _check_hooks(callers)
        if hooks and all(caller.name not in hooks for caller in callers):
            return
        info.blueprints = self._collect(info, "famulus_register_blueprints", Blueprint)
        info.architects = self._collect(info, "famulus_register_architects", Architect)
        info.providers = self._collect(info, "famulus_register_providers", Provider)
        info.checks = self._collect(
            info, "famulus_register_qualification_checks", QualificationCheck
        )
        info.schemas = self._call_one(info, "famulus_register_schemas")
        info.templates = self._call_one(info, "famulus_register_task_templates")
        _check_templates(info.templates)
        info.listens = [
            caller.name for caller in callers if not caller.name.startswith("famulus_register_")
        ]
        if not callers:
            raise PluginError("it implements no hook; mark its functions with @famulus.hookimpl")

    def _collect(self, info: PluginInfo, hook: str, contract: type[Any]) -> list[Any]:
        classes = self._call_one(info, hook)
        for cls in classes:
            check_class(cls, contract, hook)
        return classes

    def _call_one(self, info: PluginInfo, hook: str) -> list[Any]:
        """Call a hook of one plugin alone, so that the plugin of each item is known."""
        results = []
        for result in self._caller_of(info, hook)():
            if not isinstance(result, list):
                raise PluginError(f"{hook} returned {result!r}; it has to return a list")
            results.extend(result)
        return results

    def _caller_of(self, info: PluginInfo, hook: str) -> Callable[..., Any]:
        """Return a function that calls a hook of one plugin alone."""
        registered = self._manager.list_name_plugin()
        others = [plugin for name, plugin in registered if name != info.name]
        return self._manager.subset_hook_caller(hook, others)

    def _find(
        self, kind: str, type_name: str, of: Callable[[PluginInfo], list[type[C]]]
    ) -> type[C]:
        found = [
            (info, cls)
            for info in self.accepted
            for cls in of(info)
            if getattr(cls, "type", None) == type_name
        ]
        if len(found) > 1:
            raise PluginError(conflict_text(kind, type_name, [info for info, _ in found]))
        if found:
            return found[0][1]
        raise self._missing(kind, type_name, of)

    def _missing(
        self, kind: str, type_name: str, of: Callable[[PluginInfo], list[type[Any]]]
    ) -> PluginError:
        known = sorted(cls.type for info in self.accepted for cls in of(info))
        for info in self.infos:
            named = type_name in {info.name, *(cls.type for cls in of(info))}
            if info.refused and named:
                error = PluginError(
                    f"the plugin {info.name!r} ({info.distribution or 'no distribution'}) "
                    f"cannot be used: {info.refused}"
                )
                error.__cause__ = info.error
                return error
        refused = [info.name for info in self.infos if info.refused]
        listed = f"; refused: {', '.join(refused)} (see `famulus plugins`)" if refused else ""
        hint = plugin_hint(kind, type_name)
        remedy = (
            did_you_mean(type_name, known, otherwise="installed") if hint is None else f"; {hint}"
        )
        return PluginError(f"there is no {kind} {type_name!r}{remedy}{listed}")


def conflict_text(kind: str, type_name: str, infos: Iterable[PluginInfo]) -> str:
    """Return the sentence about a type that several plugins register."""
    names = " and ".join(f"{info.name!r}" for info in infos)
    return (
        f"the {kind} {type_name!r} is claimed by the plugins {names}; "
        f"disable one with {DISABLED_VARIABLE}"
    )


def listeners_of(plugins: Plugins) -> list[Listener]:
    """Return the plugins that implement a hook of events, each as a listener of its own."""
    return [
        Listener(
            name=info.name,
            label=f"plugin {info.name!r}",
            hooks={hook: plugins._caller_of(info, hook) for hook in info.listens},
        )
        for info in plugins.accepted
        if info.listens
    ]


def discover() -> Plugins:
    """Load every plugin that is installed, by the entry points of the group ``famulus``.

    Output of a plugin during its import and registration goes to standard error, so that it is not
    taken for a part of a command's output.
    """
    plugins = Plugins()
    for entry in _entry_points():
        _admit_entry(plugins, entry)
    return plugins


def discover_types(types: Iterable[tuple[str, str]]) -> Plugins:
    """Load installed plugins until some types are registered.

    For reading a stored run: its types were looked up among all plugins at its launch. Plugins
    named like one of the types are loaded first, then those that share a word with one
    (``static_html`` and ``static_task``); after them, only plugins that register a kind that is
    still missing. A second plugin that registers one of the types may be left out, so that the
    conflict is not noticed.

    :param types: pairs of a kind (``blueprint``, ``architect`` or ``provider``) and a name.
    """
    plugins = Plugins()
    missing = set(types)
    names = {name for _, name in missing}
    words = {word for name in names for word in name.split("_")}

    def is_unlike(entry: importlib.metadata.EntryPoint) -> tuple[bool, bool]:
        return entry.name not in names, words.isdisjoint(entry.name.split("_"))

    for entry in sorted(_entry_points(), key=is_unlike):
        if not missing:
            break
        hooks = {f"famulus_register_{kind}s" for kind, _ in missing}
        missing.difference_update(_admit_entry(plugins, entry, hooks).types())
    return plugins


def _admit_entry(
    plugins: Plugins, entry: importlib.metadata.EntryPoint, hooks: Collection[str] = ()
) -> PluginInfo:
    info = PluginInfo(
        name=entry.name,
        distribution=entry.dist.name if entry.dist else "",
        version=entry.dist.version if entry.dist else "",
    )
    with _printing_to_stderr():
        plugins._admit(info, entry.load, hooks)
    return info


@contextlib.contextmanager
def _printing_to_stderr() -> Iterator[None]:
    with contextlib.redirect_stdout(sys.stderr):
        yield
    # Not every stream that stands in for stderr writes its lines at once; a closed one is None.
    if sys.stderr is not None:
        sys.stderr.flush()


def _entry_points() -> Iterator[importlib.metadata.EntryPoint]:
    found: Iterable[importlib.metadata.EntryPoint] = importlib.metadata.entry_points(group=PROJECT)
    yield from sorted(found, key=lambda entry: entry.name)


def _disabled() -> frozenset[str]:
    text = os.environ.get(DISABLED_VARIABLE, "")
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _check_hooks(callers: Iterable[pluggy.HookCaller]) -> None:
    known = [name for name in vars(hookspecs) if name.startswith("famulus_")]
    for caller in callers:
        is_optional = all(each.optionalhook for each in caller.get_hookimpls())
        if not (caller.has_spec() or is_optional):
            near = did_you_mean(caller.name, known)
            raise PluginError(f"it implements an unknown hook: {caller.name}{near}")


def _check_templates(templates: Iterable[object]) -> None:
    for each in templates:
        if not isinstance(each, TaskTemplate):
            raise PluginError(
                f"famulus_register_task_templates returned {each!r}, which is not a TaskTemplate"
            )
        if not (each.folder / "config.yaml").is_file():
            raise PluginError(
                f"the folder of the task template {each.name!r} has no config.yaml: {each.folder}"
            )


def _reason(error: BaseException) -> str:
    lines = (str(error) or type(error).__name__).splitlines()
    # pluggy names the hook in the first line, and what is wrong with its arguments below.
    is_hook = isinstance(error, pluggy.PluginValidationError)
    first = "; ".join(lines) if is_hook else lines[0]
    return first if isinstance(error, PluginError) else f"{type(error).__name__}: {first}"
