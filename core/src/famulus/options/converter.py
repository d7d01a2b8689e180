"""The one kind of cattrs converter that options go through: strict, and it finds every fault."""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError

from famulus.options.option_classes import structure_options
from famulus.options.suggest import did_you_mean
from famulus.options.values import (
    Refusal,
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
    {bool: to_truth, int: to_whole, float: to_float, str: to_text, type(None): to_nothing}
)


def make_converter(task_dir: Path) -> Converter:
    """Make a converter whose hooks raise :class:`Refused`; relative paths start in ``task_dir``."""
    converter = Converter()
    scalars: dict[type, Callable[[Any], Any]] = {
        **_BY_TYPE,
        Decimal: to_decimal,
        Path: lambda raw: to_path(raw, task_dir),
        Enum: to_anything,
    }
    for scalar, make in scalars.items():
        converter.register_structure_hook(scalar, _scalar_hook(make))

    def structured(raw: Any, cls: Any) -> Any:
        try:
            return converter.structure(raw, cls)
        except StructureHandlerNotFoundError:
            raise Refused(f"cannot be set in a configuration: its type is {cls}") from None
        except BaseValidationError as error:
            raise Refused(f"{shown(raw)} does not fit the type {cls}") from error

    for fits, hook in (
        (_is_anything, lambda raw, _: to_anything(raw)),
        (_is_literal, lambda raw, cls: _among(raw, get_args(cls))),
        (_is_union, lambda raw, cls: _union(structured, raw, get_args(cls))),
        (_is_sequence, lambda raw, cls: _sequence(structured, raw, cls)),
        (_is_mapping, lambda raw, cls: _mapping(structured, raw, cls)),
        (_is_options, lambda raw, cls: structure_options(structured, raw, cls)),
    ):
        converter.register_structure_hook_func(fits, hook)
    return converter


_Structure = Callable[[Any, Any], Any]


def _scalar_hook(make: Callable[[Any], Any]) -> _Structure:
    # An enum of texts comes here as a kind of text, since cattrs goes by the base classes.
    return lambda raw, cls: _enum(raw, cls) if issubclass(cls, Enum) else make(raw)


def _is_anything(cls: Any) -> bool:
    return cls is Any or cls is object


def _is_literal(cls: Any) -> bool:
    return get_origin(cls) is Literal


def _is_union(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType)


def _is_sequence(cls: Any) -> bool:
    return (get_origin(cls) or cls) in _SEQUENCES


def _is_mapping(cls: Any) -> bool:
    return (get_origin(cls) or cls) in _MAPPINGS


def _is_options(cls: Any) -> bool:
    return isinstance(cls, type) and attrs.has(cls)


def _enum(raw: Any, cls: type[Enum]) -> Enum:
    if isinstance(raw, cls):
        return raw
    members = {member.value: member for member in cls}
    value = next((value for value in members if _same(raw, value)), None)
    if value is not None:
        return members[value]
    if str(raw) in cls.__members__:
        return cls[str(raw)]
    raise Refused(_not_among(raw, list(members)))


def _among(raw: Any, allowed: Collection[Any]) -> Any:
    for value in allowed:
        if _same(raw, value):
            return value
    raise Refused(_not_among(raw, allowed))


def _same(raw: Any, value: Any) -> bool:
    try:
        return bool(_BY_TYPE[type(value)](raw) == value)
    except (KeyError, Refused):
        return False


def _not_among(raw: Any, allowed: Collection[Any]) -> str:
    near = did_you_mean(str(raw), map(str, allowed), otherwise="use one of")
    return f"{shown(raw)} is not allowed{near}"


def _union(structured: _Structure, raw: Any, members: tuple[Any, ...]) -> Any:
    if type(None) in members and is_null(raw):
        return None
    if str in members and type(raw) is str:
        return raw
    # Whatever else is given can be read as a text too, so that comes last.
    others = sorted((cls for cls in members if cls is not type(None)), key=lambda cls: cls is str)
    refused = []
    for cls in others:
        try:
            return structured(raw, cls)
        except Refused as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    raise Refused("; ".join(dict.fromkeys(str(error) for error in refused)))


def _sequence(structured: _Structure, raw: Any, cls: Any) -> Any:
    origin, args = get_origin(cls) or cls, get_args(cls)
    items = to_items(raw)
    types_ = _item_types(origin, args, len(items))
    made, refusals = [], list[Refusal]()
    for index, (item, type_) in enumerate(zip(items, types_, strict=True)):
        try:
            made.append(structured(item, type_))
        except Refused as refused:
            refusals += refused.below(str(index))
    if refusals:
        raise Refused(refusals)
    return _SEQUENCES[origin](made)


def _item_types(origin: Any, args: tuple[Any, ...], count: int) -> list[Any]:
    if origin is tuple and args and args[-1] is not Ellipsis:
        if len(args) != count:
            raise Refused(f"has {count} items where {len(args)} are needed")
        return list(args)
    return [args[0] if args else Any] * count


def _mapping(structured: _Structure, raw: Any, cls: Any) -> dict[Any, Any]:
    key_type, value_type = get_args(cls) or (str, Any)
    made, refusals = dict[Any, Any](), list[Refusal]()
    for name, value in to_entries(raw).items():
        try:
            made[structured(name, key_type)] = structured(value, value_type)
        except Refused as refused:
            refusals += refused.below(str(name))
    if refusals:
        raise Refused(refusals)
    return made
