"""``famulus review`` and ``famulus examine``."""

from __future__ import annotations

from pathlib import Path

import click

from famulus.cli.arguments import run_number
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@click.argument("task")
@click.option("--worker", metavar="WORKER", help="Only the units of this worker.")
@click.option("--run", type=run_number, metavar="RUN", help="Only the units of this run.")
@click.option(
    "--block-qualification", metavar="NAME", help="Offered for granting by `p`; '' for none."
)
@click.option(
    "--approve-qualification", metavar="NAME", help="Granted by `A` and `v`; '' for none."
)
@click.option("--accept-all", is_flag=True, help="Accept everything; ask nothing.")
@click.option(
    "--from-csv",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Take the decisions from a file with the columns unit, decision and note, and where the "
    "platform takes them amount and category. Where the platform has rules on rejections, they are "
    "shown, and you are asked before the first one.",
)
@click.option("--yes", is_flag=True, help="Confirm the rejections of a file.")
@click.pass_context
@pass_session
@works_in("review")
def review() -> None:
    """Accept, pass or reject the work of TASK, worker by worker.

    A decision is recorded at once. It is applied when you go on with another worker, or quit:
    workers are paid, and the platform is informed. Ctrl-C keeps every decision, and the next review
    applies it.

    In a file, a decision is `accepted`, `soft_rejected` (paid, but not good enough), `rejected`
    (not paid; the note is the reason) or, on some platforms, `return_requested`. It is checked
    whole before its first row is applied. It may also accept what was rejected before. If a
    platform has rules on rejections, these are shown, and the rejections have to be confirmed: on
    the terminal, or by --yes.
    """


@click.command
@click.argument("task")
@click.argument("numbers", nargs=-1, type=click.IntRange(min=0), metavar="[[START] END]")
@click.option("--run", type=run_number, metavar="RUN", help="Only the units of this run.")
@click.option(
    "--html",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write a page per unit into this folder, for a browser: what the worker saw and answered.",
)
@click.option(
    "--onboarding",
    is_flag=True,
    help="Show the answers to the onboarding instead, of workers who have failed it too.",
)
@pass_session
@works_in("review")
def examine() -> None:
    """Show the units of TASK that are done, the newest first.

    END is the last unit to show, counted from the newest, 15 unless given; START is the number of
    newest units to leave out, so that 2 5 shows three.
    """
