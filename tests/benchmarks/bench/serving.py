"""Pages and submissions over HTTP, beside bare Flask that inserts each request."""

from __future__ import annotations

import contextlib
import http.client
import json
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from bench.figures import Figure, milliseconds
from bench.load import submission
from bench.processes import family, free_port, processor_seconds, running, script, wait_for
from bench.runs import Run, launched, write_rows
from bench.scale import Scale

_WORKERS = (1, 8, 32)
#: What is lost between two loads of the same kind by chance: measured, several times.
_NOISE = 0.9


@frozen(kw_only=True)
class Speed:
    """The result of a load; times in seconds."""

    rate: float
    #: of the server's processes, a unit
    processor: float
    arrive: tuple[float, float]
    submit: tuple[float, float]


@frozen
class Server:
    """A server under load: its address, its first process, and the units of each load."""

    host: str
    port: int
    pid: int
    units: int

    def load(self, prefix: str, workers: int, seconds: float) -> Speed:
        """Let workers do units for some seconds."""
        load = {"prefix": prefix, "workers": workers, "seconds": seconds, "units": self.units}
        command = script("load.py", self.host, str(self.port), json.dumps(load))
        processes = family(self.pid)
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


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Serve the small run and, at full scale, the large one; each beside the reference."""
    small = write_rows(folder / "small.csv", scale.small)
    with launched(folder / "small.db", small) as run:
        run.wait_until_loaded()
        yield from _served(run, scale, scale.small, folder)
    large = write_rows(folder / "large.csv", scale.large)
    with launched(folder / "large.db", large) as run:
        seconds = scale.load_seconds * (2 if scale.serves_large else 1)
        server = Server(run.host, run.port, run.process.pid, scale.large // 4)
        during = server.load("during", 32, seconds)
        rest = "" if run.is_loading() else ", which ended before the load did"
        run.wait_until_loaded()
        without = server.load("without", 32, seconds)
        yield Figure(
            subject="serving",
            what=f"submit, 32 workers, while {scale.large:,} rows are loaded{rest}: p50 / p99",
            measured=_latency(during.submit),
            beside=f"afterwards {_latency(without.submit)}",
            goal="p99 at most 3 times that",
            met=during.submit[1] <= 3 * without.submit[1],
        )
        if scale.serves_large:
            yield from _served(run, scale, scale.large, folder)


def _served(run: Run, scale: Scale, units: int, folder: Path) -> Iterator[Figure]:
    with _reference(run, folder) as reference:
        each = max(units // (len(_WORKERS) * scale.rounds + 2), 1)
        ours = Server(run.host, run.port, run.process.pid, each)
        theirs = Server("127.0.0.1", *reference, each)
        for number, server in enumerate((ours, theirs)):
            # Connections, statements and caches that come with the first requests.
            server.load(f"warm{number}", 8, min(scale.load_seconds, 0.3))
        before: Speed | None = None
        for workers in _WORKERS:
            pairs = [
                (
                    ours.load(f"{workers}-{turn}-", workers, scale.load_seconds),
                    theirs.load(f"{workers}-{turn}-", workers, scale.load_seconds),
                )
                for turn in range(scale.rounds)
            ]
            speed, limit = (_overall([pair[side] for pair in pairs]) for side in (0, 1))
            yield from _figures(units, workers, speed, limit, before)
            before = speed


def _figures(
    units: int, workers: int, speed: Speed, limit: Speed, before: Speed | None
) -> Iterator[Figure]:
    where = f"{units:,} units, {workers} worker{'s' if workers > 1 else ''}"
    share = speed.rate / limit.rate
    yield Figure(
        subject="serving",
        what=f"{where}: units a second",
        measured=f"{speed.rate:,.0f} ({share:.0%})",
        beside=f"reference {limit.rate:,.0f}",
        goal="65 % of the reference",
        met=share >= 0.65,
    )
    yield Figure(
        subject="serving",
        what=f"{where}: processor time of the server a unit",
        measured=milliseconds(speed.processor),
        beside=f"reference {milliseconds(limit.processor)}",
    )
    yield Figure(
        subject="serving",
        what=f"{where}: arrive p50 / p99",
        measured=_latency(speed.arrive),
        beside=f"reference {_latency(limit.arrive)}",
    )
    is_most = workers == max(_WORKERS)
    yield Figure(
        subject="serving",
        what=f"{where}: submit p50 / p99",
        measured=_latency(speed.submit),
        beside=f"reference {_latency(limit.submit)}",
        goal="p99 below 50 ms" if is_most else "",
        met=speed.submit[1] < 0.050 if is_most else None,
    )
    if is_most and before is not None:
        yield Figure(
            subject="serving",
            what=f"{units:,} units: 32 workers beside 8",
            measured=f"{speed.rate / before.rate:.0%}",
            goal="no drop (noise is 10 %)",
            met=speed.rate >= before.rate * _NOISE,
        )


@contextlib.contextmanager
def _reference(run: Run, folder: Path) -> Iterator[tuple[int, int]]:
    """Serve the reference, with the replies of a run; yield its port and its process."""
    page, reply = _sample(run)
    (folder / "page.html").write_bytes(page)
    (folder / "reply.json").write_bytes(reply)
    port, log = free_port(), folder / "reference.log"
    database = folder / f"reference-{port}.db"
    files = [str(database), str(folder / "page.html"), str(folder / "reply.json")]
    with running(script("reference.py", str(port), *files), log) as process:
        wait_for(lambda: _ask("127.0.0.1", port), process, log, every=0.05)
        yield port, process.pid


def _sample(run: Run) -> tuple[bytes, bytes]:
    """Do one unit; return the page and the reply."""
    page = _ask(run.host, run.port)
    assert page is not None
    head, _, body = submission(page).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    connection = http.client.HTTPConnection(run.host, run.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", first.split(" ")[1], body, headers)
        return page, connection.getresponse().read()


def _ask(host: str, port: int) -> bytes | None:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    with contextlib.closing(connection), contextlib.suppress(ConnectionError):
        connection.request("GET", "/?worker_id=sample&assignment_id=1")
        return connection.getresponse().read()
    return None


def _overall(speeds: Sequence[Speed]) -> Speed:
    """Return the best rate, other programs only ever slowing one down, and median times."""

    def middle(name: str, place: int | None = None) -> Any:
        values = [getattr(speed, name) for speed in speeds]
        return statistics.median(values if place is None else [each[place] for each in values])

    return Speed(
        rate=max(speed.rate for speed in speeds),
        processor=middle("processor"),
        arrive=(middle("arrive", 0), middle("arrive", 1)),
        submit=(middle("submit", 0), middle("submit", 1)),
    )


def _latency(times: tuple[float, float]) -> str:
    return " / ".join(map(milliseconds, times))
