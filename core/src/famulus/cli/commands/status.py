"""``famulus status``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from famulus.cli.costs import wage_json, wage_text
from famulus.cli.display import awaited
from famulus.cli.limit_words import limits_line
from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import prose
from famulus.cli.words import address, counted, moment, run_status, units_by_status
from famulus.engine.outbox.undelivered import UndeliveredRows
from famulus.engine.run_limits import run_limits
from famulus.iso_time import iso
from famulus.model.states import ENDED_RUNS, LIVE_RUNS, LoadingStatus, PaymentStatus
from famulus.operate.run_report import RunReport, read_report
from famulus.options.option_values import unstructure


def status(session: Session, run: int, as_json: bool) -> None:
    """Show the progress of run RUN."""
    with session.open_existing() as database:
        report = read_report(database, run)
    if as_json:
        say_json(report_json(report))
        return
    for line in report_lines(report, session):
        say(line)


def report_lines(report: RunReport, session: Session) -> Iterator[str]:
    """Yield a headline, and each fact of a run on a line of its own."""
    record = report.record
    state = run_status(record.status, report.operated_by)
    yield f"Run {record.id} of the task {record.task_name}: {state}"
    details = [(name, text) for name, text in _details(report, session) if text]
    width = max(len(name) for name, _ in details)
    for name, text in details:
        yield from prose(f"  {name:<{width}}  {text}", hang=width + 2)


def report_json(report: RunReport) -> dict[str, Any]:
    """Return the facts of a run as JSON."""
    record, progress = report.record, report.progress
    return {
        "run": record.id,
        "task": record.task_name,
        "status": record.status.value,
        "failure": record.failure or None,
        "url": address(record.status, record.url) or None,
        "entrances": [*report.entrances],
        "blueprint": record.blueprint_type,
        "architect": record.architect_type,
        "provider": record.provider_type,
        "requester": record.requester_name,
        "units": {status.value: number for status, number in progress.units.items()},
        "units_done": progress.done,
        "units_total": progress.total,
        "limits": {name: unstructure(each) for name, each in run_limits(record).items()},
        "at_work": progress.at_work,
        "at_work_until": _iso(progress.until),
        "awaited_visits": progress.awaited_visits,
        "awaited_until": _iso(progress.awaited_until),
        "loading": progress.loading.value,
        "loading_error": progress.loading_error or None,
        "rows_loaded": progress.rows_loaded,
        "launched_at": iso(record.created_at),
        "closes_at": iso(record.closes_at),
        "ended_at": _iso(record.ended_at),
        "last_submission_at": _iso(report.last_submission),
        "payments": [
            {
                "status": total.status.value,
                "payments": total.number,
                "amount": str(total.amount),
                "fees": str(total.fees),
                "currency": total.currency,
            }
            for total in report.payments
        ],
        "wage": wage_json(report.wage),
        "places": report.places,
        "visits_not_reported": report.unreported,
        "undelivered": [
            {
                "kind": str(each.kind),
                "refused": each.is_refused,
                "rows": each.rows,
                "error": each.error,
                "account": each.of_account,
            }
            for each in progress.undelivered
        ],
        "remarks": [*report.remarks],
        "replacements": report.replacements,
        "unanswered": report.unanswered,
        "approves_itself_at": None
        if report.self_approval is None
        else iso(report.self_approval.first_at),
        "operated_by": report.operated_by,
        "database": report.database,
    }


def _details(report: RunReport, session: Session) -> Iterator[tuple[str, str]]:
    record, progress = report.record, report.progress
    yield "failure", record.failure
    yield "address", address(record.status, record.url)
    links = [link for link in report.entrances if link != record.url]
    yield from (("work on it", link) for link in links)
    yield "work on it", session.located(report.entrances_problem)
    yield "invite", session.located(report.invitation)
    done = f"{progress.done:,} of {progress.total:,} done"
    states = units_by_status(progress.units)
    yield "units", f"{done} ({states})" if states else done
    replaced = counted(report.replacements, "rejected unit")
    yield "again", f"{replaced} offered to other workers" if report.replacements else ""
    until = "" if progress.until is None else f", until {moment(progress.until, progress.at)}"
    yield "waits for", "" if progress.awaited_until is None else awaited(progress)
    yield "limits", "" if record.status in ENDED_RUNS else limits_line(record)
    yield "places", f"{report.places:,} open or taken" if report.places else ""
    for rows in progress.undelivered:
        yield "platform", f"{rows}; {_remedy(rows, record.id, session)}"
    unreported = counted(report.unreported, "visit")
    waiting = f"{unreported} submitted here, which the platform has not reported yet"
    yield "not there", waiting if report.unreported else ""
    yield "at work", f"{counted(progress.at_work, 'worker')}{until}" if progress.at_work else ""
    empty = counted(report.unanswered, "submission")
    yield "unanswered", f"{empty} without any answer" if report.unanswered else ""
    yield from (("platform", session.located(remark)) for remark in report.remarks)
    yield "unreviewed", "" if report.self_approval is None else str(report.self_approval)
    yield "last answers", _moment(report.last_submission, progress.at)
    yield "data", _loading(report)
    yield "payments", _payments(report, session)
    yield "wage", wage_text(report.wage)
    yield "operated by", _operated_by(report, session)
    yield "launched", moment(record.created_at, progress.at)
    if record.status in LIVE_RUNS:
        yield "open until", moment(record.closes_at, progress.at)
    yield "ended", _moment(record.ended_at, progress.at)
    yield "blueprint", record.blueprint_type
    yield "architect", record.architect_type
    yield "provider", f"{record.provider_type}, requester {record.requester_name}"
    yield "database", report.database


def _remedy(rows: UndeliveredRows, run: int, session: Session) -> str:
    if rows.in_ledger and rows.is_refused:
        return f"`{session.command('payments', '--run', run)}` shows what can be done"
    if rows.in_ledger:
        return f"`{session.command('payments', 'settle', '--run', run)}` settles it"
    if rows.is_final:
        return f"`{session.command('sync', run, '--acknowledge')}` counts it as settled"
    sync = session.command("sync", *([] if rows.of_account else [run]))
    return f"`{sync}` sends it again"


def _payments(report: RunReport, session: Session) -> str:
    sums = ", ".join(
        f"{total.status} {total.number:,} ({total.amount + total.fees:,} {total.currency}"
        f"{' with fees' if total.fees else ''})"
        for total in report.payments
    )
    if all(total.status is not PaymentStatus.OWED for total in report.payments):
        return sums
    return f"{sums}; `{session.command('payments', 'owed', report.record.id)}` lists what is owed"


def _loading(report: RunReport) -> str:
    progress = report.progress
    rows = counted(progress.rows_loaded, "row")
    if progress.loading is LoadingStatus.FAILED:
        return f"loading failed after {rows}: {progress.loading_error}"
    return f"{rows} so far" if progress.loading is LoadingStatus.LOADING else rows


def _operated_by(report: RunReport, session: Session) -> str:
    if report.operated_by is not None:
        return report.operated_by
    if report.record.status in ENDED_RUNS:
        return ""
    return f"no process; `{session.command('resume', report.record.id)}` resumes it"


def _moment(time: datetime | None, now: datetime) -> str:
    return "" if time is None else moment(time, now)


def _iso(time: datetime | None) -> str | None:
    return None if time is None else iso(time)
