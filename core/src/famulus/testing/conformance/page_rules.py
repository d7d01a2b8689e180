"""The rules of a blueprint's pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.views import (
    AssetFolder,
    Form,
    NotPassed,
    OnboardingView,
    Page,
    PreviewView,
    SubmittedUnit,
    TaskView,
    UnitView,
)
from famulus.errors import InvalidAnswers
from famulus.testing.conformance.blueprint_forms import (
    WORKER,
    BlueprintForms,
    checked_page,
    controls_of,
)
from famulus.testing.conformance.harness import PluginHarness, must_not_raise
from famulus.testing.conformance.hostile_input import (
    HOSTILE_VALUES,
    ODD_VALUES,
    break_outs,
    outer_parts,
    waits_for_others,
    with_values,
)
from famulus.testing.scripted_worker import at_once

_NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
_THREADS = 8
#: The first page may fill caches, and the machine may be busy.
_TRIES = 3


class BlueprintPageRules(BlueprintForms):
    """Pages are the content of a form and escape the data, answers included."""

    def test_page_is_the_same_when_it_is_reloaded(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            view = self._view(harness)
            blueprint = harness.blueprint()
            pages = [blueprint.task_page(view), blueprint.task_page(view)]
            pages.append(harness.blueprint().task_page(view))

        assert pages[0] == pages[1] == pages[2], (
            "task_page() must return the same page for the same view, in every process: a worker"
            " who reloads must find what they saw. Draw lots from a hash of the unit's id."
        )

    def test_pages_are_the_inside_of_a_form(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            for name, page in self._pages(harness, harness.rows[0]):
                outer = outer_parts(page)
                assert not outer, (
                    f"The page of {name}() stands inside core's form and document; leave out:"
                    f" {', '.join(outer)}."
                )
                waits = waits_for_others(page)
                assert not waits, (
                    f"Nothing in head and body of {name}() may wait for another host; put it into"
                    f" Page.scripts, or serve it by assets(): {', '.join(waits)}."
                )

    def test_data_stays_data_in_every_page(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            for row in harness.rows[:3]:
                for value in (*HOSTILE_VALUES, *ODD_VALUES):
                    hostile = with_values(row, value, self.own_fields)
                    for name, page in self._pages(harness, hostile, worker_name=value):
                        found = break_outs(page, value)
                        assert not found, (
                            f"Data must stay data, but in {name}() the value {value!r} became"
                            f" {', '.join(found)}. Escape each value for the place it stands in."
                        )

    def test_pages_are_made_in_time(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            for name, seconds in self._times(harness):
                assert seconds <= self.page_seconds, (
                    f"{name}() took {seconds:.1f} seconds, for which each worker waits; at most"
                    f" {self.page_seconds:g} are allowed. Prepare what takes long before, such as"
                    " in __init__(), or set page_seconds of this class."
                )

    def test_preview_needs_no_data(self, tmp_path: Path) -> None:
        with (
            self.harness(tmp_path) as harness,
            must_not_raise("preview_page() must do without data"),
        ):
            page = harness.blueprint().preview_page(PreviewView(data=None))

        assert page is None or isinstance(page, Page), (
            "preview_page() must return a Page or None, also while no data is loaded."
        )

    def test_reviewer_is_shown_text(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            blueprint = harness.blueprint()
            view, form = self._view(harness), self._form(harness)
            clear = [(name, "\x1b[2J") for name, _ in form.fields]
            for fields in (form.fields, clear):
                try:
                    answers = blueprint.read_answers(
                        Form(fields=fields, files=form.files), self._attempt(harness)
                    )
                except InvalidAnswers:
                    continue
                shown = blueprint.show(_submitted(view.unit, answers))

                assert isinstance(shown, str), "show() must return text."
                assert "\x1b" not in shown, (
                    "show() must not hand a worker's control characters to the reviewer's terminal."
                )

    def test_review_page_shows_answers_as_data(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            form = self._form(harness)
            for number, (name, sent) in enumerate(form.fields):
                for value in (sent, *HOSTILE_VALUES):
                    fields = [*form.fields]
                    fields[number] = (name, value)
                    self._review(harness, Form(fields=fields, files=form.files), value)

    def test_assets_are_folders(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            folders: Any = harness.blueprint().assets()

        assert isinstance(folders, (list, tuple)), (
            f"assets() must return a list of folders, and returned {folders!r:.200}."
        )
        for each in folders:
            folder = each.path if isinstance(each, AssetFolder) else each
            assert folder.is_dir(), f"assets() must return folders that are there, not {folder}."

    def test_threads_can_share_an_instance(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            form, attempt = self._form(harness), self._attempt(harness)
            views = [self._view(harness, row=row) for row in harness.rows[:20]]
            alone, shared = harness.blueprint(), harness.blueprint()

            def all_of(blueprint: Blueprint) -> object:
                pages = [blueprint.task_page(view) for view in views]
                return pages, blueprint.read_answers(form, attempt)

            expected = all_of(alone)
            results = at_once(_THREADS, lambda _: all_of(shared))

        assert all(result == expected for result in results), (
            "task_page() and read_answers() must return the same to each of the threads that use"
            " one instance at once as to a single one: keep nothing between calls but caches, and"
            " guard those."
        )

    def test_onboarding_decides(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            blueprint = harness.blueprint()
            if not blueprint.has_onboarding:
                return
            assert blueprint.onboarding_qualification, (
                "A blueprint with an onboarding must name the onboarding_qualification it grants."
            )
            page = blueprint.onboarding_page(OnboardingView(agent_id=1, worker=WORKER))
            attempt = self._attempt(harness, onboarding=True)
            form = self._filled(harness, controls_of(page, "onboarding_page"), 0)
            answers = blueprint.read_answers(form, attempt)

            with must_not_raise("onboarding_passed() must judge what read_answers() returns"):
                verdict = blueprint.onboarding_passed(answers, attempt)

        assert isinstance(verdict, bool | NotPassed), (
            f"onboarding_passed() must return True, False or a NotPassed, not {verdict!r}."
        )

    def _pages(
        self, harness: PluginHarness, row: Mapping[str, Any], *, worker_name: str = "a worker"
    ) -> Iterator[tuple[str, Page]]:
        yield from self._pages_of(harness.blueprint(), self._view(harness, row, worker_name))

    def _pages_of(self, blueprint: Blueprint, view: TaskView) -> Iterator[tuple[str, Page]]:
        with must_not_raise("task_page() must accept all data that problems() accepts"):
            page = blueprint.task_page(view)
        yield "task_page", checked_page(page, "task_page")
        with must_not_raise("preview_page() must accept all data that problems() accepts"):
            preview = blueprint.preview_page(PreviewView(data=view.unit.data))
        if preview is not None:
            yield "preview_page", checked_page(preview, "preview_page")
        if blueprint.has_onboarding:
            onboarding = OnboardingView(agent_id=5, worker=view.worker)
            page = blueprint.onboarding_page(onboarding)
            yield "onboarding_page", checked_page(page, "onboarding_page")

    def _times(self, harness: PluginHarness) -> Iterator[tuple[str, float]]:
        """Yield the name of each method that makes a page, with the seconds of the fastest try."""
        fastest: dict[str, float] = {}
        blueprint, view = harness.blueprint(), self._view(harness)
        for _ in range(_TRIES):
            began = perf_counter()
            for name, _ in self._pages_of(blueprint, view):
                ended = perf_counter()
                fastest[name] = min(fastest.get(name, ended - began), ended - began)
                began = ended
            if max(fastest.values()) <= self.page_seconds:
                break
        yield from fastest.items()

    def _review(self, harness: PluginHarness, form: Form, value: str) -> None:
        """Check the review page of a form, if the blueprint accepts it."""
        blueprint = harness.blueprint()
        try:
            answers = blueprint.read_answers(form, self._attempt(harness))
        except InvalidAnswers:
            return
        with must_not_raise("review_page() must show all answers that read_answers() returns"):
            page = blueprint.review_page(_submitted(self._view(harness).unit, answers))
        outer = outer_parts(checked_page(page, "review_page"))
        assert not outer, (
            "The page of review_page() stands inside core's form and document; leave out:"
            f" {', '.join(outer)}."
        )
        found = break_outs(page, value)
        assert not found, (
            f"Answers are a stranger's text, but in review_page() the value {value!r} became"
            f" {', '.join(found)}. Escape each value for the place it stands in."
        )


def _submitted(unit: UnitView, answers: Any) -> SubmittedUnit:
    return SubmittedUnit(
        id=unit.id,
        assignment_id=unit.assignment_id,
        index=unit.index,
        data=unit.data,
        agent_id=5,
        worker=WORKER,
        answers=answers,
        late=False,
        started_at=_NOON,
        submitted_at=_NOON,
    )
