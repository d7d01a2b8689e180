"""A request to the API and its reply, without HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from attrs import frozen

from famulus_prolific.fake.errors import bad_request


@frozen(kw_only=True)
class Request:
    """A request whose operation is known."""

    #: the ids in the path
    path: Mapping[str, str]
    query: Mapping[str, str]
    #: the JSON of the body; None if there is none
    body: Any
    #: the address without query, for links to other pages
    url: str

    @property
    def members(self) -> dict[str, Any]:
        """The members of the body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise bad_request("The body has to be a JSON object.")
        return self.body

    def member(self, name: str, kind: type) -> Any:
        """Return a required member of the body.

        :raises ApiError: when it is missing or of another type.
        """
        value = self.members.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise bad_request({name: ["This field is required, or of the wrong type."]})
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts that has to be in the body."""
        values = self.member(name, list)
        if not all(isinstance(one, str) for one in values):
            raise bad_request({name: ["Not a list of strings."]})
        return list(values)


@frozen(kw_only=True)
class ApiReply:
    """A reply; ``body`` is JSON, or None for no body."""

    body: Any = None
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()


def created(body: Any, *headers: tuple[str, str]) -> ApiReply:
    """Return the reply that something was created."""
    return ApiReply(body=body, status=HTTPStatus.CREATED, headers=headers)


NO_CONTENT = ApiReply(status=HTTPStatus.NO_CONTENT)
