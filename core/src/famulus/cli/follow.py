"""Following runs until they end: showing their progress, and stopping them on Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from types import MappingProxyType

from famulus.cli.confirm import confirm_live
from famulus.cli.costs import say_cost, wage_text
from famulus.cli.display import Display, display
from famulus.cli.failures import INTERRUPTED
from famulus.cli.interrupts import Interrupts
from famulus.cli.output import say
from famulus.cli.session import Session
from famulus.cli.words import counted, duration, moment, people
from famulus.errors import ConflictError, FamulusError
from famulus.model.database import Database
from famulus.model.money import from_minor
from famulus.model.states import ENDED_RUNS, LoadingStatus, RunStatus, UnitStatus
from famulus.operate import lease
from famulus.operate.checking import Checked
from famulus.operate.ending import BUDGET_SPENT, LIFETIME_OVER, NO_SUBMISSION
from famulus.operate.launching import Launched
from famulus.operate.operator import Operator
from famulus.operate.progress import Progress, read_progress
from famulus.operate.run_outcome import RunEnding, read_ending

#: Seconds between checks whether Ctrl-C was pressed or the run has ended.
_TICK = 0.2
#: Counting the units of a very large run takes long: the next look waits that many times as long.
_CALM = 20


def announce_launch(session: Session, operator: Operator, checked: Checked, *, yes: bool) -> None:
    """Print what will be launched, where and at which cost; ask if it costs real money.

    :param yes: the launch is confirmed already; no question is asked.
    :raises famulus.UsageError: when it is declined, or there is no terminal to ask on.
    """
    say(f"Creating a task run under task name: {checked.plan.task_name}")
    say(f"Database: {operator.database.location.shown}")
    say_cost(session, operator, checked)
    confirm_live(checked.plan, operator.plugins, yes=yes)


def announce(launched: Launched, session: Session) -> None:
    """Print the addresses of a run, one per line, and how to stop and resume it.

    Scripts read the addresses, so these lines are not wrapped.
    """
    say(f"Run {launched.run_id} is open at {launched.url}", wrap=False)
    links = [entrance for entrance in launched.entrances if entrance != launched.url]
    for line in ["", *(f"  Work on it:  {link}" for link in links), ""] if links else ():
        say(line, bold=True, wrap=False)
    if launched.invitation:
        say(session.located(launched.invitation))
    say("It ends by itself when every unit is done.")
    resume = session.command("resume", launched.run_id)
    say(f"Ctrl-C stops it; resume it later with: {resume}", wrap=False)


def follow(
    session: Session,
    operator: Operator,
    runs: Sequence[int],
    interrupts: Interrupts,
    log_rate: float,
    *,
    is_interrupted: bool = False,
) -> int:
    """Wait until the operator manages none of the runs; return the exit status.

    The first interrupt lets no new workers in and waits for those at work; the second stops now.

    :param is_interrupted: whether the first interrupt has come already.
    """
    following = _Following(session, operator, runs, interrupts)
    if is_interrupted:
        following.stop()
    with display(log_rate) as shown:
        following.wait(shown)
    statuses = [conclude(session, operator.database, run) for run in runs]
    return INTERRUPTED if following.is_cut_off else max(statuses, default=0)


def conclude(session: Session, database: Database, run: int) -> int:
    """Print how a run has ended and what to do next; return the exit status."""
    ending = read_ending(database, run)
    for line in ending_lines(ending):
        say(line)
    for line in next_commands(ending, session):
        say(line, wrap=False)
    return exit_status(ending)


class _Following:
    """Waits for runs between their launch and their end."""

    def __init__(
        self, session: Session, operator: Operator, runs: Sequence[int], interrupts: Interrupts
    ) -> None:
        self._session = session
        self._operator = operator
        self._runs = runs
        self._interrupts = interrupts
        self._is_stopping = False
        self.is_cut_off = False

    def wait(self, shown: Display) -> None:
        """Show progress and handle interrupts until the runs have ended."""
        due = time.monotonic()
        while self._active_runs():
            if self._interrupts.take():
                self.stop()
            if time.monotonic() >= due:
                due = self._look(shown)
            time.sleep(_TICK)

    def stop(self) -> None:
        """Stop the runs once their workers are done; when called again, stop them now."""
        again, self._is_stopping = self._is_stopping, True
        if again:
            say("Stopping now.")
            self._interrupts.release()
            self.is_cut_off = True
        for run in self._active_runs():
            try:
                self._operator.stop(run, now=again)
            except ConflictError:
                pass  # The run has ended by itself in the meantime.
            except FamulusError as error:
                say(f"Run {run} could not be stopped: {error}", err=True)
                self._is_stopping = again
        if not again and self._is_stopping and self._active_runs():
            with suppress(FamulusError):
                self._report_stopping()

    def _active_runs(self) -> list[int]:
        return [run for run in self._runs if self._operator.holds(run)]

    def _look(self, shown: Display) -> float:
        """Show the runs; return when to look again."""
        started = time.monotonic()
        with suppress(FamulusError):
            # The database may be unavailable for a moment; the operator logs that.
            shown.show(*self._progress())
        ended = time.monotonic()
        return ended + max(shown.every, _CALM * (ended - started))

    def _progress(self) -> list[Progress]:
        return [read_progress(self._operator.database, run) for run in self._active_runs()]

    def _report_stopping(self) -> None:
        looks = self._progress()
        at_work = sum(look.at_work for look in looks)
        until = max((look.until for look in looks if look.until), default=None)
        if not at_work or until is None:
            say("Stopping: no workers are at work.")
            return
        say("Stopping: no new workers are let in.")
        say(f"{people(at_work)} at work and may finish until {moment(until, looks[0].at)}.")
        resume = self._session.command("resume", self._runs[0])
        say(f"Press Ctrl-C again to stop now; `{resume}` resumes it later.")


def exit_status(ending: RunEnding) -> int:
    """Return the exit status of a run's end.

    0 when every unit is done, or when a person has stopped or finished the run; 1 otherwise, and
    also when the run is still open on its platform.
    """
    if ending.is_open:
        return 1
    if ending.record.status is RunStatus.STOPPED:
        return 0
    if ending.record.status is not RunStatus.FINISHED or _has_loading_failed(ending):
        return 1
    return 1 if ending.cause in _UNWANTED else 0


def ending_lines(ending: RunEnding) -> list[str]:
    """Return how a run has ended, in sentences."""
    record, progress = ending.record, ending.progress
    lines = [_ending(ending)]
    if record.status is RunStatus.FAILED:
        lines[0] += f": {record.failure}"
    if _has_loading_failed(ending):
        rows = counted(progress.rows_loaded, "row")
        lines.append(f"Loading failed after {rows}: {progress.loading_error}")
    if progress.done and (wage := wage_text(ending.wage)):
        lines.append(f"Wage: {wage}.")
    return lines


def next_commands(ending: RunEnding, session: Session) -> list[str]:
    """Return what to do next as lines with a command that can be pasted into a shell."""
    record, progress = ending.record, ending.progress
    lines = []
    if ending.cause == BUDGET_SPENT:
        more = session.command("set", record.id, "max_spend=AMOUNT")
        lines.append(f"Allow more:    {more}")
    if ending.is_open:
        lines.append(f"Close its places: {session.command('sync', record.id)}")
    if record.status not in ENDED_RUNS:
        lines.append(f"Resume it with: {session.command('resume', record.id)}")
    if progress.done:
        name = f"{record.task_name}.jsonl".replace("/", "_")
        lines.append(f"Get the data:  {session.command('export', '--run', record.id, '-o', name)}")
    return lines


#: Causes of an end by itself.
_UNWANTED: Mapping[str, str] = MappingProxyType(
    {
        NO_SUBMISSION: "there was no submission for {patience} (task.no_submission_patience)",
        LIFETIME_OVER: "its lifetime is over (task.task_lifetime_in_seconds)",
    }
)


def _ending(ending: RunEnding) -> str:
    record, progress = ending.record, ending.progress
    done = f"{progress.done:,} of {counted(progress.total, 'unit')} done"
    if record.status is RunStatus.STOPPED:
        return f"Run {record.id} is stopped{_why_stopped(ending)}: {done}."
    if record.status is RunStatus.FAILED:
        return f"Run {record.id} has failed"
    if record.status is not RunStatus.FINISHED:
        return f"Run {record.id} was taken over by {lease.shown(record)}: {done}."
    expired = progress.units.get(UnitStatus.EXPIRED, 0)
    if ending.cause in _UNWANTED:
        patience = duration(timedelta(seconds=record.no_submission_patience))
        reason = _UNWANTED[ending.cause].format(patience=patience)
        return f"Run {record.id} was finished because {reason}: {done}, {expired:,} expired."
    if expired:
        return f"Run {record.id} was finished: {done}, {expired:,} expired."
    took = duration((record.ended_at or progress.at) - record.created_at)
    return f"Run {record.id} is done: {counted(progress.done, 'unit')} in {took}."


def _why_stopped(ending: RunEnding) -> str:
    if ending.cause != BUDGET_SPENT:
        return ""
    record = ending.record
    limit = from_minor(record.max_spend, record.currency)
    return f" because more units would cost more than {limit} {record.currency} (task.max_spend)"


def _has_loading_failed(ending: RunEnding) -> bool:
    return ending.progress.loading is LoadingStatus.FAILED
