"""Starting, watching and ending the process that serves a run."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

from famulus.errors import UnavailableError
from famulus.escaping import escaped_line
from famulus.serving import keeper
from famulus.serving.deployment_processes import TOKEN_VARIABLE, end_processes
from famulus.serving.health_check import ask_health

#: Seconds from the start of the process to its first answer.
_START_SECONDS = 60.0
#: Seconds to end in after SIGTERM: more than what a server gives its running requests.
_STOP_SECONDS = 15.0
#: Seconds in which the keeper kills what is left.
_KILL_SECONDS = 5.0
_KEPT_LINES = 30
_LONGEST_LINE = 2000

_log = logging.getLogger(__name__)


class ServerProcess:
    """A server and its keeper, from start to end. What they print goes to the log.

    The operator has one end of a pipe, the lifeline. The pipe closes when the operator ends, even
    if it is killed. The keeper, which has the other end, then kills the server and all processes
    that it has started.
    """

    def __init__(
        self,
        listener: socket.socket,
        command: Sequence[str],
        *,
        token: str,
        environment: Mapping[str, str],
    ) -> None:
        self._token = token
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._is_ready = False
        self._is_stopped = False
        lifeline, self._lifeline = os.pipe()
        numbers = map(str, (os.getpid(), lifeline, listener.fileno()))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, *numbers, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**environment, TOKEN_VARIABLE: token},
                pass_fds=(listener.fileno(), lifeline),
                # A terminal's Ctrl-C goes to the operator's whole process group.
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
            )
        except BaseException as error:
            os.close(self._lifeline)
            # ValueError: an argument or a variable has a null character.
            if isinstance(error, (OSError, ValueError)):
                raise UnavailableError(f"the server could not be started: {error}") from error
            raise
        finally:
            os.close(lifeline)
        self._reader = threading.Thread(
            target=self._read_output, name="famulus-server-output", daemon=True
        )
        self._reader.start()

    def is_running(self) -> bool:
        """Return whether the server has not ended."""
        return self._process.poll() is None

    def wait_until_ready(self, host: str, port: int) -> None:
        """Wait for the first answer.

        :raises famulus.UnavailableError: with what the server printed, when none comes.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.is_running():
            with contextlib.suppress(OSError):
                if ask_health(host, port, timeout=5.0) is not None:
                    self._is_ready = True
                    return
            time.sleep(0.02)
        self.stop()
        raise UnavailableError(f"the server did not start: {self._last_words()}")

    def stop(self) -> None:
        """End the server after the requests under way; by force when they take too long."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        finally:
            os.close(self._lifeline)
            self._end_by_force()
        self._reader.join(_STOP_SECONDS)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def _end_by_force(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILL_SECONDS)
        try:
            # A keeper that hangs or was killed has left processes behind.
            end_processes(self._token)
        finally:
            self._process.kill()
            self._process.wait()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = escaped_line(line.rstrip(), _LONGEST_LINE)
            self._lines.append(text)
            if self._is_ready:
                _log.warning("server: %s", text)

    def _last_words(self) -> str:
        return "\n".join(filter(None, self._lines)) or "it printed nothing"
