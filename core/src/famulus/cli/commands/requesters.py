"""``famulus register`` and ``famulus requesters``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from famulus.cli.costs import amount_text
from famulus.cli.output import ask, say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import aligned, table
from famulus.contracts.context import RequesterView
from famulus.contracts.provider import Provider
from famulus.engine.requesters import (
    RequesterSummary,
    find_requester,
    list_requesters,
    name_problems,
    read_requester_args,
    register_requester,
)
from famulus.errors import FamulusError, Problem, UsageError
from famulus.iso_time import iso
from famulus.model.database import Database
from famulus.operate.balance import Balance, read_balance
from famulus.options.option_class import Option, options_of
from famulus.options.scalars import Typed
from famulus.options.suggest import did_you_mean
from famulus.plugins import Plugins, discover

_HEAD = ("NAME", "PROVIDER", "SANDBOX", "REGISTERED", "RUNS")
_NAME = "name"


def register(session: Session, provider: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Register an account that pays for runs: a requester of PROVIDER."""
    plugins = discover()
    cls = plugins.provider(provider)
    given, problems = _given(settings, cls)
    if problems or not sys.stdin.isatty():
        problems += _missing(given, cls)
    if problems:
        raise UsageError(problems)
    given = _asked_for(given, cls)
    name = given.pop(_NAME).text
    with session.open_database() as database:
        was_there = find_requester(database, provider, name) is not None
        registered = register_requester(database, provider, name, plugins=plugins, **given)
        balance = _balance(session, database, plugins, registered)
        listed = list_requesters(database, plugins=plugins) if as_json else ()
    if as_json:
        (summary,) = (each for each in listed if each.id == registered.id)
        say_json({**_json(summary), **_balance_json(balance)})
        return
    verb = "Changed" if was_there else "Registered"
    say(f"{verb} the requester {name} of {provider}.")
    shown = {key: str(each) for key, each in registered.settings.items() if each is not None}
    if balance is not None:
        shown["balance"] = f"{amount_text(balance.amount, balance.currency)} {balance.currency}"
    for line in aligned([(f"  {key}", text) for key, text in shown.items()]):
        say(line)


def requesters(session: Session, as_json: bool) -> None:
    """List the accounts that pay for runs."""
    with session.open_existing() as database:
        found = list_requesters(database)
    if as_json:
        say_json([_json(each) for each in found])
        return
    for line in table([_HEAD, *map(_row, found)]) if found else ():
        say(line)
    if not found:
        hint = session.command("register")
        shown = database.location.shown
        say(f"No requesters yet in {shown}; `{hint} PROVIDER` makes one.", err=True)


def _given(settings: Sequence[str], cls: type[Provider]) -> tuple[dict[str, Typed], list[Problem]]:
    """Return the settings from the command line, and their problems."""
    options = options_of(cls.RequesterArgs)
    given, problems = dict[str, Typed](), list[Problem]()
    for text in settings:
        key, sign, value = text.partition("=")
        if not sign or not key:
            found = "=…" if sign else text
            problems.append(Problem(f"{found!r} is not 'KEY=VALUE', such as name=my-account"))
        elif key in options and options[key].secret:
            problems.append(Problem(_SECRET, key=key))
        elif key != _NAME and key not in options:
            near = did_you_mean(key, (_NAME, *options))
            problems.append(Problem(f"{cls.type} has no such setting{near}", key=key))
        else:
            given[key] = Typed(value)
    for key, typed in given.items():
        problems += _value_problems(cls, key, typed)
    return given, problems


_SECRET = (
    "is a secret, which must not be on the command line: the shell keeps it in its history, and "
    "other users can see it. Leave it out; it is asked for on a terminal"
)


def _value_problems(cls: type[Provider], key: str, value: Typed) -> Sequence[Problem]:
    """Return what is wrong with one value, regardless of the others."""
    if key == _NAME:
        return name_problems(value.text)
    _, problems = read_requester_args(cls, {key: value})
    return [each for each in problems if each.key == key or f"{each.key}".startswith(f"{key}.")]


def _missing(given: Mapping[str, Typed], cls: type[Provider]) -> list[Problem]:
    """Return a problem for each setting that would have to be asked for."""
    problems = [] if _NAME in given else [Problem("is missing; write name=NAME", key=_NAME)]
    for key, option in options_of(cls.RequesterArgs).items():
        if key in given or not option.required:
            continue
        how = "a secret is only asked for on a terminal" if option.secret else f"write {key}=…"
        problems.append(Problem(f"is missing; {how} ({option.help})", key=key))
    return problems


def _asked_for(given: Mapping[str, Typed], cls: type[Provider]) -> dict[str, Typed]:
    """Ask for what is missing.

    An optional secret is asked for too: there is no other way to give it.
    """
    asked = dict(given)
    if _NAME not in asked:
        asked[_NAME] = _ask(cls, _NAME, "Name to register the account under")
    for key, option in options_of(cls.RequesterArgs).items():
        if key in asked or not (option.required or (option.secret and sys.stdin.isatty())):
            continue
        value = _ask(cls, key, " ".join(_question(key, option)), option)
        if value.text or option.required:
            asked[key] = value
    return asked


def _question(key: str, option: Option) -> Iterator[str]:
    yield f"{option.help.removesuffix('.') or key} [{key}]"
    if option.choices:
        yield f"({', '.join(map(str, option.choices))})"
    if not option.required:
        yield "(empty leaves it unset)"


def _ask(cls: type[Provider], key: str, question: str, option: Option | None = None) -> Typed:
    """Ask until the answer is valid."""
    hidden = option is not None and option.secret
    optional = option is not None and not option.required
    while True:
        value = Typed(ask(question, hidden=hidden, optional=optional).strip())
        problems = () if optional and not value.text else _value_problems(cls, key, value)
        if not problems:
            return value
        for problem in problems:
            say(f"  {problem}", err=True)


def _balance(
    session: Session, database: Database, plugins: Plugins, requester: RequesterView
) -> Balance | None:
    """Return what an account that was just registered can spend; warn if that cannot be read."""
    try:
        return read_balance(database, plugins, requester)
    except FamulusError as error:
        session.warn(f"the requester is registered, but its balance cannot be read now: {error}")
        return None


def _balance_json(balance: Balance | None) -> dict[str, str | None]:
    if balance is None:
        return {"balance": None, "currency": None}
    amount = amount_text(balance.amount, balance.currency)
    return {"balance": amount, "currency": balance.currency}


def _row(each: RequesterSummary) -> tuple[str, ...]:
    sandbox = "?" if each.sandbox is None else "yes" if each.sandbox else "no"
    at = f"{each.registered_at.astimezone():%Y-%m-%d %H:%M}"
    return (each.name, each.provider_type, sandbox, at, str(each.runs))


def _json(each: RequesterSummary) -> dict[str, Any]:
    return {
        "name": each.name,
        "provider": each.provider_type,
        "sandbox": each.sandbox,
        "settings": each.settings,
        "registered_at": iso(each.registered_at),
        "runs": each.runs,
    }
