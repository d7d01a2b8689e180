"""Starting the command, doing nothing, and starting again."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bench.figures import Figure, milliseconds
from bench.processes import cost, family, famulus, processor_seconds, thread_count
from bench.runs import Run, launched, resumed, write_rows
from bench.scale import Scale

#: Seconds that a command may take at most on a machine that does nothing else.
_LIMITS: Mapping[str, float] = MappingProxyType(
    {"famulus --help": 0.1, "famulus launch --help": 0.25, "famulus status": 0.25}
)


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Launch the small run and look at what surrounds it."""
    path = folder / "small.db"
    with launched(path, write_rows(folder / "rows.csv", scale.small)) as run:
        run.wait_until_loaded()
        yield from _idle(run, scale)
        yield from _starts(scale, path, folder)
        run.interrupt()
    with resumed(path) as run:
        yield _resumed("resume after Ctrl-C", scale, run)
        run.kill()
    with resumed(path) as run:
        yield _resumed("resume after kill -9", scale, run)


def _idle(run: Run, scale: Scale) -> Iterator[Figure]:
    processes = family(run.process.pid)
    # What the end of loading has left to do.
    time.sleep(2)
    before = [processor_seconds(pid) for pid in processes]
    time.sleep(scale.idle_seconds)
    minutes = scale.idle_seconds / 60
    for number, (pid, used) in enumerate(zip(processes, before, strict=True)):
        name = ("operator", "keeper of the server", "server")[min(number, 2)]
        spent = (processor_seconds(pid) - used) / minutes
        yield Figure(
            subject="idle",
            what=f"{name}, {scale.small:,} units, no workers",
            measured=f"{spent:.2f} s of processor a minute, {thread_count(pid)} threads",
            beside=f"{spent / 60:.1%} of a core",
        )


def _starts(scale: Scale, path: Path, folder: Path) -> Iterator[Figure]:
    commands: dict[str, Sequence[str]] = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "famulus --help": famulus(path, "--help"),
        "famulus launch --help": famulus(path, "launch", "--help"),
        "famulus status": famulus(path, "status", "1"),
        "famulus runs": famulus(path, "runs"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    failed = set()
    for _ in range(scale.starts):
        for name, command in commands.items():
            try:
                times[name].append(cost(command, folder / "output.txt").seconds)
            except subprocess.CalledProcessError:
                failed.add(name)
    bare = statistics.median(times.pop("python -c pass"))
    for name, each in times.items():
        yield Figure(
            subject="starting",
            what=name,
            measured="fails" if name in failed else milliseconds(statistics.median(each)),
            beside=f"python -c pass {milliseconds(bare)}{_limit(name)}",
        )


def _limit(name: str) -> str:
    return f"; limit {milliseconds(_LIMITS[name])}" if name in _LIMITS else ""


def _resumed(what: str, scale: Scale, run: Run) -> Figure:
    return Figure(
        subject="starting",
        what=f"{what}, {scale.small:,} units: first page",
        measured=milliseconds(run.first_page_at - run.started_at),
    )
