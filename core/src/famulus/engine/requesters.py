"""Requesters: registering and listing them, and the choice of the requester that pays for a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee
from attrs import frozen

from famulus.contracts.context import RequesterView
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.errors import FamulusError, PluginError, Problem, UsageError
from famulus.model.database import Database
from famulus.model.statements import Statement
from famulus.model.tables import RequesterTable, TaskRunTable
from famulus.model.transaction import Row, Transaction
from famulus.names import name_fault, stripped
from famulus.options.convert import structure
from famulus.options.option_values import secrets_of
from famulus.options.suggest import did_you_mean
from famulus.plan import RunParts, account_provider
from famulus.plugins import Plugins, discover

#: The option of a provider that names the account.
KEY = "provider.requester_name"

#: A shorter secret would be found by chance inside unrelated values.
_SHORTEST_SECRET = 6

_ALL = Statement(RequesterTable.select().order_by(RequesterTable.name))


@frozen(kw_only=True)
class RequesterSummary:
    """A requester in a list."""

    id: int
    name: str
    provider_type: str
    #: whether its provider is a sandbox; None when that provider is not installed
    sandbox: bool | None
    settings: Mapping[str, Any]
    registered_at: datetime
    runs: int


def register_requester(
    database: Database,
    provider_type: str,
    name: str,
    /,
    *,
    plugins: Plugins | None = None,
    **args: Any,
) -> RequesterView:
    """Have the provider verify an account, and store the settings that it returns.

    Registering an account again replaces its settings. Secrets are not stored: the provider leaves
    them where the tools of its platform keep them.

    :param args: the options of the provider's ``RequesterArgs``.
    :raises famulus.PluginError: when there is no such provider.
    :raises famulus.UsageError: when options are wrong, or the platform refuses the account; nothing
        is stored then.
    """
    plugins = discover() if plugins is None else plugins
    cls = plugins.provider(provider_type)
    made, problems = read_requester_args(cls, args)
    problems = [*name_problems(name), *problems]
    if problems:
        raise UsageError(problems)
    name = stripped(name)
    prepare_tables(database, plugins, cls)
    known = find_requester(database, provider_type, name)
    provider = account_provider(database, cls, cls.Args(), known)
    settings = _settings(provider, name, made)
    return database.write(lambda tx: _store(tx, provider_type, name, settings))


def read_requester_args(
    provider: type[Provider], args: Mapping[str, Any]
) -> tuple[Any, Sequence[Problem]]:
    """Return the typed options of a registration, and the problems with them."""
    return structure(provider.RequesterArgs, args, prefix="", origins={}, task_dir=Path.cwd())


def name_problems(name: str) -> list[Problem]:
    """Return the problems with the name of a requester."""
    fault = name_fault(name)
    return [] if fault is None else [Problem(fault, key="name")]


def list_requesters(
    database: Database, *, plugins: Plugins | None = None
) -> list[RequesterSummary]:
    """Return all requesters by provider and name, including those that a launch created."""
    if not database.exists:
        return []
    plugins = discover() if plugins is None else plugins
    sandboxes = {
        cls.type: cls.capabilities.sandbox for info in plugins.accepted for cls in info.providers
    }
    count = TaskRunTable.select(
        TaskRunTable.requester, peewee.fn.COUNT(TaskRunTable.id).alias("runs")
    )
    query = RequesterTable.select().order_by(RequesterTable.provider_type, RequesterTable.name)
    with database.read() as tx:
        counts = tx.rows(count.group_by(TaskRunTable.requester))
        rows = tx.rows(query)
    runs = {row.requester_id: int(row.runs) for row in counts}
    return [
        RequesterSummary(
            id=row.id,
            name=row.name,
            provider_type=row.provider_type,
            sandbox=sandboxes.get(row.provider_type),
            settings=row.settings,
            registered_at=row.created_at,
            runs=runs.get(row.id, 0),
        )
        for row in rows
    ]


def find_requester(database: Database, provider_type: str, name: str) -> RequesterView | None:
    """Return a requester of one provider, or None."""
    if not database.exists:
        return None
    with database.read() as tx:
        return _find(tx, provider_type, name)


def read_requesters(tx: Transaction) -> list[RequesterView]:
    """Return the requesters of all providers."""
    return [requester_view(row) for row in tx.rows_of(_ALL)]


def choose_requester(
    plan: Plan, provider: type[Provider], known: Iterable[RequesterView]
) -> RequesterView | None:
    """Return the requester that pays for a run; None if the provider's default is to be created.

    The plan may name it. Otherwise it is the provider's default, or the provider's only requester.

    :param known: the requesters of all providers.
    :raises famulus.UsageError: when it is not registered with this provider, or is not named
        although there are several.
    """
    known = list(known)
    mine = {each.name: each for each in known if each.provider_type == plan.provider.type}
    name = chosen_name(plan, provider)
    if name is None:
        if len(mine) == 1:
            return next(iter(mine.values()))
        raise UsageError(plan.problem(KEY, _which(plan.provider.type, mine)))
    if name in mine:
        return mine[name]
    elsewhere = sorted(each.provider_type for each in known if each.name == name)
    if elsewhere:
        message = (
            f"the requester {name!r} is registered with {' and '.join(elsewhere)}, but this run's "
            f"provider is {plan.provider.type}; name one of {plan.provider.type}, or change the "
            "provider"
        )
        raise UsageError(plan.problem(KEY, message))
    if provider.default_requester is not None:
        return None
    near = did_you_mean(name, mine, otherwise="registered")
    message = (
        f"there is no requester {name!r} of {plan.provider.type}{near or _how(plan.provider.type)}"
    )
    raise UsageError(plan.problem(KEY, message))


def plan_parts(database: Database, plugins: Plugins, plan: Plan) -> RunParts:
    """Return the plugins of a plan, with the requester that pays if it is known yet.

    :raises famulus.UsageError: like :func:`choose_requester`.
    """
    requester = None
    if database.exists:
        with database.read() as tx:
            known = read_requesters(tx)
        requester = choose_requester(plan, plugins.provider(plan.provider.type), known)
    return RunParts(database=database, plugins=plugins, plan=plan, requester=requester)


def chosen_name(plan: Plan, provider: type[Provider]) -> str | None:
    """Return the name of the requester that pays, if the plan or its provider names one."""
    named: str | None = getattr(plan.provider.args, "requester_name", None)
    return stripped(named or "") or provider.default_requester


def prepare_tables(database: Database, plugins: Plugins, provider: type[Provider]) -> None:
    """Migrate the tables of the plugin that a provider belongs to."""
    for info in plugins.accepted:
        # Without tables of its own there is nothing to prepare: no database is created for it.
        if provider in info.providers and info.schemas:
            database.prepare(info.schemas)


def requester_view(row: Row) -> RequesterView:
    """Make a provider's view of a requester's row."""
    return RequesterView(
        id=row.id, name=row.name, provider_type=row.provider_type, settings=row.settings
    )


def _which(provider_type: str, mine: Iterable[str]) -> str:
    names = ", ".join(sorted(mine))
    if not names:
        return f"no requester of {provider_type} is registered{_how(provider_type)}"
    return f"name the requester of {provider_type} that pays: {names}"


def _how(provider_type: str) -> str:
    return f"; `famulus register {provider_type} name=NAME` registers one"


def _settings(provider: Provider, name: str, args: Any) -> dict[str, Any]:
    """Have the provider verify the account; return the settings to store."""
    secrets = {key.lstrip("."): str(value) for key, value in secrets_of(args, "").items()}
    try:
        settings = provider.register(name, args)
        text = json.dumps(dict(settings), allow_nan=False)
    except FamulusError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party code
        # A plugin may put the secret itself into the exception.
        shown = "" if _found(secrets, str(error)) else f": {error}"
        raise PluginError(
            f"the provider {provider.type!r} failed to register {name!r}: "
            f"{type(error).__name__}{shown}"
        ) from (error if shown else None)
    kept: dict[str, Any] = json.loads(text)
    leaked = {key for leaf in _leaves(kept) for key in _found(secrets, leaf)}
    if leaked:
        raise PluginError(
            f"the provider {provider.type!r} returns the secret {', '.join(sorted(leaked))} among "
            "the settings to store; secrets are never stored, and nothing was registered"
        )
    return kept


def _found(secrets: Mapping[str, str], text: str) -> list[str]:
    """Return the keys of the secrets that occur in a text."""
    return [
        key
        for key, secret in secrets.items()
        if secret and (secret == text or (len(secret) >= _SHORTEST_SECRET and secret in text))
    ]


def _leaves(value: Any) -> list[str]:
    match value:
        case dict():
            return [leaf for pair in value.items() for each in pair for leaf in _leaves(each)]
        case list():
            return [leaf for each in value for leaf in _leaves(each)]
    return [str(value)]


def _store(
    tx: Transaction, provider_type: str, name: str, settings: Mapping[str, Any]
) -> RequesterView:
    row = {"provider_type": provider_type, "name": name, "settings": settings}
    tx.execute(RequesterTable.insert(**row, created_at=tx.now).on_conflict_ignore())
    tx.execute(RequesterTable.update(settings=settings).where(*_is(provider_type, name)))
    stored = _find(tx, provider_type, name)
    assert stored is not None
    return stored


def _find(tx: Transaction, provider_type: str, name: str) -> RequesterView | None:
    row = tx.row(RequesterTable.select().where(*_is(provider_type, stripped(name))))
    return None if row is None else requester_view(row)


def _is(provider_type: str, name: str) -> tuple[Any, ...]:
    return (RequesterTable.provider_type == provider_type, RequesterTable.name == name)
