"""Filling an attrs class of options from a mapping, with all that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from famulus.options.declare import choices_of, help_of, is_required, is_secret
from famulus.options.suggest import did_you_mean
from famulus.options.values import Refusal, Refused, shown, to_entries

T = TypeVar("T")
_Structured = Callable[[Any, Any], Any]


def option_fields(cls: type) -> dict[str, attrs.Attribute[Any]]:
    """Return the options of an attrs class by the name they are set with."""
    return {str(field.alias): field for field in attrs.fields(cls) if field.init}


def structure_options(structured: _Structured, raw: Any, cls: type[T]) -> T:
    """Make a ``cls`` of a mapping; ``structured`` makes each value.

    :raises Refused: with every unknown, missing and unfit option.
    """
    if isinstance(raw, cls):
        return raw
    given = {} if raw is None else to_entries(raw)
    try:
        attrs.resolve_types(cls)  # type: ignore[type-var]
    except NameError as error:
        raise Refused(f"the types of {cls.__qualname__} cannot be read: {error}") from error
    fields = option_fields(cls)
    refusals: list[Refusal] = [
        ((str(name),), f"unknown option{did_you_mean(str(name), fields)}")
        for name in given
        if name not in fields
    ]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        try:
            if name in given:
                values[name] = _value(structured, given[name], field)
            elif field.default is attrs.NOTHING or is_required(field):
                raise Refused(_missing(name, field))
        except Refused as refused:
            refusals += refused.below(name)
    if refusals:
        raise Refused([*refusals, *_failed_validators(cls, fields, values)])
    try:
        return cls(**values)
    except Exception as error:
        found = list(_failed_validators(cls, fields, values))
        raise Refused(found or [((), _reason(error))]) from error


def _value(structured: _Structured, raw: Any, field: attrs.Attribute[Any]) -> Any:
    try:
        value = structured(raw, field.type if field.type is not None else Any)
    except Refused as refused:
        raise (_secret() if is_secret(field) else _or_default(refused, raw, field)) from None
    if value is None and is_required(field):
        raise Refused(_missing(str(field.alias), field))
    choices = choices_of(field)
    if choices is not None and value is not None:
        _check_choices(value, choices, field)
    return value


def _missing(name: str, field: attrs.Attribute[Any]) -> str:
    words = help_of(field)
    return f"is missing; set it as '{name}: …'" + (f" ({words})" if words else "")


def _secret() -> Refused:
    return Refused("cannot be used (a secret, not shown here)")


def default_of(field: attrs.Attribute[Any]) -> Any:
    """Return what an option has when it is not set; None when it has to be, or depends on
    others.
    """
    default: Any = field.default
    if not isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return None if default is attrs.NOTHING else default
    return None if default.takes_self else default.factory()


def _or_default(refused: Refused, raw: Any, field: attrs.Attribute[Any]) -> Refused:
    if raw is not None or field.default is attrs.NOTHING:
        return refused
    return Refused(f"{refused}; leave the line out to have the default, {default_of(field)!r}")


def _check_choices(value: Any, choices: Any, field: attrs.Attribute[Any]) -> None:
    items = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    for item in items:
        if item in choices:
            continue
        if is_secret(field):
            raise _secret()
        near = did_you_mean(str(item), map(str, choices), otherwise="use one of")
        raise Refused(f"{shown(item)} is not allowed{near}")


def _failed_validators(
    cls: type, fields: Mapping[str, attrs.Attribute[Any]], values: Mapping[str, Any]
) -> Iterator[Refusal]:
    """Ask the validator of every value, where attrs itself stops at the first that fails.

    They see what attrs shows them: an instance whose fields are set but not yet validated.
    """
    half_made: object = object.__new__(cls)
    failed = set[str]()
    for name, field in fields.items():
        value = values[name] if name in values else default_of(field)
        if field.converter is not None:
            try:
                value = field.converter(value)  # type: ignore[operator]
            except Exception:  # noqa: BLE001 - plugins' code; attrs raises it again
                failed.add(name)
        object.__setattr__(half_made, field.name, value)
    for name, field in fields.items():
        if field.validator is None or name in failed or name not in values:
            continue
        try:
            field.validator(half_made, field, getattr(half_made, field.name))
        except Exception as error:  # noqa: BLE001 - validators are plugins' code
            yield (name,), str(_secret()) if is_secret(field) else _reason(error)


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
