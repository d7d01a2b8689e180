"""The researcher's API without HTTP: faults, tokens, routing and a log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from attrs import frozen

from famulus_prolific.fake.accounts import Accounts
from famulus_prolific.fake.bonuses import Bonuses
from famulus_prolific.fake.costs import Costs
from famulus_prolific.fake.errors import ApiError, ReplyLostError
from famulus_prolific.fake.exchange import ApiReply, Request
from famulus_prolific.fake.faults import Fault
from famulus_prolific.fake.groups import Groups
from famulus_prolific.fake.messages import Messages
from famulus_prolific.fake.records import Call
from famulus_prolific.fake.routes import Route, find_route, methods_at
from famulus_prolific.fake.state import State
from famulus_prolific.fake.studies import Studies
from famulus_prolific.fake.submissions import Submissions
from famulus_prolific.fake.webhooks import Webhooks

Operation = Callable[[Request], ApiReply]
_BEFORE = {
    Fault.THROTTLE: HTTPStatus.TOO_MANY_REQUESTS,
    Fault.FAIL: HTTPStatus.INTERNAL_SERVER_ERROR,
}


@frozen(kw_only=True)
class Subjects:
    """The operations by subject."""

    accounts: Accounts
    studies: Studies
    submissions: Submissions
    bonuses: Bonuses
    groups: Groups
    messages: Messages
    webhooks: Webhooks
    costs: Costs


@frozen(kw_only=True)
class Incoming:
    """A request as it comes in."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    #: the header ``Authorization``
    authorization: str
    #: the address without query
    url: str


class Api:
    """Answers requests, each under the lock of the state."""

    def __init__(self, state: State, subjects: Subjects) -> None:
        self.state = state
        self._lock = threading.RLock()
        self._operations = {name: choose(subjects) for name, choose in OPERATIONS.items()}
        #: every request with a valid token, in the order of the replies
        self.calls: list[Call] = []

    @contextmanager
    def turn(self) -> Iterator[State]:
        """Lock the state during a block; perform due events before and after it."""
        with self._lock:
            self.state.timeline.catch_up()
            yield self.state
            self.state.timeline.catch_up()

    def answer(self, incoming: Incoming) -> tuple[ApiReply, Fault | None]:
        """Return the reply to a request, and the fault that is to spoil its delivery, if any.

        :raises ReplyLostError: when there is to be no answer.
        :raises ApiError: when the answer is an error.
        """
        route = find_route(incoming.method, incoming.path)
        if route is None:
            raise _no_route(incoming)
        if incoming.authorization.removeprefix("Token ") not in self.state.tokens:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "Authentication credentials were not valid.")
        request = Request(
            path=route.path, query=incoming.query, body=incoming.body, url=incoming.url
        )
        try:
            reply, fault = self._answer(route, request)
        except (ApiError, ReplyLostError) as error:
            self._record(route, request, _outcome(error))
            raise
        self._record(route, request, str(reply.status.value))
        return reply, fault

    def _answer(self, route: Route, request: Request) -> tuple[ApiReply, Fault | None]:
        faults, operation = self.state.faults, route.operation
        fault = faults.take(operation)
        faults.wait(operation, after=False)
        if fault is Fault.LOSE_REQUEST:
            raise ReplyLostError
        if fault in _BEFORE:
            throttled = fault is Fault.THROTTLE
            retry_after = faults.retry_after if throttled else None
            raise ApiError(_BEFORE[fault], "Please try again later.", retry_after=retry_after)
        try:
            if fault is Fault.TWICE:
                self._run(operation, request)
            return self._run(operation, request), fault
        finally:
            faults.wait(operation, after=True)
            if fault is Fault.LOSE_REPLY:
                raise ReplyLostError
            if fault is Fault.FAIL_AFTER:
                raise ApiError(HTTPStatus.BAD_GATEWAY, "Please try again later.")

    def _run(self, operation: str, request: Request) -> ApiReply:
        with self.turn():
            return self._operations[operation](request)

    def _record(self, route: Route, request: Request, outcome: str) -> None:
        self.calls.append(
            Call(
                operation=route.operation,
                path=route.path,
                query=request.query,
                body=request.body,
                outcome=outcome,
            )
        )


def _no_route(incoming: Incoming) -> ApiError:
    if methods_at(incoming.path):
        detail = f'Method "{incoming.method}" not allowed.'
        return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, detail)
    return ApiError(HTTPStatus.NOT_FOUND, "Not found.")


def _outcome(error: Exception) -> str:
    return str(error.status.value) if isinstance(error, ApiError) else "reply lost"


#: what carries out each operation
OPERATIONS: Mapping[str, Callable[[Subjects], Operation]] = {
    "get-me": lambda on: on.accounts.me,
    "get-workspaces": lambda on: on.accounts.workspaces,
    "get-workspace": lambda on: on.accounts.workspace,
    "get-workspace-balance": lambda on: on.accounts.balance,
    "get-projects": lambda on: on.accounts.projects,
    "create-project": lambda on: on.accounts.create_project,
    "get-project": lambda on: on.accounts.project,
    "get-project-studies": lambda on: on.studies.list_of_project,
    "get-filters": lambda on: on.accounts.filters,
    "get-eligibility-count": lambda on: on.accounts.eligible,
    "create-test-participant": lambda on: on.accounts.create_test_participant,
    "create-test-study": lambda on: on.accounts.create_test_study,
    "get-studies": lambda on: on.studies.list_all,
    "create-study": lambda on: on.studies.create,
    "get-study": lambda on: on.studies.get,
    "update-study": lambda on: on.studies.update,
    "delete-study": lambda on: on.studies.delete,
    "transition-study": lambda on: on.studies.transition,
    "get-study-cost": lambda on: on.costs.of_study,
    "get-study-submissions": lambda on: on.submissions.list_of_study,
    "get-submission-counts": lambda on: on.submissions.counts,
    "calculate-study-cost": lambda on: on.costs.calculate,
    "post-study-predicted-recruitment-time": lambda on: on.costs.recruitment_time,
    "get-reward-recommendations": lambda on: on.costs.recommended,
    "get-submissions": lambda on: on.submissions.list_all,
    "get-submission": lambda on: on.submissions.get,
    "transition-submission": lambda on: on.submissions.transition,
    "request-submission-return": lambda on: on.submissions.request_return,
    "bulk-approve-submissions": lambda on: on.submissions.bulk_approve,
    "create-bonus-payments": lambda on: on.bonuses.set_up,
    "pay-bonus-payments": lambda on: on.bonuses.pay,
    "get-participant-groups": lambda on: on.groups.list_all,
    "create-participant-group": lambda on: on.groups.create,
    "get-participant-group": lambda on: on.groups.get,
    "update-participant-group": lambda on: on.groups.update,
    "delete-participant-group": lambda on: on.groups.delete,
    "get-participant-group-participants": lambda on: on.groups.members,
    "add-to-participant-group": lambda on: on.groups.add,
    "remove-from-participant-group": lambda on: on.groups.remove,
    "get-messages": lambda on: on.messages.list_all,
    "send-message": lambda on: on.messages.send,
    "bulk-message-participants": lambda on: on.messages.send_many,
    "send-message-to-participant-group": lambda on: on.messages.send_group,
    "get-event-types": lambda on: on.webhooks.event_types,
    "get-secrets": lambda on: on.webhooks.secrets,
    "create-secret": lambda on: on.webhooks.create_secret,
    "get-subscriptions": lambda on: on.webhooks.list_all,
    "create-subscription": lambda on: on.webhooks.create,
    "get-subscription": lambda on: on.webhooks.get,
    "confirm-subscription": lambda on: on.webhooks.confirm,
    "update-subscription": lambda on: on.webhooks.update,
    "delete-subscription": lambda on: on.webhooks.delete,
    "get-events": lambda on: on.webhooks.events,
}
