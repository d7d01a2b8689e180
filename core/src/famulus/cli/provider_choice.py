"""Which crowd a command about workers means, and telling its platform what has been changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from attrs import frozen

from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.words import counted
from famulus.engine.platform.outbox import OutboxKind
from famulus.engine.providers.bound_provider import deliver_requester
from famulus.errors import FamulusError, Problem, UsageError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, Requester, Worker, literal
from famulus.names import name_fault, stripped
from famulus.options.suggest import did_you_mean
from famulus.plugins import Plugins, discover

F = TypeVar("F", bound=Callable[..., Any])

#: Changes whose telling takes a while.
_MANY = 100
_KINDS = (OutboxKind.QUALIFY.value, OutboxKind.BLOCK.value)


@frozen(kw_only=True)
class Crowd:
    """A provider's workers, and the accounts whose platform hears of changes to them."""

    database: Database
    plugins: Plugins
    provider_type: str
    #: whether qualifications exist on its platform too
    qualifications: bool
    #: by number; the one that was named, or all there are
    requesters: Sequence[int]

    @property
    def told(self) -> Sequence[int]:
        """The accounts that hear of qualifications."""
        return self.requesters if self.qualifications else ()


def crowd_options(command: F) -> F:
    """Add ``--provider`` and ``--requester``."""
    provider = click.option(
        "--provider", metavar="TYPE", help="Whose workers; needed where there are several crowds."
    )
    requester = click.option(
        "--requester",
        metavar="NAME",
        help="The account whose platform is told; needed where there are several.",
    )
    return provider(requester(command))


@contextmanager
def opened_crowd(
    session: Session, provider: str | None, requester: str | None, *, tells: bool = True
) -> Iterator[Crowd]:
    """Open the database and find out which crowd is meant.

    :param tells: whether the platform is to be told anything at all.
    :raises famulus.UsageError: when that has to be said, naming what there is.
    """
    plugins = discover()
    with session.open_database() as database:
        provider_type = provider or _only_provider(database, plugins)
        capabilities = plugins.provider(provider_type).capabilities
        requester = None if requester is None else stripped(requester)
        names = _requesters(database, provider_type)
        if requester is not None and requester not in names:
            near = did_you_mean(requester, names, otherwise="registered")
            message = f"there is no requester {requester!r} of {provider_type}{near}"
            raise UsageError(Problem(message, key="--requester"))
        if requester is None and tells and capabilities.qualifications and len(names) > 1:
            message = f"say which requester of {provider_type} is meant: {', '.join(names)}"
            raise UsageError(Problem(message, key="--requester"))
        chosen = names.values() if requester is None else (names[requester],)
        yield Crowd(
            database=database,
            plugins=plugins,
            provider_type=provider_type,
            qualifications=capabilities.qualifications,
            requesters=tuple(chosen),
        )


def read_workers(names: Iterable[str]) -> Sequence[str]:
    """Return names of workers as they are stored, each once.

    :raises famulus.UsageError: with each that is none.
    """
    names = list(names)
    faults = [fault for name in names if (fault := name_fault(name)) is not None]
    if faults:
        raise UsageError([Problem(fault, key="worker") for fault in faults])
    return list(dict.fromkeys(map(stripped, names)))


def tell(crowd: Crowd) -> None:
    """Send what is due to the platforms, and print what could not be delivered."""
    for requester in crowd.requesters:
        due = len(_tellings(crowd, requester, OutboxStatus.PENDING))
        if not due:
            continue
        if due > _MANY:
            name = crowd.provider_type
            say(f"Telling {name} of {due:,} changes; Ctrl-C leaves the rest for later.")
        refused = len(_tellings(crowd, requester, OutboxStatus.FAILED))
        number = 0
        try:
            number = deliver_requester(crowd.database, crowd.plugins, requester)
        except FamulusError as error:
            say(f"{crowd.provider_type} was told nothing: {error}", err=True)
        failures = _tellings(crowd, requester, OutboxStatus.FAILED)[refused:]
        _say(crowd, number - len(failures), failures, requester)


def _say(crowd: Crowd, told: int, refused: Sequence[str], requester: int) -> None:
    name = crowd.provider_type
    if told:
        say(f"Told {name} of {counted(told, 'change')}.")
    if refused:
        number = counted(len(refused), "change")
        say(f"{name} has refused {number}, which holds here alone: {refused[-1]}", err=True)
    waiting = _tellings(crowd, requester, OutboxStatus.PENDING)
    if waiting:
        say(
            f"{counted(len(waiting), 'change')} could not be told to {name} yet"
            f"{f' ({waiting[-1]})' if waiting[-1] else ''}; the operator of its next run tries "
            "again, and so does the next of these commands.",
            err=True,
        )


def _tellings(crowd: Crowd, requester: int, status: OutboxStatus) -> list[str]:
    """Return the error of each telling of a status, in the order they ended."""
    query = Outbox.select(Outbox.error).where(
        Outbox.requester == requester,
        Outbox.run.is_null(),
        Outbox.status == literal(status),
        Outbox.kind << _KINDS,
    )
    with crowd.database.read() as tx:
        return [str(row.error) for row in tx.rows(query.order_by(Outbox.done_at, Outbox.id))]


def _only_provider(database: Database, plugins: Plugins) -> str:
    """Return the one crowd there is: the one this database knows of, or else that is installed."""
    types: set[str] = set()
    if database.exists:
        with database.read() as tx:
            for table in (Requester, Worker):
                query = table.select(table.provider_type).distinct()
                types |= {row.provider_type for row in tx.rows(query)}
    if not types:
        types = {cls.type for info in plugins.accepted for cls in info.providers}
    if len(types) == 1:
        return types.pop()
    found = ", ".join(sorted(types)) or "none is installed"
    raise UsageError(Problem(f"say whose workers are meant: {found}", key="--provider"))


def _requesters(database: Database, provider_type: str) -> dict[str, int]:
    if not database.exists:
        return {}
    query = Requester.select(Requester.id, Requester.name).where(
        Requester.provider_type == provider_type
    )
    with database.read() as tx:
        return {row.name: int(row.id) for row in tx.rows(query.order_by(Requester.name))}
