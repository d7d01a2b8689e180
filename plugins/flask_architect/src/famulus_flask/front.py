"""Replies to the two most frequent requests, without Flask.

For a page or a submission, Flask's own work costs more than the rest of this package. So both are
passed directly to :class:`famulus_flask.answers.Answers`, as Flask's views do. Unusual requests,
replies and errors are left to Flask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Flask

from famulus_flask.answers import Answers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from famulus import Reply

#: The variable of a request with a reply that Flask is to send or an error that it is to handle.
OUTCOME = "famulus_flask.outcome"


class Front:
    """A WSGI application in front of Flask's own: ``app.wsgi_app = Front(app, answers)``.

    It leaves all requests to Flask once the application has been given functions around requests,
    other views or trusted hosts, so that these apply to every request.
    """

    def __init__(self, app: Flask, answers: Answers) -> None:
        self._app = app
        self._behind: WSGIApplication = app.wsgi_app
        self._answers = answers
        self._as_made = self._application_parts()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, or leave it to Flask."""
        if self._application_parts() == self._as_made:
            try:
                reply = self._reply(environ)
                if reply is not None and reply.status == 200 and not reply.headers:
                    return self._send(reply, start_response)
            except Exception as error:  # noqa: BLE001 - raised again in Flask, which handles it
                environ[OUTCOME] = error
            else:
                environ[OUTCOME] = reply
        return self._behind(environ, start_response)

    def _reply(self, environ: WSGIEnvironment) -> Reply | None:
        """Return the reply to a plain request for one of the two addresses."""
        if "HTTP_UPGRADE" in environ:
            return None
        match environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"):
            case "GET", "/":
                query = _query(environ)
                return None if query is None else self._answers.arrive(query, environ)
            case "POST", "/submit":
                return self._answers.submit(environ)
        return None

    def _send(self, reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
        body = reply.body.encode()
        headers = {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(body)),
            **self._answers.headers(reply),
        }
        start_response("200 OK", list(headers.items()))
        return [body]

    def _application_parts(self) -> tuple[object, ...]:
        """Return the parts of the application that affect these requests once they are changed."""
        app = self._app
        return (
            len(app.before_request_funcs.get(None, ())),
            len(app.after_request_funcs.get(None, ())),
            len(app.teardown_request_funcs),
            len(app.teardown_appcontext_funcs),
            len(app.url_value_preprocessors),
            app.config["TRUSTED_HOSTS"],
            app.view_functions["arrive"],
            app.view_functions["submit"],
        )


def _query(environ: WSGIEnvironment) -> dict[str, str] | None:
    """Return the first value of each name, or None when the query is not UTF-8."""
    try:
        text = environ.get("QUERY_STRING", "").encode("latin-1").decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeError:
        return None
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return query
