"""The Flask application, which passes requests to a gateway and has no rules about units."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, request, send_file
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from famulus import UnavailableError
from famulus_flask.answers import (
    FORM_ADDRESSES,
    PLATFORM_ADDRESS,
    Answers,
    accepted_languages,
    wants_json,
)
from famulus_flask.application import Application
from famulus_flask.assets import find_asset
from famulus_flask.limits import Limits
from famulus_flask.uploads import UploadNotStoredError

if TYPE_CHECKING:
    from famulus import Gateway, Reply

_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def create_app(gateway: Gateway, *, instance: str = "", limits: Limits | None = None) -> Flask:
    """Return the application of one gateway's run; replies of ``/healthz`` contain ``instance``."""
    app = Application(__name__, static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False
    app.answers = Answers(gateway, limits or Limits(), instance)
    views = _Views(gateway, app.answers)
    app.add_url_rule("/", view_func=views.arrive)
    app.add_url_rule("/enter", view_func=views.enter, methods=["GET", "POST"])
    app.add_url_rule("/submit", view_func=views.submit, methods=["POST"])
    app.add_url_rule("/give-back", view_func=views.give_back, methods=["POST"])
    app.add_url_rule(
        f"{PLATFORM_ADDRESS}<name>", "receive", view_func=views.receive, methods=["POST"]
    )
    app.add_url_rule("/healthz", view_func=views.healthz)
    app.add_url_rule("/<path:name>", view_func=views.asset)
    app.register_error_handler(HTTPException, views.explain)
    app.register_error_handler(UnavailableError, views.ask_to_retry)
    app.register_error_handler(UploadNotStoredError, views.ask_to_retry)
    app.after_request(views.add_headers)
    app.note_as_made()
    return app


class _Views:
    """The views of one application."""

    def __init__(self, gateway: Gateway, answers: Answers) -> None:
        self._gateway = gateway
        self._answers = answers

    def arrive(self) -> Response:
        return self._respond(self._answers.arrive(request.args.to_dict(), request.environ))

    def enter(self) -> Response:
        if request.method == "POST":
            return self._respond(self._answers.enter(request.args.to_dict(), request.environ))
        return self._respond(self._answers.entry_page(request.args.to_dict()))

    def submit(self) -> Response:
        return self._respond(self._answers.submit(request.environ))

    def give_back(self) -> Response:
        return self._respond(self._answers.give_back(request.environ))

    def receive(self, name: str) -> Response:
        """Answer a platform, without the headers that are meant for browsers of workers."""
        reply = self._answers.receive(request.environ, name, request.args.to_dict())
        response = Response(reply.body, reply.status, content_type=reply.content_type)
        response.headers.update(reply.headers)
        return response

    def healthz(self) -> Response:
        return self._respond(self._answers.health())

    def asset(self, name: str) -> Response:
        if f"/{name}" in FORM_ADDRESSES:
            raise MethodNotAllowed(["POST"])
        path = find_asset(self._gateway.assets, name)
        if path is None:
            raise NotFound
        try:
            response = send_file(path)
        except _NO_FILE as error:  # removed or replaced in the meantime, or not readable
            raise NotFound from error
        except OSError as error:  # no more files can be opened, for instance
            raise UnavailableError(f"{path} cannot be read now: {error}") from error
        response.headers.update(self._gateway.asset_headers)
        return response

    def explain(self, error: HTTPException) -> Response:
        """Return the page for an HTTP error; for the page's script, JSON."""
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        as_json = wants_json(request.environ)
        reply = self._answers.explain(
            status, request.environ, description=error.description, as_json=as_json
        )
        response = self._respond(reply)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(error.valid_methods)
        return response

    def ask_to_retry(self, error: Exception) -> Response:
        accepted = accepted_languages(request.environ)
        return self._respond(self._gateway.busy(error, accept_language=accepted))

    def add_headers(self, response: Response) -> Response:
        """Add the common headers to a reply to a browser, also for assets and errors."""
        if request.path.startswith(PLATFORM_ADDRESS) and request.method == "POST":
            return response
        for name, value in self._answers.common_headers().items():
            response.headers.setdefault(name, value)
        return response

    def _respond(self, reply: Reply) -> Response:
        response = Response(reply.body, reply.status, content_type=reply.content_type)
        response.headers.update(self._answers.headers(reply))
        return response
