"""The checks of a static task before it is launched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

import famulus
from famulus_static_html.beside import InputFileWatch, files_beside
from famulus_static_html.columns import named_columns, page_problems
from famulus_static_html.compiled import CompiledPage
from famulus_static_html.markup import MarkupWatch, SeveralWatches
from famulus_static_html.options import ROWS_KEY, SharedStaticTaskState, StaticTaskArgs
from famulus_static_html.page import read_page
from famulus_static_html.source import OWN_NAMES


@define
class StaticTaskChecks:
    """The checks of one plan, which read files and write nothing."""

    args: StaticTaskArgs
    state: famulus.SharedTaskState
    plan: famulus.Plan
    found: list[famulus.Problem] = field(factory=list, init=False)

    def problems(self) -> list[famulus.Problem]:
        """Return everything that is wrong."""
        state = self._static_state()
        task, preview = self._page("task_source"), self._page("preview_source")
        watches = [
            *self._watches("task_source", task),
            *self._watches("preview_source", preview, 1),
        ]
        data = self._data(state, task, SeveralWatches(watches))
        self._judge("task_source", task, self._named(data.columns))
        self._judge_fields("task_source", task)
        self._judge("preview_source", preview, self._named(data.first))
        self.found += data.problems
        self.found += (problem for watch in watches for problem in watch.problems())
        self._own_names(data.columns or ())
        self._onboarding(state)
        self._folder()
        return self.found

    def _option(self, name: str, message: str) -> None:
        self.found.append(self.plan.problem(f"blueprint.{name}", message))

    def _path(self, name: str) -> Path | None:
        path: Path | None = getattr(self.args, name)
        return None if path is None else path.expanduser()

    def _static_state(self) -> SharedStaticTaskState | None:
        if isinstance(self.state, SharedStaticTaskState):
            return self.state
        kind = type(self.state).__name__
        message = f"shared_state must be a SharedStaticTaskState, not a {kind}"
        self.found.append(famulus.Problem(message, key="shared_state"))
        return None

    def _page(self, name: str) -> CompiledPage | None:
        path = self._path(name)
        if path is None:
            return None
        try:
            return read_page(
                path,
                trusted=bool(self.args.trust_data),
                folder=self.args.extra_source_dir,
            )
        except OSError as error:
            self._option(name, famulus.unreadable(path, error))
        except famulus.UsageError as error:
            self.found += (evolve(each, key=f"blueprint.{name}") for each in error.problems)
        return None

    def _judge_fields(self, name: str, page: CompiledPage | None) -> None:
        if page is None or page.has_named_field or page.has_raw_markup:
            return
        if any(not problem.warning for problem in page.problems):
            return
        message = (
            "has no field with a name, so that no answer is collected unless a script of the page "
            "makes fields"
        )
        self.found.append(famulus.Problem(message, file=self._path(name), warning=True))

    def _judge(self, name: str, page: CompiledPage | None, columns: Collection[str] | None) -> None:
        path = self._path(name)
        if page is not None and path is not None:
            self.found += page_problems(page, path, columns)
            folder = self._path("extra_source_dir")
            self.found += famulus.file_problems(self._beside(page, path), folder)

    def _beside(self, page: CompiledPage, path: Path) -> famulus.FilesBeside:
        return files_beside(page, path, famulus.data_files(self.args))

    def _watches(
        self, name: str, page: CompiledPage | None, most: int | None = None
    ) -> list[MarkupWatch | InputFileWatch]:
        path = self._path(name)
        if page is None or path is None:
            return []
        data = next((file.path for file in famulus.data_files(self.args)), None)
        noun = "row" if data is None else "line"
        markup = MarkupWatch(
            page,
            path,
            noun=noun,
            data=data,
            most=most,
            is_decided=self.args.trust_data is not None,
        )
        folder = self._path("extra_source_dir")
        return [markup, InputFileWatch(self._beside(page, path), folder, noun)]

    def _data(
        self,
        state: SharedStaticTaskState | None,
        task: CompiledPage | None,
        watch: famulus.RowWatch,
    ) -> famulus.DataCheck:
        needed = {one.html_name for one in task.needed} - OWN_NAMES if task else set()
        given = None if state is None else state.static_task_data
        return famulus.check_task_data(self.plan, given, ROWS_KEY, needed, watch)

    def _named(self, columns: Collection[str] | None) -> Collection[str] | None:
        is_file = bool(famulus.data_files(self.args))
        return named_columns(columns) if columns is not None and is_file else columns

    def _own_names(self, columns: Collection[str]) -> None:
        for name in sorted(OWN_NAMES & set(columns)):
            message = f"the column {name} would hide the value of the worker's own: rename it"
            files = famulus.data_files(self.args)
            line = 1 if files and files[0].option == "data_csv" else None
            file = files[0].path if files else None
            self.found.append(famulus.Problem(message, file=file, line=line))

    def _onboarding(self, state: SharedStaticTaskState | None) -> None:
        has_source = self.args.onboarding_source is not None
        if self.args.onboarding_qualification and not has_source:
            self._option("onboarding_qualification", "needs an onboarding_source that grants it")
        if not has_source:
            return
        if state is not None:
            self._validation(state)
        page = self._page("onboarding_source")
        values = state.onboarding_data if state is not None else None
        fault = None if values is None else famulus.row_fault(values)
        if fault:
            self.found.append(famulus.Problem(fault, key="shared_state.onboarding_data"))
        self._judge_fields("onboarding_source", page)
        self._judge("onboarding_source", page, values if isinstance(values, Mapping) else None)
        if values is not None and not fault:
            for watch in self._watches("onboarding_source", page):
                watch.see(1, values)
                self.found += watch.problems()

    def _validation(self, state: SharedStaticTaskState) -> None:
        validate: Any = state.validate_onboarding
        if not callable(validate):
            what = "is not set" if validate is None else f"is {validate!r}, not a function"
            message = f"{what}: the onboarding needs a function that decides who has passed"
            if not self.plan.shared_state_given:
                message += ", which only Python can give; start its run script"
            self.found.append(famulus.Problem(message, key="shared_state.validate_onboarding"))

    def _folder(self) -> None:
        folder = self._path("extra_source_dir")
        if folder is not None:
            key = "blueprint.extra_source_dir"
            self.found += famulus.served_folder_problems(self.plan, key, folder)
