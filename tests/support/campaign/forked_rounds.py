"""A round whose server is forked from a process that has imported everything.

A kill then costs milliseconds instead of a second, so that many more moments are hit.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

from attrs import define, field

from campaign.rounds import Round, wait
from campaign.worker_threads import Person
from famulus.testing.command import Command

#: Seconds that a server lives at the most.
_LONGEST_LIFE = 0.15


@define(kw_only=True, eq=False)
class ForkedRound(Round):
    """One run that an operator looks after and whose servers are started, and killed, here."""

    kills_commands: ClassVar[bool] = False
    units_per_kill: ClassVar[int] = 6
    _listener: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        Round.__attrs_post_init__(self)
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)

    def run(self) -> None:
        """Run the round; raises as any round does."""
        with self._listener:
            super().run()

    def _architect(self) -> tuple[str, dict[str, Any]]:
        return "external", {"public_url": self.url}

    def _kill(self, commands: ExitStack, command: Command, people: Sequence[Person]) -> Command:
        fork = commands.enter_context(_forking(self._listener, self.address))
        for _ in range(self.kills):
            server = fork()
            wait(self.chance.uniform(0, _LONGEST_LIFE))
            os.kill(server, signal.SIGKILL)
            self.note("kill server")
        fork()
        return command


class _Fork:
    """Gets its servers from the other process, one at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self) -> int:
        """Start a server once the last one is gone; return its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def _forking(listener: socket.socket, address: str) -> Iterator[_Fork]:
    environment = {**os.environ, "FAMULUS_DATABASE": address, "FAMULUS_RUN": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "campaign.fork_server", str(listener.fileno())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        pass_fds=(listener.fileno(),),
    ) as process:
        yield _Fork(process)
        process.kill()
