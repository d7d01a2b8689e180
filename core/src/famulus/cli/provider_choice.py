"""The provider whose workers a command is about, and delivery of changes to its platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from attrs import frozen

from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.words import counted
from famulus.errors import Problem, UsageError
from famulus.model.database import Database
from famulus.names import name_fault, stripped
from famulus.operate.account_delivery import (
    AccountDelivery,
    count_due,
    deliver_account,
    requester_numbers,
    stored_provider_types,
)
from famulus.options.suggest import did_you_mean
from famulus.plugins import Plugins, discover

#: Changes that take a while to send.
_MANY = 100


@frozen(kw_only=True)
class ProviderChoice:
    """A provider's workers, and the accounts whose platform is informed of changes."""

    database: Database
    plugins: Plugins
    provider_type: str
    #: whether qualifications exist on its platform too
    qualifications: bool
    #: by number; the one that was named, or all there are
    requesters: Sequence[int]

    @property
    def informed(self) -> Sequence[int]:
        """The accounts that are informed of qualifications."""
        return self.requesters if self.qualifications else ()


@contextmanager
def choose_provider(
    session: Session,
    provider: str | None,
    requester: str | None,
    *,
    informs: bool = True,
) -> Iterator[ProviderChoice]:
    """Open the database and find out which provider's workers are meant.

    :param informs: whether anything is to be sent to the platform.
    :raises famulus.UsageError: when the provider has to be given; the message lists the possible
        ones.
    """
    plugins = discover()
    with session.open_database() as database:
        provider_type = provider or _only_provider(database, plugins)
        capabilities = plugins.provider(provider_type).capabilities
        requester = None if requester is None else stripped(requester)
        names = requester_numbers(database, provider_type)
        if requester is not None and requester not in names:
            near = did_you_mean(requester, names, otherwise="registered")
            message = f"there is no requester {requester!r} of {provider_type}{near}"
            raise UsageError(Problem(message, key="--requester"))
        if requester is None and informs and capabilities.qualifications and len(names) > 1:
            message = f"name the requester of {provider_type} that is meant: {', '.join(names)}"
            raise UsageError(Problem(message, key="--requester"))
        chosen = names.values() if requester is None else (names[requester],)
        yield ProviderChoice(
            database=database,
            plugins=plugins,
            provider_type=provider_type,
            qualifications=capabilities.qualifications,
            requesters=tuple(chosen),
        )


def read_workers(names: Iterable[str]) -> Sequence[str]:
    """Return names of workers as they are stored, each once.

    :raises famulus.UsageError: naming each that is not valid.
    """
    names = list(names)
    faults = [fault for name in names if (fault := name_fault(name)) is not None]
    if faults:
        raise UsageError([Problem(fault, key="worker") for fault in faults])
    return list(dict.fromkeys(map(stripped, names)))


def deliver(choice: ProviderChoice) -> None:
    """Deliver what is due to the platforms, and print what could not be delivered."""
    for requester in choice.requesters:
        due = count_due(choice.database, requester)
        if not due:
            continue
        if due > _MANY:
            name = choice.provider_type
            say(f"Sending {due:,} changes to {name}; Ctrl-C leaves the rest for later.")
        done = deliver_account(choice.database, choice.plugins, requester)
        for line in _problems(done, choice.provider_type):
            say(line, err=True)
        if done.delivered:
            say(f"Sent {counted(done.delivered, 'change')} to {choice.provider_type}.")


def _problems(done: AccountDelivery, name: str) -> Iterator[str]:
    if done.failure:
        yield f"Nothing could be sent to {name}: {done.failure}"
    if done.refused:
        number = counted(len(done.refused), "change")
        yield f"{name} has refused {number}, now in effect only here: {done.refused[-1]}"
    if done.waiting:
        why = f" ({done.waiting[-1]})" if done.waiting[-1] else ""
        yield (
            f"{counted(len(done.waiting), 'change')} could not be sent to {name} yet{why}; the "
            "operator of its next run tries again, and so does the next of these commands."
        )
    if done.elsewhere:
        yield f"The operator of a run is sending {counted(done.elsewhere, 'change')} to {name}."


def _only_provider(database: Database, plugins: Plugins) -> str:
    """Return the only provider that this database knows, or else the only one that is installed.

    :raises famulus.UsageError: when there is not exactly one; the message lists the existing ones.
    """
    types = stored_provider_types(database)
    if not types:
        types = {cls.type for info in plugins.accepted for cls in info.providers}
    if len(types) == 1:
        return types.pop()
    found = ", ".join(sorted(types)) or "none is installed"
    raise UsageError(Problem(f"name the provider of the workers: {found}", key="--provider"))
