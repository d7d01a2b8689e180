"""The methods that the author of a provider defines for its conformance class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Arrival, VisitView
from famulus.contracts.receiving import PlatformRequest
from famulus.model.schema import PluginSchema
from famulus.model.tables import RequesterTable
from famulus.testing.conformance.harness import (
    PluginHarness,
    PluginUnderTest,
    open_harness,
    plugins_with,
)
from famulus.testing.kinds import RowsState

#: The data of every run of a provider under test.
ROWS = [{"n": number} for number in range(3)]


class ProviderUnderTest:
    """The methods that an author defines; each test calls them with a folder of its own."""

    #: The class under test.
    provider: ClassVar[type[Provider]]
    #: The provider's own tables, as its plugin registers them.
    schemas: ClassVar[Sequence[PluginSchema]] = ()
    #: Options of every task, besides texts and a reward, that the platform needs.
    task_options: ClassVar[Mapping[str, Any]] = {}
    #: A registration of a requester, besides its name, that is accepted.
    good_registration: ClassVar[Mapping[str, Any]] = {}
    #: Those that must be refused, if any can be wrong.
    bad_registrations: ClassVar[Sequence[Mapping[str, Any]]] = ()
    #: Seconds after which a test fails, since a method hangs.
    rule_seconds: ClassVar[float] = 120

    def prepare(self, harness: PluginHarness) -> None:
        """Prepare what the other methods need, such as rows in the provider's own tables.

        Called once for each test, with the harness that the test uses, before all other methods
        except :meth:`configuration`.
        """

    def query(self, worker: str, reference: str) -> dict[str, str]:
        """Return the query parameters with which a worker who has accepted the task arrives."""
        raise NotImplementedError(f"{type(self).__name__} must define query()")

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        """Return good options, as they would stand under ``provider:``."""
        return {}

    def platform_state(self) -> object:
        """Return the fake platform's state, for comparison; None if there is no platform."""
        return None

    def entry_query(self) -> dict[str, str] | None:
        """Return query parameters that lead to an entry form; None for a provider without one."""
        return None

    def entry_values(self, worker: str) -> dict[str, str]:
        """Return valid values for the fields of that form, as a worker enters them."""
        return {}

    def submitted_visit(self, harness: PluginHarness) -> VisitView:
        """Submit a visit on the fake platform, and return it.

        The visit has no verdict there yet. Needed if the platform pays, or reports submissions.
        """
        query = self.query("worker", "visit")
        arrival = self._accepted(harness, query)
        return VisitView(
            id=1,
            run_id=1,
            run_url="https://nowhere.invalid/",
            worker_name=arrival.worker_name,
            reference=arrival.reference,
            query=query,
        )

    def platform_request(
        self, harness: PluginHarness, worker: str, reference: str
    ) -> PlatformRequest | None:
        """Return a request of the platform about the visit of :meth:`query`, signed now.

        Return None for a platform that sends no requests.
        """
        return None

    def losing_a_reply(self, harness: PluginHarness) -> AbstractContextManager[object] | None:
        """Return a context in which the fake pays, but its reply is lost; None if it cannot."""
        return None

    def unpayable_visit(self, harness: PluginHarness) -> VisitView | None:
        """Return a visit for which the platform can never pay, such as one it has deleted.

        The visit belongs to the run of :meth:`submitted_visit`, which is called before. None if
        there can be no such visit, or the platform pays nothing.
        """
        return None

    @contextmanager
    def harness(self, tmp_path: Path) -> Iterator[PluginHarness]:
        """Open the harness of :meth:`configuration`."""
        with self._harness_of(tmp_path, self.configuration(tmp_path)) as harness:
            self.prepare(harness)
            yield harness

    def _harness_of(
        self, tmp_path: Path, options: Mapping[str, Any]
    ) -> AbstractContextManager[PluginHarness]:
        return open_harness(
            plugins_with(PluginUnderTest(providers=[self.provider], schemas=self.schemas)),
            tmp_path,
            state=lambda: RowsState(rows=[dict(row) for row in ROWS]),
            roles={"blueprint": "rows", "architect": "nowhere", "provider": self.provider.type},
            options={
                "architect": {"public_url": "https://nowhere.invalid/"},
                "provider": options,
                "task": self.task_options,
            },
            seconds=self.rule_seconds,
        )

    def _accepted(self, harness: PluginHarness, query: Mapping[str, str]) -> Arrival:
        """Return the arrival of a worker who has accepted."""
        found = harness.provider().arrive(query)
        assert isinstance(found, Arrival), (
            "arrive() must return an Arrival for a worker who has accepted, and returned"
            f" {found!r:.200}."
        )
        return found

    def _register(self, harness: PluginHarness) -> None:
        """Register the requester that a launch needs, unless the provider has a default one."""
        if self.provider.default_requester is not None:
            return
        name = getattr(harness.plan.provider.args, "requester_name", None) or "requester"
        harness.database.write(
            lambda tx: tx.insert(
                RequesterTable, provider_type=self.provider.type, name=name, created_at=tx.now
            )
        )
