"""``famulus stop`` and ``famulus finish``."""

from __future__ import annotations

import click

from famulus.cli.arguments import run_argument
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session

_now = click.option("--now", is_flag=True, help="Do not wait for workers who are at work.")


@click.command
@run_argument
@_now
@pass_session
@works_in("stop")
def stop() -> None:
    """Stop run RUN once the workers at work are done, or their time is over.

    No new workers are let in. Returns at once; the process that operates the run does the rest. No
    answers are lost, and `famulus resume` resumes the run.
    """


@click.command
@run_argument
@_now
@pass_session
@works_in("stop")
def finish() -> None:
    """End run RUN for good: its open units expire, and it cannot be resumed.

    No new workers are let in, and those at work may finish first. Answers that come later are kept,
    marked late.
    """
