"""A PostgreSQL server for tests. Its data and its socket are in a folder that is removed later."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from attrs import frozen

HOW_TO_GET_DRIVER = (
    "tests on PostgreSQL need the Python package psycopg: pip install 'famulus[postgres]'"
)
HOW_TO_GET = (
    "PostgreSQL's server is not installed: on Debian, apt-get install postgresql; "
    "elsewhere put initdb and pg_ctl on the PATH"
)

#: Waits until its standard input ends, as it does when the process at its other end has ended in
#: whatever way, then stops the server and removes its folder.
_CLEAN_UP = 'cat; folder=$1; shift; "$@" -m immediate stop; rm -rf "$folder"'


def find_server() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``, or None. On Debian it is not on the PATH."""
    candidates = [Path("/usr/lib/postgresql")]
    for root in candidates:
        versions = sorted(root.glob("*/bin/initdb"), reverse=True)
        if versions:
            return versions[0].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@frozen
class PostgresServer:
    """A server that a test can stop and start again while it is in use."""

    #: without a database's name, to be completed with :func:`database_url`
    url: str
    _control: Sequence[str]
    _start: Sequence[str]

    def start(self) -> None:
        """Start the server and wait until it answers."""
        _run(*self._control, "-w", *self._start, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: ``fast`` ends its sessions first, ``immediate`` is a crash."""
        _run(*self._control, "-m", mode, "stop")


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server for the length of a ``with`` block; yield its URL.

    The URL names no database: :func:`database_url` completes it.
    """
    with stoppable_server() as server:
        yield server.url


@contextlib.contextmanager
def stoppable_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server for the length of a ``with`` block.

    PostgreSQL refuses to run as root; if this process is root, the user ``postgres`` runs it.

    :param durable: whether each commit is synced to the disk.
    :raises LookupError: when PostgreSQL or its driver is not installed; the message explains how to
        get it.
    """
    if find_spec("psycopg") is None:
        raise LookupError(HOW_TO_GET_DRIVER)
    binaries = find_server()
    if binaries is None:
        raise LookupError(HOW_TO_GET)
    folder = Path(tempfile.mkdtemp(prefix="famulus-pg-"))
    prefix: Sequence[str] = ()
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        prefix, user = ("runuser", "-u", "postgres", "--"), "postgres"
        shutil.chown(folder, user)
    control = (*prefix, str(binaries / "pg_ctl"), "-D", f"{folder}/data")
    with _cleaned_up(folder, control):
        _run(*prefix, str(binaries / "initdb"), "-D", f"{folder}/data", "-A", "trust", "--no-sync")
        sync = "on" if durable else "off"
        options = f"-k {folder} -c listen_addresses='' -c fsync={sync} -c max_connections=200"
        server = PostgresServer(
            url=f"postgresql://{user}@/postgres?host={quote(str(folder), safe='')}",
            control=control,
            start=("-o", options, "-l", f"{folder}/log"),
        )
        server.start()
        yield server


@contextlib.contextmanager
def _cleaned_up(folder: Path, control: Sequence[str]) -> Iterator[None]:
    """Stop the server and remove its folder at the end of the block, or of this process.

    :param control: ``pg_ctl`` with the server's data.
    """
    with subprocess.Popen(
        ("sh", "-c", _CLEAN_UP, "sh", str(folder), *control),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        # What ends this process' whole group, as Ctrl-C does, leaves it running.
        start_new_session=True,
    ):
        yield


def database_url(server: str, name: str) -> str:
    """Return a server's URL with another database's name."""
    return server.replace("/postgres?", f"/{name}?", 1)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{command[-1]}: {done.stdout}{done.stderr}")
