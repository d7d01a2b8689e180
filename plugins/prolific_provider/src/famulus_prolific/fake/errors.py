"""Replies that are errors.

The numbers in ``error_code`` are not documented; the numbers here are made up, and have no meaning.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class ApiError(Exception):
    """An error reply with its status."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: Any,
        *,
        title: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail
        self.title = title or status.phrase
        self.retry_after = retry_after

    def body(self, *, envelope: bool) -> dict[str, Any]:
        """Return the members of the reply, in the envelope that most errors have or without it."""
        if not envelope:
            return {"message": self.title, "detail": str(self.detail)}
        return {
            "error": {
                "status": self.status.value,
                "error_code": 140_000 + self.status.value,
                "title": self.title,
                "detail": self.detail,
                "additional_information": "/api/v1/errors/",
            }
        }


class ReplyLostError(Exception):
    """The request took effect, and its reply is lost."""


class ParticipantRefusedError(Exception):
    """The site refuses an action of a participant; the message is the reason."""


def bad_request(detail: Any) -> ApiError:
    """Return a refusal of an invalid request."""
    return ApiError(HTTPStatus.BAD_REQUEST, detail)


def missing(kind: str, key: str) -> ApiError:
    """Return a refusal of a request that names an object that does not exist."""
    return ApiError(HTTPStatus.NOT_FOUND, f"{kind} with id '{key}' was not found.")
