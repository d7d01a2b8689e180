"""How a run has ended, in words and as an exit status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from attrs import frozen

from famulus.cli.session import Session
from famulus.cli.texts.words import counted, duration
from famulus.engine.platform.outbox import read_closing
from famulus.engine.runs import RunRecord, find_run
from famulus.model.database import Database
from famulus.model.money import from_minor
from famulus.model.states import LoadingStatus, RunStatus, UnitStatus
from famulus.model.tables import Event
from famulus.operate import lease
from famulus.operate.ending import BUDGET_SPENT, LIFETIME_OVER, NO_SUBMISSION
from famulus.operate.progress import Progress, read_progress


@frozen(kw_only=True)
class Outcome:
    """A run as its operator has let it go. ``cause`` is that of its newest change of status."""

    record: RunRecord
    progress: Progress
    cause: str
    #: whether the platform is still to be told to close its places
    is_open: bool = False


def read_outcome(database: Database, run: int) -> Outcome:
    """Look at a run and at why it is as it is."""
    record = find_run(database, run)
    newest = (
        Event.select(Event.cause)
        .where(Event.run == run, Event.subject == "run", Event.new == record.status.value)
        .order_by(Event.id.desc())
        .limit(1)
    )
    with database.read() as tx:
        row = tx.row(newest)
        is_open = read_closing(tx, run) is not None
    return Outcome(
        record=record,
        progress=read_progress(database, run),
        cause=row.cause if row else "",
        is_open=is_open,
    )


def exit_status(outcome: Outcome) -> int:
    """Return 0 when every unit is done, or when somebody wanted the run to end, else 1; also when
    it is still open on its platform.
    """
    if outcome.is_open:
        return 1
    if outcome.record.status is RunStatus.STOPPED:
        return 0
    if outcome.record.status is not RunStatus.FINISHED or _has_loading_failed(outcome):
        return 1
    return 1 if outcome.cause in _UNWANTED else 0


def describe(outcome: Outcome, session: Session) -> list[str]:
    """Return lines that say how it ended, and what to do next."""
    record, progress = outcome.record, outcome.progress
    lines = [_ending(outcome)]
    if record.status is RunStatus.FAILED:
        lines[0] += f": {record.failure}"
    if _has_loading_failed(outcome):
        rows = counted(progress.rows_loaded, "row")
        lines.append(f"Loading failed after {rows}: {progress.loading_error}")
    if outcome.cause == BUDGET_SPENT:
        more = session.command("set", record.id, "max_spend=AMOUNT")
        lines.append(f"Allow more:    {more}")
    if outcome.is_open:
        lines.append(f"Close its places: {session.command('sync', record.id)}")
    if record.status not in (RunStatus.FINISHED, RunStatus.FAILED):
        lines.append(f"Go on with it: {session.command('resume', record.id)}")
    if progress.done:
        name = f"{record.task_name}.jsonl".replace("/", "_")
        lines.append(f"Get the data:  {session.command('export', '--run', record.id, '-o', name)}")
    return lines


#: Causes of an end that nobody has asked for.
_UNWANTED: Mapping[str, str] = MappingProxyType(
    {
        NO_SUBMISSION: "nobody has submitted for {patience} (task.no_submission_patience)",
        LIFETIME_OVER: "its lifetime is over (task.task_lifetime_in_seconds)",
    }
)


def _ending(outcome: Outcome) -> str:
    record, progress = outcome.record, outcome.progress
    done = f"{progress.done:,} of {counted(progress.total, 'unit')} done"
    if record.status is RunStatus.STOPPED:
        return f"Run {record.id} is stopped{_why_stopped(outcome)}: {done}."
    if record.status is RunStatus.FAILED:
        return f"Run {record.id} has failed"
    if record.status is not RunStatus.FINISHED:
        return f"Run {record.id} was taken over by {lease.shown(record)}: {done}."
    expired = progress.units.get(UnitStatus.EXPIRED, 0)
    if outcome.cause in _UNWANTED:
        patience = duration(timedelta(seconds=record.no_submission_patience))
        reason = _UNWANTED[outcome.cause].format(patience=patience)
        return f"Run {record.id} was finished because {reason}: {done}, {expired:,} expired."
    if expired:
        return f"Run {record.id} was finished: {done}, {expired:,} expired."
    took = duration((record.ended_at or progress.at) - record.created_at)
    return f"Run {record.id} is done: {counted(progress.done, 'unit')} in {took}."


def _why_stopped(outcome: Outcome) -> str:
    if outcome.cause != BUDGET_SPENT:
        return ""
    record = outcome.record
    limit = from_minor(record.max_spend, record.currency)
    return f" because more units would cost more than {limit} {record.currency} (task.max_spend)"


def _has_loading_failed(outcome: Outcome) -> bool:
    return outcome.progress.loading is LoadingStatus.FAILED
