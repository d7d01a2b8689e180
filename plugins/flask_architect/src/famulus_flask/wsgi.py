"""The application for any WSGI server: ``famulus_flask.wsgi:create_app()``.

Any number of processes on any number of hosts may serve one run from one PostgreSQL database.
"""

from __future__ import annotations

import contextlib
import os
from multiprocessing.util import Finalize

from flask import Flask

import famulus
from famulus_flask import app
from famulus_flask.limits import Limits

#: The variable that names one serving instance, which ``/healthz`` returns.
INSTANCE_VARIABLE = "FAMULUS_INSTANCE"
_RUN_VARIABLE = "FAMULUS_RUN"


def create_app() -> Flask:
    """Make the application for the run that the environment names.

    ``FAMULUS_DATABASE`` and ``FAMULUS_RUN`` name it; ``FAMULUS_FLASK_MAX_FILE_BYTES`` and the like
    set the limits of :class:`famulus_flask.limits.Limits`. Call it once in each process, after the
    process was forked: a database's connections do not survive a fork.

    :raises famulus.FamulusError: when the run cannot be served; the message has the reason.
    """
    limits = Limits.from_environment(os.environ)
    run = _run_number()
    with contextlib.ExitStack() as opened:
        database = opened.enter_context(famulus.Database())
        gateway = famulus.open_gateway(database, run)
        opened.callback(gateway.close)
        # atexit alone is not called in a process that multiprocessing has forked.
        Finalize(None, opened.pop_all().close, exitpriority=0)
    instance = os.environ.get(INSTANCE_VARIABLE, "")
    return app.create_app(gateway, instance=instance, limits=limits)


def _run_number() -> int:
    text = os.environ.get(_RUN_VARIABLE, "")
    if not text.isdecimal():
        message = f"{text!r} is not the number of a run; `famulus runs` lists them"
        raise famulus.UsageError(famulus.Problem(message, key=_RUN_VARIABLE))
    return int(text)
