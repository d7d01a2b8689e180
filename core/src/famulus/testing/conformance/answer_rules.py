"""The rules of the answers that a blueprint reads from a form."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

from famulus.contracts.views import Form
from famulus.errors import InvalidAnswers
from famulus.testing.conformance.blueprint_forms import BlueprintForms
from famulus.testing.conformance.harness import PluginHarness, assert_json, must_not_raise
from famulus.testing.conformance.hostile_input import hostile_forms
from famulus.testing.conformance.values_in_answers import is_in
from famulus.testing.forms import HtmlForm

#: Workers who fill in the form, each with other choices.
_VARIANTS = 3


class BlueprintAnswerRules(BlueprintForms):
    """Answers are JSON and hold what the worker has entered; a bad form gets a message."""

    def test_answers_are_json_and_the_same_for_the_same_form(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            blueprint = harness.blueprint()
            attempt = self._attempt(harness)
            for variant in range(_VARIANTS):
                form = self._form(harness, variant)
                answers = blueprint.read_answers(form, attempt)

                assert_json(answers, "read_answers() must return JSON")
                assert blueprint.read_answers(form, attempt) == answers, (
                    "read_answers() must return the same answers for the same form: a browser"
                    " that got no reply sends it again."
                )

    def test_answers_hold_what_the_worker_has_entered(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            blueprint, attempt = harness.blueprint(), self._attempt(harness)
            for variant in range(_VARIANTS):
                controls = self._controls(harness)
                form = self._filled(harness, controls, variant)
                # As they are stored: JSON has no tuples.
                answers = json.loads(json.dumps(blueprint.read_answers(form, attempt)))

                for name, value in self._entered(controls, form):
                    assert is_in(answers, value), (
                        f"read_answers() must return what the worker has entered, but {value!r} of"
                        f" the field {name!r} is not in {answers!r:.300}. If the answers need not"
                        " hold it, or hold it in another form, name the field in not_in_answers of"
                        " this class."
                    )

    def test_different_forms_give_different_answers(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            blueprint, attempt = harness.blueprint(), self._attempt(harness)
            controls = self._controls(harness)
            forms = [self._filled(harness, controls, variant) for variant in range(_VARIANTS)]
            entered = [self._entered(controls, form) for form in forms]
            answers = [blueprint.read_answers(form, attempt) for form in forms]

        for one, other in combinations(range(_VARIANTS), 2):
            assert entered[one] == entered[other] or answers[one] != answers[other], (
                "read_answers() must return different answers for different forms, but returned"
                f" {answers[one]!r:.300} for both {entered[one]!r:.300} and"
                f" {entered[other]!r:.300}."
            )

    def test_hostile_forms_get_answers_or_a_message(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            form = self._form(harness)
            for words, fields in hostile_forms(form.fields):
                for files in ((), form.files):
                    self._read_hostile(harness, Form(fields=fields, files=files), words)

    def _entered(self, controls: HtmlForm, form: Form) -> list[tuple[str, str]]:
        """Return the fields that a worker has filled in, but those that may be dropped."""
        visible = {each.name for each in controls.controls if not each.hidden}
        return [
            (name, value)
            for name, value in form.fields
            if name in visible - self.not_in_answers and value.strip()
        ]

    def _read_hostile(self, harness: PluginHarness, form: Form, words: str) -> None:
        blueprint, attempt = harness.blueprint(), self._attempt(harness)
        answers, message = None, "none"
        with must_not_raise(f"read_answers() may only raise InvalidAnswers, but got {words}"):
            try:
                answers = blueprint.read_answers(form, attempt)
            except InvalidAnswers as error:
                message = str(error)
        assert message, (
            "read_answers() must say in its InvalidAnswers what the worker has to correct, and the"
            " message is empty."
        )
        assert_json(answers, f"Answers from {words} must be JSON")
