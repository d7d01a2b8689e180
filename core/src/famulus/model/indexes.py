"""The indexes of the tables.

Each has an explicit name: peewee leaves out a partial index whose generated name is taken.
"""

from __future__ import annotations

from typing import Any

import peewee

from famulus.model.states import AgentStatus, OutboxStatus, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import (
    REFUSED,
    Agent,
    Assignment,
    Event,
    GrantedQualification,
    ListenerPosition,
    Outbox,
    Participation,
    Payment,
    Qualification,
    Requester,
    Review,
    Setting,
    Task,
    TaskRun,
    Unit,
    Upload,
    Visit,
    Worker,
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


INDEXES: tuple[peewee.ModelIndex, ...] = (
    _index("setting_name", Setting, Setting.name, unique=True),
    _index("task_name", Task, Task.name, unique=True),
    _index("requester_name", Requester, Requester.provider_type, Requester.name, unique=True),
    _index("worker_name", Worker, Worker.provider_type, Worker.name, unique=True),
    _index("qualification_name", Qualification, Qualification.name, unique=True),
    _index(
        "granted_once",
        GrantedQualification,
        GrantedQualification.worker,
        GrantedQualification.qualification,
        unique=True,
    ),
    _index("granted_of", GrantedQualification, GrantedQualification.qualification),
    _index("run_of_task", TaskRun, TaskRun.task),
    _index("run_status", TaskRun, TaskRun.status),
    _index(
        "listener_position_once",
        ListenerPosition,
        ListenerPosition.run,
        ListenerPosition.name,
        unique=True,
    ),
    _index("assignment_number", Assignment, Assignment.run, Assignment.number, unique=True),
    _index("unit_lane", Unit, Unit.assignment, Unit.lane, unique=True),
    _index("unit_status", Unit, Unit.run, Unit.status),
    _index(
        "unit_free",
        Unit,
        Unit.run,
        Unit.lane,
        Unit.position,
        where=(Unit.status == literal(UnitStatus.LAUNCHED)),
    ),
    _index(
        "unit_waiting",
        Unit,
        Unit.run,
        Unit.lane,
        Unit.position,
        where=(Unit.status == literal(UnitStatus.CREATED)),
    ),
    _index(
        "visit_open",
        Visit,
        Visit.run,
        Visit.reference,
        Visit.worker,
        unique=True,
        where=(Visit.status << literals(VisitStatus.ARRIVED, VisitStatus.ACCEPTED)),
    ),
    _index(
        "visit_place",
        Visit,
        Visit.run,
        Visit.place,
        unique=True,
        where=(
            (Visit.place != peewee.SQL("''"))
            & (Visit.status << literals(VisitStatus.ARRIVED, VisitStatus.ACCEPTED))
        ),
    ),
    _index("visit_status", Visit, Visit.run, Visit.status),
    _index("visit_reference", Visit, Visit.run, Visit.reference, Visit.worker),
    _index(
        "visit_unreported",
        Visit,
        Visit.run,
        Visit.done_at,
        where=((Visit.status == literal(VisitStatus.ACCEPTED)) & Visit.done_at.is_null(False)),
    ),
    _index(
        "agent_once_an_assignment",
        Agent,
        Agent.assignment,
        Agent.worker,
        unique=True,
        where=((Agent.status != literal(AgentStatus.RETURNED)) & Agent.assignment.is_null(False)),
    ),
    _index(
        "agent_holds_unit",
        Agent,
        Agent.unit,
        unique=True,
        where=(Agent.status == literal(AgentStatus.IN_TASK)),
    ),
    _index(
        "agent_onboards_once",
        Agent,
        Agent.run,
        Agent.worker,
        unique=True,
        where=(Agent.status == literal(AgentStatus.ONBOARDING)),
    ),
    _index(
        "agent_deadline",
        Agent,
        Agent.run,
        Agent.deadline,
        where=(Agent.status << literals(AgentStatus.ONBOARDING, AgentStatus.IN_TASK)),
    ),
    _index("agent_of_visit", Agent, Agent.visit),
    _index("agent_of_unit", Agent, Agent.unit),
    _index("agent_of_worker", Agent, Agent.worker, Agent.run),
    _index(
        "agent_submitted",
        Agent,
        Agent.run,
        Agent.submitted_at,
        where=(Agent.submitted_at.is_null(False)),
    ),
    _index("agent_unanswered", Agent, Agent.run, where=(Agent.unanswered)),
    _index(
        "participation_once", Participation, Participation.run, Participation.worker, unique=True
    ),
    _index("participation_in_task", Participation, Participation.worker, Participation.task),
    _index("review_of_unit", Review, Review.unit),
    _index(
        "review_unsettled",
        Review,
        Review.unit,
        where=(Review.settled_at.is_null() & Review.undone_at.is_null()),
    ),
    _index("payment_key", Payment, Payment.key, unique=True),
    _index("payment_of_run", Payment, Payment.run, Payment.status),
    _index("payment_of_unit", Payment, Payment.unit),
    _index(
        "payment_unsettled",
        Payment,
        Payment.run,
        where=(
            Payment.status
            << literals(PaymentStatus.PLANNED, PaymentStatus.SENT, PaymentStatus.UNKNOWN)
        ),
    ),
    _index("upload_of_agent", Upload, Upload.agent),
    _index("event_of_run", Event, Event.run, Event.xact, Event.id),
    _index(
        "event_refused",
        Event,
        Event.run,
        Event.subject_id,
        Event.cause,
        unique=True,
        where=(Event.new == peewee.SQL(f"'{REFUSED}'")),
    ),
    _index("outbox_key", Outbox, Outbox.key, unique=True),
    _index("outbox_of_run", Outbox, Outbox.run, Outbox.kind),
    _index(
        "outbox_failed",
        Outbox,
        Outbox.run,
        where=(Outbox.status == literal(OutboxStatus.FAILED)),
    ),
    _index(
        "outbox_pending",
        Outbox,
        Outbox.next_attempt_at,
        where=(Outbox.status == literal(OutboxStatus.PENDING)),
    ),
)
