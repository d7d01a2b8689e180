"""The conformance class of qualification checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import frozen

from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.qualification_check import GuardedRun, QualificationCheck
from famulus.contracts.views import Refusal
from famulus.deprecations import keep_renamed_members
from famulus.engine.gateway import Gateway
from famulus.engine.open_gateway import open_gateway
from famulus.engine.plugin_admission import guarded_run
from famulus.engine.qualifications.worker_handle import Worker, find_worker
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.tables import TABLES
from famulus.options.convert import structure
from famulus.options.option_class import options_of
from famulus.options.option_values import unstructure
from famulus.testing.conformance.harness import assert_same_options, listed, must_not_raise
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once

_ROWS = [{"n": number} for number in range(5)]
_THREADS = 8


@keep_renamed_members
@frozen(kw_only=True)
class CheckHarness:
    """A separate database with one run that the check guards."""

    database: Database
    clock: MovableClock
    operator: ManualOperator
    #: the run that the check is asked about
    run: GuardedRun

    def work(self, worker: str, task: str) -> None:
        """Have a worker do one unit of another task, in a run that the check does not guard."""
        gateway = self.operator.launch_rows(_ROWS, task_name=task)
        reply = GatewayWorker(gateway, worker).work()
        assert reply.status == 200, (
            f"{worker!r} cannot work on another task before the check is asked: {reply.text}"
        )

    def known_worker(self, worker: str) -> Worker:
        """Return a worker who has been here before, after a first visit if necessary."""
        gateway = self.operator.launch_rows(_ROWS, task_name="to be known")
        coming = GatewayWorker(gateway, worker)
        coming.give_back(coming.arrive())
        return find_worker(self.database, "crowd", worker)


@keep_renamed_members
class QualificationCheckConformance:
    """The rules of a qualification check, as tests: inherit from it in a test module.

    Name the class and define which workers are refused::

        class TestMyCheck(QualificationCheckConformance):
            check = MyCheck

            def options(self):
                return {"days": 7}

            def make_refused(self, harness, worker):
                harness.work(worker, task="the task")

    Each failing test names the rule that is broken.
    """

    #: The class under test.
    check: ClassVar[type[QualificationCheck]]

    def options(self) -> dict[str, Any]:
        """Return good options, as they would stand under the check's type."""
        return {}

    def broken_options(self) -> Mapping[str, dict[str, Any]]:
        """Return options that a launch must refuse, each by a description of its fault."""
        return {}

    def make_refused(self, harness: CheckHarness, worker: str) -> None:
        """Create the conditions under which the check refuses a worker of that name."""
        raise NotImplementedError(f"{type(self).__name__} must define make_refused()")

    def make_admitted(self, harness: CheckHarness, worker: str) -> None:
        """Create the conditions under which the check admits a worker of that name.

        A worker who is new is admitted unless this is overridden.
        """

    def test_core_accepts_the_class(self) -> None:
        plugins = kit_plugins(under_test=_CheckPlugin(self.check))
        [info] = [info for info in plugins.infos if info.name == "under_test"]

        assert not info.refused, f"Core must accept the class, and refuses it: {info.refused}"

    def test_every_option_has_help(self) -> None:
        silent = [each.name for each in options_of(self.check.Args).values() if not each.help]

        assert not silent, (
            "Every field of Args must have help, with famulus.option(help=…):"
            f" {', '.join(silent)} have none."
        )

    def test_options_survive_being_stored(self, tmp_path: Path) -> None:
        made = self._args(self.options(), tmp_path)

        assert_same_options(made, self._args(unstructure(made), tmp_path))

    def test_broken_options_are_not_launched(self, tmp_path: Path) -> None:
        for words, options in self.broken_options().items():
            with pytest.raises(UsageError), self.harness(tmp_path, options):
                pytest.fail(
                    f"The options of broken_options() must be refused, and a run was launched with"
                    f" {words}: {options!r}."
                )

    def test_refused_worker_gets_a_reason(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            self.make_refused(harness, "refused")
            page = GatewayWorker(self._gateway(harness), "refused").arrive()

        assert page.refusal is not None, (
            "refuse() must return a Refusal for the worker that make_refused() has made one of,"
            f" and they were let in (status {page.status})."
        )

    def test_other_workers_are_admitted(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            self.make_refused(harness, "refused")
            self.make_admitted(harness, "admitted")
            page = GatewayWorker(self._gateway(harness), "admitted").arrive()

        assert page.has_form, (
            "refuse() must return None for a worker that make_admitted() has made one of, and the"
            f" worker got: {page.text}"
        )

    def test_a_worker_with_a_unit_may_come_back_to_it(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            self.make_admitted(harness, "worker")
            worker = GatewayWorker(self._gateway(harness), "worker")
            first = worker.arrive("visit")
            self.make_refused(harness, "worker")
            again = worker.arrive("visit")

        assert again.row == first.row, (
            "A worker who has a unit must find it again when the page is loaded again, also if"
            f" refuse() would refuse them now: it was row {first.row!r}, and then {again.row!r}."
        )

    def test_asking_again_has_the_same_answer_and_writes_nothing(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            self.make_refused(harness, "refused")
            known = harness.known_worker("refused")
            check = self.make_check(harness)
            before = _counts(harness.database)
            answers = [self._ask(check, known, harness) for _ in range(3)]

            assert answers[0] == answers[1] == answers[2], (
                "refuse() must return the same each time it is asked about the same worker and run,"
                f" and returned {answers}."
            )
            assert _counts(harness.database) == before, "refuse() must not write anything."

    def test_many_threads_ask_at_once(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            self.make_refused(harness, "refused")
            known = harness.known_worker("refused")
            check = self.make_check(harness)
            answers = at_once(_THREADS, lambda _: self._ask(check, known, harness))

        assert all(isinstance(answer, Refusal) for answer in answers), (
            "refuse() must return a Refusal to each of the threads that use one instance at once,"
            f" and returned {answers}."
        )

    @contextmanager
    def harness(
        self, tmp_path: Path, options: Mapping[str, Any] | None = None
    ) -> Iterator[CheckHarness]:
        """Launch a run that the check guards, in a database of its own."""
        clock = MovableClock()
        given = self.options() if options is None else options
        with Database(tmp_path / "famulus.db", clock=clock) as database:
            plugins = kit_plugins(under_test=_CheckPlugin(self.check))
            operator = ManualOperator(database, plugins=plugins)
            with operator:
                gateway = operator.launch_rows(
                    _ROWS, task_name="guarded", qualification_checks={self.check.type: given}
                )
                run = gateway.run_id
                guarded = guarded_run(database, run, operator.managed(run).bound.plan)
                yield CheckHarness(database=database, clock=clock, operator=operator, run=guarded)

    def make_check(
        self, harness: CheckHarness, options: Mapping[str, Any] | None = None
    ) -> QualificationCheck:
        """Construct the check as a serving process does; ``options`` default to :meth:`options`."""
        context = harness.operator.managed(harness.run.id).blueprint.context
        given = self.options() if options is None else options
        return self.check(self._args(given, harness.database.files), context)

    def _gateway(self, harness: CheckHarness) -> Gateway:
        return open_gateway(
            harness.database,
            harness.run.id,
            plugins=harness.operator.plugins,
            shared_state=harness.operator.managed(harness.run.id).blueprint.context.shared_state,
        )

    def _args(self, options: Mapping[str, Any], folder: Path) -> Any:
        args, problems = structure(
            self.check.Args, options, prefix=self.check.type, origins={}, task_dir=folder
        )
        assert not problems, f"options() must return options that core accepts:\n{listed(problems)}"
        return args

    def _ask(self, check: QualificationCheck, worker: Worker, harness: CheckHarness) -> Any:
        with must_not_raise("refuse() must return a Refusal or None"):
            return check.refuse(worker, harness.run)


@frozen
class _CheckPlugin:
    """A plugin that registers the class under test."""

    check: type[QualificationCheck]

    @hookimpl
    def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
        """Return the class under test."""
        return [self.check]


def _counts(database: Database) -> list[int]:
    with database.read() as tx:
        return [len(tx.rows(table.select(table.id))) for table in TABLES]
