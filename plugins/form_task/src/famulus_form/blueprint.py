"""The blueprint ``form``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

import famulus
from famulus_form.catalogue import CATALOGUE
from famulus_form.options import ROWS_KEY, FormArgs, SharedFormState
from famulus_form.sent import Sent
from famulus_form.texts import PageContent

# Every command imports this module, and the kinds of questions take long.
if TYPE_CHECKING:
    from famulus_form.form import CompiledForm
    from famulus_form.onboarding import Onboarding
    from famulus_form.translated_form import TranslatedForm


class FormBlueprint(famulus.Blueprint):
    """Questions declared in YAML, asked of each row of data."""

    type = "form"
    catalogue = CATALOGUE
    Args = FormArgs
    SharedState = SharedFormState
    is_quick = True
    args: FormArgs

    def __init__(self, args: FormArgs, context: famulus.Context) -> None:
        super().__init__(args, context)
        self._beside: dict[Path, famulus.FilesBeside] = {}

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        """Check the options, the form and all rows, unless a generator yields the rows."""
        from famulus_form.checks import form_problems

        return form_problems(self.args, self.context.shared_state, plan)

    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Stream the rows, or groups of ``items_per_page``.

        :raises famulus.UsageError: at a row that cannot be used.
        """
        from famulus_form.items import grouped

        rows, size = self._rows(), self.args.items_per_page
        return rows if size == 1 else grouped(rows, size)

    @property
    def page_languages(self) -> Sequence[str]:
        """The languages of the form if each of its texts is in all of them; else none."""
        try:
            return self._translated.languages
        except famulus.UsageError:
            # The pages say so.
            return ()

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        for file in famulus.data_files(self.args):
            return file.rows()
        state = self.context.shared_state
        given = state.form_data if isinstance(state, SharedFormState) else ()
        return famulus.GivenRows(given, ROWS_KEY).rows(self._form.needed)

    @property
    def data_is_code(self) -> bool:
        """Whether the rows come from ``form_data``."""
        return not famulus.data_files(self.args)

    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        """Ask the questions about the unit's row."""
        return self._translated.to(view.language).page(self._shown(view))

    def refused_page(
        self, view: famulus.TaskView, form: famulus.Form, fields: Mapping[str, str]
    ) -> famulus.Page:
        """Show the form as it was filled in, with a message at each wrong answer."""
        page = super().refused_page(view, form, fields)
        return evolve(page, body=self._form.with_errors(page.body, fields))

    def preview_page(self, view: famulus.PreviewView) -> famulus.Page:
        """Ask the questions about the first row, or rows."""
        own = {"famulus_agent_id": "", "provider_worker_id": ""}
        shown = PageContent(own, translate=famulus.Translator.to(view.language))
        form = self._translated.to(view.language)
        return form.page(form.shown(view.data or {}, shown))

    @property
    def has_onboarding(self) -> bool:
        """Whether there is an ``onboarding_form``."""
        return self.args.onboarding_form is not None

    def onboarding_page(self, view: famulus.OnboardingView) -> famulus.Page:
        """Ask the questions of ``onboarding_form``."""
        own, lot = _own_values(view.agent_id, view.worker), _lot_of_attempt(view.agent_id)
        shown = PageContent(own, lot, translate=famulus.Translator.to(view.language))
        form = self._onboarding.form.to(view.language)
        return form.page(form.shown({}, shown))

    def refused_onboarding_page(
        self, view: famulus.OnboardingView, form: famulus.Form, fields: Mapping[str, str]
    ) -> famulus.Page:
        """Show the onboarding as it was filled in, with a message at each wrong field."""
        page = super().refused_onboarding_page(view, form, fields)
        return evolve(page, body=self._onboarding.form.to("").with_errors(page.body, fields))

    def onboarding_passed(
        self, answers: Any, attempt: famulus.AttemptView
    ) -> bool | famulus.NotPassed:
        """Return the verdict of ``validate_onboarding``, or whether enough answers are right."""
        from famulus_form.onboarding import verdict_of_script

        state = self.context.shared_state
        if isinstance(state, SharedFormState) and state.validate_onboarding is not None:
            return verdict_of_script(state, answers)
        return self._onboarding.judge.judge(answers).passed

    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> dict[str, Any]:
        """Return the typed answers to the questions that were asked, by column."""
        if attempt.onboarding:
            sent = Sent(form, {}, _lot_of_attempt(attempt.agent_id))
            return self._onboarding.form.to(attempt.language).read(sent)
        unit = attempt.unit
        return self._translated.to(attempt.language).read(Sent(form, unit.data, _lot(unit)))

    def thank_you(self, answers: Any, attempt: famulus.AttemptView) -> str:
        """Return the form's text after the submission."""
        form = self._translated.to(attempt.language)
        row = attempt.unit.data if form.thanks_by_row else {}
        return form.thank_you(PageContent(row))

    def show(self, unit: famulus.SubmittedUnit) -> str:
        """Return the row, and each question with its answer."""
        from famulus_form.show import shown

        return shown(self._form, unit)

    def show_onboarding(self, answers: Any) -> str:
        """Return each question of the onboarding with its answer, and the right one if it differs.

        The right answers are read from the present version of the form.
        """
        from famulus_form.show import shown_onboarding

        found = answers if isinstance(answers, Mapping) else {}
        return shown_onboarding(self._onboarding.form.to(""), self._onboarding.judge, found)

    def review_page(self, unit: famulus.SubmittedUnit) -> famulus.Page:
        """Show the form as the worker filled it in, without the questions that were not asked."""
        answers = unit.answers if isinstance(unit.answers, Mapping) else {}
        form = self._translated.to(unit.language)
        fields = form.fields(answers)
        language = unit.language or form.language
        page = super().review_page(evolve(unit, answers=fields, language=language))
        body = form.as_reviewed(page.body, answers, unit.data)
        return evolve(page, head=form.review_head, body=body)

    def assets(self) -> Sequence[Path | famulus.AssetFolder]:
        """Return ``extra_source_dir`` or the files that the forms name, and our static files."""
        from famulus_form.form import FOLDERS

        folder = self.args.extra_source_dir
        if folder is not None:
            return (folder.expanduser(), *FOLDERS)
        forms = (self.args.form, self.args.onboarding_form)
        beside = [self._files_beside(path.expanduser()) for path in forms if path is not None]
        return (*(famulus.AssetFolder(each.folder, each.serves) for each in beside), *FOLDERS)

    def _files_beside(self, path: Path) -> famulus.FilesBeside:
        from famulus_form.media_files import files_beside_form

        if path not in self._beside:
            data = famulus.data_files(self.args)
            self._beside[path] = files_beside_form(path, data)
        return self._beside[path]

    def _shown(self, view: famulus.TaskView) -> PageContent:
        own = _own_values(view.agent_id, view.worker)
        form = self._translated.to(view.language)
        earlier = view.earlier_answers if form.looks_back else None
        return form.shown(
            view.unit.data,
            PageContent(
                own, _lot(view.unit), earlier, translate=famulus.Translator.to(view.language)
            ),
        )

    @property
    def _form(self) -> CompiledForm:
        """The form in its first language."""
        return self._translated.to("")

    @cached_property
    def _translated(self) -> TranslatedForm:
        """The form in all its languages, compiled once per instance.

        :raises famulus.UsageError: if the file has changed and cannot be shown any more.
        """
        from famulus_form.translated_form import TranslatedForm

        path = self.args.form
        if path is None:
            raise famulus.UsageError(famulus.Problem("is not set", key="blueprint.form"))
        return TranslatedForm.read(path.expanduser(), self.args.items_per_page)

    @cached_property
    def _onboarding(self) -> Onboarding:
        """The compiled form of the onboarding, compiled once per instance.

        :raises famulus.UsageError: if the file has changed and cannot be shown any more.
        """
        from famulus_form.onboarding import Onboarding

        path = self.args.onboarding_form
        if path is None:
            raise famulus.UsageError(famulus.Problem("is not set", key="blueprint.onboarding_form"))
        return Onboarding.compiled(path.expanduser())


def _own_values(agent_id: int, worker: famulus.WorkerView) -> dict[str, str]:
    return {"famulus_agent_id": str(agent_id), "provider_worker_id": worker.name}


def _lot_of_attempt(agent_id: int) -> int:
    """Return the number that decides random orders for an attempt without a unit."""
    return hashlib.sha256(b"%d" % agent_id).digest()[0]


def _lot(unit: famulus.UnitView) -> int:
    """Return the number that decides random orders, so that the units of a row take turns."""
    drawn = hashlib.sha256(b"%d" % unit.assignment_id).digest()[0]
    return drawn + unit.index
