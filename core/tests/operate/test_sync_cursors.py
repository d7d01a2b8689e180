"""A platform that lists what has changed is read from where its reports were stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from famulus.contracts.provider_views import (
    Capabilities,
    RunView,
    SyncCursor,
    VisitReport,
    VisitView,
)
from famulus.engine.gateway import Gateway
from famulus.engine.platform.visit_sync import sync_run
from famulus.errors import PluginError, UnavailableError
from famulus.model.database import Database
from famulus.model.states import VisitStatus
from famulus.model.tables import VisitTable
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.testing.fake_platform import Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider

SUBMITTED = VisitStatus.SUBMITTED


class ListingProvider(CrowdProvider):
    """A crowd whose platform lists its changes; an exception among them is raised."""

    type = "listing"
    capabilities = Capabilities(reports_submissions=True)
    sync_seconds = 0
    log: list[Any]
    #: the cursor of each call
    asked: list[str | None]

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterator[VisitReport | SyncCursor]:
        self.asked.append(cursor)
        start = int(cursor or 0)
        for number, change in enumerate(self.log[start:], start + 1):
            if isinstance(change, BaseException):
                raise change
            yield change
            yield SyncCursor(str(number))


@pytest.fixture
def listing() -> type[ListingProvider]:
    return type("Listing", (ListingProvider,), {"log": [], "asked": []})


@pytest.fixture
def plugins(listing: type[ListingProvider]) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(listing))


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows([{"n": number} for number in range(9)], provider="listing")


def submitted(worker: str) -> VisitReport:
    """Return the report on a worker's submission."""
    return VisitReport(worker_name=worker, reference=worker, status=SUBMITTED)


def statuses(database: Database) -> dict[str, VisitStatus]:
    """Return the status of each visit, by its reference."""
    with database.read() as tx:
        rows = tx.rows(VisitTable.select(VisitTable.reference, VisitTable.status))
    return {row.reference: row.status for row in rows}


def test_operator_goes_on_from_the_stored_cursor_and_a_sync_by_hand_starts_over(
    gateway: Gateway,
    operator: ManualOperator,
    listing: type[ListingProvider],
    database: Database,
    plugins: Plugins,
) -> None:
    GatewayWorker(gateway, "a").arrive("a")
    listing.log += [submitted("a"), submitted("b")]
    operator.turn()
    operator.turn()
    by_hand = sync_now(database, plugins, gateway.run_id).synced

    assert listing.asked == [None, "2", None]
    assert (by_hand.asked, by_hand.changed) == (0, {})
    assert statuses(database) == {"a": SUBMITTED, "b": SUBMITTED}


def test_cursor_is_stored_after_the_reports_before_it(
    gateway: Gateway, operator: ManualOperator, listing: type[ListingProvider], database: Database
) -> None:
    bound = operator.managed(gateway.run_id).bound
    listing.log += [submitted("a"), Killed(), submitted("c")]
    with pytest.raises(Killed):
        sync_run(database, bound.provider, bound.run_view())
    assert statuses(database) == {"a": SUBMITTED}

    listing.log[1] = submitted("b")
    synced = sync_run(database, bound.provider, bound.run_view())

    assert listing.asked == [None, "1"]
    assert synced.changed == {SUBMITTED: 2}


def test_reports_that_are_repeated_after_a_kill_have_no_second_effect(
    gateway: Gateway, operator: ManualOperator, listing: type[ListingProvider], database: Database
) -> None:
    bound = operator.managed(gateway.run_id).bound

    class Ended(listing):  # type: ignore[misc, valid-type]
        def sync(self, *arguments: Any) -> Iterator[VisitReport | SyncCursor]:
            yield next(super().sync(*arguments))
            raise Killed

    listing.log += [submitted("a")]
    with pytest.raises(Killed):
        sync_run(database, Ended(bound.provider.args, bound.provider.context), bound.run_view())
    synced = sync_run(database, bound.provider, bound.run_view())

    assert (listing.asked, synced.changed) == ([None, None], {})
    assert statuses(database) == {"a": SUBMITTED}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (ValueError("no page 2"), r"'listing' failed in sync\(\): ValueError: no page 2"),
        (SystemExit(3), r"'listing' failed in sync\(\): SystemExit: 3"),
        ("submitted", "it reported 'submitted', not a VisitReport"),
    ],
)
def test_fault_of_a_provider_is_named_and_earlier_reports_count(
    gateway: Gateway,
    operator: ManualOperator,
    listing: type[ListingProvider],
    database: Database,
    plugins: Plugins,
    fault: Any,
    message: str,
) -> None:
    listing.log += [submitted("a"), fault]

    with pytest.raises(PluginError, match=message):
        sync_now(database, plugins, gateway.run_id)

    assert statuses(database) == {"a": SUBMITTED}


def test_unavailable_platform_stays_unavailable(
    gateway: Gateway, listing: type[ListingProvider], database: Database, plugins: Plugins
) -> None:
    listing.log += [UnavailableError("throttled")]

    with pytest.raises(UnavailableError, match="throttled"):
        sync_now(database, plugins, gateway.run_id)


def test_visits_are_read_while_they_are_asked_for(
    gateway: Gateway,
    operator: ManualOperator,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("famulus.engine.platform.visit_sync._BATCH", 2)
    for name in "abcd":
        GatewayWorker(gateway, name).arrive(name)
    bound = operator.managed(gateway.run_id).bound

    class Asking(ListingProvider):
        def sync(
            self, run: RunView, visits: Iterable[VisitView], cursor: str | None
        ) -> Iterator[VisitReport | SyncCursor]:
            for visit in visits:
                # The next page is not affected by what is reported about this one.
                yield VisitReport(
                    worker_name=visit.worker_name,
                    reference=visit.reference,
                    status=VisitStatus.RETURNED,
                )

    provider = Asking(bound.provider.args, bound.provider.context)
    synced = sync_run(database, provider, bound.run_view())

    assert (synced.asked, synced.changed) == (4, {VisitStatus.RETURNED: 4})
