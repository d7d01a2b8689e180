"""How often a request waits for PostgreSQL, which may be far away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator

pytestmark = pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)

#: A message that the server answers with that it is ready for others, and whose answer is awaited:
#: a message of the server comes next.
_ASKS = re.compile("^(?:[^\t]*\t)?F\t\\d+\t(?:Sync|Query).*\n(?=(?:[^\t\n]*\t)?B\t)", re.MULTILINE)


class RoundTrips:
    """Count what one connection asks, in libpq's trace of it."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        self._file = file
        self.count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        backend = self._database._open()
        with self._file.open("w") as file:
            with backend._pool.borrow() as connection:  # type: ignore[union-attr]
                connection.pgconn.trace(file.fileno())
            yield
            with backend._pool.borrow() as connection:  # type: ignore[union-attr]
                connection.pgconn.untrace()
        self.count = len(_ASKS.findall(self._file.read_text()))


@pytest.fixture
def trips(database: Database, tmp_path: Path) -> RoundTrips:
    return RoundTrips(database, tmp_path / "trace")


def test_an_everyday_arrival_takes_one_round_trip(
    operator: ManualOperator, trips: RoundTrips
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(3)])
    worker = GatewayWorker(gateway, "x")

    with trips.counted():
        newcomer = worker.arrive("1")
    assert trips.count == 1

    with trips.counted():
        known = worker.arrive("2")
    assert trips.count == 1
    assert (newcomer.row, known.row) == ({"n": 0}, {"n": 1})


def test_an_everyday_submission_takes_one_round_trip(
    operator: ManualOperator, trips: RoundTrips
) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": n} for n in range(3)]), "x")
    page = worker.arrive()

    with trips.counted():
        reply = worker.submit(page)

    assert trips.count == 1
    assert reply.status == 200
