"""The rules of the answers that a blueprint reads from a form."""

from __future__ import annotations

from pathlib import Path

from famulus.contracts.views import Form
from famulus.errors import InvalidAnswers
from famulus.testing.conformance.blueprint_forms import BlueprintForms
from famulus.testing.conformance.harness import PluginHarness, assert_json, must_not_raise
from famulus.testing.conformance.hostile_input import hostile_forms


class BlueprintAnswerRules(BlueprintForms):
    """Answers are JSON and hold what the worker has entered; a bad form gets a message."""

    def test_answers_are_json_and_the_same_for_the_same_form(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            blueprint = harness.blueprint()
            attempt = self._attempt(harness)
            for variant in range(3):
                form = self._form(harness, variant)
                answers = blueprint.read_answers(form, attempt)

                assert_json(answers, "read_answers() must return JSON")
                assert blueprint.read_answers(form, attempt) == answers, (
                    "read_answers() must return the same answers for the same form: a browser"
                    " that got no reply sends it again."
                )

    def test_hostile_forms_get_answers_or_a_message(self, tmp_path: Path) -> None:
        with self.harness(tmp_path) as harness:
            form = self._form(harness)
            for words, fields in hostile_forms(form.fields):
                for files in ((), form.files):
                    self._read_hostile(harness, Form(fields=fields, files=files), words)

    def _read_hostile(self, harness: PluginHarness, form: Form, words: str) -> None:
        blueprint, attempt = harness.blueprint(), self._attempt(harness)
        answers, message = None, "none"
        with must_not_raise(f"read_answers() may only raise InvalidAnswers, but got {words}"):
            try:
                answers = blueprint.read_answers(form, attempt)
            except InvalidAnswers as error:
                message = str(error)
        assert message, "InvalidAnswers must tell the worker what is wrong."
        assert_json(answers, f"Answers from {words} must be JSON")
