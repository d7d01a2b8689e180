"""Requests that are answered together: order, failures, lost clients, the server's end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from famulus.testing.waiting import wait_until
from famulus_flask.app import create_app
from famulus_flask.serving.batch import Batch
from famulus_flask.serving.server import Server
from famulus_flask.serving.settings import Settings
from received_bytes import received

T = TypeVar("T")

_PATIENCE = 20.0


def _get(target: str, more: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def _bodies(received: bytes) -> list[str]:
    """Return the bodies of replies that each announce a length."""
    bodies = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        bodies.append(received[:length].decode())
        received = received[length:]
    return bodies


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: tests in a browser leave a loop in the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result(_PATIENCE)


class _Gate:
    """Holds up calls of ``answer_together``, and with the first the event loop or a thread."""

    def __init__(self, gateway: Any) -> None:
        self._answer = gateway.answer_together
        gateway.answer_together = self._call
        self.reached, self.opened = threading.Semaphore(0), threading.Event()

    def _call(self, requests: Sequence[Any]) -> Any:
        self.reached.release()
        assert self.opened.wait(_PATIENCE)
        return self._answer(requests)


@pytest.fixture(params=["on the loop", "in threads"])
def gateway(stub_gateway: Any, request: pytest.FixtureRequest) -> Any:
    stub_gateway.is_quick = True
    stub_gateway.waits_for_server = request.param == "in threads"
    return stub_gateway


on_the_loop = pytest.mark.parametrize("gateway", ["on the loop"], indirect=True)
in_threads = pytest.mark.parametrize("gateway", ["in threads"], indirect=True)


@on_the_loop
def test_all_requests_that_have_arrived_share_a_transaction(serve: Any, gateway: Any) -> None:
    gate = _Gate(gateway)
    served = serve(create_app(gateway))
    with contextlib.ExitStack() as stack:
        first, *others = [stack.enter_context(served.connect()) for _ in range(71)]
        wait_until(lambda: len(served.server._connections) == 71, "all connections")
        first.sendall(_get("/?worker=first"))
        assert gate.reached.acquire(timeout=_PATIENCE)
        for number, client in enumerate(others):
            client.sendall(_get(f"/?worker={number}", "Connection: close\r\n"))
        gate.opened.set()

        replies = [received(client) for client in others]

    assert gateway.batches == [1, 64, 6]
    assert [json.loads(_bodies(reply)[0]) for reply in replies] == [
        {"worker": str(number)} for number in range(70)
    ]


@in_threads
def test_all_that_arrive_while_both_threads_wait_are_sent_together(
    serve: Any, gateway: Any
) -> None:
    gate = _Gate(gateway)
    served = serve(create_app(gateway), transaction_seconds=_PATIENCE)
    with contextlib.ExitStack() as stack:
        *first, last = [stack.enter_context(served.connect()) for _ in range(73)]
        for number, client in enumerate(first[:2]):
            client.sendall(_get(f"/?worker={number}", "Connection: close\r\n"))
            assert gate.reached.acquire(timeout=_PATIENCE)
        for number, client in enumerate(first[2:], 2):
            client.sendall(_get(f"/?worker={number}", "Connection: close\r\n"))
        wait_until(lambda: len(served.server.fast_path._batch) == 72, "all requests")
        last.sendall(_get("/healthz", "Connection: close\r\n"))
        assert json.loads(_bodies(received(last))[0])
        gate.opened.set()

        replies = [received(client) for client in first]

    assert sorted(gateway.batches) == [1, 1, 6, 64]
    assert [json.loads(_bodies(reply)[0]) for reply in replies] == [
        {"worker": str(number)} for number in range(72)
    ]


@in_threads
def test_requests_behind_groups_that_take_too_long_are_answered_by_the_application(
    serve: Any, gateway: Any
) -> None:
    gate = _Gate(gateway)
    served = serve(create_app(gateway), transaction_seconds=0.2, sweep_seconds=0.05)
    with contextlib.ExitStack() as stack:
        stack.callback(gate.opened.set)
        clients = [stack.enter_context(served.connect()) for _ in range(4)]
        for number, client in enumerate(clients):
            client.sendall(_get(f"/?worker={number}", "Connection: close\r\n"))
            assert number > 1 or gate.reached.acquire(timeout=_PATIENCE)

        late = [json.loads(_bodies(received(client))[0]) for client in clients[2:]]
        assert not gateway.batches
        gate.opened.set()
        held_up = [json.loads(_bodies(received(client))[0]) for client in clients[:2]]

    assert held_up + late == [{"worker": str(number)} for number in range(4)]


@pytest.mark.parametrize("senders", [1, 2, 3])
def test_no_turn_of_the_loop_is_waited_for_once_each_connection_has_sent(senders: int) -> None:
    async def turns_until_answered() -> int:
        replies: list[str | None] = []
        loop = asyncio.get_running_loop()
        batch: Batch[str, str] = Batch(loop, lambda requests: requests, lambda: senders)
        batch.add("one", replies.append)
        batch.add("two", replies.append)
        turns = 0
        while not replies:
            turns += 1
            await asyncio.sleep(0)
        assert replies == ["one", "two"]
        return turns

    assert _run(turns_until_answered()) == (1 if senders <= 2 else 2)


@pytest.mark.parametrize("targets", [["/?a=1", "/?slow=2", "/?a=3"], ["/?slow=1", "/?a=2"] * 9])
def test_pipelined_replies_keep_their_order_on_both_ways(
    serve: Any, gateway: Any, targets: list[str]
) -> None:
    served = serve(create_app(gateway))
    requests = [_get(target) for target in targets]

    received = served.talk(b"".join(requests) + _get("/healthz", "Connection: close\r\n"))

    bodies = [json.loads(each) for each in _bodies(received)]
    assert bodies[:-1] == [dict([target[2:].split("=")]) for target in targets]
    assert gateway.batches == [1] * sum("a=" in target for target in targets)


def test_request_that_turns_out_to_be_unusual_is_answered_by_the_application(
    serve: Any, gateway: Any
) -> None:
    asked = []
    arrive = gateway.arrive

    def count(query: Any, *, accept_language: str) -> Any:
        asked.append((dict(query), threading.current_thread().name))
        return arrive(query, accept_language=accept_language)

    gateway.arrive = count
    gateway.answer_together = lambda requests: [None] * len(requests)
    served = serve(create_app(gateway))

    received = served.talk(_get("/?worker=x", "Connection: close\r\n"))

    assert _bodies(received) == ['{"worker": "x"}']
    ((query, thread),) = asked
    assert query == {"worker": "x"}
    assert thread.startswith("famulus-request-")


@pytest.mark.parametrize("name", ["begin_arrival", "answer_together"])
def test_gateway_that_fails_is_reported_and_the_application_answers(
    serve: Any, gateway: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a mistake")

    setattr(gateway, name, fail)
    served = serve(create_app(gateway))

    received = served.talk(_get("/?worker=x", "Connection: close\r\n"))

    assert _bodies(received) == ['{"worker": "x"}']
    assert caplog.text.count("ZeroDivisionError: a mistake") == 1


def test_slow_database_is_left_to_threads_for_a_while(serve: Any, gateway: Any) -> None:
    answer, in_time = gateway.answer_together, threading.Event()

    def take_long(requests: Sequence[Any]) -> Any:
        in_time.wait(0.3)
        return answer(requests)

    gateway.answer_together = take_long
    served = serve(create_app(gateway), transaction_seconds=0.2)
    request = _get("/?a=1", "Connection: close\r\n")

    replies = [served.talk(request) for _ in range(3)]

    assert [_bodies(reply) for reply in replies] == [['{"a": "1"}']] * 3
    assert gateway.batches == [1]
    in_time.set()
    wait_until(lambda: served.talk(request) and len(gateway.batches) > 1, "the end of the rest")


def test_page_that_hangs_in_a_thread_delays_no_other(serve: Any, gateway: Any) -> None:
    arrive, hanging, ending = gateway.arrive, threading.Semaphore(0), threading.Event()

    def hang(query: Any, *, accept_language: str) -> Any:
        if "slow" in query:
            hanging.release()
            assert ending.wait(_PATIENCE)
        return arrive(query, accept_language=accept_language)

    gateway.arrive = hang
    served = serve(create_app(gateway), threads=4, queue_seconds=60.0)
    with contextlib.ExitStack() as stack:
        stack.callback(ending.set)
        for _ in range(12):
            stack.enter_context(served.connect()).sendall(_get("/?slow=1"))
        for _ in range(4):
            assert hanging.acquire(timeout=_PATIENCE)

        for number in range(20):
            received = served.talk(_get(f"/?a={number}", "Connection: close\r\n"))
            assert _bodies(received) == [f'{{"a": "{number}"}}']


def test_request_whose_client_is_lost_while_it_waits_is_answered(serve: Any, gateway: Any) -> None:
    answered = _record_answers(gateway)
    begin = gateway.begin_arrival

    def lose(query: Any, *, accept_language: str) -> Any:
        for connection in served.server._connections:
            connection.transport.abort()
        return begin(query, accept_language=accept_language)

    gateway.begin_arrival = lose
    served = serve(create_app(gateway))

    assert served.talk(_get("/?a=1") + _get("/?a=2")) == b""

    wait_until(lambda: bool(answered), "the answer to the request that had begun")
    served.stop()
    assert answered == [{"a": "1"}]


def test_client_that_stops_sending_gets_its_reply(serve: Any, gateway: Any) -> None:
    served = serve(create_app(gateway))
    with served.connect() as client:
        client.sendall(_get("/?a=1"))
        client.shutdown(socket.SHUT_WR)

        assert _bodies(received(client)) == ['{"a": "1"}']

    assert gateway.batches == [1]


def test_slow_reader_of_replies_is_not_answered_further(serve: Any, gateway: Any) -> None:
    served = serve(create_app(gateway))
    long = "x" * 30_000
    with served.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sent = 0
        with contextlib.suppress(TimeoutError):
            client.settimeout(0.5)
            for _ in range(2000):
                client.sendall(_get(f"/?a={long}"))
                sent += 1
        (connection,) = served.server._connections
        assert connection.transport.get_write_buffer_size() < 4 * len(long) + 64 * 1024
        assert sum(gateway.batches) < sent


def _record_answers(gateway: Any) -> list[dict[str, str]]:
    """Return a list to which the query of each arrival is added when it is answered."""
    answered: list[dict[str, str]] = []
    arrive = gateway.arrive

    def record(query: Any, *, accept_language: str) -> Any:
        answered.append(dict(query))
        return arrive(query, accept_language=accept_language)

    gateway.arrive = record
    return answered


@pytest.mark.parametrize("is_lost", [False, True])
def test_server_that_stops_answers_what_waits(gateway: Any, is_lost: bool) -> None:
    """In an event loop of the test's own, which is stopped while the request waits."""
    listener = socket.create_server(("127.0.0.1", 0))
    answered = _record_answers(gateway)
    begin = gateway.begin_arrival

    async def serve_and_stop() -> bytes:
        server = Server(create_app(gateway), listener, Settings(threads=1))
        stopping = asyncio.Event()

        def begin_and_stop(query: Any, *, accept_language: str) -> Any:
            stopping.set()
            for connection in list(server._connections) if is_lost else []:
                connection.transport.abort()
            return begin(query, accept_language=accept_language)

        gateway.begin_arrival = begin_and_stop
        serving = asyncio.create_task(server.serve_until(stopping, backlog=1))
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(_get("/?a=1"))
        received = b""
        with contextlib.suppress(ConnectionError):
            received = await asyncio.wait_for(reader.read(), _PATIENCE)
        writer.close()
        await asyncio.wait_for(serving, _PATIENCE)
        return received

    received = _run(serve_and_stop())

    assert answered == [{"a": "1"}]
    if is_lost:
        assert received == b""
    else:
        assert b"\r\nConnection: close\r\n" in received
        assert _bodies(received) == ['{"a": "1"}']


def test_requests_that_are_given_up_before_their_turn_leave_nothing_to_answer() -> None:
    answered: list[Sequence[str]] = []
    replies: list[str | None] = []

    def answer(requests: Sequence[str]) -> Sequence[str]:
        answered.append(requests)
        return requests

    async def give_up() -> None:
        loop = asyncio.get_running_loop()
        batch: Batch[str, str] = Batch(loop, answer, lambda: 2)
        batch.add("late", replies.append)
        assert batch.give_up(loop.time())
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(batch) == 0

    _run(give_up())

    assert (answered, replies) == ([], [None])


def test_reply_that_cannot_be_sent_keeps_no_other_from_its_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    replies: list[str | None] = []

    def fail(reply: str | None) -> None:
        raise OSError("on purpose")

    async def answer_both() -> None:
        batch: Batch[str, str] = Batch(asyncio.get_running_loop(), list, lambda: 2)
        batch.add("lost", fail)
        batch.add("other", replies.append)
        await asyncio.sleep(0)

    _run(answer_both())

    assert replies == ["other"]
    assert "a reply cannot be sent" in caplog.text
