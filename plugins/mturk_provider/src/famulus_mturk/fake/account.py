"""One account of MTurk: its requester's API, its workers and its faults."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from famulus_mturk.fake.assignments import Assignments
from famulus_mturk.fake.errors import (
    ApiError,
    ExpiredKeysError,
    MalformedRequestError,
    ServiceFaultError,
    ThrottledError,
    UnknownOperationError,
)
from famulus_mturk.fake.faults import Fault, Faults
from famulus_mturk.fake.hit_views import HitViews
from famulus_mturk.fake.hits import Hits
from famulus_mturk.fake.marketplace import Marketplace
from famulus_mturk.fake.money import Money
from famulus_mturk.fake.protocol import service_model
from famulus_mturk.fake.qualifications import Qualifications
from famulus_mturk.fake.records import Call
from famulus_mturk.fake.state import State
from famulus_mturk.fake.timeline import Timeline
from famulus_mturk.fake.worker import FakeWorker
from famulus_mturk.fake.workforce import Workforce

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class ReplyLostError(Exception):
    """The request took effect, and its reply is lost."""


class Account:
    """The sandbox or the live site. The two share only the clock."""

    def __init__(
        self,
        name: str,
        clock: Callable[[], datetime],
        money: Money,
        *,
        log: list[Call],
        seed: str,
    ) -> None:
        self.name = name
        self.faults = Faults()
        #: where the requester's API is, once it is served
        self.endpoint_url = ""
        #: the origin of the site for workers, once it is served
        self.worker_url = ""
        self._lock = threading.RLock()
        self._clock = clock
        self._log = log
        self._model = service_model()
        self.state = State(
            name=name,
            timeline=Timeline(clock),
            money=money,
            faults=self.faults,
            random=random.Random(seed),
        )
        views = HitViews(self.state)
        self.qualifications = Qualifications(self.state)
        assignments = Assignments(self.state, views)
        self.marketplace = Marketplace(self.state, self.qualifications, assignments)
        self._operations: dict[str, Operation] = {
            "GetAccountBalance": self._balance,
            **_hit_operations(Hits(self.state, views), views),
            **_assignment_operations(assignments),
            **_qualification_operations(self.qualifications),
            **_worker_operations(Workforce(self.state)),
        }

    @property
    def submit_to(self) -> str:
        """The origin that pages post their forms to.

        The origin is that of the site for workers, unless a test sets another.
        """
        return self.marketplace.submit_to

    @submit_to.setter
    def submit_to(self, origin: str) -> None:
        self.marketplace.submit_to = origin

    @property
    def calls(self) -> list[Call]:
        """Every request, in the order of the replies."""
        return [call for call in self._log if call.account == self.name]

    @contextmanager
    def turn(self) -> Iterator[State]:
        """Lock the state during a block; perform due events before and after it."""
        with self._lock:
            self.state.timeline.catch_up()
            yield self.state
            self.state.timeline.catch_up()

    def worker(
        self,
        worker_id: str,
        *,
        values: Mapping[str, int] | None = None,
        locale: tuple[str, ...] | None = None,
    ) -> FakeWorker:
        """Return a worker.

        :param values: the worker's values of MTurk's own qualifications; None keeps the earlier
            ones.
        :param locale: the worker's country, and perhaps a subdivision; None keeps the earlier one,
            at first the US.
        """
        with self.turn():
            self.marketplace.change_profile(worker_id, values, locale)
        return FakeWorker(self, worker_id)

    def answer(self, target: str, body: Any, access_key: str = "") -> Any:
        """Answer one request of the API.

        :raises ApiError: when the answer is an error.
        :raises ReplyLostError: when there is to be no answer.
        """
        operation = self._model.operation(target)
        try:
            self._check_keys(access_key)
            reply = self._answer(operation, body)
        except (ApiError, ReplyLostError) as error:
            self._record(operation, body, access_key, _outcome(error))
            raise
        self._record(operation, body, access_key, "ok")
        return reply

    def called(self, operation: str) -> list[Call]:
        """Return the requests for one operation."""
        return [call for call in self.calls if call.operation == operation]

    def client(self, *, attempts: int = 1) -> Any:
        """Return a boto3 client for this account that makes ``attempts`` attempts per call."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "mturk",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=f"{self.name}-key",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
        )

    def _check_keys(self, access_key: str) -> None:
        if self.faults.expired_keys & {access_key, ""}:
            raise ExpiredKeysError(self.state.facts.expired_code)

    def _answer(self, operation: str, body: Any) -> Any:
        if not isinstance(body, dict):
            raise MalformedRequestError(["the body is not a JSON object"])
        parameters = self._model.read_request(operation, body)
        fault = self.faults.take(operation)
        self.faults.wait(operation, after=False)
        if fault is Fault.THROTTLE:
            raise ThrottledError
        if fault is Fault.FAIL:
            raise _service_fault()
        try:
            if fault is Fault.TWICE:
                self._run(operation, parameters)
            return self._run(operation, parameters)
        finally:
            self.faults.wait(operation, after=True)
            if fault is Fault.LOSE_REPLY:
                raise ReplyLostError
            if fault is Fault.FAIL_AFTER:
                raise _service_fault()

    def _run(self, operation: str, parameters: dict[str, Any]) -> Any:
        run = self._operations.get(operation)
        if run is None:
            raise UnknownOperationError(f"this fake leaves {operation} out")
        with self.turn():
            return self._model.write_reply(operation, run(parameters))

    def _balance(self, parameters: dict[str, Any]) -> dict[str, Any]:
        money = self.state.money
        return {
            "AvailableBalance": f"{max(money.available, Decimal(0)):.2f}",
            "OnHoldBalance": f"{money.on_hold:.2f}",
        }

    def _record(self, operation: str, body: Any, access_key: str, outcome: str) -> None:
        self._log.append(
            Call(
                account=self.name,
                operation=operation,
                parameters=body if isinstance(body, dict) else {},
                access_key=access_key,
                at=self._clock(),
                outcome=outcome,
            )
        )


def _hit_operations(hits: Hits, views: HitViews) -> dict[str, Operation]:
    return {
        "CreateHITType": hits.create_hit_type,
        "CreateHIT": hits.create_hit,
        "CreateHITWithHITType": hits.create_hit_with_hit_type,
        "UpdateExpirationForHIT": hits.update_expiration_for_hit,
        "UpdateHITReviewStatus": hits.update_hit_review_status,
        "DeleteHIT": hits.delete_hit,
        "CreateAdditionalAssignmentsForHIT": hits.create_additional_assignments,
        "GetHIT": views.get_hit,
        "ListHITs": views.list_hits,
        "ListReviewableHITs": views.list_reviewable_hits,
        "ListHITsForQualificationType": views.list_hits_for_qualification_type,
    }


def _assignment_operations(assignments: Assignments) -> dict[str, Operation]:
    return {
        "ListAssignmentsForHIT": assignments.list_assignments_for_hit,
        "GetAssignment": assignments.get_assignment,
        "ApproveAssignment": assignments.approve_assignment,
        "RejectAssignment": assignments.reject_assignment,
        "SendBonus": assignments.send_bonus,
        "ListBonusPayments": assignments.list_bonus_payments,
    }


def _qualification_operations(qualifications: Qualifications) -> dict[str, Operation]:
    return {
        "CreateQualificationType": qualifications.create_qualification_type,
        "GetQualificationType": qualifications.get_qualification_type,
        "UpdateQualificationType": qualifications.update_qualification_type,
        "DeleteQualificationType": qualifications.delete_qualification_type,
        "ListQualificationTypes": qualifications.list_qualification_types,
        "AssociateQualificationWithWorker": qualifications.associate,
        "DisassociateQualificationFromWorker": qualifications.disassociate,
        "GetQualificationScore": qualifications.get_qualification_score,
        "ListWorkersWithQualificationType": qualifications.list_workers,
    }


def _worker_operations(workforce: Workforce) -> dict[str, Operation]:
    return {
        "CreateWorkerBlock": workforce.create_worker_block,
        "DeleteWorkerBlock": workforce.delete_worker_block,
        "ListWorkerBlocks": workforce.list_worker_blocks,
        "NotifyWorkers": workforce.notify_workers,
    }


def _service_fault() -> ServiceFaultError:
    return ServiceFaultError("MTurk is temporarily unable to process your request; call again.")


def _outcome(error: Exception) -> str:
    if isinstance(error, ApiError):
        return error.code.rpartition(".")[2] or error.type
    return "reply lost"
