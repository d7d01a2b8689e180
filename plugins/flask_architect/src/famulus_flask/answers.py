"""Turn the variables of a WSGI request into the gateway's reply."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from attrs import evolve
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from famulus import Form, PlatformRequest, Reply, UnavailableError
from famulus_flask.error_replies import explain
from famulus_flask.forms import FormTooLargeError, received_body, received_form
from famulus_flask.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from famulus import Gateway

#: The variable of a request whose body our own server has admitted and received.
RECEIVED = "famulus_flask.received"
FORM_ADDRESSES = ("/submit", "/give-back")
#: The beginning of the addresses to which platforms send requests.
PLATFORM_ADDRESS = "/platform/"

#: Bytes of an entry form. Its address needs no ticket: it is sent before there is an attempt.
_ENTRY_BYTES = 64 * 1024
_ENTRY_FIELDS = 100

_TICKET = "ticket"
#: The query of a form's address, as the page of the task states it.
_PLAIN_TICKET = re.compile(r"ticket=([0-9A-Za-z._-]+)")
_HTML = "text/html"
_JSON = "application/json"


class Answers:
    """Pass requests to one gateway."""

    def __init__(self, gateway: Gateway, limits: Limits, instance: str = "") -> None:
        self.limits = limits
        self.gateway = gateway
        self._instance = instance
        self._entry_limits = evolve(
            limits,
            max_form_bytes=_ENTRY_BYTES,
            max_text_bytes=_ENTRY_BYTES,
            max_fields=_ENTRY_FIELDS,
            max_files=0,
        )
        self._room_for_bodies = threading.Semaphore(limits.max_bodies_at_once)
        self._room_for_strangers = threading.Semaphore(limits.max_strangers_at_once)

    def arrive(self, query: Mapping[str, str], environ: WSGIEnvironment) -> Reply:
        """Return the reply to an arrival."""
        return self.gateway.arrive(query, accept_language=accepted_languages(environ))

    def enter(self, query: Mapping[str, str], environ: WSGIEnvironment) -> Reply:
        """Return the reply to an entry form; raises like :meth:`submit`."""
        try:
            with (
                self._room(environ),
                received_form(environ, self.upload_folder, self._entry_limits) as form,
            ):
                received = form
        except FormTooLargeError as error:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return self.explain(status, environ, description=error.text, as_json=False)
        return self.gateway.enter(query, received, accept_language=accepted_languages(environ))

    def entry_page(self, query: Mapping[str, str]) -> Reply:
        """Return the page of an entry form, for a browser that opens the form's address."""
        return Reply(status=303, body="", headers={"Location": f"./?{urlencode(query)}"})

    def submit(self, environ: WSGIEnvironment) -> Reply:
        """Return the reply to a submission.

        :raises werkzeug.exceptions.HTTPException: for an incomplete or invalid form.
        :raises famulus.UnavailableError: when too many bodies are being received.
        """
        as_json, accepted = wants_json(environ), accepted_languages(environ)
        submit = partial(self.gateway.submit, as_json=as_json, accept_language=accepted)
        try:
            return self._take_form(environ, submit)
        except FormTooLargeError as error:
            return self.gateway.too_large(
                error.form, error.text, as_json=as_json, accept_language=accepted
            )

    def explain(
        self,
        status: HTTPStatus,
        environ: WSGIEnvironment,
        *,
        description: str | None = None,
        as_json: bool,
    ) -> Reply:
        """Return the reply to a request that is refused, with a page of the gateway."""
        accepted = accepted_languages(environ)
        return explain(self.gateway, status, accepted, description=description, as_json=as_json)

    def admits(self, query: str) -> bool:
        """Return whether the query of a form's address has a valid ticket."""
        plain = _PLAIN_TICKET.fullmatch(query)
        return self.gateway.admits(plain[1] if plain else parse_qs(query).get(_TICKET, [""])[0])

    def refusal(self, environ: WSGIEnvironment) -> Reply | None:
        """Return the reply to a form without a valid ticket; None if its ticket is valid."""
        if self.admits(environ.get("QUERY_STRING", "")):
            return None
        # The page's script reads the outcome of giving back from a page.
        is_submission = environ["PATH_INFO"] == "/submit"
        return self.gateway.not_admitted(
            as_json=is_submission and wants_json(environ),
            accept_language=accepted_languages(environ),
        )

    def give_back(self, environ: WSGIEnvironment) -> Reply:
        """Return the reply to a worker who gives a unit back; raises like :meth:`submit`."""
        accepted = accepted_languages(environ)
        give_back = partial(self.gateway.give_back, accept_language=accepted)
        try:
            return self._take_form(environ, give_back)
        except FormTooLargeError as error:
            # The page's script sends only the token; a browser without it sends all answers.
            return give_back(error.form)

    def receive(
        self, environ: WSGIEnvironment, provider_type: str, query: Mapping[str, str]
    ) -> Reply:
        """Return the reply to a request of a platform; raises like :meth:`submit`."""
        with self._room(environ):
            body = received_body(environ, self.gateway.most_platform_bytes)
        request = PlatformRequest(body=body, headers=_headers(environ), query=query)
        return self.gateway.receive(provider_type, request)

    def health(self, *, is_busy: bool = False) -> Reply:
        """Return the reply to a health check: run, instance, and whether all threads are busy."""
        state = {"run": self.gateway.run_id, "instance": self._instance, "busy": is_busy}
        return Reply(status=200, body=json.dumps(state), content_type=_JSON)

    def busy(self, environ: WSGIEnvironment) -> Reply:
        """Return the reply to a request that cannot be served now."""
        return self.gateway.busy(accept_language=accepted_languages(environ))

    def headers(self, reply: Reply) -> dict[str, str]:
        """Return the headers of a reply, except those that describe its body."""
        return {**self.constant_headers(), **reply.headers}

    def constant_headers(self) -> dict[str, str]:
        """Return the headers of every reply of the gateway that has none of its own."""
        return {"Cache-Control": "no-store", **self.common_headers()}

    def common_headers(self) -> dict[str, str]:
        """Return the headers of every reply."""
        return {**self.gateway.headers, "X-Content-Type-Options": "nosniff"}

    def _take_form(self, environ: WSGIEnvironment, take: Callable[[Form], Reply]) -> Reply:
        if not environ.get(RECEIVED) and (refusal := self.refusal(environ)) is not None:
            return refusal
        with contextlib.ExitStack() as stack:
            with self._room(environ):
                form = stack.enter_context(received_form(environ, self.upload_folder, self.limits))
            return take(form)

    @contextlib.contextmanager
    def _room(self, environ: WSGIEnvironment) -> Iterator[None]:
        """Limit how many threads receive bodies, so that others are free for pages.

        A form is refused beyond the limit: waiting would occupy a thread too. Requests that need no
        ticket have a lower limit.
        """
        if environ.get(RECEIVED):
            yield
            return
        rooms = [self._room_for_bodies]
        if environ["PATH_INFO"] not in FORM_ADDRESSES:
            rooms.insert(0, self._room_for_strangers)
        with contextlib.ExitStack() as taken:
            for room in rooms:
                if not room.acquire(blocking=False):
                    raise UnavailableError("too many forms are being received")
                taken.callback(room.release)
            yield

    def upload_folder(self) -> Path:
        """Return the folder in which files are received."""
        return self.gateway.upload_folder


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the headers of a request by their names in lower case."""
    return {
        name.removeprefix("HTTP_").lower().replace("_", "-"): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }


def accepted_languages(environ: WSGIEnvironment) -> str:
    """Return the header ``Accept-Language``; empty if the request has none."""
    return str(environ.get("HTTP_ACCEPT_LANGUAGE", ""))


def wants_json(environ: WSGIEnvironment) -> bool:
    """Return whether the sender prefers JSON to HTML, as the page's script does."""
    return prefers_json(environ.get("HTTP_ACCEPT"))


def prefers_json(accepted: str | None) -> bool:
    """Return whether a header ``Accept`` prefers JSON to HTML."""
    if accepted == _JSON:
        return True
    return parse_accept_header(accepted, MIMEAccept).best_match((_HTML, _JSON)) == _JSON
