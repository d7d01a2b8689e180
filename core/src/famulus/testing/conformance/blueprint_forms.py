"""What the rules of a blueprint ask it with: views, and the form of its page filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from famulus.contracts.views import AttemptView, Form, Page, TaskView, UnitView, WorkerView
from famulus.testing.conformance.harness import PluginHarness
from famulus.testing.conformance.under_test import BlueprintUnderTest
from famulus.testing.forms import form_of_body
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
        page = harness.blueprint().task_page(self._view(harness))
        return self._as_form(harness, page, variant)

    def _as_form(self, harness: PluginHarness, page: Page, variant: int) -> Form:
        form = form_of_body(page.body)
        assert form.controls, "A page must have a named control, or it cannot be answered."
        filled = self.fill(form, variant)
        received = [
            received_file(file, harness.folder / f"upload-{number}")
            for number, file in enumerate(filled.files)
        ]
        return Form(fields=filled.fields, files=received)
