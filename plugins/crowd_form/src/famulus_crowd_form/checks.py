"""The checks of a template before it is launched."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import define, evolve, field
from liquid.exceptions import LiquidError

import famulus
from famulus_crowd_form.contexts import blank
from famulus_crowd_form.elements.unknown import unknown_element
from famulus_crowd_form.html_tokens import Kind, line_of, tokens
from famulus_crowd_form.onboarding import correct_faults
from famulus_crowd_form.options import ROWS_KEY, CrowdFormArgs, SharedCrowdFormState
from famulus_crowd_form.page import ELEMENTS, FIELDLESS, filled_page
from famulus_crowd_form.page_files import PageFiles, files_beside
from famulus_crowd_form.row_kinds import RowKinds
from famulus_crowd_form.styles import style_faults
from famulus_crowd_form.template import (
    OBJECT,
    OBJECT_COLUMNS,
    Template,
    compile_template,
    problem_of,
    supplied,
)

_MOST_SHOWN = 30
#: Most faults of pages that are named.
_MOST_FAULTS = 50
#: Most kinds of rows that are remembered.
_MOST_KINDS = 100_000


def crowd_form_problems(
    args: CrowdFormArgs, state: famulus.SharedTaskState, plan: famulus.Plan
) -> list[famulus.Problem]:
    """Return all problems of the options, the template and the data."""
    found: list[famulus.Problem] = []
    template = None
    path = Path() if args.task_source is None else args.task_source.expanduser()
    if args.task_source is not None:
        template, problems = _read(path, plan, "blueprint.task_source")
        found += problems
    given = None
    if isinstance(state, SharedCrowdFormState):
        given = state.crowd_form_data
    else:
        message = f"shared_state must be a SharedCrowdFormState, not a {type(state).__name__}"
        found.append(famulus.Problem(message, key="shared_state"))
    files = famulus.data_files(args)
    pages = None
    if template is not None and all(problem.warning for problem in found):
        pages = _Pages(
            template,
            files_beside(path, template, files[0].rows if files else None),
            args,
            bool(files),
        )
    data = famulus.check_task_data(
        plan, given, ROWS_KEY, template.needed if template else (), pages
    )
    found += data.problems
    if template is not None:
        if data.columns is not None:
            found += _unknown_values(template, path, data.columns)
            found += _literal_columns(template, path, data.columns)
        if all(problem.warning for problem in found):
            found += pages.problems() if pages is not None else ()
    found += _onboarding_problems(args, state, plan)
    if args.extra_source_dir is not None:
        folder = args.extra_source_dir.expanduser()
        found += famulus.served_folder_problems(plan, "blueprint.extra_source_dir", folder)
    return found


def _onboarding_problems(
    args: CrowdFormArgs, state: famulus.SharedTaskState, plan: famulus.Plan
) -> Iterator[famulus.Problem]:
    """Yield what is wrong with the options and the template of an onboarding."""
    if args.onboarding_source is None:
        for option in ("qualification", "data", "correct"):
            if getattr(args, f"onboarding_{option}"):
                message = "needs an onboarding_source, the template of the onboarding"
                yield plan.problem(f"blueprint.onboarding_{option}", message)
        return
    validate: Any = getattr(state, "validate_onboarding", None)
    if validate is not None and not callable(validate):
        message = f"is {validate!r}, not a function"
        yield famulus.Problem(message, key="shared_state.validate_onboarding")
    if not args.onboarding_correct and validate is None:
        message = (
            "is not set, and nothing says who has passed: write the right answers by name, or give "
            "validate_onboarding in Python"
        )
        yield plan.problem("blueprint.onboarding_correct", message)
    path = args.onboarding_source.expanduser()
    template, problems = _read(path, plan, "blueprint.onboarding_source")
    row = args.onboarding_data
    if template is not None:
        problems += _unknown_values(template, path, row)
        problems += _literal_columns(template, path, row)
        if all(problem.warning for problem in problems):
            pages = _Pages(template, files_beside(path, template, lambda: [row]), args)
            pages.see(1, row)
            problems += pages.problems()
    yield from problems
    if template is None or any(not problem.warning for problem in problems):
        return
    for name, message in correct_faults(filled_page(template.render(row)), args.onboarding_correct):
        yield plan.problem(f"blueprint.onboarding_correct.{name}", f"{name!r} {message}")


@define
class _Pages:
    """Makes the pages of all rows, and looks for faults and for files that are not served."""

    _template: Template
    _beside: famulus.FilesBeside
    _args: CrowdFormArgs
    _is_file: bool = False
    _files: PageFiles = field(init=False)
    _kinds: RowKinds | None = field(init=False)
    #: the kinds of rows whose pages have no fault
    _good: set[Hashable] = field(factory=set, init=False)
    _found: list[famulus.Problem] = field(factory=list, init=False)
    _seen: set[str] = field(factory=set, init=False)
    #: how many faults are not named, by whether they are warnings
    _more: Counter[bool] = field(factory=Counter, init=False)
    _is_broken: bool = field(default=False, init=False)

    @_files.default
    def _page_files(self) -> PageFiles:
        return PageFiles(self._beside, self._folder, self._noun)

    @_kinds.default
    def _row_kinds(self) -> RowKinds | None:
        return RowKinds.of_template(self._template)

    @property
    def _folder(self) -> Path | None:
        folder = self._args.extra_source_dir
        return None if folder is None else folder.expanduser()

    @property
    def _noun(self) -> str:
        return "line" if self._is_file else "row"

    @property
    def names(self) -> Collection[str]:
        return self._template.columns | set(OBJECT_COLUMNS)

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        kind = self._kinds.kind(row) if self._kinds else None
        if self._is_broken or kind in self._good:
            return
        try:
            page = self._template.render(row)
        except LiquidError as error:
            self._found.append(problem_of(error, self._beside.page))
            self._is_broken = True
            return
        is_good = self._files.see(place, page)
        faults = [(line, fault, False) for line, fault in filled_page(page).faults]
        faults += [(line, fault, True) for line, fault in style_faults(page)]
        for line, fault, is_warning in faults:
            self._add(place, line, fault, is_warning=is_warning)
        if is_good and not faults and kind is not None and len(self._good) < _MOST_KINDS:
            self._good.add(kind)

    def problems(self) -> Iterator[famulus.Problem]:
        """Yield what is wrong with the pages, each fault once."""
        yield from self._found
        for is_warning, count in self._more.items():
            message = f"{count} more faults like these, in the pages of other rows"
            yield famulus.Problem(message, file=self._beside.page, warning=is_warning)
        if self._folder is None or self._folder.is_dir():
            yield from famulus.file_problems(self._beside, self._folder)
            yield from self._files.problems()

    def _add(self, place: int, line: int, fault: str, *, is_warning: bool) -> None:
        if fault in self._seen:
            return
        self._seen.add(fault)
        if len(self._found) == _MOST_FAULTS:
            self._more[is_warning] += 1
        else:
            message = f"{fault} (in the page of {self._noun} {place}, whose line this is)"
            file = self._beside.page
            self._found.append(famulus.Problem(message, file=file, line=line, warning=is_warning))


def _read(
    path: Path, plan: famulus.Plan, key: str
) -> tuple[Template | None, list[famulus.Problem]]:
    try:
        source = famulus.read_html(path)
    except OSError as error:
        message = famulus.unreadable(path, error)
        return None, [plan.problem(key, message)]
    except famulus.UsageError as error:
        return None, [evolve(each, key=key) for each in error.problems]
    found = list(_element_problems(source, path))
    try:
        return compile_template(source), found
    except LiquidError as error:
        return None, [problem_of(error, path), *found]


def _element_problems(source: str, path: Path) -> Iterator[famulus.Problem]:
    """Yield the problems of the elements that do not depend on the data."""
    blanked = blank(source)
    seen: set[str] = set()
    for token in tokens(blanked):
        if token.kind is Kind.START and token.name.startswith("crowd-"):
            line = line_of(source, token.start)
            if token.name not in ELEMENTS and token.name not in seen:
                yield famulus.Problem(unknown_element(token.name, ELEMENTS), file=path, line=line)
            seen.add(token.name)
        elif token.name == "script" and token.content_end is not None:
            yield from _script_problems(source, token.end, token.content_end, path)
    if not seen:
        message = "has no <crowd-…> element: the blueprint static_task is for ordinary forms"
        yield famulus.Problem(message, file=path, warning=True)


#: What scripts do with the elements of Ground Truth that has no effect here.
_IN_SCRIPTS: Mapping[str, re.Pattern[str]] = MappingProxyType({
    "a script makes elements <crowd-…>, which get no fields then: write them into the template, "
    "hidden until the script shows them": re.compile(
        rf"<(?!(?:{'|'.join(sorted(FIELDLESS))})\b(?!-))crowd-"
    ),
    "a script uses shadowRoot, which the elements here do not have: what it looks for is inside of "
    "the element itself": re.compile(r"\.shadowRoot\b"),
    "a script sets labels or categories, which have no effect then: write them into the template, "
    "or into the data": re.compile(r"\.(?:labels|categories)\s*=(?![=>])"),
})  # fmt: skip


def _script_problems(source: str, start: int, end: int, path: Path) -> Iterator[famulus.Problem]:
    for message, pattern in _IN_SCRIPTS.items():
        if found := pattern.search(source, start, end):
            line = line_of(source, found.start())
            yield famulus.Problem(message, file=path, line=line, warning=True)


def _unknown_values(
    template: Template, path: Path, columns: Collection[str]
) -> Iterator[famulus.Problem]:
    known = supplied(columns)
    seen: set[str] = set()
    for variable in template.variables:
        shown = ".".join(map(str, variable.segments))
        column = variable.column
        if shown in seen or column in template.optional or column in known:
            continue
        if column is None and variable.segments[:2] == ("task", "input"):
            continue
        seen.add(shown)
        names = sorted(known)
        if column is None:
            message = f"{{{{ {shown} }}}} has no data: write {{{{ task.input.{shown} }}}}"
        else:
            close = difflib.get_close_matches(column, names, 1)
            hint = f"; did you mean task.input.{close[0]}?" if close else ""
            more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
            listed = ", ".join(names[:_MOST_SHOWN])
            message = f"{{{{ {shown} }}}} has no data{hint} (columns: {listed}{more})"
            if column == OBJECT:
                message += "; an input manifest has it as source or source-ref"
        yield famulus.Problem(message, file=path, line=variable.line)


def _literal_columns(
    template: Template, path: Path, columns: Collection[str]
) -> Iterator[famulus.Problem]:
    """Yield a warning for each ``${column}`` that a template of Ground Truth does not fill."""
    seen: set[str] = set()
    for name, line in template.literals:
        if name in columns and name not in seen:
            seen.add(name)
            value = f"task.input.{name}" if name.isidentifier() else f'task.input["{name}"]'
            message = (
                f"${{{name}}} stays as it is, as on Ground Truth, since the template uses "
                f"task.input: write {{{{ {value} }}}} if it stands for the column {name!r}"
            )
            yield famulus.Problem(message, file=path, line=line, warning=True)
