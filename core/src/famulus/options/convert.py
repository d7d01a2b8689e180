"""Typing: from the values of a configuration to classes of options, with all problems at once.

cattrs makes the classes, lists and mappings and collects their errors. Five hooks replace its own,
which accept unfit values (``bool("no")`` is true): for scalars, enums, ``Literal``, unions and
``Any``.
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from cattrs import Converter
from cattrs.cols import list_structure_factory, mapping_structure_factory
from cattrs.errors import BaseValidationError, IterableValidationError, IterableValidationNote

from famulus.errors import Problem
from famulus.options.option_class import is_option_class, is_union, options_of
from famulus.options.option_faults import faults_of, sentence_of
from famulus.options.option_structure import StructureHook, fitting, option_class_hook
from famulus.options.origins import Origins, located
from famulus.options.scalars import (
    FromEnvironment,
    Refused,
    is_null,
    shown,
    to_anything,
    to_decimal,
    to_entries,
    to_float,
    to_items,
    to_nothing,
    to_path,
    to_text,
    to_truth,
    to_whole,
)
from famulus.options.suggest import did_you_mean

T = TypeVar("T")

_SEQUENCES: Mapping[Any, Callable[[list[Any]], Any]] = types.MappingProxyType(
    {
        list: list,
        tuple: tuple,
        set: set,
        frozenset: frozenset,
        collections.abc.Sequence: list,
        collections.abc.Iterable: list,
    }
)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_BY_TYPE: Mapping[type, Callable[[Any], Any]] = types.MappingProxyType(
    {
        bool: to_truth,
        int: to_whole,
        float: to_float,
        str: to_text,
        Decimal: to_decimal,
        type(None): to_nothing,
    }
)


def structure(
    cls: type[T], raw: Mapping[str, Any], *, prefix: str, origins: Origins, task_dir: Path
) -> tuple[T | None, list[Problem]]:
    """Convert one section to its class of options, or return all of its problems.

    ``prefix`` begins the problems' keys (``blueprint``), unless it is empty. Relative paths start
    in ``task_dir``.
    """
    try:
        made: T = make_converter(task_dir).structure(raw, cls)
    except (Refused, BaseValidationError) as error:
        return None, [
            located(".".join(filter(None, (prefix, *path))), message, origins)
            for path, message in faults_of(error)
        ]
    return made, []


def structure_fitting(
    cls: type[T], raw: Mapping[str, Any], broken: Collection[str], *, task_dir: Path
) -> T | None:
    """Convert the options that are not broken; the others have their defaults.

    Return None when the class cannot be constructed without the broken ones.
    """
    kept = {name: value for name, value in raw.items() if name not in broken}
    try:
        return cls(**fitting(make_converter(task_dir), options_of(cls), kept))
    except Exception:  # noqa: BLE001 - a plugin's class
        return None


def fitting_values(cls: type, raw: Mapping[str, Any], *, task_dir: Path) -> dict[str, Any]:
    """Return the value of each option by name: the given one if it fits, else the default.

    Some options may still be missing; :func:`structure` reports the problems.
    """
    options = options_of(cls)
    fit = fitting(make_converter(task_dir), options, raw)
    return {name: fit.get(name, each.default) for name, each in options.items()}


# cattrs writes a function for each class of options, which takes longer than to call it.
@lru_cache(maxsize=4)
def make_converter(task_dir: Path) -> Converter:
    """Return a converter that refuses unfit values; relative paths start in ``task_dir``.

    It raises :class:`Refused` for one value, cattrs' validation errors for several.
    """
    converter = Converter(
        forbid_extra_keys=True, use_alias=True, structure_fallback_factory=_inexpressible
    )
    scalars: dict[type, Callable[[Any], Any]] = {
        **_BY_TYPE,
        Path: partial(to_path, task_dir=task_dir),
    }
    for scalar, make in scalars.items():
        converter.register_structure_hook(scalar, _scalar_hook(make))
    converter.register_structure_hook(Enum, structure_enum)
    converter.register_structure_hook_func(_is_literal, structure_literal)
    converter.register_structure_hook_func(is_union, partial(structure_union, converter))
    converter.register_structure_hook_func(_is_any_type, structure_anything)
    # These check the given value, and leave the rest to cattrs.
    converter.register_structure_hook_factory(_is_sequence, _sequence_hook)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)
    converter.register_structure_hook_factory(is_option_class, option_class_hook)
    return converter


def _scalar_hook(make: Callable[[Any], Any]) -> StructureHook:
    # cattrs dispatches by base classes, so an enum of texts arrives here as a text.
    return lambda raw, cls: structure_enum(raw, cls) if issubclass(cls, Enum) else make(raw)


def structure_enum(raw: Any, cls: type[Enum]) -> Enum:
    """Return the member that a value or a name stands for."""
    if isinstance(raw, cls):
        return raw
    members = {member.value: member for member in cls}
    value = next((value for value in members if _same(raw, value)), None)
    if value is not None:
        return members[value]
    if str(raw) in cls.__members__:
        return cls[str(raw)]
    raise Refused(_not_among(raw, list(members)))


def structure_literal(raw: Any, cls: Any) -> Any:
    """Return the value of a ``Literal`` that the given value stands for."""
    allowed = get_args(cls)
    for value in allowed:
        if _same(raw, value):
            return value
    raise Refused(_not_among(raw, allowed))


def structure_union(converter: Converter, raw: Any, cls: Any) -> Any:
    """Convert to the first member of a union that fits; ``str`` is tried last."""
    members = get_args(cls)
    if type(None) in members and is_null(raw):
        return None
    if str in members and type(raw) in (str, FromEnvironment):
        return str(raw)
    # Most values can be read as a text too, so str comes last.
    others = sorted((each for each in members if each is not type(None)), key=lambda t: t is str)
    errors = list[Exception]()
    for member in others:
        try:
            return converter.structure(raw, member)
        except (Refused, BaseValidationError) as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise Refused("; ".join(dict.fromkeys(map(sentence_of, errors))))


def structure_anything(raw: Any, _: Any) -> Any:
    """Return a value in the type that YAML or Python gives it."""
    return to_anything(raw)


def _is_any_type(cls: Any) -> bool:
    return cls is Any or cls is object


def _is_literal(cls: Any) -> bool:
    return get_origin(cls) is Literal


def _is_sequence(cls: Any) -> bool:
    return (get_origin(cls) or cls) in _SEQUENCES


def _is_mapping(cls: Any) -> bool:
    return (get_origin(cls) or cls) in _MAPPINGS


def _inexpressible(cls: Any) -> StructureHook:
    raise Refused(f"cannot be set in a configuration: its type is {cls}")


def _same(raw: Any, value: Any) -> bool:
    try:
        return bool(_BY_TYPE[type(value)](raw) == value)
    except (KeyError, Refused):
        return False


def _not_among(raw: Any, allowed: Collection[Any]) -> str:
    near = did_you_mean(str(raw), map(str, allowed), otherwise="use one of")
    return f"{shown(raw)} is not allowed{near}"


def _sequence_hook(cls: Any, converter: Converter) -> StructureHook:
    """Return cattrs' hook for lists, preceded by a check: cattrs would split a text."""
    made, args = _SEQUENCES[get_origin(cls) or cls], get_args(cls)
    if made is tuple and args and args[-1] is not Ellipsis:
        return lambda raw, _: _structure_fixed(converter, to_items(raw), args)
    item = args[0] if args else Any
    own = list_structure_factory(list[item], converter)  # type: ignore[valid-type]
    if _is_any_type(item):
        return lambda raw, _: made([to_anything(each) for each in to_items(raw)])
    return lambda raw, _: made(own(to_items(raw), cls))


def _structure_fixed(converter: Converter, items: list[Any], members: tuple[Any, ...]) -> Any:
    """Convert a tuple whose items have different types; cattrs' own hook is private."""
    if len(items) != len(members):
        raise Refused(f"has {len(items)} items where {len(members)} are needed")
    made, errors = [], list[Exception]()
    for index, (item, member) in enumerate(zip(items, members, strict=True)):
        try:
            made.append(converter.structure(item, member))
        except (Refused, BaseValidationError) as error:
            error.add_note(IterableValidationNote(f"item {index}", index, member))
            errors.append(error)
    if errors:
        raise IterableValidationError("while making a tuple", errors, tuple)
    return tuple(made)


def _mapping_hook(cls: Any, converter: Converter) -> StructureHook:
    own = mapping_structure_factory(cls, converter)
    if all(map(_is_any_type, get_args(cls))):
        return lambda raw, _: to_anything(to_entries(raw))
    return lambda raw, _: own(to_entries(raw), cls)
