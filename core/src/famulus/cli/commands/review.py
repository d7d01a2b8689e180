"""``famulus review`` and ``famulus examine``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from famulus.cli.atomic_file import whole_file
from famulus.cli.confirm import confirm_rejections
from famulus.cli.failures import INTERRUPTED
from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.words import counted
from famulus.data.newest_units import newest_units
from famulus.data.scope import find_scope
from famulus.engine.answers import StoredAnswer
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.private_files import make_folder
from famulus.plugins import discover
from famulus.review.decision_file import DecisionRow, apply_decision_file, read_decisions
from famulus.review.interactive import EXAMINED, show_onboardings
from famulus.review.interactive import examine as show_units
from famulus.review.interactive import review as hold_review
from famulus.review.onboarding_text import OnboardingTexts
from famulus.review.review_session import ReviewSession
from famulus.review.terminal import Terminal
from famulus.review.unit_page import UnitPages
from famulus.review.unit_text import BlueprintFormatter


def review(
    session: Session,
    ctx: click.Context,
    task: str,
    worker: str | None,
    run: int | None,
    block_qualification: str | None,
    approve_qualification: str | None,
    accept_all: bool,
    from_csv: Path | None,
    yes: bool,
) -> None:
    """Accept, pass or reject the work of TASK, worker by worker."""
    if accept_all and from_csv:
        raise click.UsageError("--accept-all and --from-csv exclude each other")
    if from_csv and worker:
        raise click.UsageError("--from-csv already names the units; leave --worker out")
    if yes and not from_csv:
        raise click.UsageError("--yes is for the rejections of --from-csv FILE")
    if (accept_all or from_csv) and (block_qualification or approve_qualification):
        raise click.UsageError(
            "--accept-all and --from-csv grant no qualifications; leave out --block-qualification"
            " and --approve-qualification"
        )

    with session.open_existing() as database:
        scope = find_scope(database, task, run=run, worker=worker)
        review_session = ReviewSession(database=database, plugins=discover(), scope=scope)
        if from_csv:
            ctx.exit(_apply_file(review_session, from_csv, yes=yes))
        if accept_all:
            ctx.exit(_accept_all(review_session))
        ctx.exit(_run_dialogue(review_session, block_qualification, approve_qualification))


def examine(
    session: Session,
    task: str,
    numbers: tuple[int, ...],
    run: int | None,
    html: Path | None,
    onboarding: bool,
) -> None:
    """Show the units of TASK that are done, the newest first."""
    start, end = _range(numbers)
    if onboarding and html is not None:
        raise click.UsageError("--onboarding and --html exclude each other")

    with session.open_existing() as database:
        scope = find_scope(database, task, run=run)
        if onboarding:
            show_onboardings(
                Terminal(), database, scope, OnboardingTexts(database, discover()), start, end
            )
            return
        if html is not None:
            number = _write_pages(database, html, newest_units(database, scope, start, end))
            say(f"Wrote {counted(number, 'page')} to {html}.")
            return
        formatter = BlueprintFormatter(database, discover())
        show_units(Terminal(), database, scope, formatter, start=start, end=end)


def _write_pages(database: Database, folder: Path, units: Iterable[StoredAnswer]) -> int:
    """Write the page of each unit into a folder; return how many."""
    page_of, number, like = UnitPages(database, discover()), 0, database.location.shared_like
    try:
        make_folder(folder, like=like)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from error
    for unit in units:
        with whole_file(folder / f"unit-{unit.unit}.html", like=like) as stream:
            stream.write(page_of(unit))
        number += 1
    return number


def _range(numbers: tuple[int, ...]) -> tuple[int, int]:
    if len(numbers) > 2:
        raise click.UsageError("give an END, or a START and an END, and no more")
    if len(numbers) < 2:
        return 0, numbers[0] if numbers else EXAMINED
    start, end = numbers
    if start > end:
        raise click.UsageError(f"START {start} comes after END {end}")
    return start, end


def _run_dialogue(review_session: ReviewSession, block: str | None, approve: str | None) -> int:

    formatter = BlueprintFormatter(review_session.database, review_session.plugins)
    terminal = Terminal()
    if hold_review(terminal, review_session, formatter, block=block, approve=approve):
        return 0
    if not (terminal.is_interactive or terminal.has_answered):
        raise UsageError(
            "the standard input has no answers: review in a terminal, pipe the answers in, or "
            "decide with --from-csv FILE or --accept-all"
        )
    return INTERRUPTED


def _accept_all(review_session: ReviewSession) -> int:
    failed = _apply_leftovers(review_session)
    applied = review_session.accept_all()
    task = review_session.scope.task_name
    say(
        f"Accepted {counted(applied.decisions, 'unit')} of {task}."
        if applied.decisions
        else f"No unit of {task} is up for review."
    )
    return int(_report(applied.problems) or failed)


def _apply_file(review_session: ReviewSession, file: Path, *, yes: bool) -> int:
    rows = read_decisions(review_session, file)
    _show_rules([each for each in rows if each.rejects], yes=yes)
    # What an earlier review has left is sent with the reason that the file has for it.
    applied = apply_decision_file(review_session, [each for each in rows if each.is_rewording])
    failed = _apply_leftovers(review_session)
    others = [each for each in rows if not each.is_rewording]
    applied.add(apply_decision_file(review_session, others))
    parts = [f"{number:,} {decision}" for decision, number in sorted(applied.decided.items())]
    number = counted(applied.decided.total(), "unit")
    say(f"Decided on {number}{': ' if parts else ''}{', '.join(parts)}.")
    if applied.unchanged:
        verb = "has" if applied.unchanged == 1 else "have"
        say(f"{counted(applied.unchanged, 'unit')} {verb} that decision already.")
    for refused in applied.refused:
        say(f"Not decided: {file}, {refused}", err=True)
    return int(_report(applied.problems) or bool(applied.refused) or failed)


def _show_rules(rejections: Sequence[DecisionRow], *, yes: bool) -> None:
    """Show the rules that platforms have on rejections, and ask whether to go on."""
    ruled = [each for each in rejections if each.rules.on_rejections]
    for lines in dict.fromkeys(tuple(each.rules.on_rejections) for each in ruled):
        for line in lines:
            say(line, err=True)
    if ruled:
        confirm_rejections(f"Reject {counted(len(ruled), 'unit')}?", yes=yes)


def _apply_leftovers(review_session: ReviewSession) -> bool:
    """Apply decisions that an earlier review left; return whether delivery failed."""
    applied = review_session.apply_leftovers()
    if applied.decisions:
        number = counted(applied.decisions, "decision")
        say(f"Applied {number} that an earlier review had left.")
    return _report(applied.problems)


def _report(problems: Sequence[str]) -> bool:
    for problem in problems:
        say(f"Not everything was delivered: {problem}", err=True)
    return bool(problems)
