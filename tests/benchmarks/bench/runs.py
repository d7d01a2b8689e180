"""Launched runs: the example's task on made-up rows, operated by the command line."""

from __future__ import annotations

import contextlib
import csv
import http.client
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from bench.processes import famulus, running, wait_for

_EXAMPLE = Path(__file__).parents[3] / "sdk_examples/simple_static_task/conf/example.yaml"
_OPEN = re.compile(r"is open at (http://\S+)")
_STOPPING = re.compile(r"^Stopping: ", re.MULTILINE)
#: Two signals within 20 ms count as one press of Ctrl-C, and a person takes longer.
_BETWEEN_KEYS = 0.05


@frozen(kw_only=True)
class Run:
    """One run that is being served. Times are of ``time.perf_counter``."""

    process: subprocess.Popen[bytes]
    log: Path
    #: the path of an SQLite file, or the URL of a PostgreSQL database
    database: Path | str
    host: str
    port: int
    started_at: float
    first_page_at: float

    def is_loading(self) -> bool:
        """Return whether rows are still being loaded."""
        return self._column("loading") == "loading"

    def rows_loaded(self) -> int:
        """Return how many rows are in the database."""
        return int(self._column("rows_loaded"))

    def wait_until_loaded(self) -> float:
        """Return the moment at which all rows are loaded."""
        wait_for(lambda: None if self.is_loading() else True, self.process, self.log, every=0.02)
        return time.perf_counter()

    def kill(self) -> None:
        """End the operator so that it can do nothing about it; the run stays open."""
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> None:
        """Press Ctrl-C twice, the first worker being at work still, and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        wait_for(lambda: _STOPPING.search(self.log.read_text()), self.process, self.log)
        time.sleep(_BETWEEN_KEYS)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def _column(self, name: str) -> str:
        query = f"SELECT {name} FROM task_run ORDER BY id DESC LIMIT 1"
        with contextlib.closing(self._connect()) as connection:
            return str(connection.execute(query).fetchone()[0])

    def _connect(self) -> Any:
        if isinstance(self.database, Path):
            return sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        import psycopg

        return psycopg.connect(self.database)


def write_rows(path: Path, count: int) -> Path:
    """Write a file of rows for the example's page, about 100 bytes each."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("character_name", "character_description"))
        writer.writerows(
            (f"Character {number}", f"Keeps lighthouse {number}, and writes to each ship in sight.")
            for number in range(count)
        )
    return path


def configuration(data: Path, units_per_assignment: int = 1) -> tuple[Path, Sequence[str]]:
    """Return a configuration's file and what to override in it."""
    return _EXAMPLE, (
        f"blueprint.data_csv={data}",
        f"blueprint.units_per_assignment={units_per_assignment}",
        "architect.port=0",
        # Workers of the benchmarks of allocation arrive with a new visit each time.
        "task.allowed_concurrent=0",
    )


@contextlib.contextmanager
def launched(
    database: Path | str,
    data: Path,
    units_per_assignment: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    """Launch a run for the length of a ``with`` block; loading goes on inside.

    What the command prints is written beside the data.
    """
    file, overrides = configuration(data, units_per_assignment)
    command = famulus(database, "launch", str(file), *overrides)
    with _operated(database, command, data.with_suffix(".log"), environment) as run:
        yield run


@contextlib.contextmanager
def resumed(database: Path) -> Iterator[Run]:
    """Resume run 1 for the length of a ``with`` block."""
    log = database.with_suffix(".log")
    with _operated(database, famulus(database, "resume", "1"), log) as run:
        yield run


@contextlib.contextmanager
def _operated(
    database: Path | str,
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    started = time.perf_counter()
    with running(command, log, environment) as process:
        url = wait_for(lambda: _OPEN.search(log.read_text()), process, log)[1]
        parts = urlsplit(url)
        host, port = "127.0.0.1", parts.port or 80
        _first_page(host, port)
        yield Run(
            process=process,
            log=log,
            database=database,
            host=host,
            port=port,
            started_at=started,
            first_page_at=time.perf_counter(),
        )


def _first_page(host: str, port: int) -> None:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/?worker_id=first&assignment_id=1")
        reply = connection.getresponse()
        body = reply.read()
    if reply.status != 200 or b"famulus_token" not in body:
        raise RuntimeError(f"the first page is {reply.status}: {body[-500:]!r}")
