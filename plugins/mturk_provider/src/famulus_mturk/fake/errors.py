"""Replies that are errors, in the form botocore turns into exceptions.

MTurk's codes are not part of botocore's model. The codes here come from AWS's documentation or from
people's reports, except for three that imitate them: ``IdempotencyTokenAlreadyProcessed``,
``HITTypeDoesNotExist`` and ``WorkerDoesNotExist``. For these, only the messages are certain.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus

#: what MTurk's own codes begin with
PREFIX = "AWS.MechanicalTurk."


class ApiError(Exception):
    """An error reply: its ``type`` becomes the code, or the exception class, that boto3 shows."""

    type = "InternalFailure"
    status = HTTPStatus.BAD_REQUEST

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def body(self, at: datetime, code: str) -> dict[str, str]:
        """Return the members of the reply; MTurk's messages end with the milliseconds since 1970.

        :param code: the spelling of the code; empty if there is none.
        """
        stamped = f"{self.message} ({int(at.timestamp() * 1000)} s)" if self.code else self.message
        members = {"__type": self.type, "Message": stamped}
        return members | {"TurkErrorCode": code} if code else members


class RequestError(ApiError):
    """The request cannot be carried out; ``code`` is MTurk's own, without its prefix."""

    type = "RequestError"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, f"{PREFIX}{code}")


class ServiceFaultError(ApiError):
    """A fault of the service; the request is valid."""

    type = "ServiceFault"
    status = HTTPStatus.INTERNAL_SERVER_ERROR


class ThrottledError(ApiError):
    """The request exceeds the allowed rate."""

    type = "ThrottlingException"

    def __init__(self) -> None:
        super().__init__("Rate exceeded")


class ExpiredKeysError(ApiError):
    """The keys have expired, for example keys of a single sign-on."""

    def __init__(self, code: str) -> None:
        super().__init__("The security token included in the request is expired")
        self.type = code


class MalformedRequestError(ApiError):
    """The request does not fit the model of the service."""

    type = "ValidationException"

    def __init__(self, problems: Iterable[str]) -> None:
        found = list(problems)
        plural = "s" if len(found) > 1 else ""
        super().__init__(f"{len(found)} validation error{plural} detected: {'; '.join(found)}")


class UnknownOperationError(ApiError):
    """The operation does not exist, or the fake does not implement it."""

    type = "UnknownOperationException"


def wrong_status(code: str, allowed: str, now_in: str = "") -> RequestError:
    """Return the error for an operation in the wrong state; ``now_in`` is a HIT's state."""
    beginning = f"This HIT is currently in the state '{now_in}'.  " if now_in else ""
    rule = f"This operation can be called with a status of: {allowed}"
    return RequestError(code, beginning + rule)


def processed(token: str | None) -> RequestError:
    """Return the error for a UniqueRequestToken that was used before."""
    return RequestError(
        "IdempotencyTokenAlreadyProcessed",
        f'The idempotency token "{token}" has already been processed.',
    )


def bad_value(parameter: str, why: str) -> RequestError:
    """Return the error for a value that the model allows and the service does not."""
    return RequestError(
        "ParameterValidationError", f"There was an error with the parameter {parameter}: {why}"
    )


def missing(kind: str, name: str) -> RequestError:
    """Return the error for an unknown id."""
    code = f"{'HIT' if kind == 'Hit' else kind}DoesNotExist"
    return RequestError(code, f"{kind} {name} does not exist.")
