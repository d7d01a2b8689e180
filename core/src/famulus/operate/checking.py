"""Checking a configuration as a whole, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.context import RequesterView
from famulus.contracts.plan import Plan, SharedTaskState
from famulus.contracts.provider import Provider
from famulus.engine.ledger.charges import Quotes, account_currency, unit_price
from famulus.engine.requesters import choose_requester, read_requesters
from famulus.errors import (
    DatabaseError,
    FamulusError,
    Problem,
    RefusedError,
    UnavailableError,
    UsageError,
    without_warnings,
)
from famulus.model.database import Database
from famulus.model.money import from_minor, to_minor
from famulus.model.signing_keys import check_keys
from famulus.model.tables import TaskTable
from famulus.operate.checking_languages import language_warnings
from famulus.operate.checking_qualifications import qualification_problems, qualification_warnings
from famulus.options.configuration import Configuration
from famulus.options.sections import Sections
from famulus.options.source import ROLES, SECTIONS
from famulus.options.task_config import TaskConfig
from famulus.plan import (
    EVERYTHING,
    Draft,
    RunParts,
    configuration_from_mapping,
    draft_plan,
    read_configuration,
)
from famulus.plugins import Plugins

_REWARD = "task.task_reward"


@frozen(kw_only=True)
class Stored:
    """The stored facts that a plan is checked against."""

    blueprint_type: str | None
    requesters: Sequence[RequesterView]


@frozen(kw_only=True)
class Checked:
    """A plan without problems, and the warnings about it.

    Warnings name options without effect, and settings that its plugins consider doubtful.
    """

    plan: Plan
    warnings: Sequence[Problem]
    #: what its units cost, as far as the provider was asked
    quotes: Quotes = field(factory=Quotes, init=False, eq=False, repr=False)


Configured = Checked | Plan | TaskConfig | Sections | Mapping[str, Any] | str | Path


def read_draft(
    configuration: Configured,
    overrides: Sequence[str],
    plugins: Plugins,
    shared_state: SharedTaskState | None,
) -> Draft:
    """Read a configuration as far as possible; return it with its problems."""
    if isinstance(configuration, Checked):
        configuration = configuration.plan
    if isinstance(configuration, Plan):
        return Draft(plan=configuration, sound=EVERYTHING, problems=(), warnings=())
    return draft_plan(_read(configuration, overrides), plugins, shared_state)


def check_draft(
    draft: Draft, plugins: Plugins, database: Database, *, serving: bool = True
) -> Checked:
    """Return a draft's plan with its warnings.

    :param serving: whether to ask what prevents serving it now.
    :raises famulus.UsageError: with every problem, each with its key, file and line.
    """
    quotes = Quotes()
    found = draft_problems(draft, plugins, database, serving=serving, quotes=quotes)
    problems = without_warnings(found)
    if problems or draft.plan is None:
        raise UsageError(problems)
    doubts = [
        *qualification_warnings(draft.plan, database),
        *language_warnings(draft.plan, plugins),
    ]
    checked = Checked(plan=draft.plan, warnings=[*draft.warnings, *found, *doubts])
    checked.quotes.add(quotes)
    return checked


def _read(
    configuration: TaskConfig | Sections | Mapping[str, Any] | str | Path,
    overrides: Sequence[str],
) -> Configuration:
    if isinstance(configuration, TaskConfig):
        configuration = configuration.famulus
    if isinstance(configuration, Sections):
        return configuration.configuration()
    if isinstance(configuration, Mapping):
        return configuration_from_mapping(configuration, overrides)
    return read_configuration(Path(configuration), overrides)


def draft_problems(
    draft: Draft,
    plugins: Plugins,
    database: Database,
    *,
    serving: bool = True,
    quotes: Quotes | None = None,
) -> list[Problem]:
    """Return all problems of a draft, including those that plugins and the database find.

    Nothing is written. Warnings of plugins are included. Their reports about a section with
    problems are left out, since plugins get its default values instead.

    :param serving: whether to ask what prevents serving it now.
    :param quotes: stores the costs that the provider has quoted.
    :raises famulus.DatabaseError: when the database cannot be used and nothing else is wrong. If
        something else is wrong, the database is one of the problems.
    :raises famulus.UnavailableError: likewise, when the database cannot be reached.
    """
    problems = [*draft.problems, *_key_problems(database)]
    try:
        if database.exists:
            with database.read():
                pass  # opens it
    except (DatabaseError, UnavailableError) as error:
        if not without_warnings(problems):
            raise
        return [*problems, Problem(str(error))]
    if draft.plan is not None:
        unsound = set(SECTIONS) - draft.sound - draft.incomplete
        kept = Quotes() if quotes is None else quotes
        found = plan_problems(draft, draft.plan, plugins, database, serving=serving, quotes=kept)
        problems += [
            problem
            for problem in found
            if problem.key not in draft.unread and f"{problem.key}".partition(".")[0] not in unsound
        ]
    return sorted(problems, key=lambda each: (each.file is None, f"{each.file}", each.line or 0))


def _key_problems(database: Database) -> list[Problem]:
    """Return what is wrong with the keys that sign workers' pages; no file is created."""
    try:
        check_keys(database.location)
    except UsageError as error:
        return list(error.problems)
    except DatabaseError as error:
        return [Problem(str(error))]
    return []


def plan_problems(
    draft: Draft,
    plan: Plan,
    plugins: Plugins,
    database: Database,
    *,
    serving: bool,
    quotes: Quotes,
) -> list[Problem]:
    """Ask the plugins and the database what is wrong with the plan of a draft. Nothing is written.

    An exception of the plugin of an incomplete section is ignored.

    :param serving: whether to ask what prevents serving it now.
    """
    sound = draft.sound
    known = _read_stored(database, plan)
    provider = None if plan.provider.args is None else plugins.provider(plan.provider.type)
    requester, unpaid = _requester(plan, provider, known) if provider else (None, [])
    parts = RunParts(database=database, plugins=plugins, plan=plan, requester=requester)
    problems: list[Problem] = []
    unusable = set()
    for role in ROLES:
        if role in sound:
            try:
                part = getattr(parts, role)
            except UsageError as error:
                problems += error.problems
                unusable.add(role)
                continue
            for ask in _questions(part, serving):
                problems += _asked(role, part.type, partial(ask, plan), sound)
        elif role in draft.incomplete:
            problems += _asked_in_part(parts, role, serving)
    sound -= unusable
    if "blueprint" in sound:
        lanes = partial(_lane_problems, plan, parts.blueprint)
        problems += _asked("blueprint", plan.blueprint.type, lanes, sound)
    problems += _task_problems(plan, known)
    if provider is None:
        return problems
    problems += _address_problems(plan, provider)
    if not any(each.key == _REWARD for each in problems):
        problems += _missing_reward(plan, provider)
    if "provider" in sound:
        # Without its requester, a provider need not know the currency.
        problems += unpaid or _money_problems(parts, quotes)
    return problems + qualification_problems(parts, sound)


def _asked(
    role: str, type_name: str, ask: Callable[[], list[Problem]], sound: frozenset[str]
) -> list[Problem]:
    try:
        return list(ask())
    except UsageError as error:
        return list(error.problems)
    except FamulusError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's bug, of this plan alone
        if sound != EVERYTHING:
            # It has read options of another plugin, which may be missing so far.
            return []
        message = f"the {role} {type_name!r} failed while checking: {type(error).__name__}: {error}"
        return [Problem(message)]


def _questions(part: Any, serving: bool) -> list[Callable[[Plan], list[Problem]]]:
    """Return the methods of a plugin that find problems."""
    asks_serving = serving and isinstance(part, Architect | Provider)
    return [part.problems, part.serving_problems] if asks_serving else [part.problems]


def _asked_in_part(parts: RunParts, role: str, serving: bool) -> list[Problem]:
    """Return a plugin's problems with its own section; none if the plugin raises."""
    try:
        questions = _questions(getattr(parts, role), serving)
        found = [each for ask in questions for each in ask(parts.plan)]
    except (Exception, SystemExit):  # noqa: BLE001 - it may need a wrong option, reported already
        return []
    return [each for each in found if f"{each.key}".startswith(f"{role}.")]


def _lane_problems(plan: Plan, blueprint: Blueprint) -> list[Problem]:
    units = blueprint.units_per_assignment
    if units >= 1:
        return []
    return [
        plan.problem("blueprint.units_per_assignment", f"{units} is less than 1; give 1 or more")
    ]


def _address_problems(plan: Plan, provider: type[Provider]) -> list[Problem]:
    public = getattr(plan.architect.args, "public_url", None) or ""
    if public and not _is_site(public):
        message = f"{public!r} is not an address such as https://tasks.example.org/words/"
        return [plan.problem("architect.public_url", message)]
    if not provider.capabilities.needs_https or public.startswith("https://"):
        return []
    served = f"and {public} is not" if public else "but this run has no such address"
    message = (
        f"{plan.provider.type} shows pages served over HTTPS only, {served}; put a reverse proxy "
        "or a tunnel with HTTPS in front of the run, and give its https:// address here "
        "(docs/how-to/public.md)"
    )
    return [plan.problem("architect.public_url", message)]


def _is_site(text: str) -> bool:
    """Return whether a text is a web address without a query."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for an invalid port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not (parts.query or parts.fragment)
    )


def _missing_reward(plan: Plan, provider: type[Provider]) -> list[Problem]:
    if plan.task.task_reward is not None or not provider.capabilities.pays:
        return []
    message = (
        f"is missing, but {plan.provider.type} pays workers; set it as 'task_reward: …', 0 for "
        "unpaid work"
    )
    return [plan.problem(_REWARD, message)]


def _money_problems(parts: RunParts, quotes: Quotes) -> list[Problem]:
    """Check that amounts are exact in the currency, and that the limit pays for one unit."""
    plan, provider = parts.plan, parts.provider
    try:
        currency = account_currency(provider)
        problems = [
            *_inexact(plan, "task_reward", currency),
            *_inexact(plan, "max_spend", currency),
        ]
        if problems or not plan.task.max_spend:
            return problems
        cost = from_minor(unit_price(parts, quotes).cost, currency)
    except UsageError as error:
        return list(error.problems)
    except (UnavailableError, RefusedError) as error:
        message = f"what a unit costs cannot be compared with task.max_spend now: {error}"
        return [plan.problem("provider", message)]
    most = plan.task.max_spend
    if cost <= most:
        return []
    message = f"{most} {currency} does not pay for one unit, which costs {cost} with fees"
    return [plan.problem("task.max_spend", message)]


def _inexact(plan: Plan, option: str, currency: str) -> list[Problem]:
    try:
        to_minor(getattr(plan.task, option) or Decimal(0), currency)
    except UsageError as error:
        return [plan.problem(f"task.{option}", each.message) for each in error.problems]
    return []


def _task_problems(plan: Plan, known: Stored | None) -> list[Problem]:
    if known is None or known.blueprint_type in (None, plan.blueprint.type):
        return []
    message = (
        f"the task {plan.task_name!r} was run with the blueprint {known.blueprint_type!r}; "
        "its runs share limits and review, so give this one another name"
    )
    return [plan.problem("task.task_name", message)]


def _requester(
    plan: Plan, provider: type[Provider], known: Stored | None
) -> tuple[RequesterView | None, list[Problem]]:
    """Return the requester that will pay, if it is known yet, and the problems with it."""
    try:
        return choose_requester(plan, provider, known.requesters if known else ()), []
    except UsageError as error:
        return None, list(error.problems)


def _read_stored(database: Database, plan: Plan) -> Stored | None:
    if not database.exists:
        return None
    with database.read() as tx:
        task = tx.row(
            TaskTable.select(TaskTable.blueprint_type).where(TaskTable.name == plan.task_name)
        )
        requesters = read_requesters(tx)
    return Stored(
        blueprint_type=task.blueprint_type if task else None,
        requesters=requesters,
    )
