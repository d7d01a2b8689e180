"""The rules of a provider's reports, and of forgetting workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attrs import evolve

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    RunView,
    SyncCursor,
    VisitReport,
    VisitView,
)
from famulus.contracts.visit_verdict import Approve
from famulus.model.states import VisitStatus
from famulus.model.transaction import Transaction
from famulus.testing.conformance.batch_rules import ProviderBatchRules
from famulus.testing.conformance.harness import PluginHarness, must_not_raise

_PSEUDONYM = "forgotten-conformance-1"
#: What no worker is called.
_NO_NAME = "no worker of conformance"


class ProviderReportRules(ProviderBatchRules):
    """Each fact of the platform is reported at least once; a forgotten worker leaves no trace."""

    def test_submitted_visit_is_reported_from_a_cursor_of_before(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.provider.capabilities.reports_submissions:
                pytest.skip("the platform reports no submissions")
            run = harness.run_view()
            _, cursor = _sync(harness, run, [], None)
            visit = self.submitted_visit(harness)
            submitted = (visit.worker_name, visit.reference, VisitStatus.SUBMITTED)
            reported, later = _sync(harness, run, [visit], cursor)

            assert submitted in reported, (
                "sync() must report a visit that was submitted after the cursor: submitted_visit()"
                f" has submitted {submitted}, and from the cursor {cursor!r} on, the reports are"
                f" {reported}."
            )
            if later is not None:
                reported, _ = _sync(harness, run, [visit], None)
                assert submitted in reported, (
                    "sync() without a cursor must report every visit of the run again: without"
                    f" {submitted}, the reports are {reported}."
                )

    def test_looking_at_visits_reports_them_and_changes_nothing(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            provider, run = harness.provider(), harness.run_view()
            arrival = provider.arrive(self.query("worker", "visit"))
            visits = [_visit_of(arrival, run)] if isinstance(arrival, Arrival) else []
            before = self.platform_state()
            with must_not_raise("look() must report on open visits"):
                found: list[object] = [*provider.look(run, visits)]
            with must_not_raise("paid_visits() must report on visits that are paid"):
                found += provider.paid_visits(run)

            wrong = [each for each in found if not isinstance(each, VisitReport)]
            assert not wrong, f"look() and paid_visits() must return only reports, not {wrong}."
            assert self.platform_state() == before, (
                "look() and paid_visits() must change nothing on the platform."
            )

    def test_entrances_are_addresses(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness, must_not_raise("entrances() must return addresses"):
            provider, run = harness.provider(), harness.run_view()
            before = self.platform_state()
            addresses, words = [*provider.entrances(run)], provider.invitation(run)

            wrong = [each for each in addresses if urlsplit(each).scheme not in ("http", "https")]
            assert not wrong, f"entrances() must return web addresses, not {wrong}."
            assert isinstance(words, str), f"invitation() must return a sentence, not {words!r}."
            assert self.platform_state() == before, "entrances() must change nothing."

    def test_remarks_are_parts_of_sentences(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            run = harness.run_view()
            if self.provider.capabilities.reports_submissions:
                _sync(harness, run, [self.submitted_visit(harness)], None)
            provider, before = harness.provider(), self.platform_state()
            with must_not_raise("remarks() must return texts, on a run that is over too"):
                wrong = _no_parts_of_sentences(provider.remarks(run))
                wrong += _no_parts_of_sentences(provider.remarks(evolve(run, is_served=False)))

            assert not wrong, (
                "remarks() must return a sequence of parts of sentences, each a line without a full"
                f" stop: `famulus status` shows them in lines of its own. {wrong[0]!r} is none."
            )
            assert self.platform_state() == before, "remarks() must change nothing."

    def test_worker_is_found_by_each_of_their_names(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if self.provider.workers_called is Provider.workers_called:
                pytest.skip("the provider finds no workers by their names")
            names, provider = self._known_workers(harness), harness.provider()
            for name in names:
                texts = [*provider.personal_texts(name)]
                for text in [name, *texts] if texts else ():
                    assert name in [*provider.workers_called(text)], (
                        "workers_called() must find a worker by their id, and by all that"
                        f" personal_texts() returns: {text!r} did not find {name!r}."
                    )
            found = [*provider.workers_called(_NO_NAME)]

        assert not found, (
            f"workers_called() must find whom it is asked for: {_NO_NAME!r} is not {found[0]!r}."
        )

    def test_forgotten_worker_is_in_no_table_of_the_provider(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if not self.schemas:
                pytest.skip("the provider has no tables")
            names = self._known_workers(harness)
            provider = harness.provider()
            texts = {*names, *(text for name in names for text in provider.personal_texts(name))}
            # Called again where its command was interrupted.
            for name in names * 2:
                provider.forget(name, _PSEUDONYM)
            with harness.database.read() as tx:
                stored = self._stored(tx)
            left = sorted(text for text in texts if any(text in cell for cell in stored))

        assert not left, (
            "forget() must replace the name of a worker in the provider's own tables, and delete"
            f" what personal_texts() returns: {', '.join(left)} can still be found there."
        )

    def _known_workers(self, harness: PluginHarness) -> list[str]:
        """Return workers of whom the provider may have stored something."""
        provider = harness.provider()
        arrival = provider.arrive(self.query("worker", "visit"))
        names = [arrival.worker_name] if isinstance(arrival, Arrival) else []
        if self.provider.capabilities.pays:
            visit = self.submitted_visit(harness)
            _sync(harness, harness.run_view(), [visit], None)
            self._decide(provider, visit, Approve())
            for payment in self._payments(harness, visit, 1):
                [*provider.pay([payment], lambda _key, _data: None)]
            names.append(visit.worker_name)
        return names

    def _stored(self, tx: Transaction) -> list[str]:
        """Return the text of each cell in the provider's own tables."""
        prefixes = tuple(schema.name for schema in self.schemas)
        # The harness's database is a file of SQLite.
        found = tx.sql("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = [name for (name,) in found if name.startswith(prefixes)]
        rows = (row for name in tables for row in tx.sql(f'SELECT * FROM "{name}"'))
        return [str(cell) for row in rows for cell in row]


def _no_parts_of_sentences(remarks: Iterable[object]) -> list[object]:
    """Return the remarks that break the contract: one must be a line that is part of a sentence."""
    if isinstance(remarks, str):
        return [remarks]
    return [
        each
        for each in remarks
        if not (isinstance(each, str) and each.strip() and each.isprintable())
        or each.rstrip().endswith(".")
    ]


def _visit_of(arrival: Arrival, run: RunView) -> VisitView:
    return VisitView(
        id=1, run_id=run.id, worker_name=arrival.worker_name, reference=arrival.reference
    )


def _sync(
    harness: PluginHarness, run: RunView, visits: Sequence[VisitView], cursor: str | None
) -> tuple[list[tuple[str, str, VisitStatus]], str | None]:
    """Sync as another process would; return the reports, and the last cursor."""
    reports = []
    for each in harness.provider().sync(run, iter(visits), cursor):
        if isinstance(each, SyncCursor):
            cursor = each.value
            continue
        assert isinstance(each, VisitReport), (
            f"sync() must yield a VisitReport or a SyncCursor, not {each!r}."
        )
        reports.append((each.worker_name, each.reference, each.status))
    return reports, cursor
