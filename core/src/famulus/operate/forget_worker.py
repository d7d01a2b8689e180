"""Forgetting a worker: in the provider's tables, in core's, and in the files."""

from __future__ import annotations

import shutil

from attrs import frozen

from famulus.contracts.provider import Provider
from famulus.engine.answers import agent_folder
from famulus.engine.forgetting import admit_again, begin_forgetting, forget_rows, forgotten_attempts
from famulus.engine.qualifications.worker_handle import find_or_create_worker
from famulus.engine.requesters import prepare_tables
from famulus.errors import NotFoundError, PluginError, UsageError, as_plugin_error
from famulus.model.database import Database
from famulus.names import pseudonym_of, read_name
from famulus.operate.account_delivery import provider_types_of, stored_provider_types
from famulus.plan import account_provider
from famulus.plugins import Plugins


@frozen(kw_only=True)
class WorkerId:
    """The provider's id of a worker, who may never have come."""

    provider_type: str
    name: str


@frozen(kw_only=True)
class ForgottenWorker:
    """A worker who was forgotten."""

    pseudonym: str
    #: attempts whose answers were removed
    answers: int


def find_worker_id(
    database: Database, plugins: Plugins, name: str, *, provider_type: str | None = None
) -> WorkerId:
    """Return the worker with this id, or the worker whom a provider knows by this name or address.

    An id takes precedence over a name of the same provider: people who register themselves may give
    any name, even another worker's id.

    :param provider_type: the worker's provider; by default, all that the database knows are asked.
    :raises famulus.NotFoundError: when there is none.
    :raises famulus.UsageError: for a name that is not allowed, or that several workers have.
    :raises famulus.PluginError: when a provider is not installed, or raises.
    """
    name = read_name(name, "worker")
    have_come = provider_types_of(database, name)
    types = stored_provider_types(database) if provider_type is None else {provider_type}

    def called(asked: str) -> list[str]:
        try:
            return _called(database, plugins, asked, name)
        except PluginError as error:
            if provider_type is not None or len(types) == 1:
                raise
            raise PluginError(
                f"{error}; --provider asks only the provider that it names"
            ) from error

    found = [
        WorkerId(provider_type=each, name=worker)
        for each in sorted(types)
        for worker in ([name] if each in have_come else called(each))
    ]
    if not found:
        of = f" of {' or '.join(sorted(types))}" if types else ""
        others = sorted(have_come - types)
        elsewhere = f"; there is one of {' and '.join(others)}" if others else ""
        raise NotFoundError(f"there is no worker {name!r}{of}{elsewhere}")
    if len(found) > 1:
        known = ", ".join(f"{each.name} of {each.provider_type}" for each in found)
        raise UsageError(
            f"{name!r} may be one of {known}; name the id and, with --provider, the provider of "
            "the one that is meant"
        )
    return found[0]


def _called(database: Database, plugins: Plugins, provider_type: str, name: str) -> list[str]:
    provider = _provider(database, plugins, provider_type)
    with as_plugin_error(f"the provider {provider_type!r} could not find a worker"):
        found = sorted(set(provider.workers_called(name)))
    return [name] if name in found else found


def _provider(database: Database, plugins: Plugins, provider_type: str) -> Provider:
    cls = plugins.provider(provider_type)
    prepare_tables(database, plugins, cls)
    return account_provider(database, cls, cls.Args(), None)


def forget_worker(
    database: Database, plugins: Plugins, who: WorkerId, *, answers: bool
) -> ForgottenWorker:
    """Replace a worker's name by a pseudonym, here and in the tables of their provider.

    The worker is not admitted once the call has begun. A call that is killed leaves the worker
    blocked; repeating it completes it. Traces that a killed call leaves in files and in the
    database's free space are removed by the next call for any worker.

    :param answers: whether their answers and uploaded files are removed as well.
    :raises famulus.ConflictError: while they are at work, or are owed a decision or a payment.
    :raises famulus.PluginError: when their provider is not installed, or raises.
    """
    provider = _provider(database, plugins, who.provider_type)
    # Stored even if they have never come, so that they cannot come in at the same time.
    worker = find_or_create_worker(database, who.provider_type, who.name, plugins=plugins)
    name, pseudonym = worker.name, pseudonym_of(database.identity, worker.id)
    failed = f"the provider {provider.type!r} could not forget a worker"
    with as_plugin_error(failed):
        texts = tuple(provider.personal_texts(name))
    was_blocked = database.write(
        lambda tx: begin_forgetting(tx, worker.id, name=name, texts=texts, pseudonym=pseudonym)
    )
    try:
        with as_plugin_error(failed):
            provider.forget(name, pseudonym)
        removed = database.write(
            lambda tx: forget_rows(
                tx, worker.id, name=name, pseudonym=pseudonym, blocked=was_blocked, answers=answers
            )
        )
    except Exception:
        if not was_blocked:
            database.write(lambda tx: admit_again(tx, worker.id))
        raise
    with database.read() as tx:
        attempts = forgotten_attempts(tx)
    for run, agent in attempts:
        shutil.rmtree(agent_folder(database.files, run, agent), ignore_errors=True)
    database.compact()
    return ForgottenWorker(pseudonym=pseudonym, answers=removed)
