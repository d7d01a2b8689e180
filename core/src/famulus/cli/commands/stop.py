"""``famulus stop`` and ``famulus finish``."""

from __future__ import annotations

import time
from contextlib import suppress

from famulus.cli.display import FinishingLines
from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.words import counted, moment, people
from famulus.errors import ConflictError
from famulus.model.states import RunStatus, UnitStatus
from famulus.operate.observer import OperatorObserver
from famulus.operate.operator import Operator
from famulus.operate.run_report import is_served

#: Seconds between looks at a run that another process operates.
_TICK = 0.5


def stop(session: Session, run: int, now: bool) -> None:
    """Stop run RUN once the workers at work are done, or their time is over."""
    with session.open_existing() as database, Operator(database) as operator:
        operator.stop(run, now=now)
        progress = operator.progress(run)
    if progress.status is RunStatus.FINISHED:
        say(f"Run {run} is finished; its server waits for no more visits.")
        return
    resume = session.command("resume", run)
    if progress.status is not RunStatus.STOPPING or progress.until is None:
        say(f"Run {run} is {progress.status}; `{resume}` resumes it.")
        return
    say(
        f"Run {run} is stopping: no new workers are let in. {people(progress.at_work)} at work "
        f"and may finish until {moment(progress.until, progress.at)}."
    )
    say(f"`{session.command('stop', run, '--now')}` does not wait for them.")


def finish(session: Session, run: int, now: bool) -> None:
    """End run RUN for good: its open units expire, and it cannot be resumed."""
    observer = _FinishObserver()
    with (
        session.open_existing() as database,
        Operator(database, observer=observer) as operator,
    ):
        operator.finish(run, now=now)
        if not now:
            _wait_for_workers(session, operator, run)
        progress = operator.progress(run)
    expired = progress.units.get(UnitStatus.EXPIRED, 0)
    done = f"{progress.done:,} of {counted(progress.total, 'unit')} done"
    say(f"Run {run} is finished: {done}, {expired:,} expired.")


class _FinishObserver(OperatorObserver):
    def __init__(self) -> None:
        self._lines = FinishingLines()

    def finishing(self, run: int, expired: int) -> None:
        self._lines.step(run, expired)


def _wait_for_workers(session: Session, operator: Operator, run: int) -> None:
    """Wait until the process that serves the run has finished it, or finish it in its stead."""
    if not is_served(operator.database, run):
        return
    progress = operator.progress(run)
    if progress.until is not None:
        say(
            f"Finishing run {run}: no new workers are let in. {people(progress.at_work)} at work "
            f"and may finish until {moment(progress.until, progress.at)}."
        )
        say(
            "Ctrl-C does not change that; "
            f"`{session.command('finish', run, '--now')}` does not wait for them."
        )
    while is_served(operator.database, run):
        time.sleep(_TICK)
    with suppress(ConflictError):  # It is finished.
        operator.finish(run)
