"""The base class of architects that start a process to serve a run."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attrs import frozen

from famulus.contracts.architect import Architect, Deployed, Deployment, ServerHealth
from famulus.contracts.context import AnyClass, Context
from famulus.contracts.plan import Plan
from famulus.errors import Problem, UnavailableError
from famulus.options.declare import option
from famulus.serving.deployment_processes import end_processes
from famulus.serving.health_check import HealthReply, SilenceCount, ask_health
from famulus.serving.listening import CannotListenError, listen, reachable_host
from famulus.serving.server_process import ServerProcess

#: Seconds to wait for a server whose operator was killed; it needs one to end.
_PATIENCE_WHEN_DEPLOYING = 5.0
_PATIENCE_WHEN_CHECKING = 2.0

#: What to do about a port that is taken, at the launch and later.
_CHOOSE_ANOTHER = "choose another with architect.port=…"
_FREE_IT = "free it: the run keeps its address when it is served again"

#: Seconds that a health check waits for the answer.
_CHECK_SECONDS = 2.0
#: Health checks without an answer, and seconds from the first to the last, after which the server
#: is started again.
_SILENT_CHECKS = 5
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
class ProcessArgs:
    """The address of the server: the options that every :class:`famulus.ProcessArchitect` has."""

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


class ProcessArchitect(Architect):
    """Subclass this to serve runs with a program of your choice: :meth:`command` starts it.

    The program serves HTTP on a socket that is open already, and may fork as many processes as it
    likes. This class provides:

    - **The port.** It is bound before the program starts, so that no two servers share one, and the
      same port is bound when the run is deployed again.
    - **The lifeline.** When the operator ends, even by ``kill -9``, the program and every process
      that it has started are killed within a second or two.
    - **The handle.** If a process survives nevertheless, the next deployment finds it by a random
      token in its environment, and kills it before it starts the program again. (On Linux, where
      /proc is mounted.)
    - **The health.** The program is asked at ``/healthz``; any HTTP reply counts. A JSON reply with
      ``"busy": true`` means ``BUSY``, and so does silence. After five checks and half a minute of
      silence it is ``GONE``, and at once when it has ended.
    - **The environment** is the one of the deployment and a short list of harmless variables: the
      keys of clouds and platforms that the operator has are left out.

    What the program prints is logged, and becomes the error message if it does not start. It gets
    SIGTERM when the run ends, and has 15 seconds to finish its requests.
    """

    #: A class of options; inherit it from :class:`famulus.ProcessArgs`.
    Args: ClassVar[AnyClass] = ProcessArgs

    args: Any

    def __init__(self, args: Any, context: Context) -> None:
        super().__init__(args, context)
        self._server: ServerProcess | None = None
        self._port = 0
        self._silence = _new_silence()

    @abstractmethod
    def command(self, socket: int) -> Sequence[str]:
        """Return the program that serves the run, and its arguments.

        Called by each deployment.

        :param socket: the descriptor of a socket that listens already; the program inherits it
            under this number and accepts connections on it.
        """

    def environment(self) -> Mapping[str, str]:
        """Return further environment variables for the program."""
        return {}

    def problems(self, plan: Plan) -> list[Problem]:
        """Check the address of the server. An override has to call this method too."""
        wrong = self._wrong_address()
        return [plan.problem(f"architect.{name}", message) for name, message in wrong.items()]

    def serving_problems(self, plan: Plan) -> list[Problem]:
        """Check that the address can be listened on. An override has to call this method too."""
        if self._wrong_address():
            return []
        try:
            listen(
                self.args.hostname,
                self.args.port,
                patience=_PATIENCE_WHEN_CHECKING,
                remedy=_CHOOSE_ANOTHER,
            ).close()
        except CannotListenError as error:
            return [plan.problem(f"architect.{error.option}", str(error))]
        return []

    def deploy(self, deployment: Deployment) -> Deployed:
        """End what an earlier deployment has left, start the program and wait until it answers.

        :raises famulus.UnavailableError: when the port is taken or the program does not start; the
            message has what it printed.
        """
        self.shutdown()
        token, port = _read_handle(deployment.handle)
        if token:
            end_processes(token)
        self._silence = _new_silence()
        try:
            listener = listen(
                self.args.hostname,
                self.args.port or port,
                patience=_PATIENCE_WHEN_DEPLOYING,
                remedy=_FREE_IT if token else _CHOOSE_ANOTHER,
            )
        except CannotListenError as error:
            raise UnavailableError(str(error)) from error
        token = secrets.token_hex(16)
        with listener:
            self._port = listener.getsockname()[1]
            self._server = ServerProcess(
                listener,
                self.command(listener.fileno()),
                token=token,
                environment=self._whole_environment(deployment),
            )
        try:
            self._server.wait_until_ready(reachable_host(self.args.hostname), self._port)
        except BaseException:
            self.shutdown()
            raise
        return Deployed(self._url(), {"token": token, "port": self._port})

    def health(self) -> ServerHealth:
        """Ask the program, as the class describes."""
        server = self._server  # which shutdown() may remove at any time
        if server is None or not server.is_running():
            return ServerHealth.GONE
        reply: HealthReply | None = None
        with contextlib.suppress(OSError):
            host = reachable_host(self.args.hostname)
            reply = ask_health(host, self._port, timeout=_CHECK_SECONDS)
        if self._silence.is_over(answered=reply is not None, now=time.monotonic()):
            return ServerHealth.GONE
        return ServerHealth.BUSY if reply is None or reply.busy else ServerHealth.SERVING

    def shutdown(self) -> None:
        """End the program, after a few seconds for the requests under way."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def _wrong_address(self) -> dict[str, str]:
        """Return the problem of each option of the address."""
        wrong = {}
        if os.name != "posix":
            wrong["hostname"] = f"the architect {self.type} needs Linux, macOS or another Unix"
        if not 0 <= self.args.port <= 65535:
            wrong["port"] = f"{self.args.port} is not a port; choose one from 1024 to 65535"
        return wrong

    def _url(self) -> str:
        if self.args.public_url:
            return str(self.args.public_url).rstrip("/") + "/"
        host = reachable_host(self.args.hostname)
        shown = "localhost" if host == "127.0.0.1" else f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._port}/"

    def _whole_environment(self, deployment: Deployment) -> Mapping[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        own = {"FAMULUS_INSTANCE": deployment.instance}
        return {**kept, **self.environment(), **deployment.environment, **own}


def _new_silence() -> SilenceCount:
    return SilenceCount(checks=_SILENT_CHECKS, seconds=_SILENT_SECONDS)


def _read_handle(handle: Any) -> tuple[str, int]:
    """Return the token and the port of an earlier deployment; empty values if there was none."""
    if not isinstance(handle, dict):
        return "", 0
    return str(handle.get("token", "")), int(handle.get("port", 0))
