"""``forking_operator.py FOLDER [fork]``: a program that serves with forking_server until it ends.

It prints the address. With ``fork``, a fork of it lives on, which has its open files.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, cast

from famulus import (
    Context,
    Deployment,
    ProcessArchitect,
    ProcessArgs,
    SharedTaskState,
    system_clock,
)

HERE = Path(__file__).parent


class Forking(ProcessArchitect):
    """Serves with several processes, which leave their ids in ``folder``."""

    type = "forking"
    folder: Path
    words: tuple[str, ...] = ()

    def command(self, socket: int) -> list[str]:
        """Return the program beside this file."""
        program = str(HERE / "forking_server.py")
        return [sys.executable, program, str(socket), str(self.folder), *self.words]


def make(folder: Path, *words: str, **options: Any) -> Forking:
    """Make an architect whose server leaves the ids of its processes in a folder.

    ``words`` are more arguments of the server.
    """
    database = cast("Any", None)
    context = Context(database=database, clock=system_clock, shared_state=SharedTaskState())
    architect = Forking(ProcessArgs(**{"port": 0, **options}), context)
    architect.folder, architect.words = folder, words
    return architect


def main() -> None:
    """Serve, print the address, and wait."""
    architect = make(Path(sys.argv[1]))
    url = architect.deploy(Deployment(run_id=1, instance="x", environment={})).url
    if "fork" in sys.argv and os.fork() == 0:
        os.close(1)
        signal.alarm(60)
        signal.pause()
    print(url, flush=True)  # noqa: T201
    signal.pause()


if __name__ == "__main__":
    main()
