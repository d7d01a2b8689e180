"""The conformance class of providers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from famulus.contracts.entry_form import EntryForm
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Arrival,
    Preview,
    Quote,
)
from famulus.contracts.views import Refusal
from famulus.data.export import export_records
from famulus.errors import UsageError
from famulus.model.states import PaymentKind
from famulus.options.option_class import options_of
from famulus.plan import plan_from_stored, stored_plan
from famulus.testing.conformance.batch_rules import ProviderBatchRules
from famulus.testing.conformance.completion_rules import ProviderCompletionRules
from famulus.testing.conformance.entry_rules import ProviderEntryRules
from famulus.testing.conformance.harness import (
    PluginUnderTest,
    assert_json,
    assert_same_options,
    listed,
    must_not_raise,
    plugins_with,
    problems_of,
    snapshot,
)
from famulus.testing.conformance.place_rules import ProviderPlaceRules
from famulus.testing.conformance.provider_under_test import ROWS
from famulus.testing.conformance.receiving_rules import ProviderReceivingRules
from famulus.testing.conformance.rehearsal_rules import ProviderRehearsalRules
from famulus.testing.conformance.report_rules import ProviderReportRules
from famulus.testing.scripted_worker import GatewayTransport, ScriptedWorker, at_once

_THREADS = 8
#: An end that differs from the run's.
_LATER = datetime(2030, 2, 1, tzinfo=UTC)
#: For each capability, the methods that it requires.
_KEPT_BY: Mapping[str, Sequence[str]] = {
    "sells_places": ("set_places", "pause_places"),
    "pays": ("decide", "pay", "settle", "fee"),
    "qualifications": ("grant", "revoke"),
    "reports_submissions": ("sync",),
    "receives": ("receive", "sync"),
    "partial_approvals": ("decide",),
    "requests_return": ("decide",),
    "rejection_categories": ("decide",),
}


class ProviderConformance(
    ProviderCompletionRules,
    ProviderEntryRules,
    ProviderReportRules,
    ProviderBatchRules,
    ProviderPlaceRules,
    ProviderReceivingRules,
    ProviderRehearsalRules,
):
    """The rules of a provider, as tests: inherit from it in a test module.

    Name the class and describe the workers who arrive::

        class TestMyCrowd(ProviderConformance):
            provider = MyProvider

            def query(self, worker, reference):
                return {"pid": worker, "visit": reference}

    ``configuration`` returns options that are needed, ``schemas`` are the provider's own tables,
    and ``prepare`` fills them. ``task_options`` are options of a task that the platform needs. If
    workers fill in an entry form first, ``entry_query`` and ``entry_values`` describe it.

    A fixture of the author replaces the platform by a fake: no test calls a real platform.
    ``platform_state`` returns the state of the fake, ``submitted_visit`` prepares the fake for the
    tests of reports and payments, ``losing_a_reply`` and ``unpayable_visit`` for those of payments,
    and ``platform_request`` returns a request that the platform sends by itself.
    ``good_registration`` and ``bad_registrations`` register requesters. Each failing test names the
    rule that is broken.
    """

    def test_core_accepts_the_class(self) -> None:
        plugins = plugins_with(PluginUnderTest(providers=[self.provider]))

        found = plugins.provider(self.provider.type)
        assert found is self.provider, (
            f"Provider.type must be a name of its own: {self.provider.type!r} is {found!r}."
        )

    def test_every_option_has_help(self) -> None:
        silent = [each.name for each in options_of(self.provider.Args).values() if not each.help]

        assert not silent, (
            "Every field of Args must have help, with famulus.option(help=…):"
            f" {', '.join(silent)} have none."
        )

    def test_checking_finds_nothing_and_writes_nothing(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            before, state_before = snapshot(tmp_path), self.platform_state()
            problems = problems_of(harness.provider().problems, harness.plan)

            assert not problems, (
                f"problems() must be empty for a good configuration:\n{listed(problems)}"
            )
            assert snapshot(tmp_path) == before, "problems() must not write anything here."
            assert self.platform_state() == state_before, "problems() must not call the platform."
            problems = problems_of(harness.provider().serving_problems, harness.plan)
            assert not problems, (
                "serving_problems() must be empty for a run that can be served:\n"
                f"{listed(problems)}"
            )
            assert snapshot(tmp_path) == before, "serving_problems() must not write anything here."
            assert self.platform_state() == state_before, (
                "serving_problems() must not change the platform."
            )

    def test_options_survive_being_stored(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            again = plan_from_stored(
                stored_plan(harness.plan), harness.plugins, harness.plan.shared_state
            )

            assert_same_options(harness.plan.provider.args, again.provider.args)

    def test_worker_who_has_accepted_arrives(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            arrival = self._accepted(harness, self.query("worker", "visit"))
            other = self._accepted(harness, self.query("another", "visit"))

        assert other.worker_name != arrival.worker_name, (
            "arrive() must return different worker names for two people, and returned"
            f" {arrival.worker_name!r} for both."
        )

    def test_no_worker_arrives_without_an_identity(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            found = harness.provider().arrive({})

        assert isinstance(found, (Preview, EntryForm, Refusal)), (
            "arrive() must return a Preview, an EntryForm or a Refusal without a worker's"
            f" identity, not {found!r}."
        )

    def test_any_query_has_an_answer_and_always_the_same(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            names = st.sampled_from(sorted(self.query("worker", "visit"))) | st.text(max_size=20)
            provider, another = harness.provider(), harness.provider()
            before = snapshot(tmp_path)

            @settings(
                max_examples=200,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(st.dictionaries(names, st.text(), max_size=6))
            def arrives(query: dict[str, str]) -> None:
                given_query = dict(query)
                found = _arrive(provider, query)
                assert isinstance(found, (Arrival, Preview, EntryForm, Refusal)), (
                    "arrive() must return an Arrival, a Preview, an EntryForm or a Refusal, not"
                    f" {found!r}."
                )
                assert query == given_query, "arrive() must not change the query."
                assert _arrive(provider, query) == found == _arrive(another, query), (
                    f"arrive() must return the same for the same query: {query!r}."
                )

            arrives()
            assert snapshot(tmp_path) == before, "arrive() must not write anything."

    def test_threads_can_share_an_instance(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            shared = harness.provider()
            expected = harness.provider().arrive(self.query("worker", "visit"))

            found = at_once(_THREADS, lambda _: shared.arrive(self.query("worker", "visit")))

        assert found == [expected] * _THREADS, (
            f"arrive() must return {expected!r} to each of the threads that use one instance at"
            f" once, and returned {found!r}: keep nothing between calls but caches, and guard"
            " those."
        )

    def test_quote_is_exact(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            provider = harness.provider()
            quotes = {units: provider.quote(harness.plan, units) for units in (0, 1, 7)}
            currency = provider.currency
            reward = harness.plan.task.task_reward or Decimal(0)

        assert re.fullmatch("[A-Z]{3}", currency), (
            f"currency must be the three letters of ISO 4217, not {currency!r}."
        )
        for units, quote in quotes.items():
            assert isinstance(quote, Quote), f"quote() must return a Quote, not {quote!r}."
            assert quote.currency == currency, (
                f"quote() must be in the account's currency, {currency!r}, not {quote.currency!r}."
            )
            for amount in (quote.rewards, quote.fees, quote.taxes):
                assert isinstance(amount, Decimal), (
                    f"quote() must return rewards, fees and taxes as Decimal, not {amount!r}."
                )
            assert quote.rewards == reward * units, (
                f"quote() must reckon with the plan's reward: {units} units at {reward} are"
                f" {reward * units}, not {quote.rewards}."
            )
            assert min(quote.fees, quote.taxes) >= 0, (
                "quote() must return fees and taxes of at least 0, not"
                f" {quote.fees} and {quote.taxes}."
            )

    def test_charges_are_exact(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            provider = harness.provider()
            asked: list[tuple[str, object]] = [
                (f"{ask.__name__}({kind.name}, {amount})", ask(kind, amount))
                for ask in (provider.fee, provider.taxes)
                for kind in PaymentKind
                for amount in (Decimal("0.01"), Decimal("7.50"))
            ]
            balance: object = provider.balance()

        for call, charge in asked:
            is_exact = isinstance(charge, Decimal) and charge.is_finite() and charge >= 0
            assert is_exact, f"{call} must be a Decimal of at least 0, not {charge!r}."
        assert balance is None or isinstance(balance, Decimal), (
            f"balance() must be a Decimal, or None where it is not known, not {balance!r}."
        )

    def test_a_provider_that_does_not_pay_needs_no_reward(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            if self.provider.capabilities.pays:
                pytest.skip("the platform pays, so that every plan has a reward")
            unpaid = attrs.evolve(harness.plan.task, task_reward=None)
            plan, provider = attrs.evolve(harness.plan, task=unpaid), harness.provider()
            problems = problems_of(provider.problems, plan)
            with must_not_raise("quote() must take a plan without a task_reward"):
                provider.quote(plan, 1)

        assert not problems, (
            "problems() must be empty for a plan without a task_reward, because the platform pays"
            f" nothing:\n{listed(problems)}"
        )

    def test_names_of_payees_are_those_of_the_workers_asked_about(self, tmp_path: Path) -> None:
        rule = "payee_names() must leave out workers that it does not know"
        with self.harness(tmp_path) as harness, must_not_raise(rule):
            names = harness.provider().payee_names(["worker", "another"])

        assert isinstance(names, Mapping), f"payee_names() must return a mapping, not {names!r}."
        assert set(names) <= {"worker", "another"}, (
            "payee_names() must return names of the workers that it is asked about, 'worker' and"
            f" 'another', and of no others: {names!r}."
        )
        assert all(isinstance(name, str) for name in names.values()), (
            f"payee_names() must return each name as text: {names!r}."
        )

    def test_capabilities_are_kept(self) -> None:
        promised = attrs.asdict(self.provider.capabilities)
        for name, methods in _KEPT_BY.items():
            lacking = [each for each in methods if _is_inherited(self.provider, each)]
            assert not (promised[name] and lacking), (
                f"A provider whose capabilities say {name} must override {', '.join(lacking)}."
            )
        assert promised["reports_submissions"] or not promised["receives"], (
            "A provider whose capabilities say receives must say reports_submissions: what the"
            " platform announces is read by sync()."
        )

    def test_repeated_calls_have_no_second_effect(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            provider, run = harness.provider(), harness.run_view()
            arrival = provider.arrive(self.query("worker", "visit"))
            worker = arrival.worker_name if isinstance(arrival, Arrival) else "worker"
            calls: Sequence[tuple[str, Callable[[], None]]] = (
                ("set_places", lambda: provider.set_places(run, 3)),
                ("move_end", lambda: provider.move_end(attrs.evolve(run, closes_at=_LATER))),
                ("block", lambda: provider.block(worker, "a reason")),
                ("unblock", lambda: provider.unblock(worker, "a reason")),
                ("pause_places", lambda: provider.pause_places(run)),
                ("end_places", lambda: provider.end_places(run)),
                ("dispose", lambda: provider.dispose(run)),
            )
            for name, call in calls:
                call()
                once = self.platform_state()
                call()

                assert self.platform_state() == once, (
                    f"{name}() is called again with the same arguments after a crash or a lost"
                    " reply, and must have no second effect."
                )

    def test_bad_registration_is_refused_and_a_good_one_succeeds(self, tmp_path: Path) -> None:
        assert self.provider.default_requester is not None or self.bad_registrations, (
            "A test of a provider without a default_requester must define bad_registrations: what"
            " register() must refuse, such as wrong credentials."
        )
        with self.harness(tmp_path) as harness:
            provider = harness.provider()
            for bad in self.bad_registrations:
                refusal = _refused_registration(provider, self._registration(bad))
                assert refusal is not None, (
                    "register() must raise a UsageError for each of bad_registrations, and accepted"
                    f" {bad!r}."
                )
                assert refusal, (
                    "register() must say in its UsageError why it refuses a registration, and the"
                    " message is empty."
                )

            kept = provider.register("requester", self._registration(self.good_registration))
            assert isinstance(kept, Mapping), f"register() must return a mapping, not {kept!r}."
            assert_json(kept, "register() must return JSON, which is stored")

    def test_worker_does_a_run(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            self._register(harness)
            gateway = harness.launch()
            worker = ScriptedWorker(GatewayTransport(gateway), "worker", query=self.query)

            answers = worker.submit_all(len(ROWS) + 1)

            assert [answer.outcome for answer in answers] == ["stored"] * len(ROWS), (
                "A worker who comes with the parameters of query() must get a unit for each"
                f" reference: {[answer.text for answer in answers][-1:]}"
            )
            page = worker.open(f"{worker.name}-0")
            assert not page.has_form, (
                "A submitted visit must not begin again: arrive() must return the same reference"
                " for the same parameters, also after the submission."
            )
            records = list(export_records(harness.database, run=gateway.run_id))
            found = {record["provider"] for record in records}
            assert found == {self.provider.type}, (
                f"The records of a run must name its provider, {self.provider.type!r}, not {found}."
            )
            assert_json(records, "The records of an export must be JSON")

    def _registration(self, given: Mapping[str, Any]) -> Any:
        return self.provider.RequesterArgs(**given)


def _arrive(provider: Provider, query: Mapping[str, str]) -> object:
    with must_not_raise(f"arrive() must not raise, whatever an address holds: {query!r}"):
        return provider.arrive(query)


def _refused_registration(provider: Provider, args: Any) -> str | None:
    """Return why a registration is refused; None if it is accepted."""
    try:
        provider.register("requester", args)
    except UsageError as error:
        return str(error)
    return None


def _is_inherited(provider: type[Provider], method: str) -> bool:
    return getattr(provider, method) is getattr(Provider, method)
