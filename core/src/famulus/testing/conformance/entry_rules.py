"""The rules of a provider whose workers fill in an entry form before they arrive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from famulus.contracts.entry_form import Entry, EntryForm
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Arrival
from famulus.contracts.views import Refusal
from famulus.testing.conformance.harness import PluginHarness, must_not_raise
from famulus.testing.conformance.hostile_input import HOSTILE_VALUES, ODD_VALUES
from famulus.testing.conformance.provider_under_test import ProviderUnderTest
from famulus.testing.scripted_worker import at_once

_THREADS = 8


class ProviderEntryRules(ProviderUnderTest):
    """An entry form leads to a worker, and to the same one if sent twice; it never fails."""

    def test_entry_form_has_its_parameters_in_the_tests(self, tmp_path: Path) -> None:
        overrides = self.provider.enter is not Provider.enter
        with self.harness(tmp_path):
            has_query = self.entry_query() is not None

        assert has_query or not overrides, (
            "A provider that overrides enter() is tested with a form: define entry_query() and"
            " entry_values()."
        )

    def test_entry_leads_to_a_worker(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            query, form = self._form(harness)
            values = self.entry_values("worker")

            assert values.keys() <= {each.name for each in form.fields}, (
                "entry_values() must name only fields of the form that entry_query() leads to, not"
                f" {', '.join(sorted(values.keys() - {each.name for each in form.fields}))}."
            )
            self._arrival(harness, query, self._entry(form, "worker", "a"))

    def test_entry_that_is_sent_twice_is_one_worker(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            query, form = self._form(harness)
            entry = self._entry(form, "worker", "a")
            provider = harness.provider()

            at_once(_THREADS, lambda _: provider.enter(query, entry))
            found = {self._arrival(harness, query, entry).worker_name for _ in range(2)}

            assert len(found) == 1, (
                "A browser may send a form twice: enter() must lead to the same worker for the same"
                f" key, in another process too, and led to {' and '.join(sorted(found))}."
            )

    def test_two_people_who_enter_are_two_workers(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            query, form = self._form(harness)
            first, second = (
                self._arrival(harness, query, self._entry(form, name, key)).worker_name
                for name, key in (("worker", "a"), ("another", "b"))
            )

            assert first != second, (
                "enter() must lead to different workers for different values and keys, and led to"
                f" {first!r} twice."
            )

    def test_any_entry_has_an_answer(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            query, form = self._form(harness)
            good = self._entry(form, "worker", "a")
            provider = harness.provider()
            for asked in form.fields:
                for value in (*HOSTILE_VALUES, *ODD_VALUES, "" if not asked.required else "x"):
                    # As core passes it on: in one line, and no longer than allowed.
                    text = " ".join(value.split())[: asked.longest]
                    entry = Entry(values={**good.values, asked.name: text}, key=good.key)
                    with must_not_raise(f"enter() must not raise, whatever is entered: {text!r}"):
                        found = provider.enter(query, entry)
                    assert isinstance(found, (Mapping, EntryForm, Refusal)), (
                        "enter() must return URL parameters, an EntryForm or a Refusal, not"
                        f" {found!r}."
                    )
                    if isinstance(found, EntryForm):
                        assert found.messages, (
                            "An EntryForm that enter() returns must have messages: a worker has to"
                            " know what to change."
                        )

    def _form(self, harness: PluginHarness) -> tuple[dict[str, str], EntryForm]:
        query = self.entry_query()
        if query is None:
            pytest.skip("entry_query() leads to no form")
        form = harness.provider().arrive(query)
        assert isinstance(form, EntryForm), (
            f"arrive() must return an EntryForm for entry_query(), not {form!r}."
        )
        return query, form

    def _entry(self, form: EntryForm, worker: str, digit: str) -> Entry:
        values = {each.name: "" for each in form.fields}
        return Entry(values={**values, **self.entry_values(worker)}, key=digit * 32)

    def _arrival(self, harness: PluginHarness, query: Mapping[str, str], entry: Entry) -> Arrival:
        with must_not_raise("enter() must take entry_values()"):
            found = harness.provider().enter(query, entry)
        assert isinstance(found, Mapping), (
            f"enter() must return the URL parameters of a worker for entry_values(), not {found!r}."
        )
        arrival = harness.provider().arrive(found)
        assert isinstance(arrival, Arrival), (
            "The parameters that enter() returns must lead to an Arrival, not to"
            f" {arrival!r}: {found!r}."
        )
        return arrival
