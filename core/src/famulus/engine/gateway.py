"""The entrance for workers: arrive, submit, give back.

A process that serves pages (an architect's, a WSGI server on another host, an application of the
requester's) opens a gateway and delivers its replies. All state is in the database.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import evolve

from famulus.contracts.completion import Nothing, VisitOutcome
from famulus.contracts.entry_form import EntryForm
from famulus.contracts.provider_views import (
    Arrival,
    Preview,
    VisitView,
)
from famulus.contracts.receiving import PlatformRequest
from famulus.contracts.views import (
    AssetFolder,
    AttemptView,
    Form,
    FormFile,
    Refusal,
    RefusalReason,
    Reply,
    UnitView,
)
from famulus.engine import pages
from famulus.engine.admission_results import AdmissionResult, AlreadySubmitted
from famulus.engine.answers import read_unit_and_worker
from famulus.engine.arrival import run_rules_of
from famulus.engine.attempts import Attempt, read_answers, read_attempt
from famulus.engine.completions import Completions
from famulus.engine.entry import EntryDesk
from famulus.engine.onboarding import (
    JudgedElsewhereError,
    OnboardingResult,
    OnboardingSubmissions,
    UndecidedError,
)
from famulus.engine.own_work import PaidRun
from famulus.engine.platform_requests import MOST_BYTES, PlatformRequests
from famulus.engine.plugin_admission import open_admission
from famulus.engine.qualifications.rules import Rule
from famulus.engine.refusal_log import RefusalLog
from famulus.engine.replies import FILES_AGAIN, NO_ROOM, Replies
from famulus.engine.runs import RunRecord
from famulus.engine.script_callbacks import RemoteCallbacks
from famulus.engine.submission import (
    Acknowledgement,
    Result,
    StoredFile,
    Submission,
    give_back,
    store_answers,
)
from famulus.engine.task_pages import TaskPages
from famulus.engine.tokens import Tokens
from famulus.engine.upload_cleanup import UploadCleanup
from famulus.engine.upload_quota import UploadQuota
from famulus.engine.uploads import Uploads
from famulus.engine.visits import normalize_arrival, read_visit, visit_view
from famulus.errors import InvalidAnswers, UnavailableError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError, Outage
from famulus.model.transaction import Transaction
from famulus.plan import RunParts
from famulus.translation import Translator, choose_language

_log = logging.getLogger(__name__)

P = ParamSpec("P")
#: The outcome of a submission.
S = TypeVar("S", Acknowledgement, OnboardingResult)

_LONGEST_SUBMISSION_ID = 64
#: Bytes of a form, and of a message that may quote it, that its page repeats when the answers are
#: refused. The browser has kept those of a larger one.
_MOST_REFILLED = 16_000
#: Characters of a blueprint's message about answers that it refuses, which may repeat them.
_LONGEST_MESSAGE = 2000
#: Seconds without a failure before an outage is logged as over. Some requests succeed during one:
#: pages are served while uploads meet a full disk.
_CALM_SECONDS = 30.0


class _Unsigned(Exception):  # noqa: N818 - ends a request, never leaves this module
    """A form without a valid token of this run."""


class _NoRoom(Exception):  # noqa: N818 - ends a request, never leaves this module
    """Files that the run has no room for."""


def _guarded(
    answer: Callable[Concatenate[Gateway, P], Reply], /
) -> Callable[Concatenate[Gateway, P], Reply]:
    """Turn exceptions into a page for the worker and a traceback in the operator's log."""

    @wraps(answer)
    def guarded(self: Gateway, /, *args: P.args, **kwargs: P.kwargs) -> Reply:
        as_json = bool(kwargs.get("as_json"))
        accept_language = str(kwargs.get("accept_language", ""))
        replies = self._replies(accept_language)
        try:
            reply = _as_utf8(answer(self, *args, **kwargs))
        except _Unsigned:
            return replies.refused(Refusal(reason=RefusalReason.UNKNOWN_LINK), as_json)
        except JudgedElsewhereError:
            return self.busy(accept_language=accept_language)
        except UnavailableError as error:
            return self.busy(error, accept_language=accept_language)
        except UndecidedError:
            reference = secrets.token_hex(4)
            _log.exception(
                "run %d, reference %s: the onboarding could not be judged", self.run_id, reference
            )
            return replies.undecided(reference, as_json)
        except (Exception, SystemExit):  # noqa: BLE001 - third-party; logged with the reference
            reference = secrets.token_hex(4)
            _log.exception("run %d, reference %s", self.run_id, reference)
            return replies.apology(reference, as_json)
        self._outage.passed()
        return reply

    return guarded


class Gateway:
    """The entrance of one run. Used by any number of threads at once; keeps only caches."""

    def __init__(
        self,
        database: Database,
        record: RunRecord,
        parts: RunParts,
        *,
        requirements: Sequence[Rule],
        info: pages.TaskInfo,
        remote: RemoteCallbacks | None = None,
    ) -> None:
        blueprint, provider = parts.blueprint, parts.provider
        self.run_id = record.id
        self._database = database
        self._blueprint = blueprint
        self._provider = provider
        self._info = info
        self._remote = remote
        self._tokens = Tokens(database.signing_keys, database.identity, record.id)
        self._outage = Outage(f"run {record.id}", calm_seconds=_CALM_SECONDS)
        self._uploads = Uploads(
            database.files, record.id, database.identity, database.location.path
        )
        self._quota = UploadQuota(database, record.id)
        self._upload_cleanup = UploadCleanup(database, self._uploads)
        self._uploads.make_folders()
        self._upload_cleanup.run_if_due()
        self._onboarding = OnboardingSubmissions(
            database, blueprint, informs_platform=provider.capabilities.qualifications
        )
        self._pages = TaskPages(
            database=database,
            run_id=record.id,
            blueprint=blueprint,
            provider=provider,
            tokens=self._tokens,
            info=info,
        )
        self._refusal_log = RefusalLog(database, run=record.id, provider_type=record.provider_type)
        self._admission = open_admission(
            database,
            self._refusal_log,
            rules=run_rules_of(record, blueprint, requirements),
            parts=parts,
        )
        self._entry = EntryDesk(provider=provider, info=info, admission=self._admission)
        self._completions = Completions(
            database=database,
            run=PaidRun(
                id=record.id,
                task=record.task_id,
                provider_type=record.provider_type,
                reward=record.reward,
                currency=record.currency,
            ),
            provider=provider,
            admission=self._admission,
        )
        self._platform_requests = PlatformRequests(database, record.id, provider)

    @property
    def assets(self) -> Sequence[AssetFolder]:
        """Folders of which files are served beside the page: those that ``serves`` is true of."""
        folders = self._blueprint.assets()
        return [one if isinstance(one, AssetFolder) else AssetFolder(one) for one in folders]

    @property
    def upload_folder(self) -> Path:
        """The folder for received files, each under a random name.

        The gateway moves those that are stored to their place; the architect deletes the others at
        the end of the request.
        """
        return self._uploads.incoming

    @property
    def most_platform_bytes(self) -> int:
        """The size of the largest body for :meth:`receive`, in bytes."""
        return MOST_BYTES

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers for every HTML reply."""
        ancestors = " ".join(self._provider.frame_ancestors) or "'none'"
        return {
            "Content-Security-Policy": f"frame-ancestors {ancestors}",
            "Referrer-Policy": "no-referrer",
        }

    def admits(self, ticket: str) -> bool:
        """Return whether a request with this ticket may send a body.

        The ticket stands in the address that a task's form is sent to. It is checked before a byte
        of the body is stored and without the database; it cannot submit anything by itself.
        """
        return self._tokens.read_ticket(ticket) is not None

    def not_admitted(self, *, as_json: bool = False, accept_language: str = "") -> Reply:
        """Answer a form that is sent to an address without a valid ticket."""
        replies = self._replies(accept_language)
        return replies.refused(Refusal(reason=RefusalReason.UNKNOWN_LINK), as_json)

    @_guarded
    def arrive(self, query: Mapping[str, str], *, accept_language: str = "") -> Reply:
        """Answer ``GET /``: a task, the onboarding, an entry form, a preview, or why not.

        :param accept_language: the request's header of this name, here and below: it chooses the
            language of a run that has none of its own.
        """
        replies = self._replies(accept_language)
        who = self._provider.arrive(query)
        if isinstance(who, Preview):
            return Reply(status=200, body=self._pages.preview(replies.translate))
        if isinstance(who, EntryForm):
            shown = self._entry.show(who, query, replies.translate)
            return replies.refused(shown) if isinstance(shown, Refusal) else shown
        if isinstance(who, Refusal):
            return replies.refused(who)
        who = normalize_arrival(who)
        if isinstance(who, Refusal):
            if who.note:
                self._refusal_log.note("", who)
            return replies.refused(who)
        return self._show(self._admission.admit(who, query), who, query, replies)

    @_guarded
    def enter(self, query: Mapping[str, str], form: Form, *, accept_language: str = "") -> Reply:
        """Answer ``POST /enter``: the form that a provider shows before a worker arrives.

        :param query: of the address, which is that of the form's page.
        :param form: has no files.
        """
        replies = self._replies(accept_language)
        found = self._entry.enter(query, form, replies.translate)
        return replies.refused(found) if isinstance(found, Refusal) else found

    @_guarded
    def submit(self, form: Form, *, as_json: bool = False, accept_language: str = "") -> Reply:
        """Answer a submitted form, once its answers are committed to the disk.

        :param as_json: for the page's own script, which needs the outcome besides the page.
        """
        replies = self._replies(accept_language)
        try:
            return self._submit(form, as_json, replies)
        except InvalidAnswers as error:
            message = replies.translate(error.message)[:_LONGEST_MESSAGE]
            fields = {name: replies.translate(text) for name, text in error.fields.items()}
            return self._not_stored(form, "invalid", message, as_json, replies, fields)
        except _NoRoom:
            message = replies.translate(NO_ROOM)
            return self._not_stored(form, "too_large", message, as_json, replies)

    @_guarded
    def too_large(
        self, form: Form, message: str, *, as_json: bool = False, accept_language: str = ""
    ) -> Reply:
        """Answer a form that is larger than the architect receives; nothing is stored.

        :param form: the fields that could be read, including those that core adds to each form.
        :param message: the limit that is exceeded, for the worker.
        """
        replies = self._replies(accept_language)
        message = replies.translate(message)
        return self._not_stored(form, "too_large", message, as_json, replies)

    def notice(
        self,
        status: int,
        heading: str,
        text: str,
        *,
        as_json: bool = False,
        accept_language: str = "",
    ) -> Reply:
        """Answer a request that is not a worker's or not complete, with a page like all others.

        :param as_json: for the page's own script, which shows the text.
        """
        return self._replies(accept_language).notice(status, heading, text, as_json)

    @_guarded
    def give_back(self, form: Form, *, accept_language: str = "") -> Reply:
        """Answer the form of a worker who gives their unit back."""
        agent, _ = self._signed(form)
        replies = self._replies(accept_language)

        def job(tx: Transaction) -> Attempt:
            attempt = self._attempt(tx, agent)
            give_back(tx, attempt, reported_by_platform=self._reported)
            return attempt

        attempt = self._database.write(job)
        visit = attempt.visit_view
        if attempt.submission is not None:
            return _with_outcome(
                self._already(visit, replies.translate, is_work=attempt.unit is not None), "stored"
            )
        way_out = self._completions.of(visit, VisitOutcome.WITHDREW)
        page = pages.given_back_document(self._info.title, replies.translate, way_out)
        return _with_outcome(Reply(status=200, body=page), "given_back")

    def receive(self, provider_type: str, request: PlatformRequest) -> Reply:
        """Answer ``POST /platform/<provider type>``, a request of a platform and not of a worker.

        The reply goes out without :attr:`headers`, within a few seconds. What the request names is
        stored, and the operator of each run syncs it.
        """
        return self._platform_requests.answer(provider_type, request)

    def busy(self, cause: Exception | None = None, *, accept_language: str = "") -> Reply:
        """Answer a request that cannot be served now; the page's script tries again.

        :param cause: logged once, however many requests meet it.
        """
        if cause is not None and not isinstance(cause, DatabaseUnavailableError):
            self._outage.failed(cause)
        return self._replies(accept_language).busy()

    def close(self) -> None:
        """Close what the gateway itself has opened; the database stays open."""
        if self._remote is not None:
            self._remote.close()

    @property
    def _reported(self) -> bool:
        return self._provider.capabilities.reports_submissions

    def _replies(self, accept_language: str) -> Replies:
        """Return the replies in the language of a request."""
        language = choose_language(self._info.language, accept_language)
        return Replies(self._info.title, Translator(language), self._info.contact)

    def _submit(self, form: Form, as_json: bool, replies: Replies) -> Reply:
        agent, onboarding = self._signed(form)
        submission = form.first(pages.SUBMISSION_FIELD) or ""
        if not (0 < len(submission) <= _LONGEST_SUBMISSION_ID and submission.isprintable()):
            raise _Unsigned
        form = _without_ours(form)
        if onboarding:
            return self._submit_onboarding(agent, submission, form, as_json, replies)
        view = self._attempt_view(agent, onboarding, replies.translate)
        answers = self._blueprint.read_answers(form, view)

        def job(tx: Transaction, files: Sequence[StoredFile]) -> tuple[Acknowledgement, Attempt]:
            attempt = self._attempt(tx, agent)
            sent = Submission(id=submission, answers=answers, files=files)
            return store_answers(tx, attempt, sent, reported_by_platform=self._reported)

        stored, attempt = self._write(agent, form.files, job)
        if stored.result is Result.CONFLICT:
            return replies.conflict(as_json)
        if stored.result is Result.REPEATED:
            answers = self._stored_answers(agent)
        way_out = self._completions.of(attempt.visit_view, VisitOutcome.COMPLETED)
        way_out = evolve(way_out, thank_you=self._thank_you(answers, view))
        page = pages.stored_document(
            self._info.title,
            replies.translate,
            answers,
            stored.late,
            way_out,
            shows_answers=self._provider.capabilities.shows_answers,
        )
        return replies.answer("stored", 200, page, as_json)

    def _thank_you(self, answers: Any, view: AttemptView) -> str:
        """Return the blueprint's text for the page that confirms stored answers, as HTML.

        That page has to be sent, whatever the blueprint raises.
        """
        try:
            text = self._blueprint.thank_you(answers, view)
            if not isinstance(text, str):
                raise TypeError(f"thank_you returned {text!r}: it must return HTML as a string")
        except BaseException:  # noqa: BLE001 - third-party code: sys.exit() ends no one but itself
            _log.exception("run %d: %s.thank_you failed", self.run_id, self._blueprint.type)
            return ""
        return text

    def _write(
        self,
        agent: int,
        files: Sequence[FormFile],
        job: Callable[[Transaction, Sequence[StoredFile]], tuple[S, Attempt]],
    ) -> tuple[S, Attempt]:
        """Run a job that stores a submission, with its files in their place."""
        if not files:
            return self._database.write(lambda tx: job(tx, ()))
        with self._quota.reserved(agent, files) as room:
            if room is None and not self._read_attempt(agent).submission:
                raise _NoRoom
            with self._uploads.kept(agent, files) as kept:
                try:
                    stored, attempt = self._database.write(lambda tx: job(tx, kept.files))
                except BaseException:
                    # A commit whose answer got lost may have happened: its files must stay.
                    kept.confirm()
                    raise
                if stored.result is Result.STORED:
                    kept.confirm()
                    if room is not None:
                        room.is_stored = True
        self._upload_cleanup.run_if_due()
        return stored, attempt

    def _stored_answers(self, agent: int) -> Any:
        with self._database.read() as tx:
            stored = read_answers(tx, agent)
        return None if stored is None else json.loads(stored)

    def _not_stored(
        self,
        form: Form,
        outcome: str,
        message: str,
        as_json: bool,
        replies: Replies,
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        """Return the reply to answers that are not stored.

        The page's script keeps its form; a browser without it gets the form with the answers.
        """
        agent, _ = self._signed(form)
        attempt = self._read_attempt(agent)
        texts = [message, *(text for field in form.fields for text in field)]
        size = sum(len(text.encode(errors="replace")) for text in texts)
        if as_json or attempt.submission is not None or size > _MOST_REFILLED:
            return replies.not_stored(outcome, message, as_json, fields=fields)
        if form.files or form.empty_files:
            message = f"{message} {replies.translate(FILES_AGAIN)}"
        page = self._pages.refused_page(
            attempt, _without_ours(form), message, fields, replies.translate
        )
        return replies.not_stored(outcome, message, False, page=page)

    def _submit_onboarding(
        self, agent: int, submission: str, form: Form, as_json: bool, replies: Replies
    ) -> Reply:
        judged, attempt = self._onboarding.submit(
            submission,
            form,
            view=self._attempt_view(agent, True, replies.translate),
            read=lambda: self._read_attempt(agent),
            write=lambda job: self._write(agent, form.files, job),
        )
        if judged.result is Result.CONFLICT:
            return replies.conflict(as_json)
        if as_json:
            # The script loads the page's address again: what comes next is another page.
            message = replies.translate(pages.PASSED) if judged.passed else ""
            return replies.answer("stored", 200, "", True, message=message)
        visit = attempt.visit_view
        arrival = Arrival(worker_name=visit.worker_name, reference=visit.reference)
        found = self._admission.admit(arrival, visit.query)
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
            way_out = self._completions.of_refusal(arrival, query, found)
            passed = self._pages.passed(just_passed)
            return replies.refused(found, passed=passed, way_out=way_out)
        if isinstance(found, AlreadySubmitted):
            with self._database.read() as tx:
                visit = read_visit(tx, found.visit)
            return self._already(visit_view(visit), replies.translate)
        arrived = VisitView(
            id=found.visit,
            run_id=self.run_id,
            worker_name=arrival.worker_name,
            reference=arrival.reference,
            query=query,
        )
        page = self._pages.page(found, arrived, replies.translate, just_passed=just_passed)
        return Reply(status=200, body=page)

    def _attempt_view(self, agent: int, onboarding: bool, translate: Translator) -> AttemptView:
        def unit() -> UnitView:
            with self._database.read() as tx:
                return read_unit_and_worker(tx, agent)[0]

        return AttemptView(
            agent_id=agent, onboarding=onboarding, unit=unit, language=translate.language.tag
        )

    def _already(self, visit: VisitView, translate: Translator, *, is_work: bool = True) -> Reply:
        """Answer a worker whose answers are stored.

        :param is_work: whether they are to a unit; those to an onboarding have no claim to the pay.
        """
        way_out = pages.WayOut(VisitOutcome.WITHDREW, Nothing())
        if is_work:
            way_out = self._completions.of(visit, VisitOutcome.COMPLETED)
        page = pages.already_document(self._info.title, translate, way_out)
        return Reply(status=200, body=page)

    def _signed(self, form: Form) -> tuple[int, bool]:
        signed = self._tokens.read(form.first(pages.TOKEN_FIELD) or "")
        if signed is None:
            raise _Unsigned
        return signed

    def _read_attempt(self, agent: int) -> Attempt:
        with self._database.read() as tx:
            return self._attempt(tx, agent, lock=False)

    def _attempt(self, tx: Transaction, agent: int, *, lock: bool = True) -> Attempt:
        attempt = read_attempt(tx, agent, lock=lock)
        if attempt is None or attempt.run != self.run_id:
            raise _Unsigned
        return attempt


def _with_outcome(reply: Reply, outcome: str) -> Reply:
    """Mark a page as ours, for the page's script: a network's login page is a success too."""
    return evolve(reply, headers={**reply.headers, pages.OUTCOME_HEADER: outcome})


def _without_ours(form: Form) -> Form:
    ours = (pages.TOKEN_FIELD, pages.SUBMISSION_FIELD)
    return evolve(form, fields=[pair for pair in form.fields if pair[0] not in ours])


def _as_utf8(reply: Reply) -> Reply:
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
