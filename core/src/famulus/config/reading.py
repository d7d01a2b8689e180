"""Reading a configuration: sources are merged, later ones win, and interpolated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from famulus.config.converting import Origins
from famulus.config.documents import read_document
from famulus.config.layers import Layer, layer_from_overrides, layer_from_tree
from famulus.config.merging import Merged
from famulus.errors import Problem, UsageError

_DEFAULT_ROLES = (("architect", "local"), ("provider", "mock"))


@frozen(kw_only=True)
class Configuration:
    """What the user has said, merged and interpolated, its options not yet typed.

    ``problems`` are the faults found so far: :func:`famulus.planning.drafting.make_plan` raises
    them together with its own. A value that has a problem is not in the ``sections``.
    """

    #: role -> type; without a blueprint when none is named, which is among the problems
    roles: Mapping[str, str]
    #: blueprint, architect, provider and task -> option -> value
    sections: Mapping[str, Mapping[str, Any]]
    task_dir: Path
    file: Path | None
    #: dotted key -> (file, line); ``defaults.<role>`` for the choice of a plugin
    origins: Origins
    #: dotted keys that the command line has set
    overridden: frozenset[str]
    problems: Sequence[Problem]
    warnings: Sequence[Problem]


def read_configuration(
    file: Path, overrides: Iterable[str] = (), *, task_dir: Path | None = None
) -> Configuration:
    """Read a YAML file and the command line's overrides.

    ``task_dir`` is the folder that holds the file, or the one above ``conf/`` or
    ``hydra_configs/conf/``, unless given.

    :raises UsageError: when a file cannot be read as a mapping at all.
    """
    file = file.absolute()
    layers = _with_includes(file, ())
    return _configuration(layers, overrides, task_dir or _task_dir_of(file), file)


def configuration_from_mapping(
    mapping: Mapping[str, Any], overrides: Iterable[str] = (), *, task_dir: Path | None = None
) -> Configuration:
    """Take a configuration made in Python, in the shape of a file's.

    ``task_dir`` is the current working directory unless given.
    """
    layer = layer_from_tree(mapping)
    for name in layer.includes:
        layer.problem("defaults", f"{name!r} is not 'ROLE: TYPE'; a mapping includes no file")
    return _configuration([layer], overrides, task_dir or Path.cwd(), None)


def _task_dir_of(file: Path) -> Path:
    folder = file.parent
    if folder.name != "conf":
        return folder
    return folder.parent.parent if folder.parent.name == "hydra_configs" else folder.parent


def _with_includes(file: Path, parents: tuple[Path, ...]) -> list[Layer]:
    if file in parents:
        raise UsageError(Problem("includes itself, by way of its 'defaults'", file=file))
    document = read_document(file)
    layer = layer_from_tree(document.tree, file=file, lines=document.lines)
    layer.problems[:0] = document.problems
    layers = []
    for name in layer.includes:
        included = file.with_name(f"{name.removesuffix('.yaml')}.yaml")
        layers += _with_includes(included, (*parents, file))
    return [*layers, layer]


def _configuration(
    layers: Sequence[Layer], overrides: Iterable[str], task_dir: Path, file: Path | None
) -> Configuration:
    merged = Merged()
    for layer in layers:
        merged.add(layer)
    for role, name in _DEFAULT_ROLES:
        merged.roles.setdefault(role, name)
    merged.add(layer_from_overrides(overrides), typed=True)
    if "blueprint" not in merged.roles:
        message = "no blueprint is named; write '- blueprint: static_task' under 'defaults:'"
        merged.problems.append(Problem(message, key="defaults", file=file))
    sections = merged.sections(task_dir.absolute())
    return Configuration(
        roles=merged.roles,
        sections=sections,
        task_dir=task_dir.absolute(),
        file=file,
        origins=merged.origins,
        overridden=frozenset(merged.overridden),
        problems=merged.problems,
        warnings=merged.warnings,
    )
