"""``famulus workers``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from famulus.cli.confirm import confirm_removal
from famulus.cli.output import say, say_json
from famulus.cli.provider_choice import (
    ProviderChoice,
    choose_provider,
    deliver,
    read_workers,
)
from famulus.cli.session import Session
from famulus.cli.text_layout import aligned, table
from famulus.cli.words import counted, people
from famulus.contracts.qualification_check import PastWork
from famulus.data.worker_report import WorkerReport, read_worker_report, refused_from
from famulus.engine.qualifications.blocks import set_blocked
from famulus.engine.qualifications.bulk_grants import make_workers
from famulus.engine.qualifications.worker_handle import Grant, Worker, find_worker
from famulus.engine.runs import find_run
from famulus.errors import NotFoundError
from famulus.iso_time import iso
from famulus.model.database import Database
from famulus.model.states import AgentStatus
from famulus.model.transaction import Transaction
from famulus.names import stripped
from famulus.operate.forget_worker import WorkerId, find_worker_id, forget_worker

#: Submissions that are shown; ``--json`` has them all.
_SHOWN = 10


def show(session: Session, worker: str, provider: str | None, as_json: bool) -> None:
    """Show what WORKER has done, their qualifications, and whether they are blocked."""
    with session.open_existing() as database:
        meant = find_worker_id(database, session.plugins, worker, provider_type=provider)
        found = _find_met(database, meant, called=stripped(worker))
        report = read_worker_report(database, found, most=None if as_json else _SHOWN)
    if as_json:
        say_json(_json(report))
        return
    for line in _lines(report):
        say(line)


def refused(session: Session, run: int, as_json: bool) -> None:
    """List the workers whom run RUN refused, and the reason, with more detail than workers see."""
    with session.open_existing() as database:
        find_run(database, run)
        found = refused_from(database, run)
    if as_json:
        listed = [
            {"worker": each.worker_name, "at": iso(each.at), "reason": each.reason, "by": each.by}
            for each in found
        ]
        say_json(listed)
        return
    rows = [
        (each.worker_name, f"{each.at.astimezone():%Y-%m-%d %H:%M}", each.reason, each.by)
        for each in found
    ]
    for line in table([("WORKER", "AT", "REASON", "REFUSED BY"), *rows]) if rows else ():
        say(line)
    if not rows:
        say(f"No worker was refused by run {run}.", err=True)


def block(
    session: Session,
    workers: tuple[str, ...],
    reason: str,
    on_platform: bool,
    provider: str | None,
    requester: str | None,
) -> None:
    """Keep workers from every task, regardless of their qualifications."""
    names = read_workers(workers)
    with choose_provider(session, provider, requester, informs=on_platform) as choice:
        _set(choice, names, blocked=True, reason=reason, on_platform=on_platform)


def unblock(
    session: Session,
    workers: tuple[str, ...],
    reason: str,
    on_platform: bool,
    provider: str | None,
    requester: str | None,
) -> None:
    """Let workers work again."""
    names = read_workers(workers)
    with choose_provider(session, provider, requester, informs=on_platform) as choice:
        for name in names:
            find_worker(choice.database, choice.provider_type, name)
        _set(choice, names, blocked=False, reason=reason, on_platform=on_platform)


def forget(session: Session, name: str, answers: bool, provider: str | None, yes: bool) -> None:
    """Replace the name of a worker by a pseudonym everywhere in the database, for good."""
    plugins = session.plugins
    with session.open_existing() as database:
        meant = find_worker_id(database, plugins, name, provider_type=provider)
        if meant.name != stripped(name):
            # A call that was interrupted may have deleted the name, and can be repeated by the id.
            say(f"{stripped(name)} is {meant.name} of {meant.provider_type}.")
        what = f"{meant.name} and their answers" if answers else meant.name
        confirm_removal(f"Forget {what}? This cannot be undone.", yes=yes)
        done = forget_worker(database, plugins, meant, answers=answers)
        say(f"Forgot the worker, who is {done.pseudonym} from now on.")
        if answers:
            say(f"Removed the answers of {counted(done.answers, 'attempt')}.")
        for copy in database.location.backups():
            say(f"The backup {copy} still has the name; delete it, or keep it safe.", err=True)


def _find_met(database: Database, meant: WorkerId, *, called: str) -> Worker:
    try:
        return find_worker(database, meant.provider_type, meant.name)
    except NotFoundError:
        if meant.name == called:
            raise
        raise NotFoundError(
            f"{called} is {meant.name} of {meant.provider_type}, who has not come yet"
        ) from None


def _set(
    choice: ProviderChoice, names: Sequence[str], *, blocked: bool, reason: str, on_platform: bool
) -> None:
    requesters = choice.requesters if on_platform else ()

    def job(tx: Transaction) -> int:
        numbers, _ = make_workers(tx, choice.provider_type, names)
        return sum(
            set_blocked(tx, worker=each, blocked=blocked, reason=reason, requesters=requesters)
            for each in numbers.values()
        )

    changed = choice.database.write(job)
    rest = len(names) - changed
    if changed:
        word = "Blocked" if blocked else "Unblocked"
        say(f"{word} {counted(changed, 'worker')} of {choice.provider_type}.")
    if rest:
        word = "blocked already" if blocked else "not blocked"
        say(f"{people(rest)} {word}.")
    if on_platform and not requesters:
        say(
            "Nothing was sent to the platform: no requester of "
            f"{choice.provider_type} is registered.",
            err=True,
        )
    deliver(choice)


def _lines(report: WorkerReport) -> Iterator[str]:
    worker = report.worker
    facts = [
        ("Worker", f"{worker.name} of {worker.provider_type}"),
        ("First seen", f"{report.first_seen.astimezone():%Y-%m-%d %H:%M}"),
    ]
    if report.blocked:
        facts.append(("Blocked", report.block_reason or "without a reason"))
    yield from aligned(facts)
    yield ""
    if report.grants:
        head = ("QUALIFICATION", "VALUE", "GRANTED")
        yield from table([head, *map(_grant, report.grants)])
    else:
        yield "No qualifications."
    yield ""
    if report.attempts:
        tasks = [(task, _counts(found)) for task, found in report.attempts.items()]
        yield from table([("TASK", "UNITS"), *tasks])
    else:
        yield "No units yet."
    if report.newest:
        yield ""
        columns = ("SUBMITTED", "TASK", "RUN", "UNIT", "STATUS")
        yield from table([columns, *map(_work, report.newest)])


def _grant(each: Grant) -> tuple[str, ...]:
    granted = f"{each.granted_at.astimezone():%Y-%m-%d %H:%M}"
    return (each.qualification_name, str(each.value), granted)


def _work(each: PastWork) -> tuple[str, ...]:
    late = ", late" if each.late else ""
    at = f"{each.submitted_at.astimezone():%Y-%m-%d %H:%M}"
    return (at, each.task_name, str(each.run_id), str(each.unit_id), f"{each.status}{late}")


def _counts(found: Mapping[AgentStatus, int]) -> str:
    return ", ".join(f"{found[each]:,} {_shown(each)}" for each in AgentStatus if each in found)


def _shown(status: AgentStatus) -> str:
    return "at work" if status is AgentStatus.IN_TASK else status.value


def _json(report: WorkerReport) -> dict[str, Any]:
    return {
        "worker": report.worker.name,
        "provider": report.worker.provider_type,
        "first_seen": iso(report.first_seen),
        "blocked": report.blocked,
        "block_reason": report.block_reason or None,
        "qualifications": [
            {
                "name": each.qualification_name,
                "value": each.value,
                "granted_at": iso(each.granted_at),
            }
            for each in report.grants
        ],
        "tasks": report.attempts,
        "submissions": [
            {
                "task": each.task_name,
                "run": each.run_id,
                "unit": each.unit_id,
                "status": each.status,
                "late": each.late,
                "submitted_at": iso(each.submitted_at),
            }
            for each in report.newest
        ],
    }
