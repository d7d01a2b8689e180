"""The checks of a form before it is launched."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import famulus
from famulus_form.form_file import FormDeclaration, read_form
from famulus_form.languages import language_warnings
from famulus_form.media_files import files_beside, files_beside_form
from famulus_form.media_watch import MediaWatch
from famulus_form.onboarding import judged_task_problems, onboarding_problems
from famulus_form.options import ROWS_KEY, FormArgs, SharedFormState
from famulus_form.texts import OWN_NAMES, placeholders

_MOST_SHOWN = 30
_MOST_ITEMS = 100


def form_problems(
    args: FormArgs, state: famulus.SharedTaskState, plan: famulus.Plan
) -> list[famulus.Problem]:
    """Return all problems of the options, the form and the data."""
    found: list[famulus.Problem] = []
    forms: list[FormDeclaration] = []
    if args.form is not None:
        forms = read_form(args.form.expanduser()).in_all_languages()
        found += once(problem for form in forms for problem in form.problems)
        found += language_warnings(forms[0].languages, plan)
        found += judged_task_problems(forms[0])
    used = {name for form in forms for _, _, text in form.texts() for name in placeholders(text)}
    given = None
    if isinstance(state, SharedFormState):
        given = state.form_data
    else:
        message = f"shared_state must be a SharedFormState, not a {type(state).__name__}"
        found.append(famulus.Problem(message, key="shared_state"))
    folder = None if args.extra_source_dir is None else args.extra_source_dir.expanduser()
    files = famulus.data_files(args)
    path = Path() if args.form is None else args.form.expanduser()
    beside = files_beside(path, forms, files)
    watch = MediaWatch(famulus.FileWatch(beside, folder, "line" if files else "row"))
    data = famulus.check_task_data(plan, given, ROWS_KEY, used - OWN_NAMES, watch)
    found += data.problems
    found += watch.problems()
    if data.columns is not None:
        columns = data.columns
        found += once(each for form in forms for each in unknown_columns(form, columns))
    found += _own_names(data.columns or ())
    if not 1 <= args.items_per_page <= _MOST_ITEMS:
        message = f"is {args.items_per_page}; it must be from 1 to {_MOST_ITEMS}"
        found.append(famulus.Problem(message, key="blueprint.items_per_page"))
    elif args.items_per_page > 1:
        found += once(problem for form in forms for problem in values_of_no_row(form))
    found += once(onboarding_problems(args, state, plan))
    if folder is None or folder.is_dir():
        found += famulus.file_problems(beside, folder)
        found += watch.files.problems()
        if args.onboarding_form is not None:
            onboarding = files_beside_form(args.onboarding_form.expanduser())
            found += famulus.file_problems(onboarding, folder)
    if folder is not None:
        found += famulus.served_folder_problems(plan, "blueprint.extra_source_dir", folder)
    return found


def once(problems: Iterable[famulus.Problem]) -> list[famulus.Problem]:
    """Return the problems that a form has in all its languages, without duplicates."""
    found: list[famulus.Problem] = []
    for problem in problems:
        if problem not in found:
            found.append(problem)
    return found


def unknown_columns(form: FormDeclaration, columns: Collection[str]) -> Iterator[famulus.Problem]:
    """Yield a problem for each placeholder that is not a column of the data."""
    known = {*columns, *OWN_NAMES}
    for file, key, text in form.texts():
        for name in placeholders(text):
            if name not in known:
                yield file.problem(key, _unknown(name, columns))


def values_of_no_row(form: FormDeclaration) -> Iterator[famulus.Problem]:
    """Yield a problem for each placeholder in a text that is shown once for several rows."""
    for file, key, text in form.texts_of_all_rows():
        for name in placeholders(text):
            if name not in OWN_NAMES:
                message = (
                    f"is shown once for all rows of a unit (items_per_page), so ${{{name}}} has no "
                    "single value: move it to a question about each row"
                )
                yield file.problem(key, message)


def _unknown(name: str, columns: Collection[str]) -> str:
    close = difflib.get_close_matches(name, sorted({*columns, *OWN_NAMES}), 1)
    hint = f"; did you mean ${{{close[0]}}}?" if close else ""
    listed = list(columns)[:_MOST_SHOWN]
    more = f" and {len(columns) - len(listed)} more" if len(columns) > len(listed) else ""
    return (
        f"${{{name}}} has no data{hint} (columns: {', '.join(listed)}{more}); for the characters "
        f"themselves, write $${{{name}}}"
    )


def _own_names(columns: Collection[str]) -> Iterator[famulus.Problem]:
    for name in sorted(OWN_NAMES & set(columns)):
        message = f"the column {name} would hide the value of the worker's own: rename it"
        yield famulus.Problem(message, key="blueprint.form")
