"""From what a user has given to typed options, every problem at once; and back to JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import attrs

from famulus.errors import Problem
from famulus.options.converter import make_converter
from famulus.options.declare import is_secret
from famulus.options.option_classes import default_of, option_fields
from famulus.options.values import Refused

T = TypeVar("T")

#: dotted key -> (file, line); only keys that a file has set
Origins = Mapping[str, tuple[Path, int]]


def structure(
    cls: type[T], raw: Mapping[str, Any], *, prefix: str, origins: Origins, task_dir: Path
) -> tuple[T | None, list[Problem]]:
    """Make an attrs class of options of one section, or return all that is wrong with it.

    ``prefix`` begins the problems' keys (``blueprint``), unless it is empty. Relative paths start
    in ``task_dir``.
    """
    try:
        made: T = make_converter(task_dir).structure(raw, cls)
    except Refused as refused:
        return None, [
            located(".".join(filter(None, (prefix, *path))), message, origins)
            for path, message in refused.refusals
        ]
    return made, []


def fitting_values(cls: type, raw: Mapping[str, Any], *, task_dir: Path) -> dict[str, Any]:
    """Return the value of each option by its name: the given one where it fits, else the default.

    For looking at options of which others may still be missing; :func:`structure` says what is
    wrong with them.
    """
    attrs.resolve_types(cls)
    converter, values = make_converter(task_dir), {}
    for name, field in option_fields(cls).items():
        values[name] = default_of(field)
        if name in raw:
            with contextlib.suppress(Refused):
                values[name] = converter.structure(raw[name], field.type or Any)
    return values


def located(key: str, message: str, origins: Origins) -> Problem:
    """Make a problem of a key, at the line of the nearest key above it that a file has set."""
    nearest = key
    while nearest and nearest not in origins:
        nearest = nearest.rpartition(".")[0]
    file, line = origins.get(nearest, (None, None))
    return Problem(message, key=key, file=file, line=line)


def unstructure(value: Any) -> Any:
    """Return options as JSON that :func:`structure` makes the same options of: money and paths
    are texts, secrets are left out.
    """
    match value:
        case Enum():
            return value.value if type(value.value) in (str, int) else value.name
        case Decimal() | Path():
            return str(value)
        case Mapping():
            return {str(unstructure(key)): unstructure(item) for key, item in value.items()}
        case list() | tuple():
            return [unstructure(item) for item in value]
        case set() | frozenset():
            return sorted(map(unstructure, value), key=repr)
    if not attrs.has(type(value)):
        return value
    return {
        name: unstructure(getattr(value, field.name))
        for name, field in option_fields(type(value)).items()
        if not is_secret(field)
    }


def secrets_of(value: Any, prefix: str) -> dict[str, Any]:
    """Return the secrets that are set, by dotted key: what :func:`unstructure` leaves out."""
    match value:
        case Mapping():
            below = {str(unstructure(name)): item for name, item in value.items()}
        case list() | tuple():
            below = {str(index): item for index, item in enumerate(value)}
        case _ if attrs.has(type(value)):
            return _own_secrets(value, prefix)
        case _:
            return {}
    return {
        key: secret
        for name, item in below.items()
        for key, secret in secrets_of(item, f"{prefix}.{name}").items()
    }


def _own_secrets(value: Any, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in option_fields(type(value)).items():
        key, item = f"{prefix}.{name}", getattr(value, field.name)
        if not is_secret(field):
            found |= secrets_of(item, key)
        elif item is not None:
            found[key] = item
    return found
