"""The program of a platform's fake, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from free_ports import free_ports


@contextmanager
def running_fake(command: Sequence[str], ports: int) -> Iterator[int]:
    """Run a fake with a balance of 12.50 for the length of a ``with`` block.

    It has to print three lines, the last one about its console, and to end well at SIGTERM.

    :param ports: how many it listens on; the first one is yielded.
    """
    first = free_ports(ports)
    arguments = [*command, "--port", str(first), "--balance", "12.50"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(3)]
        assert printed[2].startswith("console")
        yield first
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
