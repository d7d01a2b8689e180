"""The entrance for workers: arrive, submit, give back.

A process that serves pages (an architect's, a WSGI server on another host, an application of the
requester's) opens a gateway and delivers its replies. All state is in the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from famulus.contracts.entry_form import EntryForm
from famulus.contracts.provider_views import (
    Arrival,
    Preview,
    VisitView,
)
from famulus.contracts.receiving import PlatformRequest
from famulus.contracts.views import (
    AssetFolder,
    Form,
    FormFile,
    Refusal,
    RefusalReason,
    Reply,
)
from famulus.engine import pages
from famulus.engine.admission_results import AdmissionResult, AlreadySubmitted
from famulus.engine.attempts import Attempt
from famulus.engine.everyday import StoredAnswers
from famulus.engine.everyday_requests import (
    EverydayRequests,
    StartedRequest,
    as_utf8,
    is_submission_id,
    read_own,
)
from famulus.engine.failed_requests import UnsignedError
from famulus.engine.gateway_parts import GatewayParts
from famulus.engine.platform_requests import MOST_BYTES
from famulus.engine.replies import Replies
from famulus.engine.script_callbacks import RemoteCallbacks
from famulus.engine.submission import (
    Acknowledgement,
    NewSubmission,
    Result,
    StoredFile,
    give_back,
    store_answers,
)
from famulus.engine.submitted_answers import read_answers
from famulus.engine.submitted_files import NoRoomError, S
from famulus.engine.tokens import SignedAttempt
from famulus.engine.unstored_answers import NotStored
from famulus.engine.visits import normalize_arrival, read_visit, visit_view
from famulus.errors import InvalidAnswers
from famulus.model.transaction import Transaction


class Gateway:
    """The entrance of one run. Used by any number of threads at once; keeps only caches."""

    def __init__(self, parts: GatewayParts, remote: RemoteCallbacks | None) -> None:
        self.run_id = parts.run_id
        self._parts = parts
        self._remote = remote
        self._everyday = EverydayRequests(parts)

    @property
    def assets(self) -> Sequence[AssetFolder]:
        """Folders of files to serve with the page: the files for which ``serves`` is true."""
        folders = self._parts.blueprint.assets()
        return [one if isinstance(one, AssetFolder) else AssetFolder(one) for one in folders]

    @property
    def upload_folder(self) -> Path:
        """The folder for received files, each under a random name.

        The gateway moves the files that it stores to their place; the architect deletes the others
        at the end of the request.
        """
        return self._parts.files.incoming

    @property
    def most_platform_bytes(self) -> int:
        """The size of the largest body for :meth:`receive`, in bytes."""
        return MOST_BYTES

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers for every HTML reply."""
        ancestors = " ".join(self._parts.provider.frame_ancestors) or "'none'"
        return {
            "Content-Security-Policy": f"frame-ancestors {ancestors}",
            "Referrer-Policy": "no-referrer",
        }

    @property
    def asset_headers(self) -> Mapping[str, str]:
        """Headers for the files of :attr:`assets`, which a page itself may show in a frame."""
        ancestors = " ".join(("'self'", *self._parts.provider.frame_ancestors))
        return {**self.headers, "Content-Security-Policy": f"frame-ancestors {ancestors}"}

    def admits(self, ticket: str) -> bool:
        """Return whether a request with this ticket may send a body.

        The ticket stands in the address that a task's form is sent to. It is checked before a byte
        of the body is stored and without the database; it cannot submit anything by itself.
        """
        return self._parts.tokens.read_ticket(ticket) is not None

    def not_admitted(self, *, as_json: bool = False, accept_language: str = "") -> Reply:
        """Answer a form that is sent to an address without a valid ticket."""
        replies = self._parts.replies(accept_language)
        return replies.refused(Refusal(reason=RefusalReason.UNKNOWN_LINK), as_json)

    def arrive(self, query: Mapping[str, str], *, accept_language: str = "") -> Reply:
        """Answer ``GET /``: a task, the onboarding, an entry form, a preview, or a refusal.

        :param accept_language: the request's header of this name, here and below: it chooses the
            language of a run that has none of its own.
        """
        return self._answer(partial(self._arrive, query), accept_language)

    def begin_arrival(
        self, query: Mapping[str, str], *, accept_language: str = ""
    ) -> StartedRequest | None:
        """Begin to answer ``GET /`` as :meth:`arrive` does, on the thread of an event loop.

        Reads no database and does not block. Returns None for anything but the everyday case, for
        example if a plugin may block or the run has a requirement: call :meth:`arrive` then, in a
        thread.
        """
        if not self._everyday.takes_arrivals:
            return None
        return self._everyday.begin_arrival(query, accept_language)

    def begin_submission(
        self, form: Form, *, as_json: bool = False, accept_language: str = ""
    ) -> StartedRequest | None:
        """Begin to answer a submitted form as :meth:`submit` does, like :meth:`begin_arrival`.

        If the blueprint's answers depend on the unit's row, the row is read on SQLite, and None is
        returned on PostgreSQL.
        """
        if not self._everyday.takes_submissions:
            return None
        return self._everyday.begin_submission(form, as_json, accept_language)

    @property
    def waits_for_server(self) -> bool:
        """Whether :meth:`answer_together` waits for PostgreSQL: if so, call it in a thread."""
        return self._everyday.waits_for_server

    def answer_together(self, requests: Sequence[StartedRequest]) -> Sequence[Reply | None]:
        """Return the replies to requests that were begun, once all that they write is committed.

        They share one transaction, or on PostgreSQL one round trip, and a fault of one does not
        affect the others. Other threads may call this, :meth:`arrive` and :meth:`submit` at the
        same time.

        A reply is None if its request has turned out not to be the everyday case, or if others keep
        the database, or on PostgreSQL a row, for more than a tenth of a second (a row for less if
        many requests are sent together). Nothing is written for it then: call :meth:`arrive` or
        :meth:`submit`, in a thread.
        """
        return self._everyday.answer_together(requests)

    def enter(self, query: Mapping[str, str], form: Form, *, accept_language: str = "") -> Reply:
        """Answer ``POST /enter``: the form that a provider shows before a worker arrives.

        :param query: the parameters of the address, which are those of the form's page.
        :param form: the submitted form, which has no files.
        """

        def answer(replies: Replies) -> Reply:
            found = self._parts.entry.enter(query, form, replies.translate)
            return replies.refused(found) if isinstance(found, Refusal) else found

        return self._answer(answer, accept_language)

    def submit(self, form: Form, *, as_json: bool = False, accept_language: str = "") -> Reply:
        """Answer a submitted form, once its answers are committed to the disk.

        :param as_json: whether the page's own script asks, which needs the outcome in addition to
            the page.
        """
        return self._answer(partial(self._submit, form, as_json), accept_language, as_json)

    def too_large(
        self, form: Form, message: str, *, as_json: bool = False, accept_language: str = ""
    ) -> Reply:
        """Answer a form that is larger than the architect receives; nothing is stored.

        :param form: the fields that could be read, including those that core adds to each form.
        :param message: the limit that is exceeded, for the worker.
        """
        answer = partial(self._not_stored, form, NotStored.too_large(message), as_json)
        return self._answer(answer, accept_language, as_json)

    def notice(
        self,
        status: int,
        heading: str,
        text: str,
        *,
        as_json: bool = False,
        accept_language: str = "",
    ) -> Reply:
        """Answer a request that is incomplete or not a worker's, with a page in the usual layout.

        :param as_json: whether the page's own script asks, which shows the text.
        """
        return self._parts.replies(accept_language).notice(status, heading, text, as_json)

    def give_back(self, form: Form, *, accept_language: str = "") -> Reply:
        """Answer the form of a worker who gives their unit back."""
        return self._answer(partial(self._give_back, form), accept_language)

    def receive(self, provider_type: str, request: PlatformRequest) -> Reply:
        """Answer ``POST /platform/<provider type>``, a request of a platform and not of a worker.

        The reply goes out without :attr:`headers`, within a few seconds. The visits and runs that
        the request names are stored, and the operator of each run syncs them.
        """
        return self._parts.platform_requests.answer(provider_type, request)

    def busy(self, cause: Exception | None = None, *, accept_language: str = "") -> Reply:
        """Answer a request that cannot be served now; the page's script tries again.

        :param cause: logged once, however many requests meet it.
        """
        if cause is not None:
            self._parts.failed_requests.note(cause)
        return self._parts.replies(accept_language).busy()

    def close(self) -> None:
        """Close what the gateway itself has opened; the database stays open."""
        if self._remote is not None:
            self._remote.close()

    @property
    def _reported(self) -> bool:
        return self._parts.provider.capabilities.reports_submissions

    def _answer(
        self, answer: Callable[[Replies], Reply], accept_language: str, as_json: bool = False
    ) -> Reply:
        """Answer a request; turn exceptions into a page for the worker and a line in the log."""
        replies = self._parts.replies(accept_language)
        try:
            reply = as_utf8(answer(replies))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; answered and logged
            return self._parts.failed_requests.reply(error, replies, as_json)
        self._parts.outage.passed()
        return reply

    def _arrive(self, query: Mapping[str, str], replies: Replies) -> Reply:
        who = self._parts.provider.arrive(query)
        if isinstance(who, Preview):
            return Reply(status=200, body=self._parts.pages.preview(replies.translate))
        if isinstance(who, EntryForm):
            shown = self._parts.entry.show(who, query, replies.translate)
            return replies.refused(shown) if isinstance(shown, Refusal) else shown
        if isinstance(who, Refusal):
            return replies.refused(who)
        who = normalize_arrival(who)
        if isinstance(who, Refusal):
            if who.note:
                self._parts.refusal_log.note("", who)
            return replies.refused(who)
        return self._show(self._admit(who, query), who, query, replies)

    def _admit(self, arrival: Arrival, query: Mapping[str, str]) -> AdmissionResult:
        """Admit a worker; if no unit is left, look for a returned one before refusing."""
        admit = partial(self._parts.admission.admit, arrival, query)
        found = admit()
        if isinstance(found, Refusal):
            is_changed = self._parts.returned_units.look_for(arrival.reference, found)
            return admit() if is_changed else found
        return found

    def _submit(self, form: Form, as_json: bool, replies: Replies) -> Reply:
        try:
            return self._store(form, as_json, replies)
        except InvalidAnswers as error:
            return self._not_stored(form, NotStored.invalid(error), as_json, replies)
        except NoRoomError:
            return self._not_stored(form, NotStored.too_large(), as_json, replies)

    def _give_back(self, form: Form, replies: Replies) -> Reply:
        attempts = self._parts.attempts

        def job(tx: Transaction, signed: SignedAttempt) -> Attempt:
            attempt = attempts.find(tx, signed)
            give_back(tx, attempt, reported_by_platform=self._reported)
            return attempt

        attempt = attempts.act_on(
            form.first(pages.TOKEN_FIELD) or "",
            lambda signed: self._parts.database.write(partial(job, signed=signed)),
        )
        visit = attempt.visit_view
        if attempt.submission is None:
            page = self._parts.completions.given_back_page(visit, replies.translate)
            return _with_outcome(page, "given_back")
        is_work = attempt.unit is not None
        page = self._parts.completions.already_page(visit, replies.translate, is_work=is_work)
        return _with_outcome(page, "stored")

    def _store(self, form: Form, as_json: bool, replies: Replies) -> Reply:
        own, form = read_own(form)
        submission = own.submission
        if not is_submission_id(submission):
            raise UnsignedError

        def act(signed: SignedAttempt) -> Reply:
            submit = self._submit_onboarding if signed.onboarding else self._submit_answers
            return submit(signed, submission, form, as_json, replies)

        return self._parts.attempts.act_on(own.token, act)

    def _submit_answers(
        self, signed: SignedAttempt, submission: str, form: Form, as_json: bool, replies: Replies
    ) -> Reply:
        attempts = self._parts.attempts
        if form.files:
            # Before they are moved to its folder.
            attempts.read(signed)
        view = attempts.view(signed, replies.translate.language.tag)
        answers = self._parts.blueprint.read_answers(form, view)

        def job(tx: Transaction, files: Sequence[StoredFile]) -> tuple[Acknowledgement, Attempt]:
            attempt = attempts.find(tx, signed)
            sent = NewSubmission(
                id=submission, answers=answers, files=files, language=view.language
            )
            return store_answers(
                tx,
                attempt,
                sent,
                reported_by_platform=self._reported,
                replaced_by_platform=self._parts.provider.capabilities.replaces_by_itself,
            )

        if form.files:
            stored, attempt = self._write(signed, form.files, job)
        else:
            done = self._everyday.store(
                signed, submission, answers, view.language, lambda tx: job(tx, ())
            )
            if isinstance(done, StoredAnswers):
                return self._everyday.stored_reply(done, answers, view, replies, as_json)
            stored, attempt = done
        if stored.result is Result.CONFLICT:
            return replies.conflict(as_json)
        if stored.result is Result.REPEATED:
            answers = self._stored_answers(signed.agent)
        page = self._parts.completions.stored_page(
            attempt.visit_view, answers, view, replies.translate, late=stored.late
        )
        return replies.answer("stored", 200, page, as_json)

    def _write(
        self,
        signed: SignedAttempt,
        files: Sequence[FormFile],
        job: Callable[[Transaction, Sequence[StoredFile]], tuple[S, Attempt]],
    ) -> tuple[S, Attempt]:
        """Run a job that stores a submission, with its files in their place."""
        if not files:
            return self._parts.database.write(lambda tx: job(tx, ()))
        return self._parts.files.store(
            signed.agent,
            files,
            job,
            is_submitted=lambda: self._parts.attempts.read(signed).submission is not None,
        )

    def _stored_answers(self, agent: int) -> Any:
        with self._parts.database.read() as tx:
            stored = read_answers(tx, agent)
        return None if stored is None else json.loads(stored)

    def _not_stored(self, form: Form, reason: NotStored, as_json: bool, replies: Replies) -> Reply:
        own, form = read_own(form)
        attempt = self._parts.attempts.act_on(own.token, self._parts.attempts.read_as_shown)
        return self._parts.unstored_answers.reply(attempt, form, reason, as_json, replies)

    def _submit_onboarding(
        self, signed: SignedAttempt, submission: str, form: Form, as_json: bool, replies: Replies
    ) -> Reply:
        judged, attempt = self._parts.onboarding.submit(
            submission,
            form,
            view=self._parts.attempts.view(signed, replies.translate.language.tag),
            read=lambda: self._parts.attempts.read(signed),
            write=lambda job: self._write(signed, form.files, job),
        )
        if judged.result is Result.CONFLICT:
            return replies.conflict(as_json)
        if as_json:
            # The script loads the page's address again: what comes next is another page.
            message = replies.translate(pages.PASSED) if judged.passed else ""
            return replies.answer("stored", 200, "", True, message=message)
        visit = attempt.visit_view
        arrival = Arrival(worker_name=visit.worker_name, reference=visit.reference)
        found = self._admit(arrival, visit.query)
        return self._show(found, arrival, visit.query, replies, just_passed=judged.passed)

    def _show(
        self,
        found: AdmissionResult,
        arrival: Arrival,
        query: Mapping[str, str],
        replies: Replies,
        *,
        just_passed: bool = False,
    ) -> Reply:
        if isinstance(found, Refusal):
            way_out = self._parts.completions.of_refusal(arrival, query, found)
            passed = self._parts.pages.passed(just_passed)
            return replies.refused(found, passed=passed, way_out=way_out)
        if isinstance(found, AlreadySubmitted):
            with self._parts.database.read() as tx:
                visit = read_visit(tx, found.visit)
            page = self._parts.completions.already_page(visit_view(visit), replies.translate)
            return Reply(status=200, body=page)
        arrived = VisitView(
            id=found.visit,
            run_id=self.run_id,
            worker_name=arrival.worker_name,
            reference=arrival.reference,
            query=query,
        )
        page = self._parts.pages.page(found, arrived, replies.translate, just_passed=just_passed)
        return Reply(status=200, body=page)


def _with_outcome(page: str, outcome: str) -> Reply:
    """Return a page with an outcome header, so that its script can tell it from a login page."""
    return Reply(status=200, body=page, headers={pages.OUTCOME_HEADER: outcome})
