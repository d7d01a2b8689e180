"""From a configuration to a plan: plugins are looked up and options typed, with all problems."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from attrs import evolve, frozen

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan, Role, SharedTaskState
from famulus.contracts.provider import Provider
from famulus.errors import PluginError, Problem, UsageError
from famulus.options.compat import (
    FORMER_ROOT,
    RESUMING_OPTION,
    ignored_options,
    native_problem_key,
)
from famulus.options.configuration import Configuration
from famulus.options.convert import structure, structure_fitting
from famulus.options.option_class import options_of
from famulus.options.origins import Origins, located
from famulus.options.scalars import Refused, to_truth
from famulus.options.source import ROLES, SECTIONS
from famulus.options.task_args import TaskArgs
from famulus.plan.shared_state import fitting_state, state_problems, stray_attributes

#: Every section of a plan.
EVERYTHING = frozenset(SECTIONS)


class PluginLookup(Protocol):
    """The part of the plugins that is needed here; each method raises PluginError."""

    def blueprint(self, type_name: str, /) -> type[Blueprint]: ...
    def architect(self, type_name: str, /) -> type[Architect]: ...
    def provider(self, type_name: str, /) -> type[Provider]: ...


@frozen(kw_only=True)
class Draft:
    """A typed plan as far as it can be made, and everything that is wrong with it.

    If there is a ``plan``, its plugins can be asked for further problems, so that all are reported
    at once. Wrong options have their defaults in the plan, and a plugin that is not installed has
    None for its options: nothing may be launched from a draft with ``problems``.
    """

    plan: Plan | None
    #: the sections without problems, other than unknown options
    sound: frozenset[str]
    #: the other sections, of which the options without a problem are in the plan
    incomplete: frozenset[str] = frozenset()
    problems: Sequence[Problem]
    warnings: Sequence[Problem]
    #: options with a problem, and those that a misspelt one was meant to set; what plugins report
    #: about their defaults is left out
    unread: frozenset[str] = frozenset()


def draft_plan(
    configuration: Configuration,
    plugins: PluginLookup,
    shared_state: SharedTaskState | None = None,
) -> Draft:
    """Type what can be typed and collect what is wrong, without raising."""
    drafting = _Drafting(configuration)
    classes = drafting.classes(plugins)
    args = {role: drafting.args(role, cls.Args) for role, cls in classes.items()}
    args["task"] = drafting.args("task", TaskArgs)
    state = drafting.state(classes.get("blueprint"), shared_state)
    plan = None
    if state is not None and all(each is not None for each in args.values()):
        roles = {role: Role(type=configuration.roles[role], args=args.get(role)) for role in ROLES}
        plan = Plan(
            task=args["task"],
            blueprint=roles["blueprint"],
            architect=roles["architect"],
            provider=roles["provider"],
            shared_state=state,
            task_dir=configuration.task_dir,
            origins=configuration.origins,
            shared_state_given=shared_state is not None,
        )
    return Draft(
        plan=plan,
        sound=frozenset(SECTIONS) - drafting.unsound,
        incomplete=frozenset(drafting.incomplete & drafting.unsound),
        problems=sorted(drafting.problems, key=_place),
        warnings=drafting.warnings,
        unread=frozenset(drafting.unread),
    )


class _Drafting:
    """The state of making a plan: the configuration, and the problems so far."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._broken = [
            native_problem_key(problem.key)
            for problem in configuration.problems
            if problem.key is not None
        ]
        self.problems: list[Problem] = [*configuration.problems]
        self.warnings: list[Problem] = [*configuration.warnings]
        self.unread: set[str] = {_option_key(key) for key in self._broken}
        self.incomplete: set[str] = set()
        self.unsound = {
            section
            for section in SECTIONS
            if any(_is_below(key, [section]) or key == FORMER_ROOT for key in self._broken)
        }

    def classes(self, plugins: PluginLookup) -> dict[str, Any]:
        found, problems = find_classes(
            self._configuration.roles, plugins, self._configuration.origins
        )
        self.problems += problems
        self.unsound |= {role for role in ROLES if role not in found}
        return found

    def args(self, section: str, cls: type) -> Any:
        """Return the section's options.

        Options with problems have their defaults. Return None if the class cannot be made without
        these options.
        """
        raw = self._without_ignored(section, cls)
        args: Any
        args, problems = structure(
            cls,
            raw,
            prefix=section,
            origins=self._configuration.origins,
            task_dir=self._configuration.task_dir,
        )
        self.problems += [
            self._without_place(problem)
            for problem in problems
            if not _is_below(problem.key, self._broken)
        ]
        broken = {_option_key(f"{problem.key}") for problem in problems}
        unknown = raw.keys() - options_of(cls).keys()
        near = (difflib.get_close_matches(name, options_of(cls), n=1) for name in unknown)
        self.unread |= broken | {f"{section}.{name}" for names in near for name in names}
        if broken - {f"{section}.{name}" for name in unknown}:
            self.unsound.add(section)
        if problems:
            names = {key.partition(".")[2] for key in broken}
            folder = self._configuration.task_dir
            args = structure_fitting(cls, raw, names, task_dir=folder)
        if args is not None:
            self.incomplete.add(section)
        return _default(cls) if args is None else args

    def state(
        self, blueprint: type[Blueprint] | None, given: SharedTaskState | None
    ) -> SharedTaskState | None:
        """Return a shared state of the blueprint's class."""
        if blueprint is None:
            return None
        try:
            state = fitting_state(blueprint, given)
            problems: Sequence[Problem] = [*stray_attributes(given), *state_problems(state)]
        except UsageError as error:
            state, problems = _default(blueprint.SharedState), error.problems
        self.problems += problems
        if problems:
            self.unsound.add("blueprint")
            self.incomplete.discard("blueprint")
        return state

    def _without_ignored(self, section: str, cls: type) -> dict[str, Any]:
        raw = dict(self._configuration.sections[section])
        for name in sorted(ignored_options(section, options_of(cls)) & raw.keys()):
            value, key = raw.pop(name), f"{section}.{name}"
            if name == RESUMING_OPTION and _is_true(value):
                found, message = self.problems, "does not resume a run; use `famulus resume RUN`"
            else:
                found, message = self.warnings, "has no effect; remove it"
            place = located(key, message, self._configuration.origins)
            found.append(self._without_place(place))
        return raw

    def _without_place(self, problem: Problem) -> Problem:
        """Remove the file's line from a problem of an option that the command line has set."""
        if _is_below(problem.key, self._configuration.overridden):
            return evolve(problem, file=None, line=None)
        return problem


def find_classes(
    roles: Mapping[str, str], plugins: PluginLookup, origins: Origins
) -> tuple[dict[str, Any], list[Problem]]:
    """Look up the class of each named role; return them and a problem for each that is missing."""
    look_up: dict[str, Callable[[str], type]] = {
        "blueprint": plugins.blueprint,
        "architect": plugins.architect,
        "provider": plugins.provider,
    }
    found: dict[str, type] = {}
    problems = []
    for role in ROLES:
        if role not in roles:
            continue
        try:
            found[role] = look_up[role](roles[role])
        except PluginError as error:
            message = "; ".join(each.message for each in error.problems)
            file, line = origins.get(f"defaults.{role}", (None, None))
            problems.append(Problem(message, key=role, file=file, line=line))
    return found, problems


def _option_key(key: str) -> str:
    """Return the key of the option that contains a given key."""
    return ".".join(key.split(".")[:2])


def _is_below(key: str | None, above: Iterable[str]) -> bool:
    """Return whether a key is one of some keys or below one; all keys are below the former root."""
    return any(other == FORMER_ROOT or f"{key}.".startswith(f"{other}.") for other in above)


def _place(problem: Problem) -> tuple[bool, str, int]:
    return problem.file is None, str(problem.file), problem.line or 0


def _is_true(raw: object) -> bool:
    try:
        return to_truth(raw)
    except Refused:
        return False


def _default(cls: type) -> Any:
    try:
        return cls()
    except Exception:  # noqa: BLE001 - a plugin's class; without defaults there is no draft
        return None
