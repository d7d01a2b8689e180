"""Examining and reviewing units interactively, for commands and scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from attrs import frozen

from famulus.data.newest_units import newest_units
from famulus.data.onboardings import newest_onboardings
from famulus.data.scope import Scope, find_scope
from famulus.engine.qualifications.grants import find_qualification
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.options.requirements import qualification_name
from famulus.plugins import Plugins, discover
from famulus.review.choice_questions import Qualifications
from famulus.review.decision_text import decision_text
from famulus.review.dialogue import Dialogue
from famulus.review.onboarding_text import OnboardingTexts
from famulus.review.review_session import ReviewSession
from famulus.review.terminal import Terminal
from famulus.review.unit_text import ScriptFormatter, UnitFormatter, unit_text

#: Number of units that are examined by default.
EXAMINED = 15

_WHAT = (
    "Do you want to (r)eview, or (e)xamine data? Default examine. "
    "Can put e <end> or e <start> <end> to choose how many to view\n>> "
)
_BLOCK = (
    "If you'd like to soft-block workers, you'll need a block qualification. "
    "Leave blank otherwise.\nEnter block qualification: "
)
_APPROVE = (
    "If you'd like to qualify high-quality workers, you'll need an approve qualification. "
    "Leave blank otherwise.\nEnter approve qualification: "
)


@frozen(kw_only=True)
class _Examination:
    start: int = 0
    end: int = EXAMINED


def run_examine_or_review(
    database: Database | str | Path | None,
    format_for_printing: Callable[[dict[str, Any]], str],
    *,
    plugins: Plugins | None = None,
    source: TextIO | None = None,
    target: TextIO | None = None,
) -> None:
    """Ask whether to review or to examine a task, and go through its units.

    Ctrl-C and the end of the input end this function without an error: every decision is kept, and
    the next review of the task applies it. A unit for which ``format_for_printing`` raises is shown
    as JSON.

    :param database: a database, which the caller closes, or an address.
    :param format_for_printing: returns the text of one unit from a dictionary: ``worker_name``,
        ``unit_id``, ``status``, ``task_start``, ``task_end``, and ``data`` with ``inputs`` and
        ``outputs``.
    :param source: where answers are read; standard input unless given.
    :param target: where questions are written; standard output unless given.
    """
    terminal = Terminal(source, target)
    with ExitStack() as stack:
        if not isinstance(database, Database):
            database = stack.enter_context(Database(database))
        if not database.exists:
            terminal.say(f"There is nothing to review: {database.location.shown} does not exist.")
            return
        formatter = ScriptFormatter(database, format_for_printing)
        try:
            chosen = _ask_what(terminal)
            scope = _ask_task(terminal, database)
            if chosen is not None:
                examine(terminal, database, scope, formatter, start=chosen.start, end=chosen.end)
                return
        except (KeyboardInterrupt, EOFError) as error:
            _say_that_nothing_was_decided(terminal, error)
            return
        plugins = discover() if plugins is None else plugins
        review(terminal, ReviewSession(database=database, plugins=plugins, scope=scope), formatter)


def examine(
    terminal: Terminal,
    database: Database,
    scope: Scope,
    formatter: UnitFormatter,
    *,
    start: int,
    end: int,
) -> int:
    """Print units, the newest first; return their number.

    :param start: how many of the newest to leave out.
    :param end: the position at which to stop, also counted from the newest.
    """
    number = 0
    for unit in newest_units(database, scope, min(start, sys.maxsize), min(end, sys.maxsize)):
        terminal.say(unit_text(formatter, unit))
        if decided := decision_text(database, unit):
            terminal.say(decided)
        number += 1
    if not number:
        newest = "" if start == 0 else f" after the newest {start}"
        terminal.say(f"No unit of {scope.task_name} has been submitted yet{newest}.")
    return number


def show_onboardings(
    terminal: Terminal,
    database: Database,
    scope: Scope,
    texts: OnboardingTexts,
    start: int,
    end: int,
) -> None:
    """Print answers to the onboarding, the newest first; parameters like :func:`examine`."""
    most = 2**31
    found = newest_onboardings(database, scope, min(start, most), min(end, most))
    for each in found:
        terminal.say(texts(each))
    if not found:
        newest = "" if start == 0 else f" after the newest {start}"
        terminal.say(f"No onboarding of {scope.task_name} has been submitted yet{newest}.")


def review(
    terminal: Terminal,
    session: ReviewSession,
    formatter: UnitFormatter,
    *,
    block: str | None = None,
    approve: str | None = None,
) -> bool:
    """Ask for missing qualifications, then for decisions; return whether it came to the end.

    :param block: the block qualification; empty for none, None to ask for it.
    :param approve: the approve qualification, likewise.
    """
    try:
        qualifications = Qualifications(
            block=_ask_qualification(terminal, session.database, _BLOCK, block),
            approve=_ask_qualification(terminal, session.database, _APPROVE, approve),
        )
        terminal.say("Starting review with following params:")
        terminal.say(f"Task name: {session.scope.task_name}")
        terminal.say(f"Blocking qualification: {qualifications.block}")
        terminal.say(f"Approve qualification: {qualifications.approve}")
        terminal.ask("Press enter to continue...")
    except (KeyboardInterrupt, EOFError) as error:
        _say_that_nothing_was_decided(terminal, error)
        return False
    dialogue = Dialogue(
        terminal=terminal, session=session, formatter=formatter, qualifications=qualifications
    )
    return dialogue.run()


def _say_that_nothing_was_decided(terminal: Terminal, error: BaseException) -> None:
    """Explain the end of a dialogue whose questions were not all answered."""
    if isinstance(error, EOFError):
        terminal.say_sentence("The input has ended before the first unit: nothing was decided")
    else:
        terminal.say()


def _ask_what(terminal: Terminal) -> _Examination | None:
    """Return what to examine, or None to review."""
    while True:
        answer = terminal.ask(_WHAT)
        words = answer.lower().split()
        if words in (["r"], ["review"]):
            return None
        if not words or words[0] in {"e", "examine"}:
            examination = _read_range(words[1:])
            if examination is not None:
                return examination
        terminal.say(
            f"{answer!r} is none of these: r; e; e 5 for the newest 5; "
            "e 2 5 for those that come after the newest 2, up to the fifth."
        )


def _read_range(words: list[str]) -> _Examination | None:
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        return None
    if min(numbers, default=0) < 0:
        return None
    match numbers:
        case [end]:
            return _Examination(end=end)
        case [start, end] if start <= end:
            return _Examination(start=start, end=end)
        case []:
            return _Examination()
    return None


def _ask_task(terminal: Terminal, database: Database) -> Scope:
    while True:
        name = terminal.ask("Input task name: ")
        try:
            return find_scope(database, name)
        except UsageError as error:
            terminal.say_sentence(error)


def _ask_qualification(
    terminal: Terminal, database: Database, prompt: str, given: str | None
) -> str | None:
    """Return the name of a qualification, or None; ask for it unless it was given."""
    while True:
        name = terminal.ask(prompt) if given is None else given
        if not name:
            return None
        try:
            name = qualification_name(name)
        except UsageError as error:
            if given is not None:
                raise
            terminal.say_sentence(error)
            continue
        with database.read() as tx:
            if find_qualification(tx, name) is None:
                terminal.say(
                    f"There is no qualification {name!r} yet; it is created when first granted."
                )
        return name
