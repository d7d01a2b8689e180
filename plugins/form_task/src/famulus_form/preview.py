"""A form for its author, with the first rows of the data; read again whenever a file changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

import famulus
from famulus_form.form import Form
from famulus_form.form_file import FormFile, read_form
from famulus_form.sent import Sent
from famulus_form.texts import OWN_NAMES, Shown, placeholders

#: Rows that a preview can show.
MOST_ROWS = 20
_SUFFIXES = {".csv": "data_csv", ".json": "data_json", ".jsonl": "data_jsonl"}
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
        raise famulus.UsageError(famulus.Problem(message, file=path))
    return option


@frozen
class Preview:
    """A form and its data, as their files are now."""

    path: Path
    data: Path | None = None

    def state(self) -> str:
        """Return a text that differs once a file was written that the page depends on."""
        form = read_form(self.path)
        files = [self.path, *form.included, *([self.data] if self.data else [])]
        return " ".join(map(_written, files))

    def page(self, number: int) -> str:
        """Return the page of a row, or what is wrong with the form."""
        file, rows, problems = self._read()
        if problems:
            return self._document(famulus.Page(body=_listed(problems)), number, 0)
        return self._document(_form_page(file, rows, number), number, len(rows))

    def answered(self, number: int, sent: famulus.Form) -> str:
        """Return the page of a row after its form was sent: the answers, or what is wrong."""
        file, rows, problems = self._read()
        if problems:
            return self.page(number)
        form = Form.compiled(file)
        page = _form_page(file, rows, number)
        try:
            answers = form.read(Sent(sent, _row(file, rows, number), number))
        except famulus.InvalidAnswers as error:
            page = evolve(page, body=form.with_errors(page.body, error.fields))
            result = f'<p class="famulus-alert">{escape(str(error))}</p>\n'
        else:
            shown = escape(json.dumps(answers, ensure_ascii=False, indent=2))
            result = (
                f'<h2>Exported answers</h2>\n<pre class="famulus-json" tabindex="0">{shown}</pre>\n'
            )
        page = evolve(page, body=famulus.fill_form(page.body, sent.fields))
        return self._document(page, number, len(rows), result)

    def _read(
        self,
    ) -> tuple[FormFile, Sequence[Mapping[str, Any]], Sequence[famulus.Problem]]:
        """Return the form, the first rows, and what is wrong with either."""
        file = read_form(self.path)
        rows: Sequence[Mapping[str, Any]] = ()
        if self.data is None:
            return file, rows, file.problems
        try:
            reader = famulus.DataFile(data_option(self.data), self.data).rows()
            rows = list(islice(reader, MOST_ROWS))
        except famulus.UsageError as error:
            return file, (), [*file.problems, *error.problems]
        return file, rows, file.problems

    def _document(self, page: famulus.Page, number: int, rows: int, result: str = "") -> str:
        links = []
        if number > 0:
            links.append(f'<a href="?row={number - 1}">Previous row</a>')
        if number + 1 < rows:
            links.append(f'<a href="?row={number + 1}">Next row</a>')
        which = f"Row {number + 1} of the first {rows}. " if rows else "No data was given. "
        above = (
            f'<p data-state="{escape(self.state())}">{which}{" ".join(links)}</p>\n'
            f"{_RELOAD}{result}"
        )
        title = f"Preview of {self.path.name}"
        return famulus.author_document(title, page, action=f"?row={number}", above=above)


def _form_page(file: FormFile, rows: Sequence[Mapping[str, Any]], number: int) -> famulus.Page:
    return Form.compiled(file).page(Shown(_row(file, rows, number), number))


def _row(file: FormFile, rows: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    """Return the values of a page; without a row, each placeholder stands for itself."""
    used = {name for _, _, text in file.texts() for name in placeholders(text)}
    row = rows[number] if number < len(rows) else {name: f"${{{name}}}" for name in used}
    return {**row, **dict.fromkeys(OWN_NAMES, "preview")}


def _listed(problems: Sequence[famulus.Problem]) -> str:
    items = "".join(f"<li>{escape(str(problem))}</li>\n" for problem in problems)
    return f"<h2>What is wrong</h2>\n<ul>\n{items}</ul>\n"


def _written(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "-"
    return f"{found.st_mtime_ns}:{found.st_size}"
