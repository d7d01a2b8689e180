"""Replies that say in plain words what is wrong with a request."""

from __future__ import annotations

import html
import json
from http import HTTPStatus
from types import MappingProxyType

from famulus import Reply

_TEXTS = MappingProxyType(
    {
        HTTPStatus.NOT_FOUND: (
            "There is nothing at this address. Please open the task's link again."
        ),
        HTTPStatus.METHOD_NOT_ALLOWED: "Please open the task's link again.",
        HTTPStatus.REQUEST_TIMEOUT: "The form took too long to arrive. Please try again.",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on the server. Please try again.",
        HTTPStatus.SERVICE_UNAVAILABLE: "The server is busy. Please try again in a moment.",
    }
)
_OUTCOMES = MappingProxyType({HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large"})


def explain(status: HTTPStatus, *, description: str | None = None, as_json: bool) -> Reply:
    """Return a page for a status; for the page's script, JSON."""
    text = _TEXTS.get(status) or description or status.phrase
    headers = {"Retry-After": "2"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    if as_json:
        body = json.dumps({"outcome": _OUTCOMES.get(status, "error"), "message": text})
        return Reply(status=status, body=body, content_type="application/json", headers=headers)
    return Reply(status=status, body=_plain_page(status.phrase, text), headers=headers)


def _plain_page(title: str, text: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title></head>\n"
        f"<body><main><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></main></body>\n"
        "</html>\n"
    )
