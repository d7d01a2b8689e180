"""Requests of the everyday case in steps, so that a server can run the jobs of many together.

The first step finds out who the worker is, without the database. The job runs all statements, and
no third-party code. The last step makes the page and the reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

from attrs import evolve

from famulus.contracts.provider_views import Arrival, VisitView
from famulus.contracts.views import AttemptView, Form, Refusal, Reply, UnitView
from famulus.engine import pages
from famulus.engine.admission import Admission
from famulus.engine.admission_results import AssignedUnit
from famulus.engine.everyday import StoredAnswers, assign_everyday, submit_everyday
from famulus.engine.everyday_postgresql import (
    Everyday,
    arrival_at_once,
    submission_at_once,
)
from famulus.engine.everyday_status import SubmittedParts
from famulus.engine.gateway_parts import GatewayParts
from famulus.engine.replies import Replies
from famulus.engine.submitted_answers import holds_answer
from famulus.engine.tokens import SignedAttempt
from famulus.engine.visits import normalize_arrival
from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import dump_json
from famulus.model.transaction import Transaction

T = TypeVar("T")

#: The result of a job, None if it is not the everyday case, and its error.
_Done: TypeAlias = tuple[Any, BaseException | None]

_LONGEST_SUBMISSION_ID = 64
#: Seconds that an event loop waits for other transactions. Threads answer the requests after it.
_PATIENCE = 0.1


class _UnreadUnit:
    """Stand-in for an attempt's unit on PostgreSQL, where reading it would block the event loop."""

    def __init__(self) -> None:
        #: whether the answers depend on it
        self.is_needed = False

    def __call__(self) -> UnitView:
        self.is_needed = True
        raise LookupError("the unit is read on the general way, in a thread")


class StartedRequest:
    """A request whose job is still to be run, by :meth:`famulus.Gateway.answer_together`."""

    __slots__ = ("_as_json", "_finish", "_is_arrival", "_job", "_replies")

    def __init__(
        self,
        job: Callable[[Transaction], Any] | Everyday[Any],
        finish: Callable[[Any], Reply],
        replies: Replies,
        *,
        is_arrival: bool = False,
        as_json: bool = False,
    ) -> None:
        #: a function of a transaction, or on PostgreSQL statements
        self._job: Any = job
        #: whether the page holds what makes it again, should a power failure undo the job
        self._is_arrival = is_arrival
        #: from the result of the job, once it is committed, to the reply
        self._finish = finish
        self._replies = replies
        self._as_json = as_json


class EverydayRequests:
    """The everyday requests of one run, in steps."""

    def __init__(self, parts: GatewayParts) -> None:
        self._parts = parts
        self._rules = parts.admission.rules
        #: whether the jobs wait for a database server, and not for a disk only
        self.waits_for_server = parts.database.kind is DatabaseKind.POSTGRESQL
        capabilities = parts.provider.capabilities
        self._is_reported = capabilities.reports_submissions
        self._looks_ahead = not capabilities.one_visit_per_worker
        is_possible = (
            parts.admission.has_everyday_case
            and type(parts.admission) is Admission
            and says(parts.blueprint, "is_quick")
        )
        #: whether any arrival, and any submission, can be answered in steps
        self.takes_arrivals = is_possible and says(parts.provider, "is_quick")
        self.takes_submissions = self.takes_arrivals or (
            is_possible and says(parts.provider, "ends_quickly")
        )

    def begin_arrival(
        self, query: Mapping[str, str], accept_language: str
    ) -> StartedRequest | None:
        """Return an arrival after the first step, or None if it takes the general way."""
        try:
            who = self._parts.provider.arrive(query)
        except (Exception, SystemExit):  # noqa: BLE001 - it is raised again on the general way
            return None
        arrival = normalize_arrival(who) if isinstance(who, Arrival) else None
        if arrival is None or isinstance(arrival, Refusal) or arrival.place:
            return None
        replies = self._parts.replies(accept_language)
        job: Callable[[Transaction], Any] | Everyday[Any]
        if self.waits_for_server:
            job = arrival_at_once(self._rules, arrival, query)
        else:
            job = partial(assign_everyday, rules=self._rules, arrival=arrival, query=query)
        finish = partial(self._assigned, arrival=arrival, query=query, replies=replies)
        return StartedRequest(job, finish, replies, is_arrival=True)

    def begin_submission(
        self, form: Form, as_json: bool, accept_language: str
    ) -> StartedRequest | None:
        """Return a submission after the first step, or None if it takes the general way."""
        own, form = read_own(form)
        signed = self._parts.tokens.read(own.token)
        if signed is None or signed.onboarding or form.files:
            return None
        if not is_submission_id(own.submission):
            return None
        replies = self._parts.replies(accept_language)
        view = self._parts.attempts.view(signed, replies.translate.language.tag)
        unread = _UnreadUnit()
        reading = evolve(view, unit=unread) if self.waits_for_server else view
        try:
            answers = self._parts.blueprint.read_answers(form, reading)
            submitted = submitted_parts(own.submission, answers, view.language)
        except (Exception, SystemExit):  # noqa: BLE001 - it is raised again on the general way
            return None
        if unread.is_needed:
            return None
        make_job = self._statements if self.waits_for_server else self._submission_job
        job = make_job(signed, submitted)
        finish = partial(
            self.stored_reply, answers=answers, view=view, replies=replies, as_json=as_json
        )
        return StartedRequest(job, finish, replies, as_json=as_json)

    def store(
        self,
        signed: SignedAttempt,
        submission: str,
        answers: Any,
        language: str,
        otherwise: Callable[[Transaction], T],
    ) -> StoredAnswers | T:
        """Store answers without files in the everyday case; in any other case run another job.

        :param language: the tag of the language of their page.
        :param otherwise: the job that stores the answers in any other case.
        """
        database = self._parts.database
        if not self._parts.admission.has_everyday_case:
            return database.write(otherwise)
        submitted = submitted_parts(submission, answers, language)
        if self.waits_for_server:
            stored = self._statements(signed, submitted).run(database)
            return stored or database.write(otherwise)
        everyday = self._submission_job(signed, submitted)
        return database.write(lambda tx: everyday(tx) or otherwise(tx))

    def _submission_job(
        self, signed: SignedAttempt, submitted: SubmittedParts
    ) -> Callable[[Transaction], StoredAnswers | None]:
        return partial(
            submit_everyday,
            run=self._rules.run,
            attempt=signed,
            answers=submitted,
            reported_by_platform=self._is_reported,
            looks_ahead=self._looks_ahead,
        )

    def _statements(
        self, signed: SignedAttempt, submitted: SubmittedParts
    ) -> Everyday[StoredAnswers]:
        return submission_at_once(
            self._rules.run,
            signed,
            submitted,
            reported_by_platform=self._is_reported,
            looks_ahead=self._looks_ahead,
        )

    def answer_together(self, requests: Sequence[StartedRequest]) -> Sequence[Reply | None]:
        """Run the jobs of requests together, and return their replies.

        A reply is None if its request takes the general way after all, or if other transactions
        take too long; nothing is written for that request.
        """
        try:
            done = self._run(requests)
        except Exception as failure:  # noqa: BLE001 - answered and logged
            return [self._failed(each, failure) for each in requests]
        if done is None:
            return [None] * len(requests)
        replies: list[Reply | None] = []
        for request, (result, error) in zip(requests, done, strict=True):
            if error is not None:
                replies.append(self._failed(request, error))
            elif result is None:
                replies.append(None)
            else:
                replies.append(self._finished(request, result))
        return replies

    def _run(self, requests: Sequence[StartedRequest]) -> Sequence[_Done] | None:
        """Run the jobs of requests; None if other transactions take too long."""
        database, jobs = self._parts.database, [each._job for each in requests]
        if self.waits_for_server:
            rows = database.write_all_at_once([each.statements for each in jobs])
            return [*map(_read, jobs, rows)]
        synced = not all(each._is_arrival for each in requests)
        done = database.write_together(jobs, patience=_PATIENCE, synced=synced)
        return None if done is None else [(each.result, each.error) for each in done]

    def _finished(self, request: StartedRequest, result: Any) -> Reply:
        try:
            reply = as_utf8(request._finish(result))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; answered and logged
            return self._parts.failed_requests.reply(error, request._replies, request._as_json)
        self._parts.outage.passed()
        return reply

    def _failed(self, request: StartedRequest, error: BaseException) -> Reply:
        try:
            raise error
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - answered and logged
            return self._parts.failed_requests.reply(raised, request._replies, request._as_json)

    def _assigned(
        self, found: AssignedUnit, *, arrival: Arrival, query: Mapping[str, str], replies: Replies
    ) -> Reply:
        visit = VisitView(
            id=found.visit,
            run_id=self._rules.run,
            worker_name=arrival.worker_name,
            reference=arrival.reference,
            query=query,
        )
        page = self._parts.pages.page(found, visit, replies.translate, just_passed=False)
        return Reply(status=200, body=page)

    def stored_reply(
        self,
        stored: StoredAnswers,
        answers: Any,
        view: AttemptView,
        replies: Replies,
        as_json: bool,
    ) -> Reply:
        """Return the reply to answers that were stored in time."""
        page = self._parts.completions.stored_page(
            stored.visit, answers, view, replies.translate, late=False, has_next=stored.has_next
        )
        return replies.answer("stored", 200, page, as_json)


def says(plugin: Any, promise: str) -> bool:
    """Return whether a plugin's own class makes a promise about its methods.

    A base class's promise does not count: a subclass may override a method with one that blocks.
    """
    return vars(type(plugin)).get(promise, False) is True


def is_submission_id(text: str) -> bool:
    """Return whether a text can identify a submission."""
    return 0 < len(text) <= _LONGEST_SUBMISSION_ID and text.isprintable()


def submitted_parts(submission: str, answers: Any, language: str) -> SubmittedParts:
    """Return the values to store for answers that came without files.

    :raises ValueError: (or :exc:`TypeError`) for answers that JSON cannot express.
    """
    return SubmittedParts(submission, dump_json(answers), not holds_answer(answers), language)


class OwnFields(NamedTuple):
    """The fields of a form that the frame has put there; empty if the form has none."""

    token: str
    submission: str


def read_own(form: Form) -> tuple[OwnFields, Form]:
    """Return the frame's fields of a form, and the form without them."""
    token = submission = None
    fields = []
    for pair in form.fields:
        name, value = pair
        if name == pages.TOKEN_FIELD:
            token = value if token is None else token
        elif name == pages.SUBMISSION_FIELD:
            submission = value if submission is None else submission
        else:
            fields.append(pair)
    rest = Form(fields=fields, files=form.files, empty_files=form.empty_files)
    return OwnFields(token or "", submission or ""), rest


def as_utf8(reply: Reply) -> Reply:
    """Return a reply that can be sent in UTF-8.

    Halves of surrogate pairs, which answers and texts of plugins may hold, become question marks:
    a page about answers that are stored must not fail.
    """
    if reply.body.isascii():
        return reply
    try:
        reply.body.encode()
    except UnicodeEncodeError:
        return evolve(reply, body=reply.body.encode(errors="replace").decode())
    return reply


def _read(job: Everyday[Any], row: Sequence[Any] | None) -> _Done:
    try:
        return job.result(row), None
    except Exception as error:  # noqa: BLE001 - handed to the caller, with the other results
        return None, error
