"""Reading a configuration: its sources are merged, the later ones winning, and interpolated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from famulus.errors import Problem, UsageError
from famulus.options.command_line import source_from_overrides, split_conf
from famulus.options.compat import task_folder
from famulus.options.conf_files import find_conf, missing_conf, seek_conf
from famulus.options.merge import Merged
from famulus.options.origins import Origins
from famulus.options.profiles import Profile, find_profile, split_profile
from famulus.options.source import SECTIONS, ConfigSource, source_from_tree

_DEFAULT_ROLES = (("architect", "local"), ("provider", "mock"))


@frozen(kw_only=True)
class Configuration:
    """All sources, merged and interpolated; the options are not typed yet.

    ``problems`` are the faults found so far: :func:`famulus.plan.draft.draft_plan` reports
    them together with its own. A value that has a problem is not in the ``sections``.
    """

    #: role -> type; without a blueprint when none is named, which is among the problems
    roles: Mapping[str, str]
    #: blueprint, architect, provider and task -> option -> value
    sections: Mapping[str, Mapping[str, Any]]
    #: a run script's own arguments, those that are set
    arguments: Mapping[str, Any] = Factory(dict)
    task_dir: Path
    file: Path | None
    #: the profile below the file, if one was chosen
    profile: Profile | None = None
    #: dotted key -> (file, line); ``defaults.<role>`` for the choice of a plugin
    origins: Origins
    #: dotted keys that the command line has set
    overridden: frozenset[str]
    problems: Sequence[Problem]
    warnings: Sequence[Problem]


def read_configuration(
    file: Path,
    overrides: Iterable[str] = (),
    *,
    task_dir: Path | None = None,
    arguments: Collection[str] = (),
) -> Configuration:
    """Read a YAML file, and put the command line's overrides over it.

    Among the overrides ``conf=NAME`` picks another file beside it, and ``+profile=NAME`` puts the
    user's profile under it.

    :param task_dir: the folder that holds the file, or the one above ``conf/``, unless given.
    :param arguments: names of a run script's own arguments.

    :raises UsageError: when a file cannot be read as a mapping at all.
    """
    name, overrides = split_conf(overrides)
    file = file.absolute()
    if name is not None:
        file = find_conf([file.parent], name)
    if file.suffix == ".py":
        message = (
            "is a run script, not a YAML file: start it with `python`, which checks it, shows "
            "what it costs and asks before it spends money"
        )
        raise UsageError(Problem(message, file=file))
    profile, overrides = _profile(overrides)
    return _configuration(
        _with_includes(file, (), arguments),
        overrides,
        task_dir or task_folder(file),
        file=file,
        profile=profile,
        arguments=arguments,
    )


def configuration_from_mapping(
    mapping: Mapping[str, Any], overrides: Iterable[str] = (), *, task_dir: Path | None = None
) -> Configuration:
    """Read a configuration that was made in Python, in the layout of a file.

    ``+profile=NAME`` among the overrides puts the user's profile under it.

    :param task_dir: the current working directory unless given.
    """
    profile, overrides = _profile(overrides)
    source = source_from_tree(mapping)
    for name in source.includes:
        source.problem(
            "defaults",
            f"{name!r} is not 'ROLE: TYPE'; only a configuration in a file can include another",
        )
    return _configuration([source], overrides, task_dir or Path.cwd(), profile=profile)


def _profile(overrides: Iterable[str]) -> tuple[Profile | None, list[str]]:
    name, overrides = split_profile(overrides)
    return (None if name is None else find_profile(name)), overrides


def _overruled(
    profile: Sequence[ConfigSource], roles: Mapping[str, str], typed: Mapping[str, str]
) -> Iterator[Problem]:
    """Warn about plugins of a profile that the task's configuration overrules."""
    named = {role: (name, source) for source in profile for role, name in source.roles.items()}
    for role, (name, source) in named.items():
        if roles[role] != name and role not in typed:
            message = (
                f"{role} {name!r} has no effect, since the configuration of the task itself names "
                f"{roles[role]!r}; {role}={name} on the command line chooses it"
            )
            place = source.origins.get(f"defaults.{role}", (source.file, None))
            yield Problem(message, key=role, file=place[0], line=place[1])


def _with_includes(
    file: Path, parents: tuple[Path, ...], arguments: Collection[str]
) -> list[ConfigSource]:
    if file in parents:
        raise UsageError(Problem("includes itself, by way of its 'defaults'", file=file))
    # A serving process and most commands read the stored plan, and no file.
    from famulus.options.yaml_source import read_document

    document = read_document(file)
    source = source_from_tree(document.tree, file=file, lines=document.lines, arguments=arguments)
    source.problems[:0] = document.problems
    sources = []
    for name in source.includes:
        included = seek_conf([file.parent], name)
        if included is None:
            message = missing_conf([file.parent], name)
            line = document.lines.get("defaults")
            raise UsageError(Problem(message, key="defaults", file=file, line=line))
        sources += _with_includes(included, (*parents, file), arguments)
    return [*sources, source]


def _configuration(
    sources: Sequence[ConfigSource],
    overrides: Iterable[str],
    task_dir: Path,
    *,
    file: Path | None = None,
    profile: Profile | None = None,
    arguments: Collection[str] = (),
) -> Configuration:
    typed = source_from_overrides(overrides, arguments=arguments)
    below = [] if profile is None else _with_includes(profile.file, (), arguments)
    merged = Merged()
    for source in (*below, *sources):
        merged.add(source)
    for role, name in _DEFAULT_ROLES:
        merged.roles.setdefault(role, name)
    merged.warnings += _overruled(below, merged.roles, typed.roles)
    merged.add(typed, typed=True)
    if "blueprint" not in merged.roles:
        message = "no blueprint is named; write '- blueprint: static_task' under 'defaults:'"
        merged.problems.append(Problem(message, key="defaults", file=file))
    resolved = merged.resolved(task_dir.absolute())
    return Configuration(
        roles=merged.roles,
        sections={section: resolved[section] for section in SECTIONS},
        arguments={name: resolved[name] for name in arguments if name in resolved},
        task_dir=task_dir.absolute(),
        file=file,
        profile=profile,
        origins=merged.origins,
        overridden=frozenset(merged.overridden),
        problems=merged.problems,
        warnings=merged.warnings,
    )
