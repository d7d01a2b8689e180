"""Starting, watching and ending the child process that serves a run."""

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
from collections.abc import Mapping

from famulus import UnavailableError, escaped_line
from famulus_flask.health import Health, ask_health

#: Seconds from the start of the process to its first answer.
_START_SECONDS = 60.0
#: Seconds to end in after SIGTERM: more than what the child gives its running requests.
_STOP_SECONDS = 15.0
_KEPT_LINES = 30
_LONGEST_LINE = 2000

_log = logging.getLogger("famulus_flask")


class ServerProcess:
    """One child, from its start to its end. What it prints goes to the log ``famulus_flask``."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        application: str,
        threads: int,
        min_free_bytes: int,
        environment: Mapping[str, str],
    ) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._is_ready = False
        self._is_stopped = False
        lifeline, self._lifeline = os.pipe()
        command = [sys.executable, "-P", "-m", "famulus_flask.serve"]
        command += ["--socket", str(listener.fileno()), "--lifeline", str(lifeline)]
        command += ["--threads", str(threads), "--min-free-bytes", str(min_free_bytes)]
        command += ["--application", application]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(listener.fileno(), lifeline),
                # A terminal's Ctrl-C goes to the operator's whole process group.
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            os.close(self._lifeline)
            raise UnavailableError(f"the server could not be started: {error}") from error
        finally:
            os.close(lifeline)
        self._reader = threading.Thread(
            target=self._read_output, name="famulus-server-output", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def is_running(self) -> bool:
        """Return whether the process has not ended."""
        return self._process.poll() is None

    def wait_until_ready(self, host: str, port: int, expected: Health) -> None:
        """Wait for the first answer.

        :raises famulus.UnavailableError: with what the process printed, when none comes.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.is_running():
            with contextlib.suppress(OSError):
                if ask_health(host, port, timeout=5.0) == expected:
                    self._is_ready = True
                    return
            time.sleep(0.02)
        self.stop()
        raise UnavailableError(f"the server did not start: {self._last_words()}")

    def stop(self) -> None:
        """End it after the requests that are under way; by force when they take too long."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._lifeline)
        self._reader.join(_STOP_SECONDS)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = escaped_line(line.rstrip(), _LONGEST_LINE)
            self._lines.append(text)
            if self._is_ready:
                _log.warning("server: %s", text)

    def _last_words(self) -> str:
        return "\n".join(filter(None, self._lines)) or "it printed nothing"
