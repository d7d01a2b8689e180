"""The blueprint ``crowd_form``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from attrs import evolve

import famulus
import famulus_marks
from famulus_crowd_form.catalogue import CATALOGUE, _
from famulus_crowd_form.elements.base import attributes
from famulus_crowd_form.options import ROWS_KEY, CrowdFormArgs, SharedCrowdFormState
from famulus_crowd_form.show import shown, shown_onboarding

# Every command imports this module, and Liquid takes long.
if TYPE_CHECKING:
    from famulus_crowd_form.page import FilledPage
    from famulus_crowd_form.template import Template

_Rows = Callable[[], Iterable[Mapping[str, Any]]]
#: The folder of our style sheet and script.
STATIC = Path(__file__).parent / "static"
_STYLE_SHEET = "famulus_crowd.css"
_HEAD = (
    f'<link rel="stylesheet" href="{famulus_marks.STYLE_SHEET}">'
    f'<link rel="stylesheet" href="{_STYLE_SHEET}"><script src="famulus_crowd.js"></script>'
)
_NO_SCRIPT = _("This page needs JavaScript: please turn it on, then load the page again.")
# Translators: a button that takes a note away
_CLOSE = _("Close")
_ENGLISH = famulus.Translator.to("en")
_MARKS_SCRIPT = f'<script src="{famulus_marks.SCRIPT}"></script>'


class CrowdFormBlueprint(famulus.Blueprint):
    """A template of SageMaker Ground Truth, filled with a row of data for each assignment."""

    type = "crowd_form"
    catalogue = CATALOGUE
    Args = CrowdFormArgs
    SharedState = SharedCrowdFormState
    args: CrowdFormArgs

    def __init__(self, args: CrowdFormArgs, context: famulus.Context) -> None:
        super().__init__(args, context)
        self._lock = Lock()
        self._compiled: dict[Path, Template] = {}
        self._beside: dict[Path, famulus.FilesBeside] = {}

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        """Check the options, the template and all rows, unless a generator yields the rows."""
        from famulus_crowd_form.checks import crowd_form_problems

        return crowd_form_problems(self.args, self.context.shared_state, plan)

    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Stream the rows.

        :raises famulus.UsageError: at a row that cannot be used.
        """
        for file in famulus.data_files(self.args):
            return file.rows()
        state = self.context.shared_state
        given = state.crowd_form_data if isinstance(state, SharedCrowdFormState) else ()
        return famulus.GivenRows(given, ROWS_KEY).rows(self._template.needed)

    @property
    def data_is_code(self) -> bool:
        """Whether the rows come from ``crowd_form_data``."""
        return not famulus.data_files(self.args)

    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        """Fill the template with the unit's row."""
        return self._page(view.unit.data, view.language)

    def preview_page(self, view: famulus.PreviewView) -> famulus.Page:
        """Fill the template with the first row."""
        return self._page(view.data or {}, view.language)

    @property
    def has_onboarding(self) -> bool:
        """Whether there is an ``onboarding_source``."""
        return self.args.onboarding_source is not None

    def onboarding_page(self, view: famulus.OnboardingView) -> famulus.Page:
        """Fill the onboarding's template with ``onboarding_data``."""
        translate = famulus.Translator.to(view.language)
        return _page(self._filled_onboarding(translate), translate)

    def onboarding_passed(
        self, answers: Any, attempt: famulus.AttemptView
    ) -> bool | famulus.NotPassed:
        """Return the verdict of ``validate_onboarding``, or whether the answers are right."""
        from famulus_crowd_form.onboarding import verdict_of_script
        from famulus_crowd_form.right_answers import are_right

        state = self.context.shared_state
        if isinstance(state, SharedCrowdFormState) and state.validate_onboarding is not None:
            return verdict_of_script(state, self.args.onboarding_data, answers)
        return are_right(answers, self.args.onboarding_correct)

    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> dict[str, Any]:
        """Return the answers of the elements in the shapes of Ground Truth, and other fields.

        The submitted form is checked against the page filled with the unit's row.
        """
        if attempt.onboarding:
            return self._filled_onboarding().read(form)
        return self._filled(attempt.unit.data).read(form)

    def show(self, unit: famulus.SubmittedUnit) -> str:
        """Return the row and the answers as ``name: value`` lines."""
        return shown(unit)

    def show_onboarding(self, answers: Any) -> str:
        """Return the answers as ``name: value`` lines, and the right answer to each wrong one."""
        from famulus_crowd_form.right_answers import wrong_answers

        found = answers if isinstance(answers, Mapping) else {"answer": answers}
        correct = self.args.onboarding_correct
        return shown_onboarding(found, correct, wrong_answers(answers, correct))

    def review_page(self, unit: famulus.SubmittedUnit) -> famulus.Page:
        """Show the page as the worker filled it in, with the marks drawn."""
        answers = unit.answers if isinstance(unit.answers, Mapping) else {}
        filled = self._filled(unit.data, famulus.Translator.to(unit.language or "en"))
        page = super().review_page(evolve(unit, answers=filled.fields(answers)))
        return evolve(page, head=review_head(), body=filled.reviewed(page.body, answers))

    def assets(self) -> Sequence[Path | famulus.AssetFolder]:
        """Return ``extra_source_dir`` or the files that templates name, and our static files.

        A template that cannot be shown any more has no files.
        """
        own = (STATIC, famulus_marks.STATIC)
        folder = self.args.extra_source_dir
        if folder is not None:
            return (folder.expanduser(), *own)
        folders = []
        for path in dict.fromkeys((self.args.task_source, self.args.onboarding_source)):
            if path is not None:
                with contextlib.suppress(famulus.UsageError):
                    beside = self._files_beside(path)
                    folders.append(famulus.AssetFolder(beside.folder, beside.serves))
        return (*folders, *own)

    def _files_beside(self, path: Path) -> famulus.FilesBeside:
        from famulus_crowd_form.page_files import files_beside

        template = self._template_of(path, "task_source")
        with self._lock:
            if path not in self._beside:
                files = famulus.data_files(self.args)
                rows: _Rows | None = files[0].rows if files else None
                if path != self.args.task_source:
                    rows = self._onboarding_rows
                self._beside[path] = files_beside(path.expanduser(), template, rows)
            return self._beside[path]

    def _onboarding_rows(self) -> Iterator[Mapping[str, Any]]:
        yield self.args.onboarding_data

    def _page(self, row: Mapping[str, Any], language: str) -> famulus.Page:
        translate = famulus.Translator.to(language)
        return _page(self._filled(row, translate), translate)

    def _filled(
        self, row: Mapping[str, Any], translate: famulus.Translator = _ENGLISH
    ) -> FilledPage:
        from famulus_crowd_form.page import filled_page

        return filled_page(self._template.render(row), translate)

    def _filled_onboarding(self, translate: famulus.Translator = _ENGLISH) -> FilledPage:
        from famulus_crowd_form.page import filled_page

        template = self._template_of(self.args.onboarding_source, "onboarding_source")
        return filled_page(template.render(self.args.onboarding_data), translate)

    @property
    def _template(self) -> Template:
        return self._template_of(self.args.task_source, "task_source")

    def _template_of(self, path: Path | None, option: str) -> Template:
        """Return the template in a file, compiled once per instance.

        :raises famulus.UsageError: if the file has changed and cannot be shown any more.
        """
        if path is None:
            raise famulus.UsageError(famulus.Problem("is not set", key=f"blueprint.{option}"))
        with self._lock:
            if path not in self._compiled:
                self._compiled[path] = _usable(path.expanduser())
            return self._compiled[path]


def _usable(path: Path) -> Template:
    from liquid.exceptions import LiquidError

    from famulus_crowd_form.template import compile_template, problem_of

    try:
        return compile_template(famulus.read_html(path))
    except OSError as error:
        raise famulus.UsageError(famulus.Problem(f"cannot be read: {error}", file=path)) from error
    except LiquidError as error:
        raise famulus.UsageError(problem_of(error, path)) from error


def review_head() -> str:
    """Return our style sheets as a ``<style>``, since a review serves only the author's folder."""
    own = (STATIC / _STYLE_SHEET).read_text(encoding="utf-8")
    return f"<style>\n{famulus_marks.style_text()}{own}</style>"


def _page(filled: FilledPage, translate: famulus.Translator) -> famulus.Page:
    """Return the page for a filled template; ``translate`` translates the page's own texts."""
    has_marks = any(answer.has_marks for answer in filled.answers)
    needs_scripts = has_marks or "<script" in filled.body or bool(filled.scripts)
    text = escape(translate(_NO_SCRIPT))
    language = translate.language
    own = attributes({"class": "crowd-noscript", **language.attributes})
    note = f"<noscript><p{own}>{text}</p></noscript>\n" if needs_scripts else ""
    around = attributes({
        "class": "crowd-page",
        "data-close": translate(_CLOSE),
        "data-lang": language.tag,
    })  # fmt: skip
    return famulus.Page(
        head=_HEAD,
        body=f"<div{around}>{note}{filled.body}</div>",
        scripts=(_MARKS_SCRIPT if has_marks else "") + filled.scripts,
        holds_submissions="<script" in filled.scripts,
        html_attributes=filled.html_attributes,
        form_attributes=filled.form_attributes,
        body_attributes=filled.body_attributes,
        submit_attributes={"hidden": ""} if filled.has_submit else {},
    )
