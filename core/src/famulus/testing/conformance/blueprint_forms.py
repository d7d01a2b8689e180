"""What the rules of a blueprint ask it with: views, and the form of its page filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from famulus.contracts.views import AttemptView, Form, Page, TaskView, UnitView, WorkerView
from famulus.testing.conformance.harness import PluginHarness
from famulus.testing.conformance.under_test import BlueprintUnderTest
from famulus.testing.forms import HtmlForm, form_of_body
from famulus.testing.transports import received_file

WORKER = WorkerView(id=1, name="a worker", provider_type="crowd")


class BlueprintForms(BlueprintUnderTest):
    """Makes the arguments of a blueprint's methods, from its data and its page."""

    def _view(
        self,
        harness: PluginHarness,
        row: Mapping[str, Any] | None = None,
        worker_name: str = "a worker",
    ) -> TaskView:
        data = harness.rows[0] if row is None else row
        unit = UnitView(id=7, assignment_id=3, index=0, data=data)
        return TaskView(agent_id=5, worker=attrs.evolve(WORKER, name=worker_name), unit=unit)

    def _attempt(self, harness: PluginHarness, *, onboarding: bool = False) -> AttemptView:
        view = self._view(harness)
        return AttemptView(agent_id=view.agent_id, onboarding=onboarding, unit=lambda: view.unit)

    def _form(self, harness: PluginHarness, variant: int = 0) -> Form:
        return self._filled(harness, self._controls(harness), variant)

    def _controls(self, harness: PluginHarness) -> HtmlForm:
        """Return the controls of the page of the first row."""
        page = harness.blueprint().task_page(self._view(harness))
        return controls_of(page, "task_page")

    def _filled(self, harness: PluginHarness, form: HtmlForm, variant: int) -> Form:
        """Fill in a form, as the blueprint gets it from a browser."""
        filled = self.fill(form, variant)
        received = [
            received_file(file, harness.folder / f"upload-{number}")
            for number, file in enumerate(filled.files)
        ]
        return Form(fields=filled.fields, files=received)


def controls_of(page: Any, method: str) -> HtmlForm:
    """Return the controls of a page that a method has returned, one at least."""
    form = form_of_body(checked_page(page, method).body)
    assert form.controls, (
        f"The page of {method}() must have a control with a name, or it cannot be answered."
    )
    return form


def checked_page(page: Any, method: str) -> Page:
    """Return what a method has returned, which has to be a page whose parts are text."""
    assert isinstance(page, Page), (
        f"{method}() must return a famulus.Page, and returned {page!r:.200}."
    )
    for name in ("body", "head", "scripts"):
        part = getattr(page, name)
        assert isinstance(part, str), (
            f"{method}() must return a page whose {name} is text, and not {part!r:.200}."
        )
    return page
