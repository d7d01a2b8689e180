"""The one description of an attrs class of options: a record for each option."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Union, get_args, get_origin

import attrs
from attrs import frozen

from famulus.options.declare import CALLBACK, CHOICES, HELP, REQUIRED, ROWS, SECRET, TRANSLATABLE


@frozen(kw_only=True, eq=False)
class Option:
    """One option of a class: all that is needed to type, describe, store and show it."""

    #: the name in a configuration
    name: str
    #: the attribute of an instance that holds it; differs from the name for ``_private`` ones
    attribute: str
    #: Any if none is given; a text if the annotation cannot be resolved
    type: Any
    help: str
    #: the values it is limited to; None for no limit
    choices: Sequence[Any] | None
    #: whether the user has to set it
    required: bool
    #: whether None counts as not set
    refuses_none: bool
    #: whether it is neither stored nor shown
    secret: bool
    #: whether a mapping of languages may take the place of its text
    translatable: bool
    #: whether it is a function, which only Python can give
    is_callback: bool
    #: whether it takes the data
    is_rows: bool
    field: attrs.Attribute[Any]

    @property
    def default(self) -> Any:
        """The value of an unset option; None if it has to be set, or depends on other options.

        Raises the exceptions of the option's factory.
        """
        default: Any = self.field.default
        if not isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            return None if default is attrs.NOTHING else default
        return None if default.takes_self else default.factory()

    @property
    def safe_default(self) -> Any:
        """The default; None if its factory raises."""
        with suppress(Exception):
            return self.default
        return None

    @property
    def nested(self) -> type | None:
        """The class of options that is this option's type; None for other types."""
        members = get_args(self.type) if is_union(self.type) else (self.type,)
        found = [each for each in members if is_option_class(each)]
        return found[0] if len(found) == 1 else None


def options_of(cls: type) -> Mapping[str, Option]:
    """Return the options of an attrs class in order, by the names with which they are set."""
    # A class with wrong annotations can be described; typing refuses it.
    with suppress(Exception):
        attrs.resolve_types(cls)
    return {field.alias or field.name: _option(field) for field in attrs.fields(cls) if field.init}


def is_option_class(annotation: Any) -> bool:
    """Return whether an annotation is a class of options."""
    return isinstance(annotation, type) and attrs.has(annotation)


def is_union(annotation: Any) -> bool:
    """Return whether an annotation is a union, in the old or the new notation."""
    return get_origin(annotation) in (Union, types.UnionType)


def _option(field: attrs.Attribute[Any]) -> Option:
    data = field.metadata
    required = bool(data.get(REQUIRED, False))
    return Option(
        name=field.alias or field.name,
        attribute=field.name,
        type=Any if field.type is None else field.type,
        help=str(data.get(HELP, "")),
        choices=data.get(CHOICES),
        required=required or field.default is attrs.NOTHING,
        refuses_none=required,
        secret=bool(data.get(SECRET, False)),
        translatable=bool(data.get(TRANSLATABLE, False)),
        is_callback=bool(data.get(CALLBACK, False)),
        is_rows=bool(data.get(ROWS, False)),
        field=field,
    )
