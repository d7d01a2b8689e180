"""The architect with real processes and sockets; the gateway in them is a stub."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from attrs import evolve

from famulus import (
    Context,
    Deployment,
    Plan,
    ServerHealth,
    SharedTaskState,
    TaskArgs,
    UnavailableError,
    system_clock,
)
from famulus.contracts.plan import Role
from famulus.serving.health_check import HealthReply, ask_health
from famulus.testing.waiting import wait_until
from famulus_flask.architect import LocalArchitect, LocalArgs

pytestmark = pytest.mark.slow

_HOST = "127.0.0.1"
_HERE = Path(__file__).parent
_ENVIRONMENT = {"FAMULUS_RUN": "7", "FAMULUS_SECRET_KEY": "k"}
_DEPLOYMENT = Deployment(run_id=7, instance="first", environment=_ENVIRONMENT)
_FORM = b"a=1&b=2"
_FORM_HEAD = (
    b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_FORM)
)

Make = Callable[..., LocalArchitect]


@pytest.fixture(autouse=True)
def serving_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(_HERE))
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path))


@pytest.fixture
def make() -> Iterator[Make]:
    """Make architects whose servers are stopped at the end of the test."""
    made: list[LocalArchitect] = []

    def make_one(factory: str = "create_served_app", **options: Any) -> LocalArchitect:
        class Stub(LocalArchitect):
            application = f"flask_stub_gateway:{factory}"
            stop_seconds = 1.0

        made.append(Stub(LocalArgs(**{"port": 0, "threads": 16, **options}), _context()))
        return made[-1]

    yield make_one
    for architect in made:
        architect.shutdown()


@pytest.fixture
def operator() -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start programs that serve, each the leader of a process group as in a terminal."""
    started: list[subprocess.Popen[str]] = []

    def start(port: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, str(_HERE / "flask_stub_operator.py"), str(port)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


def _context() -> Context:
    database = cast("Any", None)
    return Context(database=database, clock=system_clock, shared_state=SharedTaskState())


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(_HOST, port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def _server_pid(port: int) -> int:
    return int(json.loads(_get(port, "/environment")[1])["pid"])


def _post(port: int, body: bytes, content_type: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(_HOST, port, timeout=20)
    with contextlib.closing(connection):
        connection.request("POST", "/submit", body, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, response.read()


def _post_form(port: int) -> int:
    return _post(port, _FORM, "application/x-www-form-urlencoded")[0]


def _stalled_form(port: int) -> socket.socket:
    """Begin a submission and do not go on."""
    client = socket.create_connection((_HOST, port), timeout=20)
    client.sendall(_FORM_HEAD + _FORM[:3])
    return client


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), timeout=5).close()
    except ConnectionError:
        return True
    return False


def _plan(**options: Any) -> Plan:
    return Plan(
        task=TaskArgs(task_reward=Decimal(1)),
        blueprint=Role(type="static_task", args=None),
        architect=Role(type="local", args=LocalArgs(**options)),
        provider=Role(type="mock", args=None),
        shared_state=SharedTaskState(),
        task_dir=_HERE,
    )


def test_deployed_run_answers_as_its_own_instance(make: Make) -> None:
    architect = make()

    url = architect.deploy(_DEPLOYMENT).url

    assert url == f"http://localhost:{_port(url)}/"
    assert ask_health(_HOST, _port(url), timeout=5) == HealthReply(7, "first")
    assert _get(_port(url), "/?worker_id=x") == (200, b'{"worker_id": "x"}')
    assert architect.health() is ServerHealth.SERVING


def test_public_url_is_the_address_for_workers(make: Make) -> None:
    architect = make(public_url="https://tasks.example.org/a")

    assert architect.deploy(_DEPLOYMENT).url == "https://tasks.example.org/a/"


@pytest.mark.parametrize(
    ("hostname", "shown"), [("0.0.0.0", "localhost"), ("localhost", "localhost"), ("::1", "[::1]")]
)
def test_url_names_a_host_that_a_browser_here_can_open(
    make: Make, hostname: str, shown: str
) -> None:
    url = make(hostname=hostname).deploy(_DEPLOYMENT).url

    assert url == f"http://{shown}:{_port(url)}/"


def test_shutdown_ends_the_server_and_closes_the_gateway(make: Make, tmp_path: Path) -> None:
    architect = make()
    port = _port(architect.deploy(_DEPLOYMENT).url)

    architect.shutdown()
    architect.shutdown()

    assert architect.health() is ServerHealth.GONE
    assert _is_refused(port)
    assert (tmp_path / "closed").exists()


def test_shutdown_finishes_the_request_under_way(make: Make) -> None:
    architect = make()
    port = _port(architect.deploy(_DEPLOYMENT).url)
    client = _stalled_form(port)
    wait_until(lambda: _post_form(port) == 200, "a form is stored")
    ending = threading.Thread(target=architect.shutdown)

    ending.start()
    wait_until(lambda: _is_refused(port), "connections are refused")
    client.sendall(_FORM[3:])
    reply = client.recv(4096)
    client.close()
    ending.join()

    assert reply.startswith(b"HTTP/1.1 200")


def test_shutdown_does_not_wait_for_ever_for_a_stalled_request(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("famulus.serving.server_process._STOP_SECONDS", 0.5)
    architect = make()
    port = _port(architect.deploy(_DEPLOYMENT).url)

    with _stalled_form(port):
        architect.shutdown()

        assert _is_refused(port)


def test_second_server_on_the_port_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("famulus.serving.process_architect._PATIENCE_WHEN_DEPLOYING", 0.1)
    port = _port(make().deploy(_DEPLOYMENT).url)

    with pytest.raises(UnavailableError) as caught:
        make(port=port).deploy(_DEPLOYMENT)

    assert str(caught.value) == (
        f"port {port} is taken on 127.0.0.1 by the Famulus server of run 7; "
        "choose another with architect.port=…"
    )


def test_run_that_is_served_again_on_a_taken_port_asks_for_its_own(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("famulus.serving.process_architect._PATIENCE_WHEN_DEPLOYING", 0.1)
    first = make()
    deployed = first.deploy(_DEPLOYMENT)
    first.shutdown()
    port = _port(deployed.url)

    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(UnavailableError, match=f"port {port} is taken .*; free it: the run keeps"),
    ):
        make().deploy(evolve(_DEPLOYMENT, handle=deployed.handle))


def test_taken_port_is_a_problem(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("famulus.serving.process_architect._PATIENCE_WHEN_CHECKING", 0.1)
    port = _port(make().deploy(_DEPLOYMENT).url)
    architect = make(port=port)

    (problem,) = architect.serving_problems(_plan(port=port))

    assert architect.problems(_plan(port=port)) == []
    assert problem.key == "architect.port"
    assert f"port {port} is taken" in problem.message


def test_free_port_is_no_problem_and_stays_free(make: Make) -> None:
    architect = make()

    assert architect.problems(_plan()) == architect.serving_problems(_plan()) == []
    assert architect.health() is ServerHealth.GONE


def test_port_of_another_program_is_refused_at_once(make: Make) -> None:
    server = http.server.HTTPServer((_HOST, 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    with pytest.raises(UnavailableError, match=r"is taken on .* by another program"):
        make(port=server.server_port).deploy(_DEPLOYMENT)

    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_port_that_is_taken_for_localhost_on_ipv6_is_refused(
    make: Make,
) -> None:
    try:
        other = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no address ::1")

    with other, pytest.raises(UnavailableError, match="is taken on ::1"):
        make(port=other.getsockname()[1]).deploy(_DEPLOYMENT)


def test_kill_of_the_operator_ends_the_server(
    operator: Callable[[], subprocess.Popen[str]],
) -> None:
    process = operator()
    assert process.stdout is not None
    port = _port(process.stdout.readline())
    assert ask_health(_HOST, port, timeout=5) == HealthReply(7, "operated")

    process.kill()

    wait_until(lambda: _is_refused(port), "connections are refused")


def test_run_of_a_killed_operator_comes_back_at_the_same_address(
    make: Make, operator: Callable[[], subprocess.Popen[str]]
) -> None:
    process = operator()
    assert process.stdout is not None
    port = _port(process.stdout.readline())

    process.kill()
    make(port=port).deploy(_DEPLOYMENT)

    assert ask_health(_HOST, port, timeout=5) == HealthReply(7, "first")


def test_free_port_is_kept_when_the_run_comes_back(make: Make) -> None:
    first = make(port=0)
    deployed = first.deploy(_DEPLOYMENT)
    first.shutdown()

    again = make(port=0).deploy(evolve(_DEPLOYMENT, handle=deployed.handle))

    assert again.url == deployed.url


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(
    operator: Callable[[], subprocess.Popen[str]],
) -> None:
    process = operator()
    assert process.stdout is not None
    port = _port(process.stdout.readline())

    os.killpg(process.pid, signal.SIGINT)

    assert process.stdout.readline() == "interrupted\n"
    assert ask_health(_HOST, port, timeout=5) == HealthReply(7, "operated")


def test_kill_of_the_server_is_noticed_and_can_be_repaired(make: Make) -> None:
    architect = make()
    deployed = architect.deploy(_DEPLOYMENT)
    port = _port(deployed.url)

    os.kill(_server_pid(port), signal.SIGKILL)

    wait_until(lambda: architect.health() is ServerHealth.GONE, "the server is gone")
    assert _is_refused(port)
    again = evolve(_DEPLOYMENT, instance="second", handle=deployed.handle)
    assert architect.deploy(again).url == deployed.url
    assert ask_health(_HOST, port, timeout=5) == HealthReply(7, "second")


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        ("create_refused_app", "the server did not start: the run needs the callback"),
        ("create_broken_app", "ZeroDivisionError: a mistake"),
        ("missing_app", "missing_app"),
    ],
)
def test_failed_start_gives_the_reason_and_leaves_nothing(
    make: Make, factory: str, expected: str
) -> None:
    architect = make(factory)

    with pytest.raises(UnavailableError) as caught:
        architect.deploy(_DEPLOYMENT)

    assert expected in str(caught.value)
    assert architect.health() is ServerHealth.GONE


def test_an_unknown_run_is_reported_at_the_start(tmp_path: Path) -> None:
    environment = {"FAMULUS_DATABASE": str(tmp_path / "empty.db"), "FAMULUS_RUN": "9"}
    deployment = Deployment(run_id=9, instance="x", environment=environment)
    architect = LocalArchitect(LocalArgs(port=0), _context())

    with pytest.raises(UnavailableError, match=r"the server did not start: .*9"):
        architect.deploy(deployment)


def test_stalled_submissions_do_not_stop_others(make: Make) -> None:
    port = _port(make(threads=12).deploy(_DEPLOYMENT).url)

    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(_stalled_form(port))
        statuses = [_post_form(port) for _ in range(20)]

    assert statuses == [200] * 20


def test_submission_is_stored_while_twice_as_many_as_there_are_threads_stall(make: Make) -> None:
    architect = make(threads=8)
    port = _port(architect.deploy(_DEPLOYMENT).url)

    with contextlib.ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(_stalled_form(port))
        begun = time.monotonic()

        assert _post_form(port) == 200
        assert time.monotonic() - begun < 5
        assert _get(port, "/?a=b") == (200, b'{"a": "b"}')
        assert architect.health() is ServerHealth.SERVING


def test_server_whose_pages_hang_is_busy_and_not_gone(make: Make) -> None:
    architect = make(threads=4)
    port = _port(architect.deploy(_DEPLOYMENT).url)
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            client = stack.enter_context(socket.create_connection((_HOST, port), timeout=20))
            client.sendall(b"GET /?hang=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(
            lambda: (health := ask_health(_HOST, port, 5)) and health.busy, "the server is busy"
        )

        assert {architect.health() for _ in range(10)} == {ServerHealth.BUSY}
    begun = time.monotonic()
    architect.shutdown()
    assert 1 <= time.monotonic() - begun < 6


def test_server_that_does_not_answer_is_given_up_after_several_looks(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("famulus.serving.process_architect._CHECK_SECONDS", 0.05)
    monkeypatch.setattr("famulus.serving.process_architect._SILENT_SECONDS", 0.5)
    architect = make()
    server = _server_pid(_port(architect.deploy(_DEPLOYMENT).url))
    os.kill(server, signal.SIGSTOP)
    begun = time.monotonic()
    looks = [architect.health()]

    while looks[-1] is not ServerHealth.GONE and time.monotonic() < begun + 20:
        looks.append(architect.health())
    os.kill(server, signal.SIGKILL)

    assert len(looks) >= 5
    assert time.monotonic() - begun >= 0.5
    assert set(looks[:-1]) == {ServerHealth.BUSY}
    assert looks[-1] is ServerHealth.GONE


def test_serving_process_has_no_foreign_secrets(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("PGPASSWORD", "needed")
    port = _port(make().deploy(_DEPLOYMENT).url)

    names = json.loads(_get(port, "/environment")[1])

    assert "AWS_SECRET_ACCESS_KEY" not in names["process"]
    assert {"FAMULUS_SECRET_KEY", "PGPASSWORD"} <= set(names["process"])
    assert not [each for each in names["request"] if each.startswith(("FAMULUS_", "PG"))]


def test_submission_that_breaks_off_is_not_taken(make: Make, tmp_path: Path) -> None:
    port = _port(make().deploy(_DEPLOYMENT).url)
    with _stalled_form(port):
        pass
    boundary = b"--cut\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n"
    head = (
        b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=cut\r\n"
        b"Content-Length: 1000000\r\n\r\n"
    )

    with socket.create_connection((_HOST, port)) as client:
        client.sendall(head + boundary + bytes(200_000))
        assert not list(tmp_path.glob("*/uploads/*"))

    assert json.loads(_get(port, "/environment")[1])["forms"] == 0


def test_413_reaches_a_client_that_is_still_sending(make: Make) -> None:
    port = _port(make(max_file_bytes=1_000_000).deploy(_DEPLOYMENT).url)
    part = b"--cut\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n"
    body = part + bytes(20_000_000) + b"\r\n--cut--\r\n"

    status, text = _post(port, body, "multipart/form-data; boundary=cut")

    assert status == 413
    assert b"A file may have at most 1 MB." in text


@pytest.mark.parametrize("path", ["/..%2f..%2fetc/passwd", "/../../etc/passwd", "/%00", "/%ff"])
def test_path_that_leads_outside_is_404(make: Make, path: str) -> None:
    port = _port(make().deploy(_DEPLOYMENT).url)

    assert _get(port, path)[0] == 404


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"port": 65536}, "port"),
        ({"port": -1}, "port"),
        ({"threads": 0}, "threads"),
        ({"hostname": "192.0.2.1"}, "hostname"),
        ({"hostname": "no such host"}, "hostname"),
        ({"hostname": "a..b"}, "hostname"),
        ({"hostname": "a" * 64}, "hostname"),
        ({"hostname": ""}, "hostname"),
        ({"max_file_bytes": 0}, "max_file_bytes"),
        ({"max_files": -1}, "max_files"),
    ],
)
def test_wrong_option_is_a_problem(make: Make, options: dict[str, Any], key: str) -> None:
    architect, plan = make(**options), _plan(**options)
    problems = [*architect.problems(plan), *architect.serving_problems(plan)]

    assert [problem.key for problem in problems] == [f"architect.{key}"]
