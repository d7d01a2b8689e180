"""``famulus prolific``: messages to participants, test participants, and Prolific's filters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from famulus import Problem, Session, UsageError, json_option, pass_session

if TYPE_CHECKING:
    from famulus import Database, RequesterView
    from famulus_prolific.api import ProlificApi
    from famulus_prolific.messages import Messages
    from famulus_prolific.parts import Parts

_TYPE = "prolific"
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group
def prolific() -> None:
    """Prolific: writing to participants, test participants, and filters."""


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
    try:
        body = (text if file is None else file.read_text(encoding="utf-8-sig")) or ""
    except UnicodeDecodeError as error:
        body = ""
        problems.append(Problem(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8"))
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


@prolific.command("test-participant", short_help="Make a participant who sees only test studies.")
@click.argument("email")
@click.option("--requester", metavar="NAME", help="The account; the only one when it is not given.")
@pass_session
def test_participant(session: Session, email: str, requester: str | None) -> None:
    """Make a test participant who logs in with the address EMAIL.

    Test participants see the studies of runs with provider.prolific_test. Only some workspaces have
    them.
    """
    from famulus_prolific.trial_participants import make_test_participant

    with session.open_existing() as database:
        made = make_test_participant(_account(database, requester), email)
    session.say(
        f"Made the test participant {made}. Prolific has set a password, but does not show it: ask "
        f"for a new one for {email} where participants log in."
    )


@prolific.command(short_help="List the filters that decide who sees a study.")
@click.argument("words", nargs=-1, metavar="[WORD...]")
@click.option("--requester", metavar="NAME", help="The account; the only one when it is not given.")
@json_option
@pass_session
def filters(session: Session, words: tuple[str, ...], requester: str | None, as_json: bool) -> None:
    """List Prolific's filters: the id of each, and its title.

    With WORDs, only those are listed whose id, title or question has them all, with what can be
    selected. A run takes filters as provider.specific_qualifications.
    """
    from famulus_prolific.filter_list import filter_lines, matching_filters

    with session.open_existing() as database:
        found = matching_filters(_account(database, requester), words)
    if as_json:
        session.say_json(found)
        return
    if not found:
        raise UsageError(f"no filter has {' and '.join(map(repr, words))}; without, all are listed")
    for each in found:
        for line in filter_lines(each, is_whole=bool(words)):
            session.say(line)


def _account(database: Database, name: str | None) -> ProlificApi:
    """Return the API client of a requester."""
    from famulus import RequesterView, list_requesters

    known = {each.name: each for each in list_requesters(database) if each.provider_type == _TYPE}
    listed = ", ".join(known) or "none"
    if name is not None and name not in known:
        raise UsageError(f"there is no requester {name!r} of prolific; there is {listed}")
    if name is None and len(known) != 1:
        raise UsageError(f"name the account with --requester: there is {listed}")
    chosen = known[name] if name is not None else next(iter(known.values()))
    view = RequesterView(
        id=chosen.id, name=chosen.name, provider_type=_TYPE, settings=chosen.settings
    )
    return _parts(database, view, {}).api


def _messages(database: Database, number: int) -> Messages:
    """Return the sender of messages about the study of a run."""
    from famulus import RequesterView, list_runs
    from famulus_prolific.messages import Messages
    from famulus_prolific.schema import SCHEMA

    database.prepare([SCHEMA])
    found = next((each.record for each in list_runs(database) if each.record.id == number), None)
    if found is None:
        raise UsageError(f"there is no run {number}; `famulus runs` lists them")
    if found.provider_type != _TYPE:
        raise UsageError(f"the workers of run {number} come from {found.provider_type}")
    options = {name: found.plan["provider"]["args"].get(name) for name in ("api_url", "workspace")}
    requester = RequesterView(
        id=found.requester_id,
        name=found.requester_name,
        provider_type=_TYPE,
        settings=found.requester_settings,
    )
    parts = _parts(database, requester, options)
    return Messages(api=parts.api, study=parts.study_of(number))


def _parts(database: Database, requester: RequesterView, options: Mapping[str, Any]) -> Parts:
    from famulus import Context, SharedTaskState
    from famulus_prolific.options import ProlificArgs
    from famulus_prolific.parts import Parts

    context = Context(
        database=database,
        clock=database.clock,
        shared_state=SharedTaskState(),
        requester=requester,
    )
    return Parts(ProlificArgs(**options), context)
