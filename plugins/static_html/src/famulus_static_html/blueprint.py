"""The blueprint ``static_task``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import famulus
from famulus_static_html.options import ROWS_KEY, SharedStaticTaskState, StaticTaskArgs
from famulus_static_html.values import VISIT, with_inputs

# Every command imports this module, and what reads pages takes long.
if TYPE_CHECKING:
    from famulus_static_html.compiled import CompiledPage


class StaticTaskBlueprint(famulus.Blueprint):
    """A form in an HTML file, filled with a row of data for each assignment."""

    type = "static_task"
    Args = StaticTaskArgs
    SharedState = SharedStaticTaskState
    is_quick = True
    args: StaticTaskArgs

    def __init__(self, args: StaticTaskArgs, context: famulus.Context) -> None:
        super().__init__(args, context)
        self._lock = Lock()
        self._pages: dict[Path, CompiledPage] = {}
        self._beside: dict[Path, famulus.FilesBeside] = {}

    @property
    def _state(self) -> SharedStaticTaskState:
        state = self.context.shared_state
        return state if isinstance(state, SharedStaticTaskState) else SharedStaticTaskState()

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        """Check the options, the pages and all rows, unless a generator yields the rows."""
        from famulus_static_html.checks import StaticTaskChecks

        return StaticTaskChecks(self.args, self.context.shared_state, plan).problems()

    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Stream the rows.

        :raises famulus.UsageError: at a row that cannot be used.
        """
        from famulus_static_html.markup import LoadedRows, MarkupWatch
        from famulus_static_html.source import OWN_NAMES

        for file in famulus.data_files(self.args):
            return file.rows()
        page = self._page(self.args.task_source)
        needed = {one.html_name for one in page.needed} - OWN_NAMES
        watch = MarkupWatch(
            page, Path(self.args.task_source or ""), is_decided=self.args.trust_data is not None
        )
        given = famulus.GivenRows(self._state.static_task_data, ROWS_KEY)
        return given.rows(needed, LoadedRows(watch))

    def earlier_assignments(self) -> Sequence[Iterator[Mapping[str, Any]]]:
        """Return the rows with each column of MTurk's results under both of its names."""
        return [map(with_inputs, file.rows()) for file in famulus.data_files(self.args)]

    @property
    def data_is_code(self) -> bool:
        """Whether the rows come from ``static_task_data``."""
        return not famulus.data_files(self.args)

    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        """Fill the task's page with the unit's row."""
        own = _own_values(str(view.agent_id), view.worker.name, str(view.unit.assignment_id))
        values = {**with_inputs(view.unit.data), **own}
        return self._page(self.args.task_source).render(values)

    def preview_page(self, view: famulus.PreviewView) -> famulus.Page:
        """Fill the preview, or else the task's page, with the first row."""
        values = {**with_inputs(view.data or {}), **_own_values("", "", "")}
        return self._page(self.args.preview_source or self.args.task_source).render(values)

    @property
    def has_onboarding(self) -> bool:
        """Whether there is an ``onboarding_source``."""
        return self.args.onboarding_source is not None

    def onboarding_page(self, view: famulus.OnboardingView) -> famulus.Page:
        """Fill the onboarding page with ``onboarding_data``."""
        values = {
            **self._state.onboarding_data,
            **_own_values(str(view.agent_id), view.worker.name, ""),
        }
        return self._page(self.args.onboarding_source).render(values)

    def onboarding_passed(
        self, answers: Any, attempt: famulus.AttemptView
    ) -> bool | famulus.NotPassed:
        """Return the verdict of ``validate_onboarding``.

        :raises TypeError: if it returns anything other than a verdict, so that a forgotten return
            does not fail a worker.
        """
        validate = self._state.validate_onboarding
        if validate is None:
            raise LookupError("the onboarding needs validate_onboarding, and it is not set")
        verdict = validate({"inputs": self._state.onboarding_data, "outputs": answers})
        if not isinstance(verdict, bool | famulus.NotPassed):
            raise TypeError(
                f"validate_onboarding returned {verdict!r}: it must return True, False or NotPassed"
            )
        return verdict

    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> dict[str, Any]:
        """Return the form's fields; a field that can have several values is always a list.

        Hidden fields that only copy the visit's values are left out.
        """
        source = self.args.onboarding_source if attempt.onboarding else self.args.task_source
        page = self._page(source)
        lists = page.lists
        if page.has_raw_markup:
            data = self._state.onboarding_data if attempt.onboarding else attempt.unit.data
            lists = page.lists_for(with_inputs(data))
        form = page.mturk.answers(form)
        return famulus.answers_from(form, lists=lists.among(form))

    def show(self, unit: famulus.SubmittedUnit) -> str:
        """Return inputs and outputs as ``name: value`` lines."""
        from famulus_static_html.show import shown

        return shown(unit)

    def assets(self) -> Sequence[Path | famulus.AssetFolder]:
        """Return ``extra_source_dir``, or else the files that each page names in its own folder.

        A page that cannot be shown any more has no files.
        """
        if self.args.extra_source_dir is not None:
            return (self.args.extra_source_dir.expanduser(),)
        pages = (self.args.task_source, self.args.preview_source, self.args.onboarding_source)
        folders = []
        for path in dict.fromkeys(pages):
            if path is not None:
                with contextlib.suppress(famulus.UsageError):
                    beside = self._files_beside(path)
                    folders.append(famulus.AssetFolder(beside.folder, beside.serves))
        return folders

    def _files_beside(self, path: Path) -> famulus.FilesBeside:
        from famulus_static_html.beside import files_beside

        page = self._page(path)
        with self._lock:
            if path not in self._beside:
                data = famulus.data_files(self.args)
                self._beside[path] = files_beside(page, path.expanduser(), data)
            return self._beside[path]

    def _page(self, path: Path | None) -> CompiledPage:
        """Return a compiled page, compiled once per instance.

        :raises famulus.UsageError: if the file has changed and cannot be shown any more.
        """
        if path is None:
            raise famulus.UsageError(famulus.Problem("is not set", key="blueprint.task_source"))
        with self._lock:
            if path not in self._pages:
                self._pages[path] = _usable_page(
                    path.expanduser(),
                    trusted=bool(self.args.trust_data),
                    folder=self.args.extra_source_dir,
                )
            return self._pages[path]


def _usable_page(path: Path, *, trusted: bool, folder: Path | None) -> CompiledPage:
    from famulus_static_html.page import read_page

    try:
        page = read_page(path, trusted=trusted, folder=folder)
    except OSError as error:
        raise famulus.UsageError(famulus.Problem(f"cannot be read: {error}", file=path)) from error
    faults = [problem for problem in page.problems if not problem.warning]
    if faults:
        raise famulus.UsageError(faults)
    return page


def _own_values(agent_id: str, worker_name: str, assignment_id: str) -> dict[str, Any]:
    return {
        "famulus_agent_id": agent_id,
        "mephisto_agent_id": agent_id,
        "provider_worker_id": worker_name,
        VISIT: (agent_id, assignment_id, worker_name),
    }
