"""The everyday arrival and submission on PostgreSQL, each in one round trip to the server.

Conditions, locks, rows and events are in the statements, so that no lock waits for the network. If
anything but the everyday case may apply, they write nothing and return no row: the general way
(``admission``, ``submission``) decides, in a transaction of its own. Both ways leave the same rows
and events.

Locks are taken in the order of the general way: of an arrival the worker, their progress in the
run, and the unit; of a submission the attempt, the progress, the unit, and the visit. Each lock is
a statement of its own, since a statement sees what was committed before it began, and not what it
has waited for. A statement does not find a worker who is committed after it began. So an arrival is
counted only if the progress is still as it was read, and unique indexes refuse any other rows that
were added.

The transitions are checked once, at import. The events are the same as those of ``status``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from famulus.contracts.provider_views import Arrival
from famulus.engine.admission_results import AssignedUnit
from famulus.engine.arrival import RunRules
from famulus.engine.attempts import new_nonce
from famulus.engine.everyday import StoredAnswers
from famulus.engine.everyday_status import SubmittedParts
from famulus.engine.tokens import SignedAttempt
from famulus.engine.visits import stored_visit_view
from famulus.engine.worker_progress import number_unit
from famulus.model.database import Database
from famulus.model.fields import dump_json
from famulus.model.postgresql_pipeline import AtOnce
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_RUNS,
    AgentStatus,
    LoadingStatus,
    UnitStatus,
    VisitStatus,
    check_transition,
)
from famulus.model.tables import literal, literals

T = TypeVar("T")

check_transition(UnitStatus.LAUNCHED, UnitStatus.ASSIGNED, "a unit")
check_transition(UnitStatus.ASSIGNED, UnitStatus.COMPLETED, "a unit")
check_transition(AgentStatus.IN_TASK, AgentStatus.COMPLETED, "an attempt")
check_transition(VisitStatus.ACCEPTED, VisitStatus.SUBMITTED, "a visit")

_LAUNCHED, _ASSIGNED = literal(UnitStatus.LAUNCHED).sql, literal(UnitStatus.ASSIGNED).sql
_UNIT_DONE = literal(UnitStatus.COMPLETED).sql
_IN_TASK, _AGENT_DONE = literal(AgentStatus.IN_TASK).sql, literal(AgentStatus.COMPLETED).sql
_ACCEPTED, _SUBMITTED = literal(VisitStatus.ACCEPTED).sql, literal(VisitStatus.SUBMITTED).sql
_LOADING = literal(LoadingStatus.LOADING).sql


class Everyday(Generic[T]):
    """The statements of a request, which are sent together, and what their row means."""

    __slots__ = ("_read", "statements")

    def __init__(self, statements: AtOnce, read: Callable[[Sequence[Any]], T]) -> None:
        self.statements = statements
        self._read = read

    def run(self, database: Database) -> T | None:
        """Run the statements; None if anything else may apply."""
        texts, params = self.statements
        return self.result(database.write_at_once(texts, **params))

    def result(self, row: Sequence[Any] | None) -> T | None:
        """Return the result that a row stands for."""
        return None if row is None else self._read(row)


class _AssignedRow(NamedTuple):
    """What an arrival has made and found."""

    agent: int
    started_at: int
    worker: int
    visit: int
    unit: int
    assignment: int
    lane: int
    data: str
    deadline: int
    #: units of the worker in the run, with this one
    units: int
    #: assignments that the worker cannot get again, with this one
    tried: int
    #: None while they are being loaded
    rows: int | None


class _SubmittedRow(NamedTuple):
    """The visit of a submission, and whether there is another unit for its worker."""

    visit: int
    run_url: str
    worker_name: str
    reference: str
    query: str
    arrived_at: int
    last_arrived_at: int
    done_at: int
    #: None if it is not known
    has_next: bool | None


def _may_work(open_units: str, tried: str) -> str:
    """Return the condition that no refusal can apply before the search.

    Unlike the check in ``everyday``, it leaves each maximum of units per worker to the general way.

    :param open_units: SQL for the number of the worker's open units in the run.
    :param tried: SQL for the number of assignments that the worker cannot get again.
    """
    return f"""run.status IN {literals(*OPEN_RUNS).sql}
        AND run.closes_at > %(at)s
        AND worker.blocked IS NOT TRUE
        AND run.maximum_units_per_worker = 0
        AND (run.allowed_concurrent = 0 OR {open_units} < run.allowed_concurrent)
        AND (run.loading = {_LOADING} OR {tried} < run.rows_loaded)"""


def _free(lane: str, mark: str) -> str:
    """Return the condition that a unit is free and comes after a position of a lane."""
    return f"""unit.run_id = %(run)s AND unit.lane = {lane} AND unit.position > {mark}
        AND unit.status = {_LAUNCHED} AND unit.replacement = 0"""


def _is_tried(worker: str) -> str:
    """Return the condition that a worker has tried the assignment of a unit."""
    return f"""EXISTS (SELECT 1 FROM agent AS earlier
        WHERE earlier.worker_id = {worker} AND earlier.run_id = %(run)s
        AND earlier.assignment_id = unit.assignment_id)"""


def _record(events: str, cause: str) -> str:
    """Return the statement that records events, given the columns of ``change`` below."""
    return f"""INSERT INTO event
        (run_id, at, subject, subject_id, old, new, cause, count, agent_id, xact)
    SELECT %(run)s, %(at)s, change.subject, change.id, change.old, change.new, '{cause}', 1,
        change.agent, pg_current_xact_id()::text::bigint
    FROM {events} AS change (place, subject, id, old, new, agent) ORDER BY change.place"""


_LOCK_WORKER = """
SELECT id FROM worker WHERE provider_type = %(provider)s AND name = %(name)s FOR NO KEY UPDATE"""
_LOCK_PROGRESS = """
SELECT progress.id FROM participation AS progress JOIN worker ON worker.id = progress.worker_id
WHERE worker.provider_type = %(provider)s AND worker.name = %(name)s AND progress.run_id = %(run)s
FOR NO KEY UPDATE OF progress"""
_EVENTS_OF_ARRIVAL = f"""visiting, attempt, given, LATERAL (VALUES
    (1, 'visit', visiting.id, NULL, {_ACCEPTED}, NULL),
    (2, 'agent', attempt.id, NULL, {_IN_TASK}, attempt.id),
    (3, 'unit', given.unit, {_LAUNCHED}, {_ASSIGNED}, attempt.id))"""
_ASSIGN = f"""
WITH seen AS (
    SELECT worker.id AS worker, progress.id AS progress,
        progress.open_units AS open, progress.assignments AS tried,
        COALESCE(progress.open_units + progress.done_units, 0) AS units,
        COALESCE(progress.marks, %(marks)s) AS marks,
        %(at)s + run.assignment_duration_in_seconds::bigint * 1000000 AS deadline,
        CASE WHEN run.loading = %(complete)s THEN run.rows_loaded END AS rows
    FROM task_run AS run
    LEFT JOIN worker ON worker.provider_type = %(provider)s AND worker.name = %(name)s
    LEFT JOIN participation AS progress
        ON progress.run_id = run.id AND progress.worker_id = worker.id
    WHERE run.id = %(run)s
        AND {_may_work("COALESCE(progress.open_units, 0)", "COALESCE(progress.assignments, 0)")}
        AND progress.cursor IS NULL
        AND NOT EXISTS (SELECT 1 FROM visit WHERE visit.run_id = run.id
            AND visit.worker_id = worker.id AND visit.reference = %(reference)s)
), next AS (
    SELECT number - 1 AS lane, mark::bigint AS mark
    FROM seen
    CROSS JOIN json_array_elements_text(seen.marks::json) WITH ORDINALITY AS lanes (mark, number)
    CROSS JOIN LATERAL (
        SELECT 1 FROM unit WHERE {_free("number - 1", "mark::bigint")} LIMIT 1
    ) AS first
    ORDER BY number LIMIT 1
), free AS (
    SELECT unit.id, unit.assignment_id, unit.lane,
        {_is_tried("(SELECT worker FROM seen)")} AS is_tried
    FROM unit WHERE {_free("(SELECT lane FROM next)", "(SELECT mark FROM next)")}
    ORDER BY unit.position LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), newcomer AS (
    INSERT INTO worker (provider_type, name, created_at, blocked)
    SELECT %(provider)s, %(name)s, %(at)s, FALSE FROM seen, free WHERE seen.worker IS NULL
    ON CONFLICT DO NOTHING RETURNING id
), offered AS (
    SELECT COALESCE(seen.worker, newcomer.id) AS worker, free.id AS unit,
        free.assignment_id AS assignment, free.lane, seen.progress, seen.open, seen.tried,
        seen.units, seen.deadline, seen.rows
    FROM seen CROSS JOIN free LEFT JOIN newcomer ON TRUE
    WHERE NOT free.is_tried AND COALESCE(seen.worker, newcomer.id) IS NOT NULL
), begun AS (
    INSERT INTO participation
        (run_id, worker_id, task_id, open_units, done_units, assignments, marks)
    SELECT %(run)s, worker, %(task)s, 1, 0, 1, %(marks)s FROM offered WHERE progress IS NULL
    RETURNING id
), counted AS (
    UPDATE participation SET open_units = open + 1, assignments = tried + 1
    FROM offered WHERE participation.id = (SELECT progress FROM offered)
        AND participation.open_units = open AND participation.assignments = tried
    RETURNING participation.id
), given AS (
    SELECT offered.* FROM offered, (SELECT id FROM begun UNION ALL SELECT id FROM counted) AS sure
), visiting AS (
    INSERT INTO visit (run_id, worker_id, reference, accept, status, query, place, handovers,
        arrived_at, last_arrived_at)
    SELECT %(run)s, worker, %(reference)s, %(accept)s, {_ACCEPTED}, %(query)s, '', 0, %(at)s, %(at)s
    FROM given RETURNING id
), attempt AS (
    INSERT INTO agent (run_id, worker_id, visit_id, assignment_id, unit_id, status, started_at,
        nonce, deadline, late, unanswered)
    SELECT %(run)s, worker, visiting.id, assignment, unit, {_IN_TASK}, %(at)s,
        %(nonce)s, deadline, FALSE, FALSE
    FROM given, visiting RETURNING id
), assigned AS (
    UPDATE unit SET status = {_ASSIGNED}, agent_id = attempt.id
    FROM attempt WHERE unit.id = (SELECT unit FROM given)
), recorded AS (
    {_record(_EVENTS_OF_ARRIVAL, "arrival")}
)
SELECT attempt.id, %(at)s::bigint, given.worker, visiting.id, given.unit, given.assignment,
    given.lane,
    (SELECT data FROM assignment WHERE assignment.id = given.assignment), given.deadline,
    given.units + 1, COALESCE(given.tried, 0) + 1, given.rows
FROM given, visiting, attempt"""

_LOCK_WORK = """
SELECT attempt.id FROM agent AS attempt
JOIN participation AS progress
    ON progress.run_id = attempt.run_id AND progress.worker_id = attempt.worker_id
JOIN unit ON unit.id = attempt.unit_id
JOIN visit ON visit.id = attempt.visit_id
WHERE attempt.id = %(agent)s
FOR NO KEY UPDATE OF attempt, progress, unit, visit"""
_EVENTS_OF_SUBMISSION = f"""(
        SELECT change.* FROM seen, LATERAL (VALUES
            (1, 'agent', %(agent)s::bigint, {_IN_TASK}, {_AGENT_DONE}, %(agent)s::bigint),
            (2, 'unit', seen.unit, {_ASSIGNED}, {_UNIT_DONE}, %(agent)s::bigint),
            (3, 'visit', seen.visit, {_ACCEPTED}, {_SUBMITTED}, NULL)
        ) AS change (place, subject) WHERE subject <> 'visit' OR NOT %(reported)s)"""
_SUBMIT = f"""
WITH seen AS (
    SELECT attempt.worker_id AS worker, attempt.visit_id AS visit, attempt.unit_id AS unit,
        run.url, worker.name, visit.reference, visit.query, visit.arrived_at,
        visit.last_arrived_at, progress.id AS progress,
        CASE WHEN %(looks_ahead)s
            AND {_may_work("progress.open_units - 1", "progress.assignments")}
            THEN progress.marks END AS marks
    FROM agent AS attempt
    JOIN task_run AS run ON run.id = attempt.run_id
    JOIN worker ON worker.id = attempt.worker_id
    JOIN visit ON visit.id = attempt.visit_id
    JOIN participation AS progress
        ON progress.run_id = attempt.run_id AND progress.worker_id = attempt.worker_id
    JOIN unit ON unit.id = attempt.unit_id AND unit.agent_id = attempt.id
        AND unit.status = {_ASSIGNED}
    WHERE attempt.id = %(agent)s AND attempt.run_id = %(run)s AND attempt.status = {_IN_TASK}
        AND attempt.nonce IS NOT DISTINCT FROM %(nonce)s
        AND attempt.submission_id IS NULL AND run.max_num_concurrent_units = 0
        AND (%(reported)s OR visit.status = {_ACCEPTED})
        AND NOT EXISTS (SELECT 1 FROM agent AS other WHERE other.visit_id = attempt.visit_id
            AND other.id <> attempt.id AND other.status IN {literals(*OPEN_AGENTS).sql})
), answered AS (
    UPDATE agent SET status = {_AGENT_DONE}, answers = %(answers)s, submission_id = %(submission)s,
        submitted_at = %(at)s, ended_at = %(at)s, late = FALSE, unanswered = %(unanswered)s,
        language = %(language)s
    FROM seen WHERE agent.id = %(agent)s
), counted AS (
    UPDATE participation SET open_units = open_units - 1, done_units = done_units + 1
    WHERE participation.id = (SELECT progress FROM seen)
), completed AS (
    UPDATE unit SET status = {_UNIT_DONE} WHERE unit.id = (SELECT unit FROM seen)
), ended AS (
    UPDATE visit SET done_at = %(at)s,
        status = CASE WHEN %(reported)s THEN visit.status ELSE {_SUBMITTED} END
    WHERE visit.id = (SELECT visit FROM seen)
), recorded AS (
    {_record(_EVENTS_OF_SUBMISSION, "submission")}
)
SELECT seen.visit, seen.url, seen.name, seen.reference, seen.query, seen.arrived_at,
    seen.last_arrived_at, %(at)s::bigint, (
        SELECT NOT first.is_tried OR NULL
        FROM json_array_elements_text(seen.marks::json) WITH ORDINALITY AS lanes (mark, number)
        CROSS JOIN LATERAL (
            SELECT {_is_tried("seen.worker")} AS is_tried
            FROM unit WHERE {_free("number - 1", "mark::bigint")}
            ORDER BY unit.position LIMIT 1
        ) AS first
        ORDER BY number LIMIT 1
    )
FROM seen"""
#: Others wait behind a request that waits for a lock; the general way waits longer.
_SETTINGS = "SELECT set_config('lock_timeout', %(lock_timeout)s, TRUE)"
_ARRIVAL = (_SETTINGS, _LOCK_WORKER, _LOCK_PROGRESS, _ASSIGN)
_SUBMISSION = (_SETTINGS, _LOCK_WORK, _SUBMIT)


def arrival_at_once(
    rules: RunRules, arrival: Arrival, query: Mapping[str, str]
) -> Everyday[AssignedUnit]:
    """Return the statements that give an arriving worker, at no place, the next free unit.

    :param query: the parameters of the URL that the worker came with.
    """
    nonce = new_nonce()
    params = {
        "run": rules.run,
        "task": rules.task,
        "provider": rules.provider_type,
        "name": arrival.worker_name,
        "reference": arrival.reference,
        "accept": arrival.accept,
        "query": dump_json(dict(query)),
        "nonce": nonce,
        "marks": dump_json([-1] * rules.lanes),
        "complete": LoadingStatus.COMPLETE.value,
    }

    def read(found: Sequence[Any]) -> AssignedUnit:
        row = _AssignedRow._make(found)
        return AssignedUnit(
            agent=row.agent,
            nonce=nonce,
            started_at=row.started_at,
            worker=row.worker,
            visit=row.visit,
            accept=arrival.accept,
            unit=row.unit,
            assignment=row.assignment,
            index=row.lane,
            data=row.data,
            deadline=row.deadline,
            number=number_unit(row.units, row.tried, maximum=0, rows=row.rows),
        )

    return Everyday(AtOnce(_ARRIVAL, params), read)


def submission_at_once(
    run: int,
    attempt: SignedAttempt,
    answers: SubmittedParts,
    *,
    reported_by_platform: bool,
    looks_ahead: bool,
) -> Everyday[StoredAnswers]:
    """Return the statements that store the first answers to a unit, in time and without files.

    :param looks_ahead: whether to look for another unit.
    """
    params = {
        **answers._asdict(),
        "run": run,
        "agent": attempt.agent,
        "nonce": attempt.nonce,
        "reported": reported_by_platform,
        "looks_ahead": looks_ahead,
    }

    def read(found: Sequence[Any]) -> StoredAnswers:
        row = _SubmittedRow._make(found)
        visit = stored_visit_view(row, run, row.done_at)
        return StoredAnswers(visit, row.has_next)

    return Everyday(AtOnce(_SUBMISSION, params), read)
