"""What becomes of a visit, by its status here and the one that its platform reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import pytest
from attrs import frozen

from famulus.contracts.provider_views import VisitReport
from famulus.engine.gateway import Gateway
from famulus.engine.platform.visit_sync import SyncResult, sync_run
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, UnitTable, VisitTable
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

_V = VisitStatus

#: One line per status here, one column per report. A visit takes the status that is reported
#: (yes), or keeps its own: because nothing has changed (=), because the platform says only that the
#: work goes on (-), or because the report contradicts it, which is logged (no).
TABLE = """
                  acc  ret  tim  exp  sub  app  par  rej  scr
accepted           =   yes  yes  yes  yes  yes  yes  yes  yes
unknown            -   yes  yes  yes  yes  yes  yes  yes  yes
returned           -    =   no   no   yes  yes  yes  yes  yes
timed_out          -   yes   =   no   yes  yes  yes  yes  yes
expired            -   yes  no    =   yes  yes  yes  yes  yes
submitted          -   yes  no   no    =   yes  yes  yes  yes
approved           -   no   no   no   no    =   no   yes  no
partly_approved    -   no   no   no   no   no    =   no   no
rejected           -   yes  no   no   yes  yes  yes   =   yes
screened_out       -   no   no   no   no   no   no   no    =
"""
_COLUMNS = (
    _V.ACCEPTED,
    _V.RETURNED,
    _V.TIMED_OUT,
    _V.EXPIRED,
    _V.SUBMITTED,
    _V.APPROVED,
    _V.PARTIALLY_APPROVED,
    _V.REJECTED,
    _V.SCREENED_OUT,
)
#: The reports that lead to a status; an unknown one has none.
_COURSES: Mapping[VisitStatus, Sequence[VisitStatus]] = {
    _V.ACCEPTED: (),
    _V.UNKNOWN: (),
    **{status: (status,) for status in _COLUMNS[1:]},
}


@frozen(kw_only=True)
class Pair:
    """A status here and a report, and what the table says of them."""

    here: VisitStatus
    reported: VisitStatus
    said: str

    @property
    def becomes(self) -> VisitStatus:
        return self.reported if self.said == "yes" else self.here

    @property
    def is_withdrawn(self) -> bool:
        """Whether the answers do not count; a screen-out does not make them count again."""
        was_returned = self.here is VisitStatus.RETURNED
        is_screened_out = self.becomes is VisitStatus.SCREENED_OUT
        return self.becomes is VisitStatus.RETURNED or (was_returned and is_screened_out)


def read_table() -> list[Pair]:
    _, *lines = TABLE.strip().splitlines()
    return [
        Pair(here=VisitStatus(name), reported=reported, said=said)
        for name, *cells in map(str.split, lines)
        for reported, said in zip(_COLUMNS, cells, strict=True)
    ]


PAIRS = read_table()


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = platform.provider("asking", reports_submissions=True, requests_return=True)
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    """A run of two units."""
    return operator.launch_rows([{"n": 1}, {"n": 2}], provider="asking", submission_timeout=60)


@pytest.fixture
def report(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> Callable[[VisitStatus], SyncResult]:
    """A function that has the platform report the visit, and syncs."""

    def report(status: VisitStatus) -> SyncResult:
        amount = Decimal("0.05") if status is _V.PARTIALLY_APPROVED else None
        given = VisitReport(worker_name="a", reference="visit", status=status, amount=amount)
        platform.others = [given]
        bound = operator.managed(gateway.run_id).bound
        return sync_run(database, bound.provider, bound.run_view())

    return report


def read_status(database: Database, table: type[VisitTable | AgentTable | UnitTable]) -> object:
    """Return the status of the first row of a table."""
    with database.read() as tx:
        row = tx.row(table.select(table.status).order_by(table.id).limit(1))
    assert row is not None
    return row.status


def bring_to(
    status: VisitStatus,
    operator: ManualOperator,
    clock: MovableClock,
    report: Callable[[VisitStatus], SyncResult],
) -> None:
    """Give the visit, whose worker has answered, a status."""
    if status is VisitStatus.UNKNOWN:
        operator.turn()
        clock.advance(60)
        operator.turn()
    for each in _COURSES[status]:
        report(each)


def test_the_table_has_every_status_that_an_arrival_leads_to() -> None:
    """A visit is stored as accepted; no platform reports that it does not know."""
    assert {pair.here for pair in PAIRS} == {*VisitStatus} - {_V.ARRIVED}
    assert {pair.reported for pair in PAIRS} == {*VisitStatus} - {_V.ARRIVED, _V.UNKNOWN}


@pytest.mark.parametrize(
    "pair", PAIRS, ids=[f"{pair.here.name} {pair.reported.name}" for pair in PAIRS]
)
def test_a_visit_takes_the_status_that_is_reported_or_keeps_its_own(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    report: Callable[[VisitStatus], SyncResult],
    pair: Pair,
) -> None:
    worker = GatewayWorker(gateway, "a")
    worker.submit(worker.arrive("visit"))
    bring_to(pair.here, operator, clock, report)
    assert read_status(database, VisitTable) is pair.here

    result = report(pair.reported)

    assert read_status(database, VisitTable) is pair.becomes
    assert len(result.contradictions) == (pair.said == "no")
    assert read_status(database, AgentTable) is (
        AgentStatus.WITHDRAWN if pair.is_withdrawn else AgentStatus.COMPLETED
    )
    is_free = read_status(database, UnitTable) in (UnitStatus.CREATED, UnitStatus.LAUNCHED)
    assert is_free is pair.is_withdrawn
    assert report(pair.reported).changed == {}
