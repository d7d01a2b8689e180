"""Structuring of classes of options: each value by its option, and the validators of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

import attrs
from attrs import NOTHING
from cattrs import Converter, override
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
)
from cattrs.gen import make_dict_structure_fn_from_attrs

from famulus.options.localized import structure_texts
from famulus.options.option_class import Option, options_of
from famulus.options.option_faults import reason_of, sentence_of
from famulus.options.scalars import Refused, is_from_environment, shown, to_entries
from famulus.options.suggest import did_you_mean
from famulus.translation import LocalizedText

#: A function that cattrs calls with a value and its type.
StructureHook = Callable[[Any, Any], Any]


class _Given(dict[str, Any]):
    """The given options of a class; looking up a missing one raises how to set it."""

    def __init__(self, entries: Mapping[str, Any], options: Mapping[str, Option]) -> None:
        super().__init__(entries)
        self._options = options

    def __missing__(self, name: str) -> Any:
        raise _missing(self._options[name])


def option_class_hook(cls: Any, converter: Converter) -> StructureHook:
    """Return cattrs' hook for a class of options; after a failure it runs all validators."""
    options = options_of(cls)
    _check_types(cls, options)
    own = make_dict_structure_fn_from_attrs(
        [_attribute(converter, each) for each in options.values()],
        cls,
        converter,
        _cattrs_use_linecache=False,
    )

    def made(raw: Any, _: Any) -> Any:
        if isinstance(raw, cls):
            return raw
        given = _Given({} if raw is None else to_entries(raw), options)
        try:
            return own(given, cls)
        except ClassValidationError as error:
            unfit, whole = error.group_exceptions()
            errors = [each for each, _ in unfit]
            errors += [each for each in whole if isinstance(each, ForbiddenExtraKeysError)]
            unshown = {
                name: reason
                for name, each in options.items()
                if (reason := _why_unshown(each, given.get(name)))
            }
            fit = fitting(converter, options, given)
            failed = list(_failed_validators(cls, options, fit, unshown))
            errors += failed or [each for each in whole if each not in errors]
            raise error.derive(errors) from error

    return made


def _check_types(cls: type, options: Mapping[str, Option]) -> None:
    if any(isinstance(each.type, str) for each in options.values()):
        try:
            attrs.resolve_types(cls)
        except NameError as error:
            raise Refused(f"the types of {cls.__qualname__} cannot be read: {error}") from error


def _attribute(converter: Converter, option: Option) -> Any:
    """Return an attribute for cattrs; a required one has no default, so that it is looked up."""
    hook = override(struct_hook=partial(_structure_option, converter, option))
    default = NOTHING if option.required else option.field.default
    return option.field.evolve(type=Annotated[option.type, hook], default=default)


def _structure_option(converter: Converter, option: Option, raw: Any, _: Any = None) -> Any:
    try:
        value = _structure_value(converter, option, raw)
    except (Refused, BaseValidationError) as error:
        if option.secret:
            raise Refused(_SECRET) from None
        if raw is None and not option.required:
            remedy = f"leave the line out to have the default, {option.default!r}"
            raise Refused(f"{sentence_of(error)}; {remedy}") from None
        raise
    if value is None and option.refuses_none:
        raise _missing(option)
    if option.choices is not None and value is not None:
        _check_choices(option, value, _why_unshown(option, raw))
    return value


def _structure_value(converter: Converter, option: Option, raw: Any) -> Any:
    if option.translatable and isinstance(raw, LocalizedText):
        return structure_texts(raw.texts)
    if option.translatable and isinstance(raw, Mapping):
        return structure_texts(raw)
    return converter.structure(raw, option.type)


def fitting(
    converter: Converter, options: Mapping[str, Option], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values that fit, by name; validators are not called."""
    values = dict[str, Any]()
    for name, option in options.items():
        if name in given:
            try:
                values[name] = _structure_option(converter, option, given[name])
            except (Refused, BaseValidationError):
                continue
    return values


def _missing(option: Option) -> Refused:
    words = f" ({option.help})" if option.help else ""
    return Refused(f"is missing; set it as '{option.name}: …'{words}")


_SECRET = "cannot be used (a secret, not shown here)"
_FROM_ENVIRONMENT = "cannot be used (a value from the environment, not shown here)"


def _why_unshown(option: Option, raw: Any) -> str | None:
    """Return a message in place of one that would show a secret value; None for other values."""
    if option.secret:
        return _SECRET
    return _FROM_ENVIRONMENT if is_from_environment(raw) else None


def _check_choices(option: Option, value: Any, unshown: str | None) -> None:
    choices = option.choices or ()
    items = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    for item in items:
        if item not in choices:
            near = did_you_mean(str(item), map(str, choices), otherwise="use one of")
            raise Refused(unshown or f"{shown(item)} is not allowed{near}")


def _failed_validators(
    cls: type,
    options: Mapping[str, Option],
    values: Mapping[str, Any],
    unshown: Mapping[str, str],
) -> Iterator[Exception]:
    """Run the validator of every value; attrs itself stops at the first that fails.

    As in attrs, they get an instance whose fields are set but not yet validated.

    :param unshown: messages in place of the validators' own, which could show a secret value.
    """
    half_made: object = object.__new__(cls)
    failed = set[str]()
    for name, option in options.items():
        value = values.get(name, option.safe_default)
        if option.field.converter is not None:
            try:
                value = option.field.converter(value)  # type: ignore[operator]
            except Exception:  # noqa: BLE001 - plugins' code; attrs raises it again
                failed.add(name)
        object.__setattr__(half_made, option.attribute, value)
    for name, option in options.items():
        validate = option.field.validator
        if validate is None or name in failed or name not in values:
            continue
        try:
            validate(half_made, option.field, getattr(half_made, option.attribute))
        except Exception as error:  # noqa: BLE001 - validators are plugins' code
            refused = Refused(unshown.get(name) or reason_of(error))
            refused.add_note(AttributeValidationNote(name, option.attribute, option.type))
            yield refused
