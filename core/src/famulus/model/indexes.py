"""The indexes of the tables.

Every index adds pages to the log of each request, so each exists for an invariant, or for a query
that was measured at a million units. Most are partial: they have only the rows that are looked for.

Each has an explicit name: peewee leaves out a partial index whose generated name is taken.
"""

from __future__ import annotations

from typing import Any

import peewee

from famulus.model.database_kind import DatabaseKind
from famulus.model.states import AgentStatus, OutboxStatus, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import (
    IS_ENDED_UNIT,
    IS_ENDED_VISIT,
    IS_OPEN_VISIT,
    IS_RARE_EVENT,
    IS_REFUSAL,
    AgentTable,
    AssignmentTable,
    EventTable,
    GrantedQualificationTable,
    ListenerPositionTable,
    OutboxTable,
    ParticipationTable,
    PaymentTable,
    QualificationTable,
    RequesterTable,
    ReviewTable,
    SettingTable,
    TaskRunTable,
    TaskTable,
    UnitTable,
    UploadTable,
    VisitTable,
    WorkerTable,
    literal,
    literals,
)


def _index(
    name: str,
    model: type[peewee.Model],
    *fields: Any,
    unique: bool = False,
    where: peewee.Node | None = None,
) -> peewee.ModelIndex:
    return peewee.ModelIndex(model, fields, unique=unique, safe=False, where=where, name=name)


def indexes_of(kind: DatabaseKind) -> tuple[peewee.ModelIndex, ...]:
    """Return the indexes for a kind of database."""
    return (*_INDEXES, *(_OF_POSTGRESQL if kind is DatabaseKind.POSTGRESQL else ()))


_INDEXES = (
    _index("setting_name", SettingTable, SettingTable.name, unique=True),
    _index("task_name", TaskTable, TaskTable.name, unique=True),
    _index(
        "requester_name",
        RequesterTable,
        RequesterTable.provider_type,
        RequesterTable.name,
        unique=True,
    ),
    _index("worker_name", WorkerTable, WorkerTable.provider_type, WorkerTable.name, unique=True),
    _index("qualification_name", QualificationTable, QualificationTable.name, unique=True),
    _index(
        "granted_once",
        GrantedQualificationTable,
        GrantedQualificationTable.worker,
        GrantedQualificationTable.qualification,
        unique=True,
    ),
    _index("granted_of", GrantedQualificationTable, GrantedQualificationTable.qualification),
    _index("run_of_task", TaskRunTable, TaskRunTable.task),
    _index("run_status", TaskRunTable, TaskRunTable.status),
    _index(
        "listener_position_once",
        ListenerPositionTable,
        ListenerPositionTable.run,
        ListenerPositionTable.name,
        unique=True,
    ),
    _index(
        "assignment_number",
        AssignmentTable,
        AssignmentTable.run,
        AssignmentTable.number,
        unique=True,
    ),
    _index(
        "unit_lane",
        UnitTable,
        UnitTable.assignment,
        UnitTable.lane,
        UnitTable.replacement,
        unique=True,
    ),
    _index(
        "unit_replacement",
        UnitTable,
        UnitTable.run,
        where=(UnitTable.replacement > peewee.SQL("0")),
    ),
    _index("unit_ended", UnitTable, UnitTable.run, UnitTable.status, where=IS_ENDED_UNIT),
    _index(
        "unit_free",
        UnitTable,
        UnitTable.run,
        UnitTable.lane,
        UnitTable.position,
        where=(UnitTable.status == literal(UnitStatus.LAUNCHED)),
    ),
    _index(
        "unit_waiting",
        UnitTable,
        UnitTable.run,
        UnitTable.lane,
        UnitTable.position,
        where=(UnitTable.status == literal(UnitStatus.CREATED)),
    ),
    _index(
        "visit_open",
        VisitTable,
        VisitTable.run,
        VisitTable.reference,
        VisitTable.worker,
        unique=True,
        where=IS_OPEN_VISIT,
    ),
    _index(
        "visit_place",
        VisitTable,
        VisitTable.run,
        VisitTable.place,
        unique=True,
        where=((VisitTable.place != peewee.SQL("''")) & IS_OPEN_VISIT),
    ),
    _index("visit_ended", VisitTable, VisitTable.run, VisitTable.status, where=IS_ENDED_VISIT),
    _index("visit_of_worker", VisitTable, VisitTable.worker, VisitTable.run, VisitTable.reference),
    _index(
        "visit_unreported",
        VisitTable,
        VisitTable.run,
        VisitTable.done_at,
        where=(
            (VisitTable.status == literal(VisitStatus.ACCEPTED)) & VisitTable.done_at.is_null(False)
        ),
    ),
    _index(
        "agent_once_an_assignment",
        AgentTable,
        AgentTable.worker,
        AgentTable.run,
        AgentTable.assignment,
        unique=True,
    ),
    _index(
        "agent_holds_unit",
        AgentTable,
        AgentTable.run,
        AgentTable.unit,
        unique=True,
        where=(AgentTable.status == literal(AgentStatus.IN_TASK)),
    ),
    _index(
        "agent_onboards_once",
        AgentTable,
        AgentTable.run,
        AgentTable.worker,
        unique=True,
        where=(AgentTable.status == literal(AgentStatus.ONBOARDING)),
    ),
    _index("agent_of_visit", AgentTable, AgentTable.visit),
    _index(
        "agent_submitted",
        AgentTable,
        AgentTable.run,
        AgentTable.submitted_at,
        where=(AgentTable.submitted_at.is_null(False)),
    ),
    _index("agent_unanswered", AgentTable, AgentTable.run, where=(AgentTable.unanswered)),
    _index(
        "participation_once",
        ParticipationTable,
        ParticipationTable.run,
        ParticipationTable.worker,
        unique=True,
    ),
    _index(
        "participation_in_task",
        ParticipationTable,
        ParticipationTable.worker,
        ParticipationTable.task,
    ),
    _index("review_of_unit", ReviewTable, ReviewTable.unit),
    _index(
        "review_unapplied",
        ReviewTable,
        ReviewTable.unit,
        where=(ReviewTable.applied_at.is_null() & ReviewTable.undone_at.is_null()),
    ),
    _index("payment_key", PaymentTable, PaymentTable.key, unique=True),
    _index("payment_of_run", PaymentTable, PaymentTable.run, PaymentTable.status),
    _index("payment_of_worker", PaymentTable, PaymentTable.worker, PaymentTable.run),
    _index("payment_of_unit", PaymentTable, PaymentTable.unit),
    _index("payment_of_visit", PaymentTable, PaymentTable.visit),
    _index(
        "payment_unsettled",
        PaymentTable,
        PaymentTable.run,
        where=(
            PaymentTable.status
            << literals(PaymentStatus.PLANNED, PaymentStatus.SENT, PaymentStatus.UNKNOWN)
        ),
    ),
    _index("upload_of_agent", UploadTable, UploadTable.agent),
    _index("event_rare", EventTable, EventTable.run, where=IS_RARE_EVENT),
    _index(
        "event_refused",
        EventTable,
        EventTable.run,
        EventTable.subject_id,
        EventTable.cause,
        unique=True,
        where=IS_REFUSAL,
    ),
    _index("outbox_key", OutboxTable, OutboxTable.key, unique=True),
    _index("outbox_of_run", OutboxTable, OutboxTable.run, OutboxTable.kind),
    _index(
        "outbox_failed",
        OutboxTable,
        OutboxTable.run,
        where=(OutboxTable.status == literal(OutboxStatus.FAILED)),
    ),
    _index(
        "outbox_pending",
        OutboxTable,
        OutboxTable.next_attempt_at,
        where=(OutboxTable.status == literal(OutboxStatus.PENDING)),
    ),
)
#: On SQLite the numbers of events are in the order of the commits, and events are read by them.
_OF_POSTGRESQL = (
    _index("event_of_run", EventTable, EventTable.run, EventTable.xact, EventTable.id),
)
