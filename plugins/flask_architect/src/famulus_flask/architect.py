"""The architect ``local``."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from attrs import frozen

from famulus import Architect, Context, Deployment, Plan, Problem, UnavailableError, option
from famulus_flask.addresses import is_public_url
from famulus_flask.health import FailureCount, Health, ask_health
from famulus_flask.limits import DEFAULT_THREADS, Limits
from famulus_flask.listening import CannotListenError, listen, reachable_host
from famulus_flask.server_process import ServerProcess
from famulus_flask.serving.settings import Settings

_DEFAULTS = Limits()
_SETTINGS = Settings()

#: Seconds to wait for a server whose operator was killed; it needs one to end.
_PATIENCE_WHEN_DEPLOYING = 5.0
_PATIENCE_WHEN_CHECKING = 2.0

#: Seconds that a health check waits for the answer.
_LOOK_SECONDS = 2.0
#: Health checks without an answer, and seconds from the first to the last, after which the server
#: is started again.
_SILENT_LOOKS = 5
_SILENT_SECONDS = 30.0

#: What a serving process gets of its operator's environment. Everything else is left out, such as
#: the keys of clouds and platforms.
_KEPT = (
    "DYLD_LIBRARY_PATH",
    "FAMULUS_DISABLED_PLUGINS",
    "FAMULUS_FILES",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONUTF8",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
)
#: Locale, settings of PostgreSQL's driver, folders of users' data.
_KEPT_PREFIXES = ("LC_", "PG", "XDG_")


@frozen(kw_only=True)
class LocalArgs:
    """The address of the server, its threads, and the limits of forms."""

    hostname: str = option(
        help="Address of this machine to listen on; 0.0.0.0 for all of them.", default="127.0.0.1"
    )
    port: int = option(
        help="Port to listen on; 0 takes a free one and keeps it when the run is resumed.",
        default=3000,
    )
    public_url: str | None = option(
        help="Address that workers open, when it is not this machine's own: that of a proxy with "
        "HTTPS in front of it, such as https://tasks.example.org/.",
    )
    threads: int = option(
        help="Requests that are worked on at the same time. One counts when all of it has arrived, "
        "so slow connections take none.",
        default=DEFAULT_THREADS,
    )
    max_file_bytes: int = option(
        help="Size of the largest file a worker may upload.", default=_DEFAULTS.max_file_bytes
    )
    max_form_bytes: int = option(
        help="Size of the largest submission, files and text together.",
        default=_DEFAULTS.max_form_bytes,
    )
    max_text_bytes: int = option(
        help="Size of all text in one submission; it is held in memory.",
        default=_DEFAULTS.max_text_bytes,
    )
    max_fields: int = option(
        help="Number of fields in one submission.", default=_DEFAULTS.max_fields
    )
    max_files: int = option(help="Number of files in one submission.", default=_DEFAULTS.max_files)
    min_free_bytes: int = option(
        help="Disk space that uploads leave free; workers are asked to try again later where there "
        "is less.",
        default=_SETTINGS.min_free_bytes,
    )


class LocalArchitect(Architect):
    """Serve one run from this machine, in a child process that ends with the operator."""

    type: ClassVar[str] = "local"
    Args: ClassVar[Any] = LocalArgs

    #: The factory of the WSGI application; a subclass may wrap it.
    application: ClassVar[str] = "famulus_flask.wsgi:create_app"

    args: LocalArgs

    def __init__(self, args: LocalArgs, context: Context) -> None:
        super().__init__(args, context)
        self._server: ServerProcess | None = None
        self._port = args.port
        self._expected = Health(0, "")
        self._patience = _new_patience()

    def problems(self, plan: Plan) -> list[Problem]:
        """Check the options, and that the port is free."""
        wrong = _wrong_options(self.args)
        if not wrong.keys() & {"hostname", "port"}:
            try:
                listen(self.args.hostname, self.args.port, patience=_PATIENCE_WHEN_CHECKING).close()
            except CannotListenError as error:
                wrong[error.option] = str(error)
        return [plan.problem(f"architect.{name}", message) for name, message in wrong.items()]

    def deploy(self, deployment: Deployment) -> str:
        """Start the child process and wait until it answers.

        :raises famulus.UnavailableError: when the port is taken, or with what the child printed.
        """
        self.shutdown()
        self._expected = Health(deployment.run_id, deployment.instance)
        self._patience = _new_patience()
        port = self._port or self._previous_port(deployment)
        try:
            listener = listen(self.args.hostname, port, patience=_PATIENCE_WHEN_DEPLOYING)
        except CannotListenError as error:
            raise UnavailableError(str(error)) from error
        with listener:
            self._port = listener.getsockname()[1]
            self._server = ServerProcess(
                listener,
                application=self.application,
                threads=self.args.threads,
                min_free_bytes=self.args.min_free_bytes,
                environment=self._environment(deployment),
            )
        try:
            host = reachable_host(self.args.hostname)
            self._server.wait_until_ready(host, self._port, self._expected)
        except BaseException:
            self.shutdown()
            raise
        return self._url()

    def is_alive(self) -> bool:
        """Return whether the child process runs and answers.

        One that runs without answering counts as gone after several health checks over half a
        minute: a restart interrupts every request.
        """
        if self._server is None or not self._server.is_running():
            return False
        answered = False
        with contextlib.suppress(OSError):
            host = reachable_host(self.args.hostname)
            answered = ask_health(host, self._port, timeout=_LOOK_SECONDS) == self._expected
        return not self._patience.is_over(answered=answered, now=time.monotonic())

    def shutdown(self) -> None:
        """Stop the child process; requests under way have a few seconds to end."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def _previous_port(self, deployment: Deployment) -> int:
        """Return the port that was chosen last time; 0 where a public address hides it."""
        if self.args.public_url or not deployment.previous_url:
            return 0
        return urlsplit(deployment.previous_url).port or 0

    def _url(self) -> str:
        if self.args.public_url:
            return self.args.public_url.rstrip("/") + "/"
        host = reachable_host(self.args.hostname)
        shown = "localhost" if host == "127.0.0.1" else f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._port}/"

    def _environment(self, deployment: Deployment) -> Mapping[str, str]:
        limits = Limits(
            max_file_bytes=self.args.max_file_bytes,
            max_form_bytes=self.args.max_form_bytes,
            max_text_bytes=self.args.max_text_bytes,
            max_fields=self.args.max_fields,
            max_files=self.args.max_files,
        )
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        return {
            **kept,
            **limits.to_environment(),
            **deployment.environment,
            "FAMULUS_INSTANCE": deployment.instance,
        }


def _new_patience() -> FailureCount:
    return FailureCount(looks=_SILENT_LOOKS, seconds=_SILENT_SECONDS)


def _wrong_options(args: LocalArgs) -> dict[str, str]:
    """Return the problem of each wrong option."""
    wrong = {}
    if os.name != "posix":
        wrong["hostname"] = "the architect local needs Linux, macOS or another Unix"
    if not 0 <= args.port <= 65535:
        wrong["port"] = f"{args.port} is not a port; choose one from 1024 to 65535"
    if not 4 <= args.threads <= 1000:
        wrong["threads"] = f"{args.threads} is not between 4 and 1000"
    if args.public_url is not None and not is_public_url(args.public_url):
        wrong["public_url"] = (
            f"{args.public_url!r} is not an address such as https://tasks.example.org/"
        )
    for name in ("max_file_bytes", "max_form_bytes", "max_text_bytes", "max_fields"):
        if getattr(args, name) < 1:
            wrong[name] = f"{getattr(args, name)} would refuse every submission"
    for name in ("max_files", "min_free_bytes"):
        if getattr(args, name) < 0:
            wrong[name] = f"{getattr(args, name)} is less than 0"
    return wrong
