"""The conformance class of architects."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from attrs import evolve

from famulus.contracts.architect import Architect, ServerHealth
from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.engine.platform_requests import MOST_BYTES
from famulus.errors import Problem, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.operate.operator import Operator
from famulus.options.option_class import options_of
from famulus.plugins import discover
from famulus.testing import signed_crowd
from famulus.testing.command import famulus_command
from famulus.testing.conformance.architect_runs import WatchedOperator, run_of
from famulus.testing.conformance.harness import must_not_raise, snapshot
from famulus.testing.forms import FormData
from famulus.testing.installed import install_plugin
from famulus.testing.scripted_worker import Response, ScriptedWorker
from famulus.testing.signed_crowd import SignedCrowdProvider, signed
from famulus.testing.transports import HttpTransport

_ROWS = 3
#: Seconds in which a server ends after its operator, and recovers from stalled requests.
_PATIENCE = 10.0
_RECOVERY = 40.0
#: Requests that stop halfway: more than a server has threads, in most cases.
_STALLED = 64
_CARRIED = "Gateway.receive must get what is posted to /platform/<provider type>."
_HALF_A_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


class ArchitectConformance:
    """The rules of an architect, as tests: inherit from it in a test module.

    Name the class and give its options::

        class TestMyArchitect(ArchitectConformance):
            architect = MyArchitect

            def configuration(self, tmp_path):
                return {"port": 0}

    The tests serve real runs of the blueprint ``static_task`` to the provider ``mock``, and kill an
    operator, so the package under test, famulus-static-html and famulus-mock must be installed.
    Each failing test names the rule that is broken.

    For an architect that starts nothing, because another program serves its runs, set
    ``starts_server = False`` and define :meth:`serve_outside`. Such an architect must start no
    server; the rules about the end of a server do not apply to it, but all others do.
    """

    #: The class under test.
    architect: ClassVar[type[Architect]]
    #: Whether deploying starts what serves the run, in contrast to a program outside.
    starts_server: ClassVar[bool] = True

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        """Return good options, as they would stand under ``architect:``."""
        return {}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        """Return options that a launch must refuse, each by a description of its fault."""
        return {}

    def serve_outside(self, gateway: Gateway, url: str) -> AbstractContextManager[object]:
        """Return a context in which another program serves the gateway at the run's address.

        Needed if ``starts_server`` is False. The program may be a thread of the test. Nothing is
        served yet at the address that :meth:`configuration` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} must define serve_outside()")

    def test_core_finds_the_class(self) -> None:
        found = discover().architect(self.architect.type)

        assert found is self.architect, (
            f"An entry point of the group famulus must lead to the plugin that registers the class;"
            f" the architect {self.architect.type!r} is {found!r}."
        )

    def test_every_option_has_help(self) -> None:
        silent = [each.name for each in options_of(self.architect.Args).values() if not each.help]

        assert not silent, (
            "Every field of Args must have help, with famulus.option(help=…):"
            f" {', '.join(silent)} have none."
        )

    def test_broken_configuration_is_reported(self, tmp_path: Path) -> None:
        with Operator(tmp_path / "famulus.db") as operator:
            for words, options in self.broken_configurations(tmp_path).items():
                problems: Sequence[Problem] = ()
                try:
                    operator.check(self._run(tmp_path, options))
                except UsageError as error:
                    problems = error.problems
                assert problems, f"problems() must find what is wrong, and missed: {words}."
                placeless = [each.message for each in problems if not (each.key or each.file)]
                assert not placeless, f"A problem must say where, by its key or file: {placeless}"

    def test_checking_writes_and_starts_nothing(self, tmp_path: Path) -> None:
        run = self._run(tmp_path, self.configuration(tmp_path))
        before = snapshot(tmp_path)
        with Operator(tmp_path / "famulus.db") as operator:
            # If the first check started something, the second one fails.
            operator.check(run)
            operator.check(run)

        assert snapshot(tmp_path) == before, "problems() must not write anything."

    def test_the_configuration_of_a_run_that_is_served_has_no_problem(self, tmp_path: Path) -> None:
        options = self.configuration(tmp_path)
        with self._served(tmp_path) as (operator, _, url):
            if "port" in options_of(self.architect.Args):
                options = {**options, "port": _address(url)[1]}
            with must_not_raise(
                "problems() must accept an address that is taken, which serving_problems() refuses"
            ):
                operator.check(self._run(tmp_path, options), serving=False)

    def test_run_is_served_from_start_to_end(self, tmp_path: Path) -> None:
        with self._served(tmp_path) as (_, architect, url):
            health = architect.health()
            assert health is ServerHealth.SERVING, (
                f"health() must be ServerHealth.SERVING while the run is served, not {health!r}."
            )
            worker = ScriptedWorker(HttpTransport(url), "steady")
            answers = worker.submit_all(_ROWS + 1)
            plain = ScriptedWorker(HttpTransport(url), "plain", has_scripts=False).submit_all(
                _ROWS + 1
            )

            for answer in (*answers, *plain):
                assert answer.outcome == "stored", (
                    "POST /submit must be answered by Gateway.submit(), which stores the form; the"
                    f" reply was: {answer.text}"
                )
            assert (len(answers), len(plain)) == (_ROWS, _ROWS), (
                "GET / must be answered by Gateway.arrive(), which gives each worker"
                f" {_ROWS} units; one with scripts got {len(answers)}, and one without"
                f" {len(plain)}."
            )

            # The provider mock has no entry form, so that the browser is led to the task.
            entry = FormData(fields=[("name", "entering")])
            entered = HttpTransport(url).send(
                entry, action="enter?worker_id=entering&assignment_id=1", as_json=False
            )
            assert entered.form is not None, (
                "POST /enter must be answered by Gateway.enter(), with the parameters of its"
                f" address: {entered.status} {entered.text}"
            )

    def test_many_workers_at_once_each_get_a_unit_of_their_own(self, tmp_path: Path) -> None:
        with self._served(tmp_path) as (_, _, url):
            worker = ScriptedWorker(HttpTransport(url), "tabs")
            pages = worker.many_tabs(_ROWS)

            assert all(page.has_form for page in pages), (
                "Requests that arrive at the same time must each be answered with a form; the"
                f" statuses were {[page.answer.status for page in pages]}."
            )
            outcomes = [worker.submit(page).outcome for page in pages]
            assert outcomes == ["stored"] * _ROWS, (
                f"The form of each page of one worker must be stored; the outcomes were {outcomes}."
            )
            clicks = ScriptedWorker(HttpTransport(url), "clicks").double_click()
            outcomes = [answer.outcome for answer in clicks]
            assert outcomes == ["stored", "stored"], (
                "A form that is sent twice must have the same reply, that it is stored; the"
                f" outcomes were {outcomes}."
            )

    def test_asset_is_served_and_nothing_outside_its_folder(self, tmp_path: Path) -> None:
        with self._served(tmp_path) as (_, _, url):
            transport = HttpTransport(url)

            assert transport.get("beside.svg").text == "an asset", (
                "The files of Gateway.assets must be served under their own names, and"
                " GET /beside.svg did not return its content."
            )
            outside = ("../data.csv", "%2e%2e/data.csv", "..%2fdata.csv")
            for name in ("no.svg", "page.html", *outside):
                assert transport.get(name).status in (400, 404), (
                    f"Only files for which AssetFolder.serves() is true may be served, and"
                    f" {name!r} was."
                )

    def test_headers_of_the_gateway_are_sent(self, tmp_path: Path) -> None:
        with self._served(tmp_path) as (operator, _, url):
            gateway = operator.gateway(1)
            try:
                wanted, of_files = dict(gateway.headers), dict(gateway.asset_headers)
            finally:
                gateway.close()
            headers = HttpTransport(url).open({}).headers
            sent = HttpTransport(url).get("beside.svg").headers

        for name, value in wanted.items():
            assert headers.get(name.lower()) == value, f"Every page must come with {name}."
        for name, value in of_files.items():
            assert sent.get(name.lower()) == value, (
                f"Every file of Gateway.assets must come with the {name} of Gateway.asset_headers,"
                f" so that a page can show it in a frame: {sent.get(name.lower())!r}."
            )

    def test_request_of_a_platform_reaches_its_provider(self, tmp_path: Path) -> None:
        with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
            install_plugin(tmp_path / "installed", signed_crowd.MODULE, patch=patch)
            crowd = SignedCrowdProvider.type
            operator, _, url = stack.enter_context(self._served(tmp_path, provider=crowd))
            transport, now = HttpTransport(url), operator.database.clock()
            page = transport.open({"worker_id": "a", "assignment_id": "visit"})
            assert page.form is not None, f"A worker who arrives must get a form: {page.text}"

            forged = transport.announce(crowd, evolve(signed(["visit"], now), body=b"[]"))
            assert (forged.status, operator.is_sync_requested()) == (403, False), (
                f"{_CARRIED} A forged one was answered with {forged.status}."
            )
            taken = transport.announce(crowd, signed(["visit"], now, {"challenge": "again"}))
            assert (taken.status, operator.is_sync_requested()) == (200, True), (
                f"{_CARRIED} The body is what the platform has signed, byte by byte, and headers"
                f" have lower-case names. The reply was {taken.status}: {taken.text}"
            )
            assert taken.headers.get("x-challenge") == "again", (
                "Gateway.receive() must get the parameters of the address as PlatformRequest.query,"
                " and the headers of its reply must be sent: x-challenge was"
                f" {taken.headers.get('x-challenge')!r}, not 'again'."
            )
            assert "content-security-policy" not in taken.headers, (
                "A reply to a platform must not have Gateway.headers, which are for the pages of"
                " workers, and has content-security-policy."
            )
            for size, status in ((MOST_BYTES, 400), (MOST_BYTES + 1, 413)):
                found = transport.announce(crowd, signed(b"\xff" * size, now)).status
                assert found == status, (
                    f"A platform may send {MOST_BYTES:,} bytes (Gateway.most_platform_bytes) and no"
                    f" more: {size:,} were answered with {found}."
                )

    def test_shutting_down_twice_is_harmless_and_deploying_again_keeps_the_address(
        self, tmp_path: Path
    ) -> None:
        with self._served(tmp_path) as (operator, architect, url):
            page = ScriptedWorker(HttpTransport(url), "before").open()
            deployment = operator.deployment("again")
            architect.shutdown()
            architect.shutdown()
            health = architect.health()
            if self.starts_server:
                assert health is ServerHealth.GONE, (
                    f"health() must be ServerHealth.GONE once the server has ended, not {health!r}."
                )

            again = architect.deploy(deployment).url

            assert again == url, _moved(url, again)
            worker = ScriptedWorker(HttpTransport(again), "before")
            _assert_stored(worker.submit(page), "A page from before must be stored after it")

    def test_architect_of_a_program_outside_starts_nothing_and_has_nothing_to_start_again(
        self, tmp_path: Path
    ) -> None:
        if self.starts_server:
            pytest.skip("the architect starts a server")
        with WatchedOperator(tmp_path / "famulus.db") as operator:
            url = operator.launch(self._run(tmp_path, self.configuration(tmp_path))).url
            assert not _is_served(url), (
                f"An architect with starts_server = False must not serve the run: {url} is served"
                " before serve_outside()."
            )
            health = [operator.architect.health()]
            operator.architect.shutdown()
            health.append(operator.architect.health())
            assert ServerHealth.GONE not in health, (
                "health() must not be ServerHealth.GONE where starts_server is False: the run would"
                " be deployed again every two seconds, which starts nothing here."
            )

    def test_server_with_stalled_requests_is_not_gone(self, tmp_path: Path) -> None:
        if not self.starts_server:
            pytest.skip("the architect starts no server")
        with self._served(tmp_path) as (_, architect, url), contextlib.ExitStack() as stack:
            for _ in range(_STALLED):
                client = stack.enter_context(socket.create_connection(_address(url), _PATIENCE))
                client.sendall(_HALF_A_REQUEST)
            found = [architect.health() for _ in range(3)]
            stack.close()

            assert ServerHealth.GONE not in found, (
                "health() must be ServerHealth.BUSY while the server does not answer, not GONE: a"
                " server that is restarted loses every request. It was"
                f" {[f'{each}' for each in found]}."
            )
            assert _happens(lambda: architect.health() is ServerHealth.SERVING, _RECOVERY), (
                "health() must be ServerHealth.SERVING again once the requests are over."
            )

    def test_deployment_ends_or_adopts_what_the_handle_names(self, tmp_path: Path) -> None:
        with self._served(tmp_path) as (operator, architect, url), contextlib.ExitStack() as stack:
            page = ScriptedWorker(HttpTransport(url), "before").open()
            # Another operator has its own instance, and knows only the handle.
            other = type(architect)(architect.args, architect.context)
            stack.callback(other.shutdown)

            try:
                again = other.deploy(operator.deployment("other")).url
            except UnavailableError as error:
                raise AssertionError(
                    "deploy() must end or adopt what the handle names before it starts anything,"
                    f" and failed: {error}"
                ) from error

            assert again == url, _moved(url, again)
            worker = ScriptedWorker(HttpTransport(again), "before")
            _assert_stored(worker.submit(page), "A page from before must be stored after it")
            other.shutdown()
            if not self.starts_server:
                return
            assert _happens(lambda: not _is_served(url), _PATIENCE), (
                "deploy() must end or adopt the server that the handle names, and that server still"
                " answers after the shutdown of the one that was deployed last."
            )

    def test_kill_of_the_operator_leaves_nothing_that_answers_and_the_run_is_resumed(
        self, tmp_path: Path
    ) -> None:
        configuration = tmp_path / "run.yaml"
        run = self._run(tmp_path, self.configuration(tmp_path))
        configuration.write_text(json.dumps(run, default=str), encoding="utf-8")
        path = tmp_path / "famulus.db"
        with contextlib.ExitStack() as stack:
            launch = stack.enter_context(famulus_command("launch", configuration, database=path))
            url = launch.url()
            if not self.starts_server:
                # What serves outside does not end with the operator.
                database = stack.enter_context(Database(path))
                stack.enter_context(self._outside(database, url))
            page = ScriptedWorker(HttpTransport(url), "before").open()

            launch.process.kill()

            assert not self.starts_server or _happens(lambda: not _is_served(url), _PATIENCE), (
                "A server must end with its operator, also after kill -9 and with all processes"
                f" that it has forked: {url} is served {_PATIENCE:.0f} seconds later."
            )
            operator = stack.enter_context(WatchedOperator(path))
            again = operator.resume(1).url

            assert again == url, _moved(url, again)
            worker = ScriptedWorker(HttpTransport(again), "before")
            answer = worker.submit(page)
            assert answer.outcome == "stored", (
                "A form that was opened before the operator was killed must be stored by the"
                f" resumed run; the reply was: {answer.text}"
            )

    @contextlib.contextmanager
    def _served(
        self, tmp_path: Path, provider: str = "mock"
    ) -> Iterator[tuple[WatchedOperator, Architect, str]]:
        run = self._run(tmp_path, self.configuration(tmp_path), provider)
        operator = WatchedOperator(tmp_path / "famulus.db")
        with operator:
            url = operator.launch(run).url
            with self._outside(operator.database, url):
                yield operator, operator.architect, url

    @contextlib.contextmanager
    def _outside(self, database: Database, url: str) -> Iterator[None]:
        """Have another program serve the first run, if the architect starts no server."""
        if self.starts_server:
            yield
            return
        gateway = open_gateway(database, 1)
        with contextlib.closing(gateway), self.serve_outside(gateway, url):
            yield

    def _run(
        self, tmp_path: Path, options: dict[str, Any], provider: str = "mock"
    ) -> dict[str, Any]:
        return run_of(self.architect, options, tmp_path, provider=provider)


def _assert_stored(answer: Response, rule: str) -> None:
    assert answer.outcome == "stored", f"{rule}, and the server answered: {answer.text}"


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)


def _is_served(url: str) -> bool:
    try:
        socket.create_connection(_address(url), timeout=_PATIENCE).close()
    except OSError:
        return False
    return True


def _happens(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _moved(url: str, again: str) -> str:
    return (
        "Workers have the page open, so a run that is served again keeps its address:"
        f" {url}, not {again}."
    )
