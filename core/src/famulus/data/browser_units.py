"""The units and attempts that :class:`~famulus.data.data_browser.DataBrowser` yields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import frozen

from famulus.engine.answers import (
    FileRecord,
    StoredAnswer,
    StoredAttempt,
    StoredUnit,
    read_units,
    select_units,
)
from famulus.engine.qualifications.worker_handle import Worker
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import AssignmentTable, UnitTable
from famulus.options.compat import former_record

#: Units read at once: only these are in memory.
_PAGE = 500


@frozen(kw_only=True)
class Agent:
    """A snapshot of one worker's attempt at a unit."""

    id: int
    status: AgentStatus
    worker: Worker
    started_at: datetime
    #: None while there are no answers
    submitted_at: datetime | None
    #: submitted after the worker's time was over
    late: bool
    #: the answers, as the blueprint's ``read_answers`` returned them; None while there are none
    outputs: Any
    files: Sequence[FileRecord]
    #: the folder of the files; it exists if there are any
    folder: Path

    def get_worker(self) -> Worker:
        """Return the worker."""
        return self.worker

    def get_data_dir(self) -> Path:
        """Return the folder of the attempt's files; it exists if there are any."""
        return self.folder


@frozen(kw_only=True)
class Unit:
    """A snapshot of a unit: one worker's slot in an assignment."""

    id: int
    task_name: str
    run_id: int
    assignment_id: int
    #: which of the run's assignments it belongs to, from 0, in the order of the data
    row: int
    #: which of the assignment's units it is, from 0
    index: int
    status: UnitStatus
    #: the row of the data
    inputs: Mapping[str, Any]
    #: the attempt that holds the unit, or whose answers have completed it; None if there is none
    agent: Agent | None

    @property
    def outputs(self) -> Any:
        """The answers; None while there are none."""
        return None if self.agent is None else self.agent.outputs

    def get_assigned_agent(self) -> Agent | None:
        """Return the attempt that holds the unit, or whose answers have completed it."""
        return self.agent

    def to_dict(self) -> dict[str, Any]:
        """Return the unit under the keys that existing scripts expect.

        ``status`` is the attempt's (``approved``, not ``accepted``); times are seconds since 1970.
        ``data["inputs"]`` is the row of the data. ``data["outputs"]`` holds the answers. It also
        has the keys ``files``, the paths of the uploaded files, and ``filesByFields``, their
        details by field, unless the form has fields of these names. Without answers, the values
        about them are None.
        """
        return former_record(self)


def browser_units(database: Database, run: int, statuses: Sequence[UnitStatus]) -> Iterator[Unit]:
    """Stream the units of a run that have one of the statuses, in the order of the data.

    Each page takes one query for the units and one for their files. A unit whose status changes
    during the iteration is yielded once.
    """
    after = -1, 0, 0
    while True:
        with database.read() as tx:
            page = read_units(tx, _page(run, statuses, after), database.files)
        for stored in page:
            yield browser_unit(database, stored)
        if len(page) < _PAGE:
            return
        after = page[-1].row, page[-1].unit_index, page[-1].replacement


def browser_unit(database: Database, stored: StoredUnit) -> Unit:
    """Build a :class:`Unit` from a stored unit."""
    return Unit(
        id=stored.unit,
        task_name=stored.task,
        run_id=stored.run,
        assignment_id=stored.assignment,
        row=stored.row,
        index=stored.unit_index,
        status=stored.unit_status,
        inputs=stored.inputs,
        agent=_agent(database, stored) if isinstance(stored, StoredAttempt) else None,
    )


def _agent(database: Database, stored: StoredAttempt) -> Agent:
    answer = stored if isinstance(stored, StoredAnswer) else None
    return Agent(
        id=stored.agent,
        status=stored.agent_status,
        worker=Worker(
            id=stored.worker_id,
            name=stored.worker,
            provider_type=stored.provider,
            database=database,
        ),
        started_at=stored.started_at,
        submitted_at=None if answer is None else answer.submitted_at,
        late=answer is not None and answer.late,
        outputs=None if answer is None else answer.outputs,
        files=() if answer is None else answer.files,
        folder=stored.folder,
    )


def _page(run: int, statuses: Sequence[UnitStatus], after: tuple[int, int, int]) -> Any:
    """Return the query for the next page of units after a position.

    The position is an assignment number, a lane and a replacement number. The query follows the
    index of the assignments, so that nothing is sorted.
    """
    number, lane, replacement = after
    later_unit = (UnitTable.lane == lane) & (UnitTable.replacement > replacement)
    later = (AssignmentTable.number == number) & ((UnitTable.lane > lane) | later_unit)
    return (
        select_units()
        .where(
            AssignmentTable.run == run,
            AssignmentTable.number >= number,
            (AssignmentTable.number > number) | later,
            UnitTable.status << list(statuses),
        )
        .order_by(AssignmentTable.number, UnitTable.lane, UnitTable.replacement)
        .limit(_PAGE)
    )
