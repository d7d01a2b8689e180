"""The stored form of a plan: complete and resolved JSON without secrets; and the way back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from famulus.contracts.plan import Plan, Role, ScriptCall, SharedTaskState
from famulus.errors import Problem, UsageError
from famulus.options.convert import structure
from famulus.options.option_values import secrets_of, unstructure
from famulus.options.scalars import Typed
from famulus.options.source import ROLES
from famulus.options.task_args import TaskArgs
from famulus.plan.draft import PluginLookup, find_classes
from famulus.plan.secret_values import secret_variable, secrets_in_environment
from famulus.plan.shared_state import StoredState, restore_state, store_state

_FORMAT = 1


def stored_plan(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON.

    ``secrets`` (dotted keys), ``shared_state.callbacks`` and ``shared_state.code`` (field names)
    list what was set but is not stored.
    """
    roles = {role: getattr(plan, role) for role in ROLES}
    return {
        "format": _FORMAT,
        "task_dir": str(plan.task_dir),
        "task": unstructure(plan.task),
        **{
            role: {"type": chosen.type, "args": unstructure(chosen.args)}
            for role, chosen in roles.items()
        },
        "shared_state": attrs.asdict(store_state(plan.shared_state), recurse=False),
        "shared_state_given": plan.shared_state_given,
        "script": None if plan.script is None else unstructure(plan.script),
        "secrets": sorted(
            key for role, chosen in roles.items() for key in secrets_of(chosen.args, role)
        ),
    }


def plan_from_stored(
    stored: Mapping[str, Any],
    plugins: PluginLookup,
    shared_state: SharedTaskState | None = None,
    *,
    secrets: Mapping[str, str] | None = None,
    run: str = "this run",
) -> Plan:
    """Return the plan a run was launched with.

    ``shared_state`` has the callables, and ``secrets`` the secrets by dotted key; those that are
    not given come from the environment. ``run`` is the run's name in messages.

    :raises UsageError: with every missing callback, secret and plugin, and every option that the
        installed plugins do not accept.
    """
    if stored.get("format") != _FORMAT:
        raise UsageError(f"the configuration of {run} was stored by another version of Famulus")
    known = {**secrets_in_environment(stored["secrets"]), **(secrets or {})}
    given = {key: value for key, value in known.items() if key in stored["secrets"]}
    classes, problems = find_classes({role: stored[role]["type"] for role in ROLES}, plugins, {})
    lacking = [key for key in stored["secrets"] if key not in given]
    problems += [
        Problem(
            f"{run} needs this secret again, since secrets are not stored; set "
            f"{secret_variable(key)} in the environment",
            key=key,
        )
        for key in lacking
    ]
    made: dict[str, Any] = {}
    for section, cls, raw in (
        ("task", TaskArgs, stored["task"]),
        *((role, cls.Args, stored[role]["args"]) for role, cls in classes.items()),
    ):
        made[section], found = structure(
            cls,
            _with_secrets(raw, section, given),
            prefix=section,
            origins={},
            task_dir=Path(stored["task_dir"]),
        )
        problems += [problem for problem in found if problem.key not in lacking]
    state = None
    if "blueprint" in classes:
        try:
            kept = StoredState(**stored["shared_state"])
            state = restore_state(classes["blueprint"], kept, shared_state, run)
        except UsageError as error:
            problems += error.problems
    if problems or state is None:
        raise UsageError(problems)
    roles = {role: Role(type=stored[role]["type"], args=made[role]) for role in ROLES}
    return Plan(
        task=made["task"],
        blueprint=roles["blueprint"],
        architect=roles["architect"],
        provider=roles["provider"],
        shared_state=state,
        task_dir=Path(stored["task_dir"]),
        shared_state_given=shared_state is not None or stored["shared_state_given"],
    )


def stored_callbacks(stored: Mapping[str, Any]) -> list[str]:
    """Return the names of the callbacks that a run was launched with."""
    return list(stored["shared_state"]["callbacks"])


def stored_script(stored: Mapping[str, Any]) -> ScriptCall | None:
    """Return the command of the run script that launched a run; None for other launches."""
    raw = stored.get("script")
    if raw is None:
        return None
    call, _ = structure(ScriptCall, raw, prefix="script", origins={}, task_dir=Path(raw["folder"]))
    return call


def stored_code(stored: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields whose data came from Python and are not stored."""
    return list(stored["shared_state"]["code"])


def _with_secrets(options: Mapping[str, Any], section: str, secrets: Mapping[str, str]) -> Any:
    filled = copy.deepcopy(dict(options))
    for key, value in secrets.items():
        first, *parents, name = key.split(".")
        if first != section:
            continue
        node: Any = filled
        for parent in parents:
            node = node[int(parent) if isinstance(node, list) else parent]
        node[name] = Typed(value)
    return filled
