"""Answers to the onboarding: judged by the blueprint, then stored with the qualification."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import frozen

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.views import AttemptView, Form, NotPassed
from famulus.engine.attempts import Attempt, read_attempt
from famulus.engine.locks_by_key import LocksByKey
from famulus.engine.onboarding_verdicts import store_verdict
from famulus.engine.qualifications.grants import record_onboarding
from famulus.engine.qualifications.rules import onboarding_qualification
from famulus.engine.submission import (
    NewSubmission,
    Result,
    StoredFile,
    earlier_submission,
    store,
)
from famulus.engine.workers import lock_worker
from famulus.errors import InvalidAnswers, UnavailableError
from famulus.model.database import Database
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus
from famulus.model.tables import AgentTable
from famulus.model.transaction import Transaction

_Job = Callable[[Transaction, Sequence[StoredFile]], "tuple[OnboardingResult, Attempt]"]
#: Statuses of attempts whose answers count: not of those that were given back or expired.
_JUDGED = (AgentStatus.ONBOARDING, AgentStatus.TIMEOUT)
#: Microseconds for which other processes do not judge the same attempt: a process that was killed
#: keeps its worker waiting at most as long.
_CLAIM = 120_000_000

_CLAIM_JUDGEMENT = Statement(
    AgentTable.update({AgentTable.judging_until: Param("until")}).where(
        AgentTable.id == Param("agent"),
        AgentTable.submission_id.is_null(),
        AgentTable.judging_until.is_null()
        | (AgentTable.judging_until <= Param("now"))
        # The clock was set back.
        | (AgentTable.judging_until > Param("until")),
    )
)
_RELEASE_JUDGEMENT = Statement(
    AgentTable.update({AgentTable.judging_until: None}).where(
        AgentTable.id == Param("agent"), AgentTable.judging_until == Param("until")
    )
)


class UndecidedError(Exception):
    """The blueprint could not judge the answers to an onboarding."""


class JudgedElsewhereError(UnavailableError):
    """Another process is judging answers to the same onboarding."""


@frozen(kw_only=True)
class OnboardingResult:
    """The result of a submission to the onboarding."""

    result: Result
    #: whether the answers that are stored qualify
    passed: bool


def known_result(attempt: Attempt, submission: str) -> OnboardingResult | None:
    """Return the result of a submission that needs no judgement, or None if it needs one."""
    passed = attempt.status is AgentStatus.APPROVED
    earlier = earlier_submission(attempt, submission)
    if earlier is not None:
        return OnboardingResult(result=earlier.result, passed=passed)
    if attempt.status not in _JUDGED:
        return OnboardingResult(result=Result.CONFLICT, passed=passed)
    return None


class OnboardingSubmissions:
    """Handles the submissions to the onboarding of one run. Used by many threads; keeps only locks.

    :param informs_platform: whether the platform has qualifications.
    """

    def __init__(self, database: Database, blueprint: Blueprint, *, informs_platform: bool) -> None:
        self._database = database
        self._blueprint = blueprint
        self._requesters = None if informs_platform else ()
        self._locks = LocksByKey()

    def submit(
        self,
        submission: str,
        form: Form,
        *,
        view: AttemptView,
        read: Callable[[], Attempt],
        write: Callable[[_Job], tuple[OnboardingResult, Attempt]],
    ) -> tuple[OnboardingResult, Attempt]:
        """Judge the answers in a form, unless they were judged before, and store them.

        :param read: returns the current state of the attempt.
        :param write: runs a job that stores answers, with their files in their final place.
        :raises JudgedElsewhereError: while another process judges answers of this attempt.
        """
        # Two tabs with one attempt: the second sees the outcome of the first.
        with self._locks(view.agent_id):
            attempt = read()
            known = known_result(attempt, submission)
            if known is not None:
                return known, attempt
            qualification = onboarding_qualification(self._blueprint)
            assert qualification is not None
            answers = self._blueprint.read_answers(form, view)
            with self._claimed(attempt.agent) as is_claimed:
                if not is_claimed:
                    attempt = read()
                    known = known_result(attempt, submission)
                    if known is None:
                        raise JudgedElsewhereError("another process is judging these answers")
                    return known, attempt
                verdict = judge(self._blueprint, answers, view)

                def job(
                    tx: Transaction, files: Sequence[StoredFile]
                ) -> tuple[OnboardingResult, Attempt]:
                    judged = store_onboarding(
                        tx,
                        attempt.agent,
                        NewSubmission(
                            id=submission, answers=answers, files=files, language=view.language
                        ),
                        verdict=verdict,
                        qualification=qualification,
                        requesters=self._requesters,
                    )
                    return judged, attempt

                return write(job)

    @contextlib.contextmanager
    def _claimed(self, agent: int) -> Iterator[bool]:
        """Claim the judgement of an attempt for this process; yield whether that succeeded.

        An exception releases the claim, so that the answers can be judged again.
        """
        until = 0

        def claim(tx: Transaction) -> bool:
            nonlocal until
            until = tx.micros + _CLAIM
            done = tx.run(_CLAIM_JUDGEMENT, agent=agent, until=until, now=tx.micros)
            return bool(done.rowcount)

        is_claimed = self._database.write(claim)
        try:
            yield is_claimed
        except BaseException:
            if is_claimed:
                # If that fails as well, the claim expires.
                with contextlib.suppress(UnavailableError):
                    self._database.write(
                        lambda tx: tx.run(_RELEASE_JUDGEMENT, agent=agent, until=until)
                    )
            raise


def judge(blueprint: Blueprint, answers: Any, view: AttemptView) -> bool | NotPassed:
    """Return the blueprint's verdict on the answers to the onboarding.

    :raises UndecidedError: when the blueprint raises, or returns no verdict: nothing is granted,
        and the worker may try again.
    """
    try:
        verdict = blueprint.onboarding_passed(answers, view)
        if not isinstance(verdict, bool | NotPassed):
            raise TypeError(
                f"onboarding_passed returned {verdict!r}: it must be True, False or NotPassed"
            )
    except (UnavailableError, InvalidAnswers):
        raise
    except (Exception, SystemExit) as error:
        raise UndecidedError from error
    return verdict


def store_onboarding(
    tx: Transaction,
    agent: int,
    submission: NewSubmission,
    *,
    verdict: bool | NotPassed,
    qualification: str,
    requesters: Sequence[int] | None,
) -> OnboardingResult:
    """Store the answers to the onboarding and the verdict, and grant the resulting qualification.

    :param requesters: the accounts whose platform is informed; see ``qualifications.grant``.
    """
    # The worker first, as at an arrival: another order could deadlock.
    lock_worker(tx, _read(tx, agent, lock=False).worker)
    attempt = _read(tx, agent, lock=True)
    known = known_result(attempt, submission.id)
    if known is not None:
        return known
    passed = bool(verdict)
    status = AgentStatus.APPROVED if passed else AgentStatus.REJECTED
    late = attempt.status is not AgentStatus.ONBOARDING
    store(tx, attempt, status, submission, late=late)
    if isinstance(verdict, NotPassed):
        store_verdict(tx, attempt.agent, verdict)
    record_onboarding(
        tx,
        worker=attempt.worker,
        qualification=qualification,
        passed=passed,
        run=attempt.run,
        requesters=requesters,
    )
    return OnboardingResult(result=Result.STORED, passed=passed)


def _read(tx: Transaction, agent: int, *, lock: bool) -> Attempt:
    attempt = read_attempt(tx, agent, lock=lock)
    assert attempt is not None
    return attempt
