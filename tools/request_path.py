"""Print which of our files an arrival and a submission enter, and in how many calls.

It fails where a request enters too many files of the engine, or both make too many calls.

A run of the blueprint ``static_task`` and the provider ``mock`` is opened in this process, without
HTTP. A worker who is new arrives and submits; the requests of another one before have compiled
what is compiled once.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Generic, TypeVar

from attrs import frozen

from famulus import Database
from famulus.contracts.views import Form, Reply
from famulus.engine.gateway import Gateway
from famulus.plugins import discover
from famulus.testing.inprocess import ManualOperator, seen
from famulus.testing.kinds import KitPlugin

T = TypeVar("T")

#: Files of the engine that a request may enter: how many a reader has to open to follow it, beside
#: those of the database and of the plugins of the run.
MOST_FILES = 12
#: Calls of functions in Python, of any package, that a unit may take: an arrival and a submission.
MOST_CALLS = 750
_ENGINE = "famulus/engine/"
_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = (_ROOT / "core" / "src", *_ROOT.glob("plugins/*/src"))


@frozen
class Trace(Generic[T]):
    """What a request has done."""

    result: T
    #: the number of calls into each of our files
    ours: Counter[str]
    #: the number of calls of functions in Python, of any package
    calls: int


def trace(request: Callable[[], T]) -> Trace[T]:
    """Run a request in a thread, as a server does; count its calls."""
    calls: Counter[str] = Counter()
    results: list[T] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            calls[frame.f_code.co_filename] += 1

    def run() -> None:
        sys.setprofile(profile)
        results.append(request())
        sys.setprofile(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    ours = {
        Path(file).relative_to(source).as_posix(): count
        for file, count in calls.items()
        for source in _SOURCES
        if Path(file).is_relative_to(source)
    }
    return Trace(results[0], Counter(ours), calls.total())


def everyday_requests(gateway: Gateway, worker: str) -> dict[str, Trace[Reply]]:
    """Have a worker arrive for the first time and submit; return what each request has done."""
    query = {"worker_id": worker, "assignment_id": f"visit of {worker}"}
    arrive: Callable[[], Reply] = partial(gateway.arrive, query)
    arrival = trace(arrive)
    fields = [*seen(arrival.result).hidden.items(), ("answer", "yes")]
    submit: Callable[[], Reply] = partial(gateway.submit, Form(fields=fields, files=()))
    submission = trace(submit)
    reply = submission.result
    if "stored" not in reply.body:
        raise RuntimeError(f"the submission was answered with {reply.status}: {reply.body}")
    return {"an arrival": arrival, "a submission": submission}


def main() -> int:
    """Print what both requests do; return 1 where that is more than it may be."""
    with TemporaryDirectory() as folder, Database(Path(folder) / "famulus.db") as database:
        plugins = discover()
        plugins.add("kit", KitPlugin())
        with ManualOperator(database, plugins=plugins) as operator:
            run = operator.launch(_configuration(Path(folder)))
            operator.load_all(run)
            gateway = operator.gateway(run)
            everyday_requests(gateway, "before")
            requests = everyday_requests(gateway, "new")
    too_many = False
    for name, request in requests.items():
        engine = [file for file in request.ours if file.startswith(_ENGINE)]
        too_many = too_many or len(engine) > MOST_FILES
        print(
            f"{name} enters {len(engine)} files of the engine (at most {MOST_FILES}),"
            f" {len(request.ours)} of ours in all, in {request.ours.total()} calls:"
        )
        for file, count in sorted(request.ours.items()):
            print(f"  {count:4}  {file}")
    ours = sum(request.ours.total() for request in requests.values())
    calls = sum(request.calls for request in requests.values())
    print(
        f"a unit takes {calls} calls in Python (at most {MOST_CALLS}),"
        f" {ours} of them into our files"
    )
    return int(too_many or calls > MOST_CALLS)


def _configuration(folder: Path) -> dict[str, Any]:
    page = folder / "task.html"
    page.write_text('<p>${text}</p><input name="answer" required>', encoding="utf-8")
    data = folder / "data.csv"
    data.write_text("text\nfirst\nsecond\nthird\n", encoding="utf-8")
    blueprint = {"task_source": str(page), "data_csv": str(data)}
    task = {
        "task_name": "request-path",
        "task_title": "A task",
        "task_description": "Of a measurement.",
        "task_reward": "0.10",
    }
    kinds = [{"blueprint": "static_task"}, {"architect": "nowhere"}, {"provider": "mock"}]
    return {"defaults": kinds, "blueprint": blueprint, "task": task}


if __name__ == "__main__":
    sys.exit(main())
