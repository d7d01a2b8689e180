"""The stored studies of runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus_prolific.codes import make_codes
from famulus_prolific.tables import ProlificRun

if TYPE_CHECKING:
    from famulus import Database, Transaction


@frozen(kw_only=True)
class WithoutWork:
    """Submissions that were handed in without work, and await their return."""

    number: int = 0
    #: the day, in UTC, on which the first of them was handed in; None if that is not known
    since: date | None = None


NO_WITHOUT_WORK = WithoutWork()


@frozen(kw_only=True)
class StudyRecord:
    """The study of a run, as it is stored."""

    run_id: int
    #: None until Prolific has returned it
    study_id: str | None
    codes: Mapping[str, str]
    url: str
    is_paused: bool
    #: whether the run is not served; its study is paused then
    is_stopped: bool
    #: an ended one is stopped too
    is_ended: bool
    awaits_start: bool = False
    #: how many rejections were sent
    rejections: int = 0
    without_work: WithoutWork = NO_WITHOUT_WORK


@frozen(kw_only=True)
class StudyRecords:
    """Reads and writes the rows of one database."""

    database: Database

    def find(self, run: int) -> StudyRecord | None:
        """Return the record of a run; None before its study is made."""
        with self.database.read() as tx:
            return _record(tx.row(_select(ProlificRun.run_id == run)))

    def runs_of(self, studies: Sequence[str]) -> Mapping[str, int]:
        """Return the runs of studies; studies that are not of this database are left out."""
        with self.database.read() as tx:
            rows = tx.rows(_select(ProlificRun.study_id << list(studies)))
        return {row.study_id: row.run_id for row in rows}

    def begin(self, run: int, url: str) -> StudyRecord:
        """Return the record of a run, which is created with new codes if there is none."""
        return self.database.write(lambda tx: _begin(tx, run, url))

    def name(self, run: int, study: str) -> StudyRecord:
        """Store a study as that of a run, unless it has one already; return the record."""

        def job(tx: Transaction) -> StudyRecord:
            is_free = (ProlificRun.run_id == run) & ProlificRun.study_id.is_null()
            tx.execute(ProlificRun.update(study_id=study).where(is_free))
            return _found(tx, run)

        return self.database.write(job)

    def move(self, run: int, url: str) -> None:
        """Store the address that the study of a run leads to."""
        update = ProlificRun.update(url=url).where(ProlificRun.run_id == run)
        self.database.write(lambda tx: tx.execute(update))

    def pause(self, run: int, *, is_served: bool) -> None:
        """Store that the study of a run is to offer no place.

        :param is_served: whether the only reason is that no unit is free.
        """
        # A run that is not served any more stays so, whichever of two processes comes last.
        stopped = {} if is_served else {"is_stopped": True}
        update = ProlificRun.update(is_paused=True, **stopped).where(ProlificRun.run_id == run)
        self.database.write(lambda tx: tx.execute(update))

    def open(self, run: int) -> None:
        """Store that the study of a run, which is served, is to offer places."""
        update = ProlificRun.update(is_paused=False, is_stopped=False)
        self.database.write(lambda tx: tx.execute(update.where(ProlificRun.run_id == run)))

    def await_start(self, run: int, *, awaits: bool) -> None:
        """Store whether the study of a run waits for more screen-outs before it is started."""
        update = ProlificRun.update(awaits_start=awaits).where(ProlificRun.run_id == run)
        self.database.write(lambda tx: tx.execute(update))

    def count_rejection(self, run: int) -> None:
        """Count a rejection that is sent, by which lists that were read before are outdated."""
        counted = ProlificRun.update(rejections=ProlificRun.rejections + 1)
        self.database.write(lambda tx: tx.execute(counted.where(ProlificRun.run_id == run)))

    def note_without_work(self, run: int, found: WithoutWork) -> None:
        """Store how many submissions without work are in the list of a run's study."""
        since = None if found.since is None else found.since.isoformat()
        update = ProlificRun.update(without_work=found.number, without_work_since=since)
        self.database.write(lambda tx: tx.execute(update.where(ProlificRun.run_id == run)))

    def end(self, run: int) -> None:
        """Store that the study of a run is to offer no place again."""
        update = ProlificRun.update(is_paused=True, is_stopped=True, is_ended=True)
        self.database.write(lambda tx: tx.execute(update.where(ProlificRun.run_id == run)))


def _begin(tx: Transaction, run: int, url: str) -> StudyRecord:
    tx.execute(
        ProlificRun.insert(
            run_id=run,
            codes=json.dumps(make_codes()),
            url=url,
            is_paused=False,
            is_stopped=False,
            is_ended=False,
            awaits_start=False,
        ).on_conflict_ignore()
    )
    return _found(tx, run)


def _found(tx: Transaction, run: int) -> StudyRecord:
    found = _record(tx.row(_select(ProlificRun.run_id == run)))
    assert found is not None, f"run {run} has a record"
    return found


def _select(condition: Any) -> Any:
    return ProlificRun.select().where(condition)


def _record(row: Any) -> StudyRecord | None:
    if row is None:
        return None
    return StudyRecord(
        run_id=row.run_id,
        study_id=row.study_id,
        codes=json.loads(row.codes),
        url=row.url,
        is_paused=bool(row.is_paused),
        is_stopped=bool(row.is_stopped),
        is_ended=bool(row.is_ended),
        awaits_start=bool(row.awaits_start),
        rejections=int(row.rejections),
        without_work=_without_work(row),
    )


def _without_work(row: Any) -> WithoutWork:
    since = row.without_work_since
    return WithoutWork(
        number=int(row.without_work), since=None if since is None else date.fromisoformat(since)
    )
