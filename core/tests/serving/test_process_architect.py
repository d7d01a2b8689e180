"""Servers that fork: ended with their operator, and found again by their handle."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import evolve

from famulus import Deployment, ServerHealth, UnavailableError
from famulus.serving import deployment_processes, keeper, server_process
from famulus.serving.health_check import ask_health
from famulus.serving.process_architect import ProcessArchitect
from famulus.testing.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks at processes in /proc"),
]

_HERE = Path(__file__).parent
_DEPLOYMENT = Deployment(run_id=1, instance="x", environment={})
_PROCESSES = 3

Make = Callable[..., ProcessArchitect]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the processes of a server leave their ids."""
    path = tmp_path / "pids"
    path.mkdir()
    return path


@pytest.fixture
def make(folder: Path) -> Iterator[Make]:
    """Make architects whose servers are ended after the test."""
    made: list[ProcessArchitect] = []
    make_one = runpy.run_path(str(_HERE / "forking_operator.py"))["make"]

    def make_kept(*words: str, **options: Any) -> ProcessArchitect:
        made.append(make_one(folder, *words, **options))
        return made[-1]

    yield make_kept
    for architect in made:
        architect.shutdown()


@pytest.fixture
def operator(folder: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    """Start a program that serves; return it with the port."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, before: Sequence[str] = ()) -> tuple[subprocess.Popen[str], int]:
        program = str(_HERE / "forking_operator.py")
        process = subprocess.Popen(
            [*before, sys.executable, program, str(folder), *words],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, _port(process.stdout.readline().strip())

    yield start
    for process in started:
        with process:
            os.killpg(process.pid, signal.SIGKILL)


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _is_running(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def _pids(folder: Path) -> list[int]:
    """Wait for the processes of a server, and return their ids."""
    wait_until(lambda: len(list(folder.iterdir())) >= _PROCESSES, "all processes run")
    return [int(path.name) for path in folder.iterdir()]


def _running(pids: list[int]) -> list[int]:
    return [pid for pid in pids if _is_running(pid)]


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return True
    return False


def _keeper(architect: ProcessArchitect) -> int:
    assert architect._server is not None
    return architect._server._process.pid


@pytest.mark.parametrize("words", [[], ["bare"]], ids=["marked", "without its environment"])
def test_shutdown_ends_every_process_of_the_server(
    make: Make, folder: Path, words: list[str]
) -> None:
    architect = make(*words)
    port = _port(architect.deploy(_DEPLOYMENT).url)
    pids = _pids(folder)
    assert architect.health() is ServerHealth.SERVING

    architect.shutdown()

    assert _running(pids) == []
    assert _is_refused(port)


@pytest.mark.parametrize("words", [[], ["fork"]], ids=["alone", "with a fork of the operator"])
def test_kill_of_the_operator_ends_every_process_of_the_server(
    operator: Callable[..., tuple[subprocess.Popen[str], int]], folder: Path, words: list[str]
) -> None:
    process, port = operator(*words)
    pids = _pids(folder)

    process.kill()

    wait_until(lambda: not _running(pids), "the processes ended")
    assert _is_refused(port)


def test_kill_of_the_operator_ends_the_server_without_proc_too(
    operator: Callable[..., tuple[subprocess.Popen[str], int]], folder: Path
) -> None:
    unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    hide = "mount -t tmpfs none /proc"
    if shutil.which("unshare") is None or subprocess.run([*unshare, hide], check=False).returncode:
        pytest.skip("it may not mount anything over /proc")
    process, _ = operator(before=[*unshare, f'{hide} && exec "$@"', "sh"])
    pids = _pids(folder)
    sessions = [os.getsid(pid) for pid in pids]
    # One has left the session, and with it the process group.
    grouped = [pid for pid in pids if sessions.count(os.getsid(pid)) > 1]
    assert len(grouped) == _PROCESSES - 1

    try:
        process.kill()
        wait_until(lambda: not _running(grouped), "the processes ended")
    finally:
        for pid in _running(pids):
            os.kill(pid, signal.SIGKILL)


def test_run_is_deployed_again_without_proc(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_processes, "_PROC", tmp_path / "none")
    first = make()
    deployed = first.deploy(_DEPLOYMENT)
    first.shutdown()

    again = make().deploy(evolve(_DEPLOYMENT, handle=deployed.handle))

    assert again.url == deployed.url


def test_end_of_the_server_ends_what_it_has_forked(make: Make, folder: Path) -> None:
    architect = make()
    port = _port(architect.deploy(_DEPLOYMENT).url)
    pids = _pids(folder)

    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /end HTTP/1.0\r\n\r\n")

    wait_until(lambda: architect.health() is ServerHealth.GONE, "the server is gone")
    assert _running(pids) == []


def _refuse_pidfd(_: int) -> int:
    raise OSError(errno.ENOSYS, "the kernel is older than 5.3, or a sandbox refuses the call")


@pytest.mark.parametrize("words", [[], ["bare"]], ids=["marked", "without its environment"])
@pytest.mark.parametrize("pidfd_open", [os.pidfd_open, _refuse_pidfd], ids=["pidfd", "no pidfd"])
def test_what_survived_its_operator_is_ended_by_the_next_deployment(
    make: Make,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    pidfd_open: Callable[[int], int],
) -> None:
    monkeypatch.setattr(os, "pidfd_open", pidfd_open)
    first = make(*words)
    deployed = first.deploy(_DEPLOYMENT)
    pids = _pids(folder)
    # The lifeline does nothing while the keeper is stopped.
    os.kill(_keeper(first), signal.SIGSTOP)

    again = make().deploy(evolve(_DEPLOYMENT, handle=deployed.handle))

    assert again.url == deployed.url
    assert _running(pids) == []
    assert ask_health("127.0.0.1", _port(again.url), timeout=5) is not None


def test_kill_of_the_keeper_is_noticed_and_what_it_leaves_is_ended(
    make: Make, folder: Path
) -> None:
    architect = make()
    deployed = architect.deploy(_DEPLOYMENT)
    pids = _pids(folder)

    os.kill(_keeper(architect), signal.SIGKILL)

    wait_until(lambda: architect.health() is ServerHealth.GONE, "the server is gone")
    again = architect.deploy(evolve(_DEPLOYMENT, handle=deployed.handle))
    assert again.url == deployed.url
    assert _running(pids) == []


def test_handle_of_a_server_that_has_ended_ends_no_other_process(make: Make, folder: Path) -> None:
    gone = make()
    handle = gone.deploy(_DEPLOYMENT).handle
    gone.shutdown()
    for path in folder.iterdir():
        path.unlink()
    other = make()
    other.deploy(_DEPLOYMENT)
    pids = _pids(folder)

    make().deploy(evolve(_DEPLOYMENT, handle=handle))

    assert _running(pids) == pids
    assert other.health() is ServerHealth.SERVING


def test_free_port_is_kept_behind_a_public_address_too(make: Make) -> None:
    options = {"public_url": "https://tasks.example.org/"}
    first = make(**options)
    deployed = first.deploy(_DEPLOYMENT)
    first.shutdown()

    again = make(**options).deploy(evolve(_DEPLOYMENT, handle=deployed.handle))

    assert again.url == deployed.url == "https://tasks.example.org/"
    assert again.handle["port"] == deployed.handle["port"]
    assert again.handle["token"] != deployed.handle["token"]


@pytest.fixture
def blocked() -> Iterator[None]:
    """Block signals in this thread, as a program does that waits for them with ``sigwait``."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("blocked")
def test_signals_that_the_operator_has_blocked_reach_the_server(make: Make) -> None:
    architect = make()
    architect.deploy(_DEPLOYMENT)
    before = time.monotonic()

    architect.shutdown()

    assert time.monotonic() - before < server_process._STOP_SECONDS


def test_signal_between_the_fork_and_the_program_ends_the_server() -> None:
    reader, writer = os.pipe()
    program = """if True:
        import os, runpy, signal, sys
        set_wakeup_fd = signal.set_wakeup_fd
        def set_and_signal(descriptor):
            set_wakeup_fd(descriptor)
            if descriptor == -1:
                os.kill(os.getpid(), signal.SIGTERM)
        signal.set_wakeup_fd = set_and_signal
        runpy.run_path(sys.argv.pop(1), run_name="__main__")
    """
    words = [keeper.__file__, str(os.getpid()), str(reader), str(os.dup(0)), "sleep", "60"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *words],
        pass_fds=(reader, int(words[3])),
        start_new_session=True,
    ) as process:
        try:
            process.wait(20)
        finally:
            for descriptor in (reader, writer, int(words[3])):
                os.close(descriptor)


def test_operator_may_have_more_open_files_than_select_takes(make: Make) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        for _ in range(1100):
            stack.callback(os.close, os.dup(0))
        architect = make()
        architect.deploy(_DEPLOYMENT)
        assert architect.health() is ServerHealth.SERVING
        architect.shutdown()


def test_server_that_is_shut_down_during_a_health_check_is_gone(make: Make) -> None:
    class Interrupted(ProcessArchitect):
        """Shut down by another thread as soon as a health check has looked for the server."""

        kept: Any = None

        @property
        def _server(self) -> Any:
            server, self.kept = self.kept, None
            if server is not None:
                server.stop()
            return server

        @_server.setter
        def _server(self, server: Any) -> None:
            self.kept = server

        def command(self, socket: int) -> Sequence[str]:
            raise NotImplementedError

    architect = make()
    architect.deploy(_DEPLOYMENT)
    checked = Interrupted(architect.args, architect.context)
    checked._server = architect._server

    assert checked.health() is ServerHealth.GONE


@pytest.mark.parametrize(
    ("argument", "error"), [("\0", UnavailableError), (5, TypeError)], ids=["null", "no text"]
)
def test_program_that_cannot_be_started_leaves_no_file_open(
    make: Make, argument: Any, error: type[Exception]
) -> None:
    architect = make(argument)
    before = set(Path("/proc/self/fd").iterdir())

    with pytest.raises(error):
        architect.deploy(_DEPLOYMENT)

    assert set(Path("/proc/self/fd").iterdir()) == before


def test_program_that_is_missing_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    architect = make()
    monkeypatch.setattr(architect, "command", lambda socket: ["/no/such/program", str(socket)])

    with pytest.raises(UnavailableError, match=r"did not start: /no/such/program: No such file"):
        architect.deploy(_DEPLOYMENT)

    assert architect.health() is ServerHealth.GONE
