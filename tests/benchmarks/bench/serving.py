"""Pages and submissions over HTTP, beside bare Flask that inserts each request."""

from __future__ import annotations

import contextlib
import http.client
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

from bench.disk import Disk, disk_with_syncs_of, own_disk
from bench.figures import Figure, megabytes, milliseconds, percent, plain
from bench.load import submission
from bench.processes import family, free_port, peak_memory, running, script, wait_for
from bench.runs import Run, launched, write_rows
from bench.scale import Scale
from bench.turns import Server, Speed, Turns, spread, take_turns

#: What is lost between two loads of the same kind by chance: measured, several times.
_NOISE = 0.9
_SLOW_SYNC = 1.0
_MEMORY = 120e6
_WARMING_SECONDS = 0.3


@frozen(kw_only=True)
class _Goal:
    """Goals for a number of clients, on a disk whose sync takes 0.1 ms."""

    #: of the reference's rate
    share: float
    aim: float
    #: of the reference's processor time
    processor: float
    #: p99 of a submit, in seconds
    submit: float | None = None


_GOALS: Mapping[int, _Goal] = MappingProxyType(
    {
        1: _Goal(share=0.9, aim=1.1, processor=1.3),
        8: _Goal(share=1.3, aim=1.5, processor=0.8, submit=0.015),
        32: _Goal(share=1.6, aim=2.0, processor=0.7, submit=0.030),
    }
)
#: of rates at the large run, beside the small one
_LARGE_SHARE = 0.8
#: of p99 of a submit at the large run, beside the small one
_LARGE_LATENCY = 2


def rate(speed: Speed) -> float:
    """Return the units a second."""
    return speed.rate


def processor(speed: Speed) -> float:
    """Return the processor time of the server per unit."""
    return speed.processor


def arrive(speed: Speed) -> tuple[float, float]:
    """Return p50 and p99 of an arrival."""
    return speed.arrive


def submit(speed: Speed) -> tuple[float, float]:
    """Return p50 and p99 of a submission."""
    return speed.submit


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Serve the small run and, at full scale, the large one beside it; each beside the reference,
    on the disk as it is and on one whose syncs take 1 ms.
    """
    own = own_disk(folder) if scale.sync is None else disk_with_syncs_of(scale.sync, folder)
    if own is None:
        raise RuntimeError("--fsync needs a C compiler, cc")
    rows = write_rows(folder / "large.csv", scale.large)
    with launched(folder / "large.db", rows, environment=own.environment) as large:
        yield from _while_loading(large, scale)
        beside = large if scale.serves_large else None
        yield from _measured("serving", scale, own, beside)
    slow = disk_with_syncs_of(_SLOW_SYNC, folder) if scale.sync is None else None
    if slow is not None:
        yield from _measured(f"serving, fsync of {_SLOW_SYNC:g} ms", scale, slow, None)
    elif scale.sync is None:
        yield Figure(
            subject="serving",
            what=f"the same with an fsync of {_SLOW_SYNC:g} ms",
            measured="left out: there is no C compiler, cc",
        )


def _while_loading(run: Run, scale: Scale) -> Iterator[Figure]:
    server = _server(run, scale.large // 4)
    during = server.load("during", 32, scale.loading_seconds)
    rest = "" if run.is_loading() else ", which ended before the load did"
    run.wait_until_loaded()
    usual = server.load("usual", 32, scale.loading_seconds)
    yield Figure(
        subject="serving",
        what=f"submit, 32 clients, while {scale.large:,} rows are loaded{rest}: p50 / p99",
        measured=" / ".join(map(milliseconds, during.submit)),
        beside=f"afterwards {' / '.join(map(milliseconds, usual.submit))}",
        goal="p99 at most 3 times that",
        met=during.submit[1] <= 3 * usual.submit[1],
    )


def _measured(subject: str, scale: Scale, disk: Disk, large: Run | None) -> Iterator[Figure]:
    """Measure a run of the small size for each group of numbers of clients, with the reference
    and, unless it is None, the large run.
    """
    rates: dict[int, float] = {}
    has_goals = disk.sync_milliseconds is None or disk.sync_milliseconds < _SLOW_SYNC
    for group in scale.clients:
        name = f"{'-'.join(map(str, group))}-{disk.name}"
        rows = write_rows(disk.folder / f"{name}.csv", scale.small)
        # One more each for warming up, and for the units that single requests take.
        loads = len(group) * scale.turns + 2
        with contextlib.ExitStack() as opened:
            database = disk.folder / f"{name}.db"
            run = opened.enter_context(launched(database, rows, environment=disk.environment))
            run.wait_until_loaded()
            reference = opened.enter_context(_reference(run, disk, name))
            units = max(scale.small // loads, 1)
            servers = {
                "famulus": _server(run, units),
                "reference": Server(ports=[reference[0]], pids=[reference[1]], units=units),
            }
            if large is not None:
                servers["large"] = _server(large, units)
            for kind, server in servers.items():
                # Connections, statements and caches that come with the first requests.
                server.load(f"warm-{name}-{kind}", 8, _WARMING_SECONDS)
            for clients in group:
                turns = take_turns(
                    servers, disk, clients=clients, turns=scale.turns, seconds=scale.load_seconds
                )
                where = f"{scale.small:,} units, {clients} client{'s' if clients > 1 else ''}"
                yield from _compared(
                    subject, where, turns, _GOALS.get(clients) if has_goals else None
                )
                if large is not None:
                    yield from _beside_small(scale, clients, turns)
                rates[clients] = statistics.median(turns.values("famulus", rate))
            yield _memory(subject, f"{scale.small:,} units, {group[-1]} clients", run)
    if large is not None:
        yield _memory(subject, f"{scale.large:,} units", large)
    if 256 in rates:
        yield Figure(
            subject=subject,
            what=f"{scale.small:,} units: 256 clients beside 32",
            measured=percent(rates[256] / rates[32]),
            goal="no drop (noise is 10 %)",
            met=rates[256] >= rates[32] * _NOISE,
        )


def _compared(subject: str, where: str, turns: Turns, goal: _Goal | None) -> Iterator[Figure]:
    """Yield the figures of the small run beside the reference's."""
    shares = turns.ratios("famulus", "reference", rate)
    times = turns.ratios("famulus", "reference", processor)
    latest = statistics.median(each[1] for each in map(submit, turns.speeds["famulus"]))
    longest = None if goal is None else goal.submit
    yield Figure(subject=subject, what=f"{where}: conditions", measured=turns.conditions)
    yield Figure(
        subject=subject,
        what=f"{where}: units a second",
        measured=f"{spread(turns.values('famulus', rate), plain)}: {spread(shares, percent)}",
        beside=f"reference {spread(turns.values('reference', rate), plain)}",
        goal=f"at least {goal.share:.0%}, aim {goal.aim:.0%}" if goal else "",
        met=statistics.median(shares) >= goal.share if goal else None,
    )
    yield Figure(
        subject=subject,
        what=f"{where}: processor time of the server per unit",
        measured=f"{spread(turns.values('famulus', processor), milliseconds)}: "
        f"{spread(times, '{:.2f}'.format)} times",
        beside=f"reference {spread(turns.values('reference', processor), milliseconds)}",
        goal=f"at most {goal.processor:g} times" if goal else "",
        met=statistics.median(times) <= goal.processor if goal else None,
    )
    yield Figure(
        subject=subject,
        what=f"{where}: arrive p50 / p99",
        measured=turns.latency("famulus", arrive),
        beside=f"reference {turns.latency('reference', arrive)}",
    )
    yield Figure(
        subject=subject,
        what=f"{where}: submit p50 / p99",
        measured=turns.latency("famulus", submit),
        beside=f"reference {turns.latency('reference', submit)}",
        goal="" if longest is None else f"p99 at most {milliseconds(longest)}",
        met=None if longest is None else latest <= longest,
    )


def _beside_small(scale: Scale, clients: int, turns: Turns) -> Iterator[Figure]:
    """Yield the figures of the large run beside the small one's."""
    where = f"{scale.large:,} units, {clients} client{'s' if clients > 1 else ''}"
    shares = turns.ratios("large", "famulus", rate)
    small, large = (
        statistics.median(each[1] for each in map(submit, turns.speeds[name]))
        for name in ("famulus", "large")
    )
    yield Figure(
        subject="serving",
        what=f"{where}: units a second",
        measured=f"{spread(turns.values('large', rate), plain)}: {spread(shares, percent)}",
        beside=f"at {scale.small:,} {spread(turns.values('famulus', rate), plain)}",
        goal=f"at least {_LARGE_SHARE:.0%}",
        met=statistics.median(shares) >= _LARGE_SHARE,
    )
    yield Figure(
        subject="serving",
        what=f"{where}: submit p50 / p99",
        measured=turns.latency("large", submit),
        beside=f"at {scale.small:,} {turns.latency('famulus', submit)}",
        goal=f"p99 at most {_LARGE_LATENCY} times that",
        met=large <= _LARGE_LATENCY * small,
    )


def _memory(subject: str, where: str, run: Run) -> Figure:
    """Return the figure of the most memory of a run's server, after its loads."""
    used = sum(map(peak_memory, family(run.process.pid)[1:]))
    return Figure(
        subject=subject,
        what=f"{where}: most memory of the server, with its keeper",
        measured=megabytes(used),
        goal=f"below {megabytes(int(_MEMORY))}",
        met=used < _MEMORY,
    )


def _server(run: Run, units: int) -> Server:
    return Server(host=run.host, ports=[run.port], pids=[run.process.pid], units=units)


@contextlib.contextmanager
def _reference(run: Run, disk: Disk, name: str) -> Iterator[tuple[int, int]]:
    """Serve the reference, with the replies of a run; yield its port and its process."""
    base = disk.folder / f"reference-{name}"
    arguments = [base.with_suffix(".db"), *sample(run, base)]
    with reference(arguments, base.with_suffix(".log"), disk.environment) as found:
        yield found


@contextlib.contextmanager
def reference(
    arguments: Sequence[str | Path], log: Path, environment: Mapping[str, str]
) -> Iterator[tuple[int, int]]:
    """Serve the reference on a database, with the replies that two files hold.

    Yield its port and its process.
    """
    port = free_port()
    command = script("reference.py", str(port), *map(str, arguments))
    with running(command, log, environment) as process:
        wait_for(lambda: _ask("127.0.0.1", port), process, log, every=0.05)
        yield port, process.pid


def sample(run: Run, base: Path) -> tuple[Path, Path]:
    """Do one unit; return a file with the page and one with the reply."""
    page = _ask(run.host, run.port)
    assert page is not None
    head, _, body = submission(page).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines)
    files = base.with_suffix(".html"), base.with_suffix(".json")
    connection = http.client.HTTPConnection(run.host, run.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", first.split(" ")[1], body, headers)
        files[1].write_bytes(connection.getresponse().read())
    files[0].write_bytes(page)
    return files


def _ask(host: str, port: int) -> bytes | None:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    with contextlib.closing(connection), contextlib.suppress(ConnectionError):
        connection.request("GET", "/?worker_id=sample&assignment_id=1")
        return connection.getresponse().read()
    return None
