"""Print which of our files an arrival and a submission enter; fail where too many of the engine.

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
from typing import Any, TypeVar

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
_ENGINE = "famulus/engine/"
_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = (_ROOT / "core" / "src", *_ROOT.glob("plugins/*/src"))


def trace(request: Callable[[], T]) -> tuple[T, Counter[str]]:
    """Run a request in a thread, as a server does; count the calls into each of our files."""
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
    return results[0], Counter(ours)


def everyday_requests(gateway: Gateway, worker: str) -> dict[str, Counter[str]]:
    """Have a worker arrive for the first time and submit; return the calls of each request."""
    query = {"worker_id": worker, "assignment_id": f"visit of {worker}"}
    arrive: Callable[[], Reply] = partial(gateway.arrive, query)
    reply, arrival = trace(arrive)
    fields = [*seen(reply).hidden.items(), ("answer", "yes")]
    submit: Callable[[], Reply] = partial(gateway.submit, Form(fields=fields, files=()))
    reply, submission = trace(submit)
    if "stored" not in reply.body:
        raise RuntimeError(f"the submission was answered with {reply.status}: {reply.body}")
    return {"an arrival": arrival, "a submission": submission}


def main() -> int:
    """Print the files of both requests; return 1 where one enters more than it may."""
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
    for name, calls in requests.items():
        engine = [file for file in calls if file.startswith(_ENGINE)]
        too_many = too_many or len(engine) > MOST_FILES
        print(
            f"{name} enters {len(engine)} files of the engine (at most {MOST_FILES}),"
            f" {len(calls)} of ours in all, in {calls.total()} calls:"
        )
        for file, count in sorted(calls.items()):
            print(f"  {count:4}  {file}")
    return int(too_many)


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
