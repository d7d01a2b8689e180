"""The class of the Flask application, which knows whether anything was added to it."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Flask, request, signals

from famulus import escaped_line
from famulus_flask.answers import Answers

_LONGEST_LOGGED_PATH = 200
_LONGEST_LOGGED_METHOD = 20
_SIGNALS = (
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.appcontext_pushed,
    signals.appcontext_popped,
    signals.appcontext_tearing_down,
)
_receivers_of = attrgetter("receivers")


class Application(Flask):
    """Flask with the views of one gateway.

    A request's path is logged escaped, on one line of bounded length.
    """

    #: what the views answer requests with
    answers: Answers

    def note_as_made(self) -> None:
        """Record all present registrations as this package's own; later ones count as additions."""
        self._as_made = self._parts()

    @property
    def has_additions(self) -> bool:
        """Whether something was added through which requests for a page or a submission must pass.

        Additions are functions around requests, WSGI middleware, other views, trusted hosts, and
        receivers of Flask's signals.
        """
        return self._parts() != self._as_made

    def log_exception(self, exc_info: Any) -> None:
        """Log the error of a view with its traceback."""
        path = escaped_line(request.path, _LONGEST_LOGGED_PATH)
        method = escaped_line(request.method, _LONGEST_LOGGED_METHOD)
        self.logger.error("%s %s failed", method, path, exc_info=exc_info)

    def _parts(self) -> tuple[object, ...]:
        return (
            "wsgi_app" in vars(self),
            len(self.before_request_funcs.get(None, ())),
            len(self.after_request_funcs.get(None, ())),
            len(self.teardown_request_funcs),
            len(self.teardown_appcontext_funcs),
            len(self.url_value_preprocessors),
            self.config["TRUSTED_HOSTS"],
            self.view_functions["arrive"],
            self.view_functions["submit"],
            any(map(_receivers_of, _SIGNALS)),
        )
