"""What a unit costs in the gateway alone: an arrival and a submission, without HTTP."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from pathlib import Path
from typing import Any

from bench.figures import Figure, milliseconds
from bench.scale import Scale
from famulus import Database, Form, Gateway, Reply, StartedRequest
from famulus.plugins import discover
from famulus.testing.inprocess import ManualOperator
from famulus.testing.kinds import KitPlugin

_ROUNDS = 5
_WORKERS = 50
#: Requests that share a transaction.
_TOGETHER = 8
#: Seconds of processor time.
_LIMIT = 0.0005
_HIDDEN = re.compile(r'<input type="hidden" name="(famulus_\w+)" value="([^"]*)"')

Ask = Callable[[Sequence[Any]], Sequence[Reply]]


def run(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Serve a run of ``static_task`` and ``mock`` in this process; report the cheapest round."""
    each = min(scale.small // (2 * _ROUNDS * _TOGETHER), 200) * _TOGETHER
    plugins = discover()
    plugins.add("kit", KitPlugin())
    with (
        Database(folder / "famulus.db") as database,
        ManualOperator(database, plugins=plugins) as operator,
    ):
        launched = operator.launch(_configuration(folder, each * 2 * _ROUNDS))
        operator.load_all(launched)
        gateway = operator.gateway(launched)
        ways: dict[str, Ask] = {
            "one by one": lambda requests: [_answered(gateway, each) for each in requests],
            f"{_TOGETHER} together": lambda requests: _answered_together(gateway, requests),
        }
        for name, ask in ways.items():
            rounds = [_round(ask, f"{name} {number}", each) for number in range(_ROUNDS)]
            yield Figure(
                subject="gateway",
                what=f"a unit, {name}, without HTTP: processor",
                measured=milliseconds(min(rounds)),
                beside=f"dearest round {milliseconds(max(rounds))}",
                goal=f"at most {milliseconds(_LIMIT)}",
                met=min(rounds) <= _LIMIT,
            )


def _round(ask: Ask, prefix: str, units: int) -> float:
    """Return the processor time of a unit, in seconds."""
    seconds: list[float] = []

    def work() -> None:
        started = time.process_time()
        for first in range(0, units, _TOGETHER):
            numbers = range(first, first + _TOGETHER)
            pages = ask(
                [
                    {"worker_id": f"w{n % _WORKERS}", "assignment_id": f"{prefix} {n}"}
                    for n in numbers
                ]
            )
            for reply in ask([_form(page) for page in pages]):
                if reply.status != 200:
                    raise RuntimeError(f"a submission was answered with {reply.body}")
        seconds.append((time.process_time() - started) / units)

    # The main thread writes by way of another one, so that Ctrl-C interrupts no job.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (found,) = seconds
    return found


def _answered(gateway: Gateway, request: Any) -> Reply:
    if isinstance(request, Form):
        return gateway.submit(request, as_json=True)
    return gateway.arrive(request)


def _answered_together(gateway: Gateway, requests: Sequence[Any]) -> Sequence[Reply]:
    replies = gateway.answer_together([_begun(gateway, each) for each in requests])
    return [
        _answered(gateway, request) if reply is None else reply
        for request, reply in zip(requests, replies, strict=True)
    ]


def _begun(gateway: Gateway, request: Any) -> StartedRequest:
    is_form = isinstance(request, Form)
    begun = (
        gateway.begin_submission(request, as_json=True)
        if is_form
        else gateway.begin_arrival(request)
    )
    if begun is None:
        raise RuntimeError(f"not the everyday case: {request}")
    return begun


def _form(page: Reply) -> Form:
    hidden = [(name, unescape(value)) for name, value in _HIDDEN.findall(page.body)]
    return Form(fields=[*hidden, ("answer", "an answer")])


def _configuration(folder: Path, units: int) -> dict[str, Any]:
    page, data = folder / "task.html", folder / "data.csv"
    page.write_text('<p>${text}</p><input name="answer" required>', encoding="utf-8")
    rows = "".join(f"row {n}\n" for n in range(units))
    data.write_text(f"text\n{rows}", encoding="utf-8")
    task = {
        "task_name": "gateway",
        "task_title": "A task",
        "task_description": "Of a measurement.",
        "task_reward": "0.10",
    }
    return {
        "defaults": [{"blueprint": "static_task"}, {"architect": "nowhere"}, {"provider": "mock"}],
        "blueprint": {"task_source": str(page), "data_csv": str(data)},
        "task": task,
    }
