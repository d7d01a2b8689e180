"""Shared state: checked against its blueprint, its JSON fields stored, and restored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import attrs
from attrs import Factory, frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import SPECIFIC, SharedTaskState
from famulus.errors import Problem, UsageError
from famulus.options.option_class import options_of
from famulus.options.requirements import QualificationRequirement
from famulus.options.suggest import did_you_mean

_KEY = "shared_state"
#: types that JSON takes or refuses; values of other types are code
_JSON_TYPES = (dict, list, tuple, set, frozenset, str, bytes, int, float, type(None))


@frozen(kw_only=True)
class StoredState:
    """The JSON fields of a shared state, and the names of the fields that exist only in Python."""

    #: JSON fields by name
    values: dict[str, Any] = Factory(dict)
    #: callbacks (and other objects) that were set, which a resumed run needs again
    callbacks: list[str] = Factory(list)
    #: the data themselves, and other iterables: needed until all of it is loaded
    code: list[str] = Factory(list)


def fitting_state(blueprint: type[Blueprint], given: SharedTaskState | None) -> SharedTaskState:
    """Return a copy of the given state as the blueprint's class; the default if none is given.

    Later assignments to the given state do not change the copy.

    :raises UsageError: when the state is another blueprint's, or the blueprint needs one.
    """
    wanted = blueprint.SharedState
    if isinstance(given, wanted):
        return attrs.evolve(given, **_plain(given))
    if given is not None and type(given) is not SharedTaskState:
        message = f"the blueprint takes {_name(wanted)}, not {_name(type(given))}"
        raise UsageError(Problem(message, key=_KEY))
    try:
        return wanted(**({} if given is None else {**_values(given), **_plain(given)}))
    except Exception as error:  # the blueprint's own validators
        message = f"the blueprint needs {_name(wanted)} from a run script: {error}"
        raise UsageError(Problem(message, key=_KEY)) from error


def stray_attributes(given: SharedTaskState | None) -> list[Problem]:
    """Return a problem for each unknown attribute that was assigned to a shared state."""
    if given is None:
        return []
    known = options_of(type(given))
    return [
        Problem(
            f"a shared state has no field {name!r}{did_you_mean(name, known)}",
            key=f"{_KEY}.{name}",
        )
        for name in vars(given)
        if not (name in known or name.endswith(SPECIFIC) or hasattr(type(given), name))
    ]


def state_problems(state: SharedTaskState) -> list[Problem]:
    """Return a problem for each field that can neither be stored nor be given again."""
    problems = []
    for name, option in options_of(type(state)).items():
        value = getattr(state, option.attribute)
        if option.is_callback and value is not None and not callable(value):
            message = f"has to be a function, not {value!r}"
            problems.append(Problem(message, key=f"{_KEY}.{name}"))
        if option.is_callback or option.is_rows or not isinstance(value, _JSON_TYPES):
            continue
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            problems.append(Problem(f"has to be JSON: {error}", key=f"{_KEY}.{name}"))
    return problems


def store_state(state: SharedTaskState) -> StoredState:
    """Return the fields that are stored, and the names of fields that have to be given again."""
    stored = StoredState()
    for name, option in options_of(type(state)).items():
        value = getattr(state, option.attribute)
        if option.is_callback and (value is None or value is option.field.default):
            continue
        if option.is_rows:
            if value is not None:
                stored.code.append(name)
        elif isinstance(value, _JSON_TYPES):
            stored.values[name] = value
        elif isinstance(value, Iterable) and not callable(value):
            stored.code.append(name)
        else:
            stored.callbacks.append(name)
    return stored


def restore_state(
    blueprint: type[Blueprint],
    stored: StoredState,
    given: SharedTaskState | None,
    run: str,
) -> SharedTaskState:
    """Combine the stored fields with the given functions.

    Stored values win over given ones: the run keeps what it was launched with.

    :raises UsageError: naming every callback that is missing and every field that is unknown now.
    """
    state = fitting_state(blueprint, given)
    present = store_state(state).callbacks
    problems = [
        Problem(_lacking(name, run), key=f"{_KEY}.{name}")
        for name in stored.callbacks
        if name not in present
    ]
    problems += [
        Problem(f"{run} has it, but {_name(type(state))} no longer does", key=f"{_KEY}.{name}")
        for name in stored.values
        if name not in options_of(type(state))
    ]
    if problems:
        raise UsageError(problems)
    return attrs.evolve(state, **stored.values)


def _lacking(name: str, run: str) -> str:
    return (
        f"{run} needs {name}, which was given in Python when it was launched; its run script has "
        "to give it again, or operator.resume(…, shared_state=…) in Python"
    )


def _plain(state: SharedTaskState) -> dict[str, Any]:
    """Return the qualifications of a state as JSON; a provider's own are keyed by its type."""
    qualifications, specific = state.qualifications, state.specific_qualifications
    if isinstance(qualifications, (list, tuple)):
        qualifications = [
            each.as_dict() if isinstance(each, QualificationRequirement) else each
            for each in qualifications
        ]
    assigned = {
        name.removesuffix(SPECIFIC): value
        for name, value in vars(state).items()
        if name.endswith(SPECIFIC)
    }
    if assigned and isinstance(specific, dict):
        specific = {**specific, **assigned}
    return {"qualifications": qualifications, "specific_qualifications": specific}


def _values(state: SharedTaskState) -> dict[str, Any]:
    options = options_of(type(state))
    return {name: getattr(state, each.attribute) for name, each in options.items()}


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
