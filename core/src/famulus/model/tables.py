"""The tables, as peewee models that are bound to no database."""

from __future__ import annotations

import re
from functools import reduce
from operator import and_, or_
from typing import Any

import peewee

from famulus.model.fields import EnumField, ErrorField, JsonField, RowIdField, UtcField
from famulus.model.states import (
    ENDED_UNITS,
    ENDED_VISITS,
    OPEN_AGENTS,
    OPEN_VISITS,
    AgentStatus,
    Decision,
    LoadingStatus,
    OutboxStatus,
    PaymentKind,
    PaymentStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)

#: The new status in the event of a worker who was not admitted.
REFUSED = "refused"


def literal(status: Any) -> peewee.SQL:
    """Return a status as a literal in the SQL text.

    A partial index is only used when its condition is in the text of the query: a bound parameter
    could have any value.
    """
    return peewee.SQL(f"'{status.value}'")


def literals(*statuses: Any) -> peewee.SQL:
    """Return several statuses as literals, for the right side of ``IN``."""
    return peewee.SQL("({})".format(", ".join(f"'{status.value}'" for status in statuses)))


def _name_in_database(model: type[peewee.Model]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__.removesuffix("Table")).lower()


class Table(peewee.Model):
    """The base of all tables: a 64-bit id. ``TaskRunTable`` is ``task_run`` in the database."""

    id = RowIdField()

    class Meta:
        table_function = _name_in_database


def _to(model: type[Table], column: str, *, null: bool = False) -> Any:
    if null:
        return peewee.ForeignKeyField(model, column_name=column, null=True, index=False)
    return peewee.ForeignKeyField(model, column_name=column, index=False)


class SettingTable(Table):
    """A setting of the whole database. ``identity`` is its unique id, also used on platforms."""

    name = peewee.CharField(max_length=64)
    value = peewee.TextField()


class TaskTable(Table):
    """A name under which runs share limits, workers' history and review."""

    name = peewee.CharField(max_length=255)
    blueprint_type = peewee.CharField(max_length=64)
    created_at = UtcField()


class RequesterTable(Table):
    """The account that pays, as one provider knows it.

    ``settings`` holds the settings stored at its registration, which contain no secrets.
    """

    provider_type = peewee.CharField(max_length=64)
    name = peewee.CharField(max_length=255)
    created_at = UtcField()
    settings = JsonField(default=dict)


class WorkerTable(Table):
    """A person as one provider knows them. A blocked worker is not admitted to any task."""

    provider_type = peewee.CharField(max_length=64)
    name = peewee.CharField(max_length=255)
    created_at = UtcField()
    blocked = peewee.BooleanField(default=False)


class QualificationTable(Table):
    """A named integer that can be granted to workers."""

    name = peewee.CharField(max_length=255)
    description = peewee.TextField(default="")
    created_at = UtcField()


class GrantedQualificationTable(Table):
    """A worker's value of a qualification."""

    worker = _to(WorkerTable, "worker_id")
    qualification = _to(QualificationTable, "qualification_id")
    value = peewee.IntegerField(default=1)
    granted_at = UtcField()


class TaskRunTable(Table):
    """One launch of a task. ``plan`` is the whole configuration without secrets.

    The limits have columns of their own because they can be changed while the run goes on.
    ``next_position`` orders units within the run; a unit that is returned gets a new position.
    ``open_units`` is only counted if ``max_num_concurrent_units`` limits it. ``places`` is the
    total that the platform is asked for; all numbers of places below ``next_place`` were used.
    """

    task = _to(TaskTable, "task_id")
    requester = _to(RequesterTable, "requester_id")
    status = EnumField(RunStatus)
    blueprint_type = peewee.CharField(max_length=64)
    architect_type = peewee.CharField(max_length=64)
    provider_type = peewee.CharField(max_length=64)
    sandbox = peewee.BooleanField()
    plan = JsonField()
    url = peewee.TextField(default="")
    #: what the architect needs to find what its last deployment has started
    handle = JsonField(null=True)
    created_at = UtcField()
    #: when the run was last launched or resumed
    opened_at = UtcField(null=True)
    #: when the operator last noticed that the machine had been suspended
    served_since = UtcField(null=True)
    #: after this time no new worker is admitted
    closes_at = UtcField()
    ended_at = UtcField(null=True)
    failure = ErrorField(default="")

    reward = peewee.BigIntegerField()
    currency = peewee.CharField(max_length=3)
    units_per_assignment = peewee.IntegerField()
    assignment_duration_in_seconds = peewee.IntegerField()
    submission_timeout = peewee.IntegerField()
    no_submission_patience = peewee.IntegerField()
    allowed_concurrent = peewee.IntegerField()
    maximum_units_per_worker = peewee.IntegerField()
    max_num_concurrent_units = peewee.IntegerField()
    #: what the run may cost with fees and taxes; 0 means no limit
    max_spend = peewee.BigIntegerField(default=0)
    #: the maximum total size of uploaded files; 0 means no limit
    max_upload_bytes = peewee.BigIntegerField(default=10_000_000_000)
    #: what one unit costs with fees and taxes
    unit_cost = peewee.BigIntegerField(default=0)
    #: whether its provider does not pay, so that rewards and bonuses are owed by the requester
    paid_outside = peewee.BooleanField(default=False)
    #: whether the run, which is stopping, is to be finished once no worker is at work
    is_finishing = peewee.BooleanField(default=False)

    loading = EnumField(LoadingStatus)
    loading_error = ErrorField(default="")
    rows_loaded = peewee.BigIntegerField(default=0)
    source_hash = peewee.CharField(max_length=64, default="")
    next_position = peewee.BigIntegerField(default=0)
    open_units = peewee.BigIntegerField(default=0)
    places = peewee.BigIntegerField(default=0)
    next_place = peewee.BigIntegerField(default=0)

    lease_holder = peewee.CharField(max_length=64, default="")
    #: the process of the holder, to recognise that it has died
    lease_process = peewee.CharField(max_length=255, default="")
    lease_until = UtcField(null=True)
    #: identifies the server that was started last
    instance = peewee.CharField(max_length=64, default="")
    #: the visits open on the platform for which the server of a finished run stays, and until when
    #: at most; null if it does not
    awaited_visits = peewee.IntegerField(default=0)
    awaited_until = UtcField(null=True)
    #: the last event that any listener has received; new listeners start there
    events_delivered = peewee.BigIntegerField(default=0)
    transactions_delivered = peewee.BigIntegerField(default=0)
    #: how far the platform's reports have been read, in the provider's words; null for not at all
    sync_cursor = peewee.TextField(null=True)
    #: how often the platform has announced changes, and how many of that the last sync has covered
    sync_requests = peewee.BigIntegerField(default=0)
    sync_requests_answered = peewee.BigIntegerField(default=0)


class ListenerPositionTable(Table):
    """The last event of a run that one listener has received.

    A listener is a plugin, by its name, or a function of the run's script.
    """

    run = _to(TaskRunTable, "run_id")
    name = peewee.CharField(max_length=255)
    event = peewee.BigIntegerField()
    xact = peewee.BigIntegerField()


class AssignmentTable(Table):
    """One item of work: a row of the data, numbered from 0 in the order of the data."""

    run = _to(TaskRunTable, "run_id")
    number = peewee.BigIntegerField()
    data = JsonField()


class UnitTable(Table):
    """One worker's slot in an assignment; ``lane`` numbers the slots from 0.

    A slot whose unit was rejected may have another one, which ``replacement`` numbers from 1.
    """

    run = _to(TaskRunTable, "run_id")
    assignment = _to(AssignmentTable, "assignment_id")
    lane = peewee.IntegerField()
    replacement = peewee.IntegerField(default=0)
    position = peewee.BigIntegerField()
    status = EnumField(UnitStatus)
    #: the attempt that is working on the unit, or that completed it
    agent_id = peewee.BigIntegerField(null=True)


class VisitTable(Table):
    """One arrival of a worker as the platform knows it. ``query`` holds the URL's parameters."""

    run = _to(TaskRunTable, "run_id")
    worker = _to(WorkerTable, "worker_id")
    reference = peewee.CharField(max_length=255)
    accept = peewee.CharField(max_length=255, default="")
    status = EnumField(VisitStatus)
    query = JsonField()
    #: the platform's id of the visit's place; empty if places have no ids
    place = peewee.CharField(max_length=255, default="")
    #: the number of earlier visits that took over the place without the platform's confirmation
    handovers = peewee.IntegerField(default=0)
    arrived_at = UtcField()
    #: later than ``arrived_at`` once the worker of a visit with a place has come again
    last_arrived_at = UtcField()
    #: when the last work of the visit was stored
    done_at = UtcField(null=True)


class AgentTable(Table):
    """One attempt of one worker at one unit, or at the onboarding (then without a unit).

    ``assignment`` is the assignment that the worker has tried in this attempt and cannot get again;
    null for an onboarding, and after the unit was given back.
    """

    run = _to(TaskRunTable, "run_id")
    worker = _to(WorkerTable, "worker_id")
    visit = _to(VisitTable, "visit_id")
    assignment = _to(AssignmentTable, "assignment_id", null=True)
    unit = _to(UnitTable, "unit_id", null=True)
    status = EnumField(AgentStatus)
    #: a random number that tokens name beside ``id``, which is used again where a power failure has
    #: undone the attempt; null for an attempt that was made before there were any
    nonce = peewee.BigIntegerField(null=True)
    started_at = UtcField()
    deadline = UtcField()
    ended_at = UtcField(null=True)
    submitted_at = UtcField(null=True)
    submission_id = peewee.CharField(max_length=64, null=True)
    late = peewee.BooleanField(default=False)
    #: until when a process has claimed the judgement of an onboarding; null if none has
    judging_until = UtcField(null=True)
    #: submitted without any value and without a file
    unanswered = peewee.BooleanField(default=False)
    answers = JsonField(null=True)
    #: what the blueprint says to the worker about an onboarding that they have failed
    message = JsonField(null=True)
    #: the tag of the language of the page that was submitted; null where it is unknown
    language = peewee.CharField(max_length=16, null=True)


class ParticipationTable(Table):
    """One worker in one run: the counters that are limited, and where to look for the next unit.

    ``assignments`` counts the assignments that the worker has tried and not returned. ``marks``
    holds a position for each lane: the worker has tried the assignment of every free unit before
    it; ``cursor`` is where the next search starts for a unit that ``worker_can_do_unit`` accepts.
    """

    run = _to(TaskRunTable, "run_id")
    worker = _to(WorkerTable, "worker_id")
    task = _to(TaskTable, "task_id")
    open_units = peewee.IntegerField(default=0)
    done_units = peewee.IntegerField(default=0)
    assignments = peewee.IntegerField(default=0)
    marks = JsonField()
    cursor = JsonField(null=True)


class ReviewTable(Table):
    """A reviewer's decision on the answers of a unit; the newest that is not undone counts.

    A decision without ``applied_at`` can still be undone: it was not applied to the ledger yet.
    ``amount`` is what accepted work earns if that is only part of the reward, in minor units.
    """

    unit = _to(UnitTable, "unit_id")
    agent = _to(AgentTable, "agent_id")
    decision = EnumField(Decision)
    note = peewee.TextField(default="")
    amount = peewee.BigIntegerField(null=True)
    category = peewee.TextField(default="")
    decided_at = UtcField()
    undone_at = UtcField(null=True)
    applied_at = UtcField(null=True)


class PaymentTable(Table):
    """One row of the ledger, written before the platform is called.

    ``key`` is derived from what is paid for, so that the same payment is the same row. ``fee`` is
    the platform's fee, with taxes, on top of ``amount``.
    """

    key = peewee.CharField(max_length=128)
    kind = EnumField(PaymentKind)
    run = _to(TaskRunTable, "run_id")
    worker = _to(WorkerTable, "worker_id")
    visit = _to(VisitTable, "visit_id", null=True)
    unit = _to(UnitTable, "unit_id", null=True)
    amount = peewee.BigIntegerField()
    fee = peewee.BigIntegerField(default=0)
    currency = peewee.CharField(max_length=3)
    reason = peewee.TextField(default="")
    status = EnumField(PaymentStatus)
    error = ErrorField(default="")
    #: how it was paid outside of the platform
    note = peewee.TextField(default="")
    created_at = UtcField()
    changed_at = UtcField()
    #: when the call began that may have paid it
    sent_at = UtcField(null=True)
    #: what the provider has stored for :meth:`Provider.settle`
    kept = JsonField(null=True)


class UploadTable(Table):
    """An uploaded file. ``path`` is relative to the database's folder of files."""

    agent = _to(AgentTable, "agent_id")
    field = peewee.CharField(max_length=255)
    filename = peewee.CharField(max_length=255)
    content_type = peewee.CharField(max_length=255)
    size = peewee.BigIntegerField()
    sha256 = peewee.CharField(max_length=64)
    path = peewee.CharField(max_length=255)
    created_at = UtcField()


class EventTable(Table):
    """A recorded change, never updated. ``subject_id`` is null for a batch of ``count`` rows.

    ``xact`` is PostgreSQL's transaction id: the ids of a sequence become visible out of order, so a
    reader that only follows ids would skip events.
    """

    run = _to(TaskRunTable, "run_id", null=True)
    at = UtcField()
    subject = peewee.CharField(max_length=16)
    subject_id = peewee.BigIntegerField(null=True)
    old = peewee.CharField(max_length=16, null=True)
    new = peewee.CharField(max_length=16)
    cause = peewee.CharField(max_length=64)
    count = peewee.BigIntegerField(default=1)
    agent_id = peewee.BigIntegerField(null=True)
    detail = JsonField(null=True)
    xact = peewee.BigIntegerField(default=0)


class OutboxTable(Table):
    """A call to a platform, stored in the transaction of the local change that it follows from.

    A row belongs to a run or, like a grant or a block, to a requester's account.
    """

    run = _to(TaskRunTable, "run_id", null=True)
    requester = _to(RequesterTable, "requester_id", null=True)
    key = peewee.CharField(max_length=128)
    kind = peewee.CharField(max_length=32)
    payload = JsonField()
    status = EnumField(OutboxStatus)
    attempts = peewee.IntegerField(default=0)
    next_attempt_at = UtcField()
    error = ErrorField(default="")
    created_at = UtcField()
    done_at = UtcField(null=True)
    #: until when ``claimed_by``, a process, has claimed the row; null if no process has
    claimed_until = UtcField(null=True)
    claimed_by = peewee.CharField(max_length=255, default="")


#: All tables, each after those that it refers to.
TABLES: tuple[type[Table], ...] = (
    SettingTable,
    TaskTable,
    RequesterTable,
    WorkerTable,
    QualificationTable,
    GrantedQualificationTable,
    TaskRunTable,
    ListenerPositionTable,
    AssignmentTable,
    UnitTable,
    VisitTable,
    AgentTable,
    ParticipationTable,
    ReviewTable,
    PaymentTable,
    UploadTable,
    EventTable,
    OutboxTable,
)


def _is_any(column: Any, *statuses: Any) -> Any:
    # SQLite sees that one of the statuses implies this, which it does not see of an IN.
    return reduce(or_, (column == literal(status) for status in statuses))


#: The conditions of partial indexes. One is used where a query compares the status with a single
#: literal, or has the condition itself in its text.
IS_ENDED_UNIT: Any = _is_any(UnitTable.status, *ENDED_UNITS)
IS_OPEN_VISIT: Any = VisitTable.status << literals(*OPEN_VISITS)
IS_ENDED_VISIT: Any = _is_any(VisitTable.status, *ENDED_VISITS)
#: Visits whose end is still to come are those of each of these, by an index of its own.
ARE_PENDING_VISITS: tuple[Any, ...] = (
    IS_OPEN_VISIT,
    VisitTable.status == literal(VisitStatus.SUBMITTED),
    VisitTable.status == literal(VisitStatus.UNKNOWN),
)
IS_OPEN_AGENT: Any = _is_any(AgentTable.status, *OPEN_AGENTS)
#: Events of workers who were not admitted.
IS_REFUSAL: Any = EventTable.new == peewee.SQL(f"'{REFUSED}'")
#: Events beside those of units and of the work on them, which are most. SQLite makes a temporary
#: table for a NOT IN of more than two values, for each row that is inserted (measured: 10 µs).
IS_RARE_EVENT: Any = reduce(
    and_,
    (
        EventTable.subject != peewee.SQL(f"'{subject}'")
        for subject in ("visit", "agent", "unit", "work")
    ),
)


def is_ended_visit(*statuses: VisitStatus) -> Any:
    """Return the condition that a visit has one of the given statuses, which must be ended ones."""
    return IS_ENDED_VISIT & (VisitTable.status << literals(*statuses))
