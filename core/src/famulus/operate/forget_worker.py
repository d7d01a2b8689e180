"""Forgetting a worker: in the provider's tables, in core's, and in the files."""

from __future__ import annotations

import shutil

from attrs import frozen

from famulus.engine.answers import agent_folder
from famulus.engine.forgetting import admit_again, begin_forgetting, forget_rows, forgotten_attempts
from famulus.engine.qualifications.worker_handle import Worker
from famulus.engine.requesters import prepare_tables
from famulus.errors import as_plugin_error
from famulus.model.database import Database
from famulus.names import pseudonym_of
from famulus.plan import account_provider
from famulus.plugins import Plugins


@frozen(kw_only=True)
class ForgottenWorker:
    """A worker who was forgotten."""

    pseudonym: str
    #: attempts whose answers were removed
    answers: int


def forget_worker(
    database: Database, plugins: Plugins, worker: Worker, *, answers: bool
) -> ForgottenWorker:
    """Replace a worker's name by a pseudonym, here and in the tables of their provider.

    They are not admitted from the beginning of the call on. One that is killed leaves them blocked,
    and is completed when it is repeated. What it leaves in files and in the database's free space
    is removed by the next call, whichever worker it is for.

    :param answers: whether their answers and uploaded files are removed as well.
    :raises famulus.ConflictError: while they are at work, or are owed a decision or a payment.
    :raises famulus.PluginError: when their provider is not installed, or raises.
    """
    name, pseudonym = worker.name, pseudonym_of(database.identity, worker.id)
    cls = plugins.provider(worker.provider_type)
    prepare_tables(database, plugins, cls)
    provider = account_provider(database, cls, cls.Args(), None)
    failed = f"the provider {cls.type!r} could not forget a worker"
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
