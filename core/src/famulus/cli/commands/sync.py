"""``famulus sync`` and ``famulus doctor``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.words import counted
from famulus.model.database import Database
from famulus.model.states import VisitStatus
from famulus.operate.account_delivery import deliver_accounts
from famulus.operate.doctor import read_account_differences, read_differences, read_remarks
from famulus.operate.doctor.difference import Difference
from famulus.operate.manual_sync import SyncReport, sync_now
from famulus.plugins import Plugins, discover


def sync(session: Session, run: int | None, acknowledge: bool) -> None:
    """Ask the platform of run RUN for the status of its visits, and send it what is due."""
    if acknowledge and run is None:
        raise click.UsageError("--acknowledge needs a run")
    plugins = discover()
    left: list[Difference] = []
    with session.open_existing() as database:
        if run is None:
            delivered = deliver_accounts(database, plugins)
            left = read_account_differences(database)
        else:
            delivered = _sync(database, plugins, run, acknowledges=acknowledge)
    for each in left:
        say(session.located(each.what))
    if delivered:
        say(f"Reported {counted(delivered, 'change')} to the platform.")
    elif run is None and not left:
        say("Nothing to report.")


def doctor(session: Session, ctx: click.Context, run: int | None, as_json: bool) -> None:
    """List differences between the platform and the database, and what to do about them."""
    with session.open_existing() as database:
        plugins = discover()
        found = read_differences(database, plugins, run)
        remarks = read_remarks(database, plugins, run)
    if as_json:
        say_json([_json(each, session) for each in found])
    else:
        for each in found:
            _print_difference(each, session)
        for remark in remarks:
            say(remark)
        if not found:
            say("No problems found.")
    if found:
        ctx.exit(1)


def _sync(database: Database, plugins: Plugins, run: int, *, acknowledges: bool) -> int:
    report = sync_now(database, plugins, run, acknowledges=acknowledges)
    if report.was_unserved:
        say(f"No process operates run {run}: its places on the platform are closed.")
    for line in _lines(report):
        say(line)
    if report.acknowledged:
        say(f"Acknowledged {counted(report.acknowledged, 'refused verdict')}.")
    for rows in report.undelivered:
        say(str(rows))
    return report.delivered


def _lines(report: SyncReport) -> Iterator[str]:
    synced = report.synced
    about = counted(synced.asked, "visit") if synced.asked else "the run"
    found = _counts(synced.changed) or "nothing new"
    # What is not new may have been read a moment ago, by the process that operates the run.
    known = _counts(report.visits) if not synced.changed else ""
    yield f"Asked about {about}: {found}{f'; known visits: {known}' if known else ''}."
    yield from synced.contradictions


def _counts(visits: Mapping[VisitStatus, int]) -> str:
    return ", ".join(f"{number:,} {status}" for status, number in visits.items())


def _print_difference(difference: Difference, session: Session) -> None:
    where = difference.subject if difference.run is None else f"run {difference.run}"
    say(f"{where}: {session.located(difference.what)}", hang=2)
    if difference.command:
        # In one line, to be pasted into a shell.
        say(f"  -> {session.command(*difference.command)}", wrap=False)
    if difference.advice:
        say(f"  -> {session.located(difference.advice)}", hang=3)


def _json(difference: Difference, session: Session) -> dict[str, object]:
    return {
        "run": difference.run,
        "what": difference.what,
        "command": session.command(*difference.command) if difference.command else None,
        "advice": difference.advice or None,
    }
