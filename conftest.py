"""For the tests of all packages."""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from famulus.testing.databases import PostgresDatabases

_PROC = Path("/proc")
#: Modules of such tests take up to a minute.
_LONG = ("slow", "browser")
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_VARIABLE = "FAMULUS_TEST_SESSION"
#: Milliseconds that a process may take to end once the last test is over.
_PATIENCE = 10_000
#: Seconds for one test with its fixtures, many times what the longest needs; 0 is no limit, for a
#: debugger. Whatever hangs after that is interrupted as well, once in each minute.
_LONGEST = float(os.environ.get("FAMULUS_TEST_SECONDS", "300"))
_AGAIN = 60.0
_STANDARD_ERROR = 2
#: The default of the architect ``local``.
_DEFAULT_PORT = 3000
#: Where Linux has a file system in memory, and bytes that have to be free in it.
_MEMORY = Path("/dev/shm")
_ROOM = 4 * 2**30


def pytest_configure(config: pytest.Config) -> None:
    """Keep files of tests in memory, time no example, and have the default port taken.

    SQLite waits for the disk at each commit. A folder in ``TMPDIR`` takes precedence. The port is
    taken while a developer's own run is served there.
    """
    if "TMPDIR" not in os.environ and _has_room(_MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
    if os.environ.get(_NO_BYTECODE):
        _share_bytecode(config)
    settings.register_profile("untimed", settings(), deadline=None)
    settings.load_profile("untimed")
    sys.addaudithook(_refuse_the_default_port)


def _share_bytecode(config: pytest.Config) -> None:
    """Compile a module once for all processes and sessions, and leave nothing beside it.

    Some images of containers have Python write no bytecode. Each of the hundreds of processes that
    tests start would then compile all of Famulus, and each worker of pytest-xdist every test.
    """
    cache = getattr(config, "cache", None)
    if cache is None:
        return
    folder = cache.mkdir("bytecode")
    # No other session will see the modules that tests write.
    written = folder / Path(tempfile.gettempdir()).relative_to("/")
    config.add_cleanup(lambda: shutil.rmtree(written, ignore_errors=True))
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    del os.environ[_NO_BYTECODE]


def _has_room(folder: Path) -> bool:
    """Return whether programs can be run in a folder, and large files written."""
    return (
        os.access(folder, os.W_OK)
        and not os.statvfs(folder).f_flag & os.ST_NOEXEC
        and shutil.disk_usage(folder).free > _ROOM
    )


def _refuse_the_default_port(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.bind" and arguments[1][1:2] == (_DEFAULT_PORT,):
        raise OSError(errno.EADDRINUSE, "tests use other ports: set architect.port=0")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have workers of pytest-xdist begin with slow tests, so that none ends long after the others.

    ``--no-loadscope-reorder`` keeps this order.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not any(map(item.get_closest_marker, _LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a test log what no encoding has; pytest-xdist ends the session at such a report."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {key: _encodable(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(map(_encodable, value))
        case _:
            return value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Fail a test that hangs, with the stacks of all threads in its captured standard error."""

    def fail(*_: object) -> None:
        faulthandler.dump_traceback(_STANDARD_ERROR)
        pytest.fail(f"the test has not ended after {_LONGEST:g} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST, _AGAIN)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def lend_postgres(
    postgres: PostgresDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[str]]:
    """Lend a PostgreSQL database without rows each time it is called."""
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "a-key-for-tests-of-32-characters")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "files"))
    return postgres.lend


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Fail at the end of the session if a process that a test started is still there.

    Processes are known by a variable of their environment, which they hand down: one whose parent
    has ended is found as well. It needs Linux; elsewhere nothing is checked.
    """
    mark = f"{_VARIABLE}={token_hex(8)}"
    name, _, value = mark.partition("=")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(name, value)
        yield
    left = {pid: _command(pid) for pid in _marked(mark) if not _ends(pid)}
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not left, f"tests have left processes behind, by process id: {left}"


def _marked(mark: str) -> list[int]:
    wanted, found = mark.encode(), []
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def _ends(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        waiting = select.poll()
        waiting.register(process, select.POLLIN)
        return bool(waiting.poll(_PATIENCE))
    finally:
        os.close(process)


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return "a process that has ended by now"
