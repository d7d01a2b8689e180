"""Stored answers: the record that holds them, and the list of columns it is read from.

Exports, reviews, :class:`~famulus.data.browser_units.Unit` and what listeners get are views of
this record. A new column is added here, and is then in every export. The record stands in this
package, below most of its views, because listeners and the gateway need it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import peewee
from attrs import Attribute, field, fields, frozen

from famulus.contracts.views import SubmittedUnit, UnitView, WorkerView
from famulus.engine.submitted_answers import holds_answer
from famulus.model.fields import EnumField, JsonField, UtcField
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import (
    AgentTable,
    AssignmentTable,
    TaskRunTable,
    TaskTable,
    UnitTable,
    UploadTable,
    WorkerTable,
)
from famulus.model.transaction import Transaction

#: Keys of a field's metadata.
_COLUMN, _EXPORTED = "column", "exported"
#: Kinds of columns whose stored values differ from the values in Python.
_CONVERTED = (EnumField, JsonField, UtcField, peewee.BooleanField)


def _column(column: peewee.Field, *, exported: bool = True) -> Mapping[str, Any]:
    """Return the metadata of a field that is read from a column.

    :param exported: whether exports have the column, under the field's name.
    """
    return {_COLUMN: column, _EXPORTED: exported}


@frozen(kw_only=True)
class FileRecord:
    """One uploaded file."""

    #: the name of the form's field
    field: str
    #: as the worker's browser gave it
    name: str
    #: as the worker's browser gave it
    content_type: str
    #: in bytes
    size: int
    #: of the content, in hexadecimal
    sha256: str
    #: where its bytes lie
    path: Path


# Without slots, frozen instances are made much faster: exports make millions.
@frozen(slots=False)
class StoredUnit:
    """A unit and its row of the data. Fields have the names of an export's columns."""

    run: int = field(metadata=_column(AssignmentTable.run))
    task: str = field(metadata=_column(TaskTable.name))
    unit: int = field(metadata=_column(UnitTable.id))
    assignment: int = field(metadata=_column(AssignmentTable.id))
    #: which of the run's assignments, from 0, in the order of the data
    row: int = field(metadata=_column(AssignmentTable.number))
    #: which of the assignment's units, from 0
    unit_index: int = field(metadata=_column(UnitTable.lane))
    unit_status: UnitStatus = field(metadata=_column(UnitTable.status))
    #: 0, or which replacement of the rejected unit with this index
    replacement: int = field(metadata=_column(UnitTable.replacement, exported=False))
    #: the row of the data
    inputs: Mapping[str, Any] = field(metadata=_column(AssignmentTable.data))
    #: the attempt that holds the unit, or whose answers have completed it
    holder: int | None = field(metadata=_column(UnitTable.agent_id, exported=False))

    @property
    def unit_view(self) -> UnitView:
        """The unit as plugins see it."""
        return UnitView(
            id=self.unit, assignment_id=self.assignment, index=self.unit_index, data=self.inputs
        )


@frozen(slots=False)
class StoredAttempt(StoredUnit):
    """One worker's attempt at a unit."""

    agent: int = field(metadata=_column(AgentTable.id))
    agent_status: AgentStatus = field(metadata=_column(AgentTable.status))
    #: the provider's id of the worker
    worker: str = field(metadata=_column(WorkerTable.name))
    #: the provider's type name
    provider: str = field(metadata=_column(WorkerTable.provider_type))
    started_at: datetime = field(metadata=_column(AgentTable.started_at))
    #: the worker's number in this database
    worker_id: int = field(metadata=_column(WorkerTable.id, exported=False))
    visit: int = field(metadata=_column(AgentTable.visit, exported=False))
    #: the database's folder of files
    files_root: Path = field(kw_only=True)

    @property
    def worker_view(self) -> WorkerView:
        """The worker as plugins see them."""
        return WorkerView(id=self.worker_id, name=self.worker, provider_type=self.provider)

    @property
    def folder(self) -> Path:
        """The folder of the attempt's files; it exists if there are any."""
        return agent_folder(self.files_root, self.run, self.agent)


@frozen(slots=False)
class StoredAnswer(StoredAttempt):
    """A submitted attempt with its answers."""

    submitted_at: datetime = field(metadata=_column(AgentTable.submitted_at))
    #: submitted after the worker's time was over
    late: bool = field(metadata=_column(AgentTable.late))
    #: the tag of the language of the page that the worker saw; None if it is unknown
    language: str | None = field(metadata=_column(AgentTable.language))
    #: what the blueprint's ``read_answers`` returned
    outputs: Any = field(metadata=_column(AgentTable.answers))
    files: Sequence[FileRecord] = field(kw_only=True)

    @property
    def counts(self) -> bool:
        """Whether these are the answers that have completed the unit."""
        return self.holder == self.agent

    @property
    def unanswered(self) -> bool:
        """Whether there is no answer: no value that is not blank, and no file."""
        return not self.files and not holds_answer(self.outputs)

    @property
    def clock_set_back(self) -> bool:
        """Whether the clock was set back during the attempt: how long it took is unknown."""
        return self.submitted_at < self.started_at

    @property
    def duration(self) -> timedelta:
        """How long the worker had the unit; 0 if the clock was set back during it."""
        return max(self.submitted_at - self.started_at, timedelta(0))

    @property
    def submitted_unit(self) -> SubmittedUnit:
        """The answers as plugins see them."""
        return SubmittedUnit(
            id=self.unit,
            assignment_id=self.assignment,
            index=self.unit_index,
            data=self.inputs,
            agent_id=self.agent,
            worker=self.worker_view,
            answers=self.outputs,
            late=self.late,
            started_at=self.started_at,
            submitted_at=self.submitted_at,
            language=self.language or "",
        )


def _stored(record: type[StoredUnit]) -> tuple[Attribute[Any], ...]:
    """Return the fields of a record that are read from columns."""
    return tuple(each for each in fields(record) if _COLUMN in each.metadata)


def _reader(column: peewee.Field) -> Callable[[Any], Any] | None:
    return column.python_value if isinstance(column, _CONVERTED) else None


_FIELDS = _stored(StoredAnswer)
_COLUMNS = tuple(each.metadata[_COLUMN].alias(each.name) for each in _FIELDS)
_READERS = tuple(_reader(each.metadata[_COLUMN]) for each in _FIELDS)
_NAMES = tuple(each.name for each in _FIELDS)
_AGENT, _SUBMITTED_AT = _NAMES.index("agent"), _NAMES.index("submitted_at")
#: A record's values are the first of a row: a unit's, then an attempt's, then an answer's.
_OF_UNIT, _OF_ATTEMPT = len(_stored(StoredUnit)), len(_stored(StoredAttempt))

#: Condition on attempts and their units: these are the answers that have completed the unit.
COUNTS = UnitTable.agent_id == AgentTable.id
#: The columns of :func:`select_attempts` in their order, by the names of fields.
STORED: Mapping[str, peewee.Field] = MappingProxyType(
    {each.name: each.metadata[_COLUMN] for each in _FIELDS}
)
#: The fields that exports have, in the record's order.
EXPORTED = tuple(each.name for each in _FIELDS if each.metadata[_EXPORTED])


def select_attempts() -> Any:
    """Return the query of attempts at units, for :func:`read_answers`."""
    return _with_task(
        AgentTable.select(*_COLUMNS)
        .join(UnitTable, on=(AgentTable.unit == UnitTable.id))
        .join(AssignmentTable, on=(UnitTable.assignment == AssignmentTable.id))
        .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
    )


def select_units() -> Any:
    """Return the query of units and the attempts that hold them, for :func:`read_units`."""
    return _with_task(
        AssignmentTable.select(*_COLUMNS)
        .join(UnitTable, on=(UnitTable.assignment == AssignmentTable.id))
        .join(AgentTable, peewee.JOIN.LEFT_OUTER, on=(UnitTable.agent_id == AgentTable.id))
        .join(WorkerTable, peewee.JOIN.LEFT_OUTER, on=(AgentTable.worker == WorkerTable.id))
    )


def read_answers(tx: Transaction, query: Any, files_root: Path) -> list[StoredAnswer]:
    """Return the records of a query of submitted attempts, with their files.

    :param files_root: the database's folder of files.
    """
    return [unit for unit in read_units(tx, query, files_root) if isinstance(unit, StoredAnswer)]


def read_units(tx: Transaction, query: Any, files_root: Path) -> list[StoredUnit]:
    """Return the records of a query: a unit, an attempt or an answer for each row.

    :param files_root: the database's folder of files.
    """
    rows = [_values(row) for row in tx.execute(query)]
    root = files_root.absolute()
    answered = [row[_AGENT] for row in rows if row[_SUBMITTED_AT] is not None]
    files = read_files(tx, answered, root)
    return [_record(row, root, files.get(row[_AGENT], ())) for row in rows]


def read_submitted_unit(tx: Transaction, agent: int) -> SubmittedUnit:
    """Return a submitted attempt as plugins see it.

    :raises LookupError: when the attempt has no unit or no answers.
    """
    attempt = _read_attempt(tx, agent)
    if not isinstance(attempt, StoredAnswer):
        raise LookupError(f"agent {agent} has no answers")
    return attempt.submitted_unit


def read_unit_and_worker(tx: Transaction, agent: int) -> tuple[UnitView, WorkerView]:
    """Return the unit and the worker of an attempt as plugins see them.

    :raises LookupError: when the attempt has no unit.
    """
    attempt = _read_attempt(tx, agent)
    return attempt.unit_view, attempt.worker_view


def read_unit(tx: Transaction, unit: int) -> UnitView:
    """Return a unit as plugins see it.

    :raises LookupError: when there is no such unit.
    """
    row = tx.one(_BY_UNIT, unit=unit)
    if row is None:
        raise LookupError(f"unit {unit} is gone")
    return _record(_values(row), Path(), ()).unit_view


def count_unanswered(tx: Transaction, run: int) -> int:
    """Return the number of a run's submissions that contain no answer."""
    query = AgentTable.select(peewee.fn.COUNT(AgentTable.id).alias("n")).where(
        AgentTable.run == run, AgentTable.unanswered
    )
    row = tx.row(query)
    return 0 if row is None else int(row.n)


def agent_folder(root: Path, run: int, agent: int) -> Path:
    """Return the folder of one attempt's files; it exists if there are any."""
    return root / str(run) / str(agent)


def _with_task(query: Any) -> Any:
    return query.join(TaskRunTable, on=(AssignmentTable.run == TaskRunTable.id)).join(
        TaskTable, on=(TaskRunTable.task == TaskTable.id)
    )


class _FileRow(NamedTuple):
    agent: int
    path: str
    field: str
    name: str
    content_type: str
    size: int
    sha256: str


_FILES = Statement(
    UploadTable.select(
        UploadTable.agent.alias("agent"),
        UploadTable.path,
        UploadTable.field,
        UploadTable.filename.alias("name"),
        UploadTable.content_type,
        UploadTable.size,
        UploadTable.sha256,
    )
    .where(UploadTable.agent << AMONG)
    .order_by(UploadTable.id),
    _FileRow,
)
_BY_AGENT = Statement(select_attempts().where(AgentTable.id == Param("agent")))
_BY_UNIT = Statement(select_units().where(UnitTable.id == Param("unit")))


def _read_attempt(tx: Transaction, agent: int) -> StoredAttempt:
    """Return an attempt without its files."""
    row = tx.one(_BY_AGENT, agent=agent)
    attempt = None if row is None else _record(_values(row), Path(), ())
    if not isinstance(attempt, StoredAttempt):
        raise LookupError(f"agent {agent} has no unit")
    return attempt


def _values(row: Sequence[Any]) -> list[Any]:
    return [
        value if read is None else read(value) for read, value in zip(_READERS, row, strict=True)
    ]


def _record(values: list[Any], root: Path, files: Sequence[FileRecord]) -> StoredUnit:
    """Make a record of the values of :data:`_COLUMNS`."""
    if values[_AGENT] is None:
        return StoredUnit(*values[:_OF_UNIT])
    if values[_SUBMITTED_AT] is None:
        return StoredAttempt(*values[:_OF_ATTEMPT], files_root=root)
    return StoredAnswer(*values, files_root=root, files=files)


def read_files(
    tx: Transaction, agents: Sequence[int], root: Path
) -> Mapping[int, Sequence[FileRecord]]:
    """Return the files of attempts, by attempt.

    :param root: the database's folder of files, as an absolute path.
    """
    found: dict[int, list[FileRecord]] = {}
    for row in run_among(tx, _FILES, agents):
        record = FileRecord(
            field=row.field,
            name=row.name,
            content_type=row.content_type,
            size=row.size,
            sha256=row.sha256,
            path=root / row.path,
        )
        found.setdefault(row.agent, []).append(record)
    return found
