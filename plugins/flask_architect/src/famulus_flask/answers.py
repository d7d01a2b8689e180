"""What is answered at each address: from a request's variables to the gateway's reply."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from famulus import Form, Reply, UnavailableError
from famulus_flask.forms import received_form
from famulus_flask.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from famulus import Gateway

#: How long a form waits for others that are on their way in.
_PATIENCE_SECONDS = 1.0

#: Where an application keeps its :class:`Answers` for the server that runs it.
EXTENSION = "famulus_flask"
#: The variable of a request whose body was received and admitted by our own server.
RECEIVED = "famulus_flask.received"
FORM_ADDRESSES = ("/submit", "/give-back")

_HTML = "text/html"
_JSON = "application/json"


class Answers:
    """Carry requests to one gateway; forms only so many at once."""

    def __init__(self, gateway: Gateway, limits: Limits, instance: str = "") -> None:
        self.limits = limits
        self._gateway = gateway
        self._instance = instance
        self._room_for_forms = threading.Semaphore(limits.max_forms_at_once)

    def arrive(self, query: Mapping[str, str]) -> Reply:
        """Answer a worker who comes in."""
        return self._gateway.arrive(query)

    def submit(self, environ: WSGIEnvironment) -> Reply:
        """Answer a submission; raises as :func:`famulus_flask.forms.received_form` does.

        :raises famulus.UnavailableError: when too many forms are on their way in.
        """
        as_json = wants_json(environ)
        return self._take_form(environ, lambda form: self._gateway.submit(form, as_json=as_json))

    def give_back(self, environ: WSGIEnvironment) -> Reply:
        """Answer a worker who gives their unit back; raises as :meth:`submit` does."""
        return self._take_form(environ, self._gateway.give_back)

    def health(self, *, is_busy: bool = False) -> Reply:
        """Return which instance of which run answers, and whether it has time for more."""
        state = {"run": self._gateway.run_id, "instance": self._instance, "busy": is_busy}
        return Reply(status=200, body=json.dumps(state), content_type=_JSON)

    def busy(self) -> Reply:
        """Answer a request that cannot be served now."""
        return self._gateway.busy()

    def headers(self, reply: Reply) -> dict[str, str]:
        """Return the headers of a reply, except those that describe its body."""
        return {"Cache-Control": "no-store", **self.common_headers(), **reply.headers}

    def common_headers(self) -> dict[str, str]:
        """Return the headers that every reply carries, whatever it holds."""
        return {**self._gateway.headers, "X-Content-Type-Options": "nosniff"}

    def _take_form(self, environ: WSGIEnvironment, take: Callable[[Form], Reply]) -> Reply:
        with self._room(environ), received_form(environ, self.upload_folder, self.limits) as form:
            return take(form)

    @contextlib.contextmanager
    def _room(self, environ: WSGIEnvironment) -> Iterator[None]:
        """Bound the threads that wait for bodies, where the server does not receive them first."""
        if environ.get(RECEIVED):
            yield
            return
        if not self._room_for_forms.acquire(timeout=_PATIENCE_SECONDS):
            raise UnavailableError("too many forms are on their way in")
        try:
            yield
        finally:
            self._room_for_forms.release()

    def upload_folder(self) -> Path:
        """Return the folder in which files are received."""
        return self._gateway.upload_folder


def wants_json(environ: WSGIEnvironment) -> bool:
    """Return whether the sender prefers JSON to HTML, as the page's script does."""
    accepted = environ.get("HTTP_ACCEPT")
    if accepted == _JSON:
        return True
    return parse_accept_header(accepted, MIMEAccept).best_match((_HTML, _JSON)) == _JSON
