"""Servers under the same load in turns, so that what slows one down slows the others down too."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from bench.disk import Disk
from bench.figures import milliseconds
from bench.processes import family, processor_seconds, script


@frozen(kw_only=True)
class Speed:
    """The result of a load; times in seconds."""

    #: units a second
    rate: float
    #: of the server's processes, per unit
    processor: float
    #: p50 and p99
    arrive: tuple[float, float]
    submit: tuple[float, float]


@frozen(kw_only=True)
class Server:
    """A server under load: where it listens, the processes it was started as, and the units of
    each load at the most.
    """

    host: str = "127.0.0.1"
    ports: Sequence[int]
    pids: Sequence[int]
    units: int

    def load(self, prefix: str, clients: int, seconds: float) -> Speed:
        """Let workers do units for some seconds, evenly over the ports."""
        load = {"prefix": prefix, "workers": clients, "seconds": seconds, "units": self.units}
        command = script("load.py", self.host, json.dumps(self.ports), json.dumps(load))
        processes = [each for pid in self.pids for each in family(pid)]
        before = sum(map(processor_seconds, processes))
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stderr[-3000:]}")
        found = json.loads(done.stdout)
        return Speed(
            rate=found["units"] / found["seconds"],
            processor=(sum(map(processor_seconds, processes)) - before) / found["units"],
            arrive=tuple(found["arrive"]),
            submit=tuple(found["submit"]),
        )


@frozen
class Turns:
    """The loads of several servers, turn by turn; with the disk's syncs and the system's load."""

    speeds: Mapping[str, Sequence[Speed]]
    syncs: Sequence[float]
    load_averages: Sequence[float]

    def values(self, server: str, read: Callable[[Speed], float]) -> Sequence[float]:
        """Return a value of each turn."""
        return [read(speed) for speed in self.speeds[server]]

    def ratios(self, server: str, other: str, read: Callable[[Speed], float]) -> Sequence[float]:
        """Return a value beside another server's in the same turn."""
        pairs = zip(self.values(server, read), self.values(other, read), strict=True)
        return [one / two for one, two in pairs]

    def latency(self, server: str, read: Callable[[Speed], tuple[float, float]]) -> str:
        """Return the medians of p50 and p99."""
        speeds = self.speeds[server]
        places = (statistics.median(read(speed)[place] for speed in speeds) for place in (0, 1))
        return " / ".join(map(milliseconds, places))

    @property
    def conditions(self) -> str:
        """What the disk and the rest of the machine did during the turns."""
        return (
            f"fdatasync {spread(self.syncs, milliseconds)}, "
            f"load average {spread(self.load_averages, '{:.1f}'.format)}"
        )


def take_turns(
    servers: Mapping[str, Server], disk: Disk, *, clients: int, turns: int, seconds: float
) -> Turns:
    """Load each server in each turn, every second turn in the opposite order."""
    speeds: dict[str, list[Speed]] = {name: [] for name in servers}
    syncs, averages = [], []
    for turn in range(turns):
        syncs.append(disk.sync_seconds())
        averages.append(os.getloadavg()[0])
        for name in list(servers)[:: -1 if turn % 2 else 1]:
            prefix = f"{name}-{clients}-{turn}-"
            speeds[name].append(servers[name].load(prefix, clients, seconds))
    return Turns(speeds, syncs, averages)


def spread(values: Sequence[float], form: Callable[[float], str]) -> str:
    """Return the median, and the least and the greatest in parentheses."""
    low, high = min(values), max(values)
    return f"{form(statistics.median(values))} ({form(low)} to {form(high)})"
