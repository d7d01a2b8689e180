"""The preview of a form with the first rows of the data; files are read again when they change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

import famulus
from famulus_form.checks import once, unknown_columns, values_of_no_row
from famulus_form.form import CompiledForm
from famulus_form.form_file import FormDeclaration, read_form
from famulus_form.items import ITEMS, grouped
from famulus_form.media_files import files_beside_form
from famulus_form.sent import Sent
from famulus_form.texts import OWN_NAMES, PageContent, placeholders

#: Rows that a preview can show.
MOST_ROWS = 20
_SUFFIXES = {".csv": "data_csv", ".json": "data_json", ".jsonl": "data_jsonl"}
_SPREADSHEETS = frozenset({".xlsx", ".xls", ".ods", ".numbers"})
#: Asks for the state of the files, and loads the page again once it is another one.
_RELOAD = """<script>
(function () {
  "use strict";
  const state = document.currentScript.previousElementSibling.dataset.state;
  setInterval(async function () {
    try {
      const reply = await fetch("state");
      if (reply.ok && await reply.text() !== state) location.assign(location.href);
    } catch (error) {
      // The preview has ended.
    }
  }, 700);
})();
</script>
"""


def data_option(path: Path) -> str:
    """Return the option that reads a data file.

    :raises famulus.UsageError: for a file of another kind.
    """
    option = _SUFFIXES.get(path.suffix.lower())
    if option is None:
        message = f"ends in {path.suffix!r}; name a file that ends in {', '.join(_SUFFIXES)}"
        if path.suffix.lower() in _SPREADSHEETS:
            message += ": save the table as CSV (UTF-8)"
        raise famulus.UsageError(famulus.Problem(message, file=path))
    return option


def data_beside(form: Path) -> Path | None:
    """Return ``data.csv``, ``data.json`` or ``data.jsonl`` beside a form; None without any."""
    files = (form.with_name(f"data{suffix}") for suffix in _SUFFIXES)
    return next((file for file in files if file.is_file()), None)


@frozen
class FormPreview:
    """A form and its data, in the current state of their files."""

    path: Path
    data: Path | None = None
    #: rows of one unit
    items: int = 1

    def state(self) -> str:
        """Return a text that changes when a file on which the page depends is written."""
        forms = read_form(self.path).in_all_languages()
        included = dict.fromkeys(path for form in forms for path in form.included)
        files = [self.path, *included, *([self.data] if self.data else [])]
        return " ".join(map(_written, files))

    def problems(self) -> Sequence[famulus.Problem]:
        """Return what is wrong with the form, in any of its languages, and with the first rows."""
        return self._read()[2]

    def files_beside(self) -> famulus.FilesBeside:
        """Return the files of the form's folder that the form and its data name."""
        data = [] if self.data is None else [famulus.DataFile(data_option(self.data), self.data)]
        return files_beside_form(self.path, data)

    def page(self, number: int) -> str:
        """Return the page of a row, or what is wrong with the form."""
        # Before the files are read: one that is written after that is another state.
        state = self.state()
        file, rows, problems = self._read()
        if problems:
            return self._document(state, famulus.Page(body=_listed(problems)), number, 0)
        form = CompiledForm.compiled(file, self.items)
        page = form.page(form.shown(self._unit(file, rows, number), _own(number)))
        return self._document(state, page, number, len(rows))

    def answered(self, number: int, sent: famulus.Form) -> str:
        """Return the page of a row after its form was sent: the answers, or what is wrong."""
        state = self.state()
        file, rows, problems = self._read()
        if problems:
            return self.page(number)
        form = CompiledForm.compiled(file, self.items)
        unit = self._unit(file, rows, number)
        shown = form.shown(unit, _own(number))
        page = form.page(shown)
        try:
            answers = form.read(Sent(sent, unit, number))
        except famulus.InvalidAnswers as error:
            page = evolve(page, body=form.with_errors(page.body, error.fields))
            result = f'<p class="famulus-alert">{escape(str(error))}</p>\n'
        else:
            listed = escape(json.dumps(answers, ensure_ascii=False, indent=2))
            result = (
                "<h2>Exported answers</h2>\n"
                f'<pre class="famulus-json" tabindex="0">{listed}</pre>\n'
            )
            thanks = form.thank_you(shown)
            result += f"<h2>After the submission</h2>\n{thanks}" if thanks else ""
        page = evolve(page, body=famulus.fill_form(page.body, sent.fields))
        return self._document(state, page, number, len(rows), result)

    def _read(
        self,
    ) -> tuple[FormDeclaration, Sequence[Mapping[str, Any]], Sequence[famulus.Problem]]:
        """Return the form, the data of the first units, and what is wrong with either."""
        forms = read_form(self.path).in_all_languages()
        problems = [problem for form in forms for problem in form.problems]
        if self.items > 1:
            problems += (problem for form in forms for problem in values_of_no_row(form))
        rows: Sequence[Mapping[str, Any]] = ()
        if self.data is not None:
            rows, faults = _first_rows(self.data, MOST_ROWS * self.items)
            columns = list(dict.fromkeys(name for row in rows for name in row))
            problems += faults
            problems += (each for form in forms if rows for each in unknown_columns(form, columns))
        units = rows if self.items == 1 else list(grouped(rows, self.items))
        return forms[0], units, once(problems)

    def _unit(
        self, file: FormDeclaration, units: Sequence[Mapping[str, Any]], number: int
    ) -> Mapping[str, Any]:
        """Return the data of a unit; without data, placeholders stay as they are."""
        if number < len(units):
            return units[number]
        names = {name for _, _, text in file.texts() for name in placeholders(text)} - OWN_NAMES
        row = {name: f"${{{name}}}" for name in names}
        return row if self.items == 1 else {ITEMS: [row] * self.items}

    def _document(
        self, state: str, page: famulus.Page, number: int, rows: int, result: str = ""
    ) -> str:
        links = []
        if number > 0:
            links.append(f'<a href="?row={number - 1}">Previous row</a>')
        if number + 1 < rows:
            links.append(f'<a href="?row={number + 1}">Next row</a>')
        which = "" if self.data else "There is no data. "
        if rows:
            which = f"Row {number + 1} of the first {rows}. "
        above = f'<p data-state="{escape(state)}">{which}{" ".join(links)}</p>\n{_RELOAD}{result}'
        title = f"Preview of {self.path.name}"
        return famulus.author_document(title, page, action=f"?row={number}", above=above)


def _first_rows(
    path: Path, most: int
) -> tuple[Sequence[Mapping[str, Any]], Sequence[famulus.Problem]]:
    """Return the first rows of a file, or what is wrong with it."""
    try:
        file = famulus.DataFile(data_option(path), path)
        return list(islice(file.rows(), most)), ()
    except famulus.UsageError as error:
        problems = error.problems
    try:
        # The whole check says what kind of file it is, and what to do.
        found = [problem for problem in file.check(()).problems if not problem.warning]
    except OSError:
        found = []
    return (), found or problems


def _own(lot: int) -> PageContent:
    return PageContent(dict.fromkeys(OWN_NAMES, "preview"), lot)


def _listed(problems: Sequence[famulus.Problem]) -> str:
    items = "".join(f"<li>{escape(str(problem))}</li>\n" for problem in problems)
    return f"<h2>What is wrong</h2>\n<ul>\n{items}</ul>\n"


def _written(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "-"
    return f"{found.st_mtime_ns}:{found.st_size}"
