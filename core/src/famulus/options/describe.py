"""Descriptions of classes of options, for help texts and reference pages."""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import attrs
from attrs import frozen

from famulus.options.option_class import Option, is_option_class, is_union, options_of
from famulus.options.scalars import UNSET

_LONGEST_DEFAULT = 60

_WORDS: Mapping[Any, str] = types.MappingProxyType(
    {
        str: "str",
        int: "int",
        float: "float",
        bool: "bool",
        Decimal: "decimal",
        Path: "path",
        Any: "any",
        object: "any",
        type(None): "null",
        collections.abc.Callable: "function",
    }
)
_LISTS = (
    list,
    tuple,
    set,
    frozenset,
    collections.abc.Sequence,
    collections.abc.Iterable,
    collections.abc.Iterator,
)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


@frozen(kw_only=True)
class Described:
    """One option. ``dest`` is its name within its section, dotted if options are nested."""

    dest: str
    type: str
    #: as it is written in YAML (in Python for a shared state); ``???`` when it is not set
    default: str
    help: str
    choices: Sequence[str] = ()
    required: bool = False
    secret: bool = False


def describe_options(cls: type) -> list[Described]:
    """Describe the options of a class, each followed by the options of its nested class."""
    return list(_described(cls, None, "", ()))


def describe_state(cls: type) -> list[Described]:
    """Describe the fields of a shared-state class, which a run script fills in Python."""
    return [
        Described(
            dest=name,
            type=_state_type(option),
            default=_python_words(option.safe_default),
            help=option.help,
        )
        for name, option in options_of(cls).items()
    ]


def type_words(annotation: Any) -> str:
    """Return a type as it is called in YAML, such as ``list of str``.

    None, which stands for an option that is not set, is left out.
    """
    if isinstance(annotation, str):
        return annotation.removesuffix(" | None")
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_words(args[0])
    if is_union(annotation):
        members = [type_words(each) for each in args if each is not type(None)]
        return " or ".join(dict.fromkeys(members))
    if origin is Literal:
        return " or ".join(dict.fromkeys(type_words(type(each)) for each in args))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(dict.fromkeys(type_words(type(_plain(each))) for each in annotation))
    return _of_kind(annotation, origin or annotation, args)


def _type_of(option: Option) -> str:
    words = type_words(option.type)
    return f"{words} or mapping of languages" if option.translatable else words


def _of_kind(annotation: Any, kind: Any, args: Sequence[Any]) -> str:
    if kind in _LISTS:
        items = dict.fromkeys(type_words(each) for each in args if each is not Ellipsis)
        return "list" if list(items) in ([], ["any"]) else f"list of {' and '.join(items)}"
    if kind in _MAPPINGS:
        value = type_words(args[1]) if len(args) > 1 else "any"
        return "mapping" if value == "any" else f"mapping to {value}"
    if is_option_class(kind):
        return "mapping"
    return _WORDS.get(kind) or str(getattr(annotation, "__name__", annotation))


def _described(
    cls: type, instance: object, prefix: str, above: tuple[type, ...]
) -> Iterator[Described]:
    for name, option in options_of(cls).items():
        default = option.safe_default if instance is None else getattr(instance, option.attribute)
        yield Described(
            dest=f"{prefix}{name}",
            type=_type_of(option),
            default=_hidden(default) if option.secret else _yaml_words(default),
            help=option.help,
            choices=_choices(option),
            required=option.required,
            secret=option.secret,
        )
        nested = None if option.secret else option.nested
        if nested is not None and nested not in (cls, *above):
            below = default if isinstance(default, nested) else None
            yield from _described(nested, below, f"{prefix}{name}.", (cls, *above))


def _choices(option: Option) -> Sequence[str]:
    given = _members(option.type) if option.choices is None else option.choices
    return [_yaml_words(each) for each in given]


def _members(annotation: Any) -> list[Any]:
    """Return the values that a type allows, for ``Literal`` and enums."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return list(annotation)
    if isinstance(annotation, str):
        return []
    return [value for each in get_args(annotation) for value in _members(each)]


def _hidden(default: Any) -> str:
    return UNSET if default is None else "(hidden)"


def _yaml_words(value: Any) -> str:
    """Return a value as it is written in YAML, shortened if it is long."""
    return _cut(_yaml_text(value))


def _yaml_text(value: Any) -> str:
    match value:
        case None:
            return UNSET
        case bool():
            return "true" if value else "false"
        case Enum():
            return _yaml_text(_plain(value))
        case "":
            return '""'
        case Mapping():
            pairs = [f"{_yaml_text(key)}: {_yaml_text(each)}" for key, each in value.items()]
            return "{" + ", ".join(pairs) + "}"
        case list() | tuple() | set() | frozenset():
            return f"[{', '.join(map(_yaml_text, value))}]"
    return "{…}" if attrs.has(type(value)) else str(value)


def _plain(member: Enum) -> str | int:
    return member.value if type(member.value) in (str, int) else member.name


def _state_type(option: Option) -> str:
    if option.is_callback:
        return "function"
    return "rows" if option.is_rows else type_words(option.type)


def _python_words(value: Any) -> str:
    return _cut(value.__name__ if isinstance(value, types.FunctionType) else repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_DEFAULT else f"{text[:_LONGEST_DEFAULT]}…"
