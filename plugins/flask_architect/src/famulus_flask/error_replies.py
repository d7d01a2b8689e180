"""Replies that explain in plain words what is wrong with a request."""

from __future__ import annotations

import html
import json
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import evolve

from famulus import Reply
from famulus_flask.catalogue import _

if TYPE_CHECKING:
    from famulus import Gateway

_AGAIN = _("Please open the task's link again.")
_BACK = _(
    "Please go back with your browser's Back button: it has kept your answers. Then submit again."
)
#: Instead of the above in a reply that the page's script shows in the form.
_STAY = _("Your answers are still here. Please submit again.")
#: Headings and texts; where there is no text, it is the error's own description.
_WORDS = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: (_("This request could not be read"), None),
        HTTPStatus.NOT_FOUND: (_("There is nothing here"), _AGAIN),
        HTTPStatus.METHOD_NOT_ALLOWED: (_("This page cannot be opened by its address"), _AGAIN),
        HTTPStatus.REQUEST_TIMEOUT: (_("That took too long"), None),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (_("That is too large"), None),
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (_("The address is too long"), _AGAIN),
        HTTPStatus.INTERNAL_SERVER_ERROR: (
            _("Sorry, something went wrong"),
            _("Something went wrong on the server. Please try again."),
        ),
        HTTPStatus.SERVICE_UNAVAILABLE: (
            _("One moment, please"),
            _("The server is busy. Please try again in a moment."),
        ),
    }
)
#: The text for a refused form where the error has no description.
_DESCRIPTIONS = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: _("It did not arrive as it was sent."),
        HTTPStatus.REQUEST_TIMEOUT: _("The form did not arrive in time."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _(
            "The form is larger than this task accepts. Choose smaller or fewer files."
        ),
    }
)


def explain(
    gateway: Gateway | None,
    status: HTTPStatus,
    accept_language: str = "",
    *,
    description: str | None = None,
    as_json: bool,
) -> Reply:
    """Return a page for a status; for the page's script, JSON.

    :param gateway: makes the page; None for an application that has none.
    :param accept_language: the header of the request.
    :param description: text for a status that this module has no text for.
    """
    heading, text = _WORDS.get(status, (status.phrase, None))
    description = description or _DESCRIPTIONS.get(status, f"{status.phrase}.")
    advice = _STAY if as_json else _BACK
    text = text or _("{description} {advice}", description=description, advice=advice)
    headers = {"Retry-After": "2"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    if gateway is None:
        return _plain_reply(status, heading, text, headers, as_json=as_json)
    reply = gateway.notice(status, heading, text, as_json=as_json, accept_language=accept_language)
    return evolve(reply, headers={**reply.headers, **headers})


def _plain_reply(
    status: HTTPStatus, heading: str, text: str, headers: dict[str, str], *, as_json: bool
) -> Reply:
    if as_json:
        body = json.dumps({"outcome": "error", "message": text})
        return Reply(status=status, body=body, content_type="application/json", headers=headers)
    body = (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(heading)}</title></head>\n"
        f"<body><main><h1>{html.escape(heading)}</h1><p>{html.escape(text)}</p></main></body>\n"
        "</html>\n"
    )
    return Reply(status=status, body=body, headers=headers)
