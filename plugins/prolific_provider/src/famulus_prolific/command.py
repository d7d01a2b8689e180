"""``famulus prolific``: messages to the participants of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from famulus import Problem, Session, UsageError, pass_session

if TYPE_CHECKING:
    from famulus import Database, RunRecord
    from famulus_prolific.messages import Messages
    from famulus_prolific.parts import Parts

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group
def prolific() -> None:
    """Prolific: writing to participants."""


@prolific.command(short_help="Send a message to participants of a run.")
@click.argument("run", type=click.IntRange(min=1))
@click.argument("workers", nargs=-1, metavar="[WORKER...]")
@click.option("--all", "to_all", is_flag=True, help="All who have a submission in the run's study.")
@click.option("--text", metavar="TEXT", help="The message.")
@click.option("--file", "file", metavar="FILE", type=_file, help="A file with the message.")
@pass_session
def message(
    session: Session,
    run: int,
    workers: tuple[str, ...],
    to_all: bool,
    text: str | None,
    file: Path | None,
) -> None:
    """Send a message about run RUN to each WORKER, in Prolific's own inbox.

    WORKER is a participant's id. Each call sends the message again.
    """
    problems = []
    if to_all == bool(workers):
        problems.append(Problem("name the workers, or give --all"))
    if (text is None) == (file is None):
        problems.append(Problem("give the message, as --text or as --file"))
    body = (text if file is None else file.read_text(encoding="utf-8")) or ""
    if not problems and not body.strip():
        problems.append(Problem("the message is empty"))
    if problems:
        raise UsageError(problems)
    with session.open_existing() as database:
        messages = _messages(database, run)
        names = messages.participants() if to_all else [*dict.fromkeys(workers)]
        if not names:
            raise UsageError(f"no participant has a submission in run {run} yet")
        messages.send(names, body.strip())
    session.say(f"Sent the message to {len(names)} participant{'s' * (len(names) != 1)}.")


def _messages(database: Database, number: int) -> Messages:
    """Return what sends messages about the study of a run."""
    from famulus import list_runs
    from famulus_prolific.messages import Messages
    from famulus_prolific.schema import SCHEMA

    database.prepare([SCHEMA])
    found = next((each.record for each in list_runs(database) if each.record.id == number), None)
    if found is None:
        raise UsageError(f"there is no run {number}; `famulus runs` lists them")
    if found.provider_type != "prolific":
        raise UsageError(f"the workers of run {number} come from {found.provider_type}")
    parts = _parts(database, found)
    return Messages(api=parts.api, study=parts.study_of(number))


def _parts(database: Database, record: RunRecord) -> Parts:
    from famulus import Context, RequesterView, SharedTaskState
    from famulus_prolific.options import ProlificArgs
    from famulus_prolific.parts import Parts

    options = {name: record.plan["provider"]["args"].get(name) for name in ("api_url", "workspace")}
    requester = RequesterView(
        id=record.requester_id,
        name=record.requester_name,
        provider_type=record.provider_type,
        settings=record.requester_settings,
    )
    context = Context(
        database=database,
        clock=database.clock,
        shared_state=SharedTaskState(),
        requester=requester,
        run_id=record.id,
    )
    return Parts(ProlificArgs(**options), context)
