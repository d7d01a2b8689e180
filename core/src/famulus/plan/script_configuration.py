"""The configuration of a run script: read, typed, and given to its main function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from famulus.errors import Problem, UsageError
from famulus.options.configuration import Configuration, read_configuration
from famulus.options.option_class import options_of
from famulus.options.sections import sections_of
from famulus.options.source import SECTIONS
from famulus.options.task_args import TaskArgs
from famulus.options.task_config import (
    TaskConfig,
    make_task_config,
    own_arguments,
    read_arguments,
)
from famulus.plan.draft import PluginLookup, draft_plan, find_classes

T = TypeVar("T", bound=TaskConfig)


def read_task_config(
    cls: type[T], file: Path, overrides: Sequence[str], plugins: PluginLookup, *, task_dir: Path
) -> T:
    """Read the configuration of a run script.

    Missing options are no problem yet, since the script may set them before the launch.

    :raises UsageError: with everything that is wrong with the options that are given.
    """
    options = own_arguments(cls)
    configuration = read_configuration(
        file, overrides, task_dir=task_dir, arguments=options_of(options)
    )
    arguments, problems = read_arguments(options, configuration)
    of_sections = draft_plan(configuration, plugins).problems
    if problems or not all(_is_for_later(each, configuration) for each in of_sections):
        raise UsageError([*of_sections, *problems])
    plugin_classes, _ = find_classes(configuration.roles, plugins, configuration.origins)
    classes = {role: plugin.Args for role, plugin in plugin_classes.items()}
    sections = sections_of(configuration, {**classes, "task": TaskArgs})
    return make_task_config(cls, sections, arguments)


def _is_for_later(problem: Problem, configuration: Configuration) -> bool:
    """Return whether a problem is only a missing option, which the script may still set."""
    section, *path = (problem.key or "").split(".")
    if section == "shared_state":
        return True
    if problem in configuration.problems:
        return False
    return section in SECTIONS and bool(path) and path[0] not in configuration.sections[section]
