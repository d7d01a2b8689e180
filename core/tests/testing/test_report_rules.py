"""A provider that breaks one rule of reports or of forgetting fails the test of that rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import field, frozen

import famulus
from famulus import RunView, SyncCursor, VisitReport, VisitStatus, VisitView
from famulus.testing import PluginHarness, ProviderConformance

SUBMITTED, LOOK, ENTRANCES, REMARKS, FOUND, FORGOTTEN = RULES = (
    "submitted_visit_is_reported_from_a_cursor_of_before",
    "looking_at_visits_reports_them_and_changes_nothing",
    "entrances_are_addresses",
    "remarks_are_parts_of_sentences",
    "worker_is_found_by_each_of_their_names",
    "forgotten_worker_is_in_no_table_of_the_provider",
)
SCHEMA = famulus.PluginSchema(
    name="panel",
    migrations=(
        famulus.Migration(
            number=1,
            sqlite=("CREATE TABLE panel_person (worker TEXT, mail TEXT)",),
            postgresql=("CREATE TABLE panel_person (worker TEXT, mail TEXT)",),
        ),
    ),
)


@frozen(kw_only=True)
class NoArgs:
    nothing: None = field(default=None, metadata=famulus.option(help="Nothing.").metadata)


class Panel(famulus.Provider):
    """A provider that keeps every rule."""

    type = "panel"
    Args = NoArgs
    default_requester = "panel"
    capabilities = famulus.Capabilities(reports_submissions=True)
    #: what the platform lists, in the order in which it happened
    listed: ClassVar[list[VisitReport]]

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []

    def arrive(self, query: Mapping[str, str]) -> famulus.Arrival | famulus.Preview:
        if not (query.get("who") and query.get("visit")):
            return famulus.Preview()
        return famulus.Arrival(worker_name=query["who"], reference=query["visit"])

    def completion(self, visit: VisitView, outcome: famulus.VisitOutcome) -> famulus.Completion:
        return famulus.Nothing()

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterator[VisitReport | SyncCursor]:
        start = int(cursor or 0)
        for number, report in enumerate(islice(self.listed, start, None), start + 1):
            yield report
            yield SyncCursor(str(number))

    def remarks(self, run: RunView) -> Sequence[str]:
        return ["1 submission without work"]

    def workers_called(self, name: str) -> Sequence[str]:
        with self.context.database.read() as tx:
            query = "SELECT worker FROM panel_person WHERE worker = ? OR mail = ?"
            return [worker for (worker,) in tx.sql(query, (name, name))]

    def personal_texts(self, worker_name: str) -> Sequence[str]:
        with self.context.database.read() as tx:
            query = "SELECT mail FROM panel_person WHERE worker = ?"
            return [mail for (mail,) in tx.sql(query, (worker_name,))]

    def forget(self, worker_name: str, pseudonym: str) -> None:
        query = "UPDATE panel_person SET worker = ?, mail = '' WHERE worker = ?"
        self.context.database.write(lambda tx: tx.sql(query, (pseudonym, worker_name)))


class PanelRules(ProviderConformance):
    provider: ClassVar[type[Panel]] = Panel
    schemas = (SCHEMA,)

    def prepare(self, harness: PluginHarness) -> None:
        self.provider.listed = [
            VisitReport(worker_name="w", reference="r", status=VisitStatus.RETURNED)
        ]
        query = "INSERT INTO panel_person VALUES ('worker', 'worker@example.org')"
        harness.database.write(lambda tx: tx.sql(query))

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"who": worker, "visit": reference}

    def platform_state(self) -> object:
        return [*self.provider.listed]

    def submitted_visit(self, harness: PluginHarness) -> VisitView:
        visit = super().submitted_visit(harness)
        report = VisitReport(
            worker_name=visit.worker_name,
            reference=visit.reference,
            status=VisitStatus.SUBMITTED,
        )
        self.provider.listed.append(report)
        return visit


class Late(Panel):
    """Names a cursor that is beyond what it has reported."""

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterator[VisitReport | SyncCursor]:
        for each in super().sync(run, visits, cursor):
            yield SyncCursor("99") if isinstance(each, SyncCursor) else each


class Remembering(Panel):
    """Reports what is new to it, and not what is after the cursor."""

    known: ClassVar[list[VisitReport]] = []

    def sync(
        self, run: RunView, visits: Iterable[VisitView], cursor: str | None
    ) -> Iterator[VisitReport | SyncCursor]:
        for each in super().sync(run, visits, None):
            if each not in self.known:
                yield each
                self.known.append(each)  # type: ignore[arg-type]


class Wordy(Panel):
    def sync(self, run: RunView, visits: Iterable[VisitView], cursor: str | None) -> list[str]:  # type: ignore[override]
        return ["submitted"]


class Marking(Panel):
    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        for each in visits:
            status = VisitStatus.ACCEPTED
            report = VisitReport(
                worker_name=each.worker_name, reference=each.reference, status=status
            )
            self.listed.append(report)
            yield report


class Paging(Panel):
    def look(self, run: RunView, visits: Sequence[VisitView]) -> list[SyncCursor]:  # type: ignore[override]
        return [SyncCursor("1")]


class Pathlike(Panel):
    def entrances(self, run: RunView) -> Sequence[str]:
        return ("/task",)


class OneRemark(Panel):
    def remarks(self, run: RunView) -> Sequence[str]:
        return "1 submission without work"


class FullSentence(Panel):
    def remarks(self, run: RunView) -> Sequence[str]:
        return ["There is 1 submission without work."]


class TwoLines(Panel):
    def remarks(self, run: RunView) -> Sequence[str]:
        return ["1 submission\nwithout work"]


class RemarkOnlyWhileServed(Panel):
    """Fails on a run that is over."""

    def remarks(self, run: RunView) -> Sequence[str]:
        if not run.is_served:
            raise ValueError("it is over")
        return ()


class CountingRemarks(Panel):
    def remarks(self, run: RunView) -> Sequence[str]:
        self.listed.append(self.listed[0])
        return ["1 submission without work"]


class FindingByIds(Panel):
    def workers_called(self, name: str) -> Sequence[str]:
        return [each for each in super().workers_called(name) if each == name]


class FindingByNames(Panel):
    def workers_called(self, name: str) -> Sequence[str]:
        return [each for each in super().workers_called(name) if each != name]


class FindingAll(Panel):
    def workers_called(self, name: str) -> Sequence[str]:
        return ["worker"]


class Keeping(Panel):
    def forget(self, worker_name: str, pseudonym: str) -> None:
        return None


class HalfKeeping(Panel):
    def forget(self, worker_name: str, pseudonym: str) -> None:
        query = "UPDATE panel_person SET worker = ? WHERE worker = ?"
        self.context.database.write(lambda tx: tx.sql(query, (pseudonym, worker_name)))


def check(broken: type[Panel], rule: str, folder: Path) -> None:
    rules = type("Rules", (PanelRules,), {"provider": broken})()
    getattr(rules, f"test_{rule}")(folder)


@pytest.mark.parametrize("rule", RULES)
def test_a_right_provider_keeps_every_rule(tmp_path: Path, rule: str) -> None:
    check(Panel, rule, tmp_path)


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Late, SUBMITTED, "must report a visit that was submitted after the cursor"),
        (Remembering, SUBMITTED, "must report every visit of the run again"),
        (Wordy, SUBMITTED, "must yield a VisitReport or a SyncCursor, not 'submitted'"),
        (Marking, LOOK, "must change nothing on the platform"),
        (Paging, LOOK, "must return only reports"),
        (Pathlike, ENTRANCES, r"must return web addresses, not \['/task'\]"),
        (OneRemark, REMARKS, "'1 submission without work' is none"),
        (FullSentence, REMARKS, "a line without a full stop"),
        (TwoLines, REMARKS, "must return a sequence of parts of sentences"),
        (RemarkOnlyWhileServed, REMARKS, "on a run that is over too"),
        (CountingRemarks, REMARKS, r"remarks\(\) must change nothing"),
        (FindingByIds, FOUND, "'worker@example.org' did not find 'worker'"),
        (FindingByNames, FOUND, "'worker' did not find 'worker'"),
        (FindingAll, FOUND, "is not 'worker'"),
        (Keeping, FORGOTTEN, "worker, worker@example.org can still be found there"),
        (HalfKeeping, FORGOTTEN, "worker@example.org can still be found there"),
    ],
)
def test_a_broken_rule_is_named(
    tmp_path: Path, broken: type[Panel], rule: str, sentence: str
) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check(broken, rule, tmp_path)


def test_author_who_submits_no_visit_is_asked_for_one(tmp_path: Path) -> None:
    class Unsubmitted(PanelRules):
        def submitted_visit(self, harness: PluginHarness) -> VisitView:
            return ProviderConformance.submitted_visit(self, harness)

    with pytest.raises(AssertionError, match=r"submitted_visit\(\) has submitted"):
        getattr(Unsubmitted(), f"test_{SUBMITTED}")(tmp_path)
