"""The flat functions of the everyday case leave the same rows, events and replies as the rest."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from famulus.contracts.completion import Completion, Nothing, VisitOutcome
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities, VisitView
from famulus.contracts.views import Form, Reply
from famulus.engine import admission
from famulus.engine.everyday_requests import StartedRequest
from famulus.engine.gateway import Gateway
from famulus.engine.limits import set_limits
from famulus.engine.workers import find_worker
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus, VisitStatus, may_follow
from famulus.model.tables import WorkerTable
from famulus.model.transaction import Transaction
from famulus.testing.databases import PostgresDatabases
from famulus.testing.inprocess import ManualOperator, kit_plugins, seen
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock
from repetitions import repeated

COMPARED = ("worker", "visit", "agent", "unit", "participation", "event", "outbox")
#: Columns that are random, or numbered by the whole server.
OWN = ("nonce", "xact")
#: What is random, or signed for one database.
RANDOM = re.compile(r"[0-9a-f]{32}(-\d+-\d+-\d+)?|\b[12]\.\d+\.(\d+\.[\w-]*\.)?[\w-]{43}")


class OfferingProvider(CrowdProvider):
    """A crowd whose workers are offered the next unit."""

    type = "offering"
    is_quick = True

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        """Return that nothing is left to do, with a link to the next unit."""
        query = {"worker_id": visit.worker_name, "assignment_id": f"after {visit.reference}"}
        return Nothing(next_query=query)


class OfferingReportingProvider(OfferingProvider):
    """One whose platform reports which visits were submitted."""

    type = "offering_reporting"
    capabilities: ClassVar[Capabilities] = Capabilities(reports_submissions=True)
    sync_seconds = 0
    is_quick = True


class PlacingProvider(OfferingReportingProvider):
    """One whose arrivals are answered in threads, since they may wait for the platform."""

    type = "placing"
    ends_quickly = True


class Offering:
    """Registers all three."""

    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [OfferingProvider, OfferingReportingProvider, PlacingProvider]


@frozen(kw_only=True)
class Launch:
    """A run of the blueprint ``rows``."""

    rows: int
    lanes: int
    concurrent: int
    maximum: int
    window: int
    provider: str


launches = st.builds(
    Launch,
    rows=st.integers(1, 4),
    lanes=st.integers(1, 3),
    concurrent=st.sampled_from([0, 0, 1, 2]),
    maximum=st.sampled_from([0, 0, 1, 2, 3]),
    window=st.sampled_from([0, 0, 0, 2]),
    provider=st.sampled_from(["offering", "offering", "offering_reporting", "placing"]),
)
arrivals = st.fixed_dictionaries(
    {
        "worker_id": st.sampled_from(["x", "y", "z"]),
        "assignment_id": st.sampled_from(["a", "b", "c", "d"]),
        "accept": st.sampled_from(["", "", "", "1", "2"]),
        "place": st.sampled_from(["", "", "", "", "p"]),
    }
)
submissions = st.tuples(
    st.integers(0, 9),
    st.sampled_from(["", "yes", "no", "invalid", "ü \ud800"]),
    st.sampled_from(["", "", "", "other"]),
)
steps = st.one_of(
    st.tuples(st.just("arrive"), st.lists(arrivals, min_size=1, max_size=3)),
    st.tuples(st.just("arrive"), st.lists(arrivals, min_size=1, max_size=3)),
    st.tuples(st.just("submit"), st.lists(submissions, min_size=1, max_size=3)),
    st.tuples(st.just("submit"), st.lists(submissions, min_size=1, max_size=3)),
    st.tuples(st.just("give back"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([1, 700, 4_000, 40 * 86_400])),
    st.tuples(st.just("block"), st.sampled_from(["x", "y"])),
    st.tuples(st.just("limit"), st.sampled_from([0, 1, 2])),
)

histories = st.lists(steps, min_size=3, max_size=12)

Ask = Callable[[Gateway, Sequence[Any]], list[Reply]]


def on_the_general_way(operator: ManualOperator, launch: Launch) -> tuple[Gateway, Ask]:
    gateway = opened(operator, launch)
    parts = gateway._parts
    general = evolve(parts, admission=evolve(parts.admission, has_everyday_case=False))
    return Gateway(general, None), one_by_one


def flat(operator: ManualOperator, launch: Launch) -> tuple[Gateway, Ask]:
    return opened(operator, launch), one_by_one


def in_steps(operator: ManualOperator, launch: Launch) -> tuple[Gateway, Ask]:
    return opened(operator, launch), step_by_step


def opened(operator: ManualOperator, launch: Launch) -> Gateway:
    return operator.launch_rows(
        [{"n": n} for n in range(launch.rows)],
        provider=launch.provider,
        blueprint={"units_per_assignment": launch.lanes},
        allowed_concurrent=launch.concurrent,
        maximum_units_per_worker=launch.maximum,
        max_num_concurrent_units=launch.window,
        no_submission_patience=10**9,
    )


def one_by_one(gateway: Gateway, requests: Sequence[Any]) -> list[Reply]:
    return [
        gateway.submit(each, as_json=True) if isinstance(each, Form) else gateway.arrive(each)
        for each in requests
    ]


def step_by_step(gateway: Gateway, requests: Sequence[Any]) -> list[Reply]:
    """Answer each in steps where it is everyday; of several together, others would come later."""
    replies: list[Reply] = []
    for request in requests:
        begun = begin(gateway, request)
        (reply,) = [None] if begun is None else gateway.answer_together([begun])
        replies += one_by_one(gateway, [request]) if reply is None else [reply]
    return replies


def begin(gateway: Gateway, request: Any) -> StartedRequest | None:
    if isinstance(request, Form):
        return gateway.begin_submission(request, as_json=True)
    return gateway.begin_arrival(request)


class Side:
    """One database, whose requests are answered in one way."""

    def __init__(self, opened: ExitStack, way: Any, launch: Launch, address: str | Path) -> None:
        self.clock = MovableClock()
        self.database = opened.enter_context(Database(address, clock=self.clock))
        plugins = kit_plugins(offering=Offering())
        self.operator = opened.enter_context(ManualOperator(self.database, plugins=plugins))
        self.gateway, self.ask = way(self.operator, launch)
        #: the hidden fields of each page with a form
        self.pages: list[Mapping[str, str]] = []

    def do(self, step: str, what: Any) -> list[tuple[int, str]]:
        """Take a step of a history; return what workers saw."""
        match step:
            case "arrive":
                return self._seen(self.ask(self.gateway, what))
            case "submit" if self.pages:
                return self._seen(self.ask(self.gateway, [self._form(*each) for each in what]))
            case "give back" if self.pages:
                fields = [*self._page(what).items()]
                return self._seen([self.gateway.give_back(Form(fields=fields))])
            case "wait":
                self.clock.advance(what)
                self.operator.turn()
            case "block":
                self.database.write(lambda tx: self._block(tx, what))
            case "limit":
                # A run that has ended has no limits to set.
                with contextlib.suppress(ConflictError):
                    set_limits(self.database, self.gateway.run_id, maximum_units_per_worker=what)
        return []

    def _block(self, tx: Transaction, name: str) -> None:
        worker = find_worker(tx, self.gateway._parts.provider.type, name)
        if worker is not None:
            tx.execute(WorkerTable.update(blocked=True).where(WorkerTable.id == worker))

    def _page(self, number: int) -> Mapping[str, str]:
        return self.pages[number % len(self.pages)]

    def _form(self, number: int, answer: str, submission: str) -> Form:
        hidden = dict(self._page(number))
        if submission:
            hidden["famulus_submission"] = submission
        return Form(fields=[*hidden.items(), ("answer", answer)])

    def _seen(self, replies: Sequence[Reply]) -> list[tuple[int, str]]:
        self.pages += [hidden for each in replies if (hidden := seen(each).hidden)]
        return [(each.status, RANDOM.sub("…", each.body)) for each in replies]

    def rows(self) -> dict[str, list[Any]]:
        """Return all rows that requests change."""
        with self.database.read() as tx:
            return {name: self._comparable(tx, name) for name in COMPARED}

    def _comparable(self, tx: Transaction, table: str) -> list[Any]:
        """Return the rows of a table without what is random, or one database's own."""
        found = tx.sql(f"SELECT * FROM {table} ORDER BY id")
        kept = [number for number, column in enumerate(found.description) if column[0] not in OWN]
        return [
            [
                RANDOM.sub("…", row[each]) if isinstance(row[each], str) else row[each]
                for each in kept
            ]
            for row in found.fetchall()
        ]


def assert_alike(sides: Sequence[Side], history: Sequence[tuple[str, Any]]) -> None:
    for step, what in history:
        general, *others = [side.do(step, what) for side in sides]
        assert all(other == general for other in others), (step, what, general, others)
        rows, *rest = [side.rows() for side in sides]
        assert all(other == rows for other in rest), (step, what)


@settings(max_examples=repeated(30), suppress_health_check=[HealthCheck.too_slow])
@given(launch=launches, history=histories)
def test_all_ways_leave_the_same_rows_and_replies(
    launch: Launch, history: list[tuple[str, Any]]
) -> None:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        ways = (on_the_general_way, flat, in_steps)
        sides = [Side(opened, way, launch, folder / f"{way.__name__}.db") for way in ways]
        assert_alike(sides, history)


@pytest.fixture(scope="module")
def servers(postgres: PostgresDatabases, tmp_path_factory: Any) -> Iterator[PostgresDatabases]:
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("FAMULUS_SECRET_KEY", "a-key-for-tests-of-32-characters")
        changed.setenv("FAMULUS_FILES", str(tmp_path_factory.mktemp("files")))
        changed.setattr("famulus.model.postgresql.connect", postgres.connect)
        yield postgres


def numbered_from_one(address: str) -> str:
    """Let the rows of a database without runs be numbered from 1; return its address."""

    def restart(tx: Transaction) -> None:
        for (name,) in tx.sql("SELECT sequencename FROM pg_sequences").fetchall():
            table = name.removesuffix("_id_seq")
            # Some rows are there in each database, and the next test has the same one.
            if tx.sql(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone() is None:
                tx.sql(f"ALTER SEQUENCE {name} RESTART")

    with Database(address) as database:
        database.write(restart)
    return address


@settings(max_examples=repeated(15), suppress_health_check=[HealthCheck.too_slow])
@given(launch=launches, history=histories)
def test_all_ways_leave_the_same_rows_and_replies_on_postgresql(
    servers: PostgresDatabases, launch: Launch, history: list[tuple[str, Any]]
) -> None:
    with ExitStack() as opened:
        sides = []
        for way in (on_the_general_way, flat, in_steps):
            address = numbered_from_one(opened.enter_context(servers.lend()))
            sides.append(Side(opened, way, launch, address))
        assert_alike(sides, history)


def test_a_submission_is_begun_where_arrivals_take_threads(tmp_path: Path) -> None:
    launch = Launch(rows=1, lanes=1, concurrent=0, maximum=0, window=0, provider="placing")
    query = {"worker_id": "x", "assignment_id": "a", "place": "p"}
    with (
        Database(tmp_path / "a.db") as database,
        ManualOperator(database, plugins=kit_plugins(offering=Offering())) as operator,
    ):
        gateway = opened(operator, launch)
        page = seen(gateway.arrive(query))
        form = Form(fields=[*page.hidden.items(), ("answer", "yes")])

        begun = gateway.begin_submission(form, as_json=True)

        assert gateway.begin_arrival(query) is None
        assert begun is not None
        (reply,) = gateway.answer_together([begun])
        assert reply is not None
        assert seen(reply).outcome == "stored"


def test_every_refusal_is_known_to_leave_the_everyday_case() -> None:
    """``_may_work`` and the search of ``everyday`` have to leave the general way each of these."""
    assert {rule.__name__ for rule in admission.REFUSALS} == {
        "time_is_over",
        "run_gives_no_work",
        "stranger_at_taken_place",
        "worker_is_blocked",
        "requirement_is_not_met",
        "onboarding_was_failed",
        "place_is_taken",
        "too_many_open",
        "maximum_is_reached",
        "all_is_done",
        "nothing_is_left",
    }


def test_the_changes_of_the_everyday_case_are_legal() -> None:
    assert may_follow(UnitStatus.LAUNCHED, UnitStatus.ASSIGNED)
    assert may_follow(UnitStatus.ASSIGNED, UnitStatus.COMPLETED)
    assert may_follow(AgentStatus.IN_TASK, AgentStatus.COMPLETED)
    assert may_follow(VisitStatus.ACCEPTED, VisitStatus.SUBMITTED)
