"""Serving from PostgreSQL: beside the reference, in two processes, and with a slow network."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import statistics
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.disk import Disk
from bench.figures import Figure, milliseconds, percent, plain
from bench.processes import free_port, running, script, wait_for
from bench.runs import launched, write_rows
from bench.scale import Scale
from bench.serving import processor, rate, reference, sample, submit
from bench.turns import Server, spread, take_turns
from famulus.testing.postgres import database_url, stoppable_server

_SHARE = 0.6
_PROCESSOR = 1.15
_GROWTH = 1.8
#: Milliseconds that are added to each round trip.
_DELAY = 20
#: Of each process.
_THREADS = 32
#: Of each process with a slow network; there are as many clients as two processes have threads.
#: They are so few that waiting is the limit, and not the processor, which all processes share.
_FAR_THREADS = 4
_CLIENTS = 32
_WARMING_SECONDS = 0.3
_KEY = "FAMULUS_SECRET_KEY"


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Serve a run from a server that syncs each commit, in a folder of its own."""
    with contextlib.ExitStack() as opened:
        try:
            server = opened.enter_context(stoppable_server(durable=True))
        except LookupError as error:
            yield Figure(subject="postgresql", what="serving", measured=f"left out: {error}")
            return
        url = database_url(server.url, "bench")
        _create_database(server.url)
        environment = {**os.environ, _KEY: secrets.token_hex(32)}
        disk = Disk(folder, environment)
        rows = write_rows(folder / "rows.csv", scale.small)
        launch = launched(url, rows, environment=environment)
        run = opened.enter_context(launch)
        run.wait_until_loaded()
        # Five loads warm servers up, and a single request takes a unit.
        loads = len(scale.postgresql) * scale.turns + 4 * scale.turns + 6
        units = max(scale.small // loads, 1)
        environment |= {"FAMULUS_DATABASE": url, "FAMULUS_RUN": "1"}
        files = sample(run, folder / "sample")
        ours = Server(host=run.host, ports=[run.port], pids=[run.process.pid], units=units)
        with reference([url, *files], folder / "reference.log", environment) as (port, pid):
            theirs = Server(ports=[port], pids=[pid], units=units)
            yield from _beside_reference(ours, theirs, scale, disk)
        with _processes(folder / "near", environment, units, _THREADS) as pair:
            yield from _two_beside_one(pair, scale, disk)
        with _delayed(folder, url) as far:
            environment["FAMULUS_DATABASE"] = far
            with _processes(folder / "far", environment, units, _FAR_THREADS) as pair:
                yield from _far_away(pair, scale, disk)


def _beside_reference(ours: Server, theirs: Server, scale: Scale, disk: Disk) -> Iterator[Figure]:
    servers = {"famulus": ours, "reference": theirs}
    for name, server in servers.items():
        server.load(f"warm-{name}", 8, _WARMING_SECONDS)
    for clients in scale.postgresql:
        turns = take_turns(
            servers, disk, clients=clients, turns=scale.turns, seconds=scale.load_seconds
        )
        where = f"{clients} client{'s' if clients > 1 else ''}"
        shares = turns.ratios("famulus", "reference", rate)
        times = turns.ratios("famulus", "reference", processor)
        yield Figure(subject="postgresql", what=f"{where}: conditions", measured=turns.conditions)
        yield Figure(
            subject="postgresql",
            what=f"{where}: units a second",
            measured=f"{spread(turns.values('famulus', rate), plain)}: {spread(shares, percent)}",
            beside=f"reference {spread(turns.values('reference', rate), plain)}",
            goal=f"at least {_SHARE:.0%}",
            met=statistics.median(shares) >= _SHARE,
        )
        yield Figure(
            subject="postgresql",
            what=f"{where}: processor time of the server per unit",
            measured=f"{spread(turns.values('famulus', processor), milliseconds)}: "
            f"{spread(times, '{:.2f}'.format)} times",
            beside=f"reference {spread(turns.values('reference', processor), milliseconds)}",
        )
        yield Figure(
            subject="postgresql",
            what=f"{where}: submit p50 / p99",
            measured=turns.latency("famulus", submit),
            beside=f"reference {turns.latency('reference', submit)}",
        )


def _two_beside_one(pair: Mapping[str, Server], scale: Scale, disk: Disk) -> Iterator[Figure]:
    turns = take_turns(pair, disk, clients=_CLIENTS, turns=scale.turns, seconds=scale.load_seconds)
    times = turns.ratios("two", "one", processor)
    yield Figure(
        subject="postgresql",
        what=f"two WSGI processes, {_CLIENTS} clients: processor time per unit",
        measured=f"{spread(turns.values('two', processor), milliseconds)}: "
        f"{spread(times, '{:.2f}'.format)} times",
        beside=f"one process {spread(turns.values('one', processor), milliseconds)}",
        goal=f"at most {_PROCESSOR:g} times",
        met=statistics.median(times) <= _PROCESSOR,
    )


def _far_away(pair: Mapping[str, Server], scale: Scale, disk: Disk) -> Iterator[Figure]:
    clients = 2 * _FAR_THREADS
    # A unit takes long: fewer seconds would measure the beginning and the end of a load.
    seconds = max(scale.load_seconds, 2.0)
    turns = take_turns(pair, disk, clients=clients, turns=scale.turns, seconds=seconds)
    growths = turns.ratios("two", "one", rate)
    yield Figure(
        subject="postgresql",
        what=f"two WSGI processes, {_DELAY} ms more for each round trip, {clients} clients: "
        "units a second",
        measured=f"{spread(turns.values('two', rate), plain)}: "
        f"{spread(growths, '{:.2f}'.format)} times",
        beside=f"one process {spread(turns.values('one', rate), plain)}",
        goal=f"at least {_GROWTH:g} times",
        met=statistics.median(growths) >= _GROWTH,
    )


@contextlib.contextmanager
def _processes(
    base: Path, environment: Mapping[str, str], units: int, threads: int
) -> Iterator[Mapping[str, Server]]:
    """Serve the run from two processes; yield one of them and both."""
    with contextlib.ExitStack() as opened:
        ports, pids = [], []
        for number in range(2):
            port, log = free_port(), base.with_suffix(f".{number}.log")
            command = script("wsgi_server.py", str(port), str(threads))
            process = opened.enter_context(running(command, log, environment))
            wait_for(partial(_listens, port), process, log, every=0.05)
            ports.append(port)
            pids.append(process.pid)
        one = Server(ports=ports[:1], pids=pids[:1], units=units)
        two = Server(ports=ports, pids=pids, units=units)
        for name, server in (("one", one), ("two", two)):
            server.load(f"warm-{base.name}-{name}", 2 * threads, _WARMING_SECONDS)
        yield {"one": one, "two": two}


@contextlib.contextmanager
def _delayed(folder: Path, url: str) -> Iterator[str]:
    """Delay the way to a server; yield its URL by this way."""
    parts = urlsplit(url)
    port, log = free_port(), folder / "delay.log"
    path = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    with running(script("delay.py", str(port), path, str(_DELAY)), log) as process:
        wait_for(partial(_listens, port), process, log, every=0.05)
        yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"


def _listens(port: int) -> bool | None:
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
        return True
    return None


def _create_database(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
