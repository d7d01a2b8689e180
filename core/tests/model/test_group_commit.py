"""Many threads share few commits, and no thread ever pays for another's fault."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.group_commit import GroupCommit, QueuedJob
from famulus.model.sqlite import SqliteBackend
from famulus.model.transaction import Transaction
from famulus.testing.waiting import wait_until

TABLE = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "notes.db") as opened:
        opened.write(lambda tx: tx.sql(TABLE))
        yield opened


def add(text: str) -> Callable[[Transaction], int]:
    return lambda tx: int(tx.sql("INSERT INTO note (text) VALUES (?)", (text,)).lastrowid)


def notes(database: Database) -> list[str]:
    with database.read() as tx:
        return [row[0] for row in tx.sql("SELECT text FROM note ORDER BY id")]


class Queue:
    """Jobs that queue up behind one that waits, so that they come in one batch."""

    def __init__(self, write: Callable[[Any], Any]) -> None:
        self._write = write
        self._pool = ThreadPoolExecutor(32)
        self._go_on = threading.Event()
        self.jobs: list[Future[Any]] = []

    def __enter__(self) -> Queue:
        started = threading.Event()

        def first(_: Any) -> None:
            started.set()
            self._go_on.wait()

        self.leader = self._pool.submit(self._write, first)
        started.wait()
        return self

    def put(self, job: Callable[[Any], Any], group: GroupCommit) -> None:
        """Queue a job, and wait until it is in the queue."""
        waiting = len(group._queue)
        self.jobs.append(self._pool.submit(self._write, job))
        wait_until(lambda: len(group._queue) != waiting, "the job is in the queue")

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        self._pool.shutdown()


def group_of(database: Database) -> GroupCommit:
    backend = database._open()
    assert isinstance(backend, SqliteBackend)
    return backend._group


def test_jobs_that_queue_up_are_run_in_their_order_and_get_their_own_results(
    database: Database,
) -> None:
    with Queue(database.write) as queue:
        for n in range(5):
            queue.put(add(f"note {n}"), group_of(database))

    assert [job.result() for job in queue.jobs] == [1, 2, 3, 4, 5]
    assert notes(database) == [f"note {n}" for n in range(5)]


def test_a_job_that_fails_is_undone_and_its_neighbours_are_kept(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        add("half done")(tx)
        raise LookupError("on purpose")

    with Queue(database.write) as queue:
        for job in (add("before"), fail, add("after")):
            queue.put(job, group_of(database))

    assert isinstance(queue.jobs[1].exception(), LookupError)
    assert notes(database) == ["before", "after"]


def test_a_job_that_ends_the_transaction_does_not_lose_the_other_jobs(
    database: Database,
) -> None:
    def roll_back(tx: Transaction) -> None:
        tx.sql("ROLLBACK")
        raise LookupError("on purpose")

    with Queue(database.write) as queue:
        for job in (add("before"), roll_back, add("after")):
            queue.put(job, group_of(database))

    acknowledged = [job for job in queue.jobs if job.exception() is None]
    assert len(acknowledged) == len(notes(database))
    assert database.write(add("later")) > 0


def test_jobs_queued_during_a_commit_are_in_the_next_batch() -> None:
    batches: list[int] = []
    committing, go_on = threading.Event(), threading.Event()

    def commit(batch: Sequence[QueuedJob[Any]]) -> None:
        batches.append(len(batch))
        committing.set()
        go_on.wait()

    group = GroupCommit(commit)
    with ThreadPoolExecutor(4) as pool:
        pool.submit(group.run, add("note"))
        committing.wait()
        for n in range(1, 4):
            pool.submit(group.run, add("note"))
            wait_for_queue(group, n)
        go_on.set()

    assert batches == [1, 3]


def test_a_batch_has_a_largest_size() -> None:
    sizes: list[int] = []
    go_on = threading.Event()

    def commit(batch: Sequence[QueuedJob[Any]]) -> None:
        sizes.append(len(batch))
        go_on.wait()

    group = GroupCommit(commit, most=2)
    with ThreadPoolExecutor(6) as pool:
        for n in range(6):
            pool.submit(group.run, add("note"))
            wait_for_queue(group, n)
        go_on.set()

    assert sizes == [1, 2, 2, 1]


def test_a_write_inside_a_write_is_refused(database: Database) -> None:
    with pytest.raises(RuntimeError, match="nested write"):
        database.write(lambda _: database.write(add("inner")))

    assert notes(database) == []


def interrupt_the_main_thread() -> None:
    """Press Ctrl-C."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


def wait_for_queue(group: GroupCommit, length: int) -> None:
    wait_until(lambda: len(group._queue) >= length, f"{length} jobs are in the queue")


def test_ctrl_c_while_waiting_does_not_block_other_threads(database: Database) -> None:
    group = group_of(database)
    with Queue(database.write) as queue:
        queue.put(add("before"), group)

        def meanwhile() -> None:
            wait_for_queue(group, 2)
            queue.put(add("after"), group)
            interrupt_the_main_thread()
            queue.__exit__()

        helper = threading.Thread(target=meanwhile)
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            database.write(add("interrupted"))
        helper.join()

    assert [job.exception() for job in queue.jobs] == [None, None]
    assert {"before", "after"} <= set(notes(database))
    assert database.write(add("later")) > 0


def test_ctrl_c_reaches_no_job_of_another_thread(database: Database) -> None:
    """The main thread's job is the first of a batch, and it is hit while the second is run."""
    group = group_of(database)

    def interrupting(tx: Transaction) -> int:
        interrupt_the_main_thread()
        return add("another's")(tx)

    with Queue(database.write) as queue:

        def meanwhile() -> None:
            wait_for_queue(group, 1)
            queue.put(interrupting, group)
            queue.put(add("the last"), group)
            queue.__exit__()

        helper = threading.Thread(target=meanwhile)
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            database.write(add("the main thread's"))
        helper.join()

    assert [job.exception() for job in queue.jobs] == [None, None]
    assert notes(database)[-2:] == ["another's", "the last"]
    assert database.write(add("later")) > 0


def leave_room_for(database: Database, pages: int) -> None:
    """Let the disk be full after so many more pages."""
    backend = database._open()
    assert isinstance(backend, SqliteBackend)
    used = backend._writer.execute("PRAGMA page_count").fetchone()[0]
    backend._writer.execute(f"PRAGMA max_page_count = {used + pages}")


def test_full_disk_loses_nothing_acknowledged_and_passes(database: Database) -> None:
    leave_room_for(database, 8)
    kept: list[str] = []

    def fill() -> None:
        while True:
            text = f"{len(kept):04d}" + "x" * 2000
            database.write(add(text))
            kept.append(text)

    with pytest.raises(UnavailableError, match="full"):
        fill()

    assert notes(database) == kept
    leave_room_for(database, 1000)
    assert database.write(add("later")) > 0
    assert notes(database) == [*kept, "later"]


def test_full_disk_in_the_middle_of_a_batch_acknowledges_only_what_is_kept(
    database: Database,
) -> None:
    leave_room_for(database, 3)
    texts = [f"{n}" + "x" * 3000 for n in range(10)]

    with Queue(database.write) as queue:
        for text in texts:
            queue.put(add(text), group_of(database))

    pairs = zip(texts, queue.jobs, strict=True)
    acknowledged = [text for text, job in pairs if job.exception() is None]
    assert notes(database) == acknowledged
    assert len(acknowledged) < len(texts)


WRITER = """
import sys
from famulus.model.database import Database

with Database(sys.argv[1]) as database:
    for n in range(100):
        database.write(lambda tx: tx.sql("INSERT INTO note (text) VALUES (?)", (sys.argv[2],)))
"""


def test_two_processes_that_write_at_once_lose_nothing(database: Database) -> None:
    path = str(database.location.path)
    processes = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(WRITER), path, name])
        for name in ("one", "two")
    ]

    assert [process.wait(timeout=60) for process in processes] == [0, 0]

    assert sorted(notes(database)) == ["one"] * 100 + ["two"] * 100


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    """The operating system's own limit, in a process that keeps going on."""
    script = """
    import resource, signal, sys
    from famulus.errors import UnavailableError
    from famulus.model.database import Database

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    database = Database(sys.argv[1])
    database.write(lambda tx: tx.sql("CREATE TABLE note (text TEXT)"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
    stored = 0
    try:
        while True:
            database.write(lambda tx: tx.sql("INSERT INTO note VALUES (?)", ("x" * 10000,)))
            stored += 1
    except UnavailableError:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    database.write(lambda tx: tx.sql("INSERT INTO note VALUES ('later')"))
    with database.read() as tx:
        found = tx.sql("SELECT count(*) FROM note").fetchone()[0]
    assert stored > 0 and found == stored + 1, (stored, found)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "full.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
