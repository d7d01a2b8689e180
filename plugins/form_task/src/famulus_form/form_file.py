"""Reading the YAML of a form, and the files that it includes, with every problem at its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import define, evolve, field

import famulus
from famulus_form.conditions import Condition, read_condition, unknown_values
from famulus_form.correct import CORRECT, read_right_answers
from famulus_form.form_page import FormPage, PageHead, Part
from famulus_form.head import CONSENT_COLUMN, Head, consent_file, read_head
from famulus_form.items import ITEMS
from famulus_form.judging import PASS_SCORE, Judge, PassScore, pass_score_fault
from famulus_form.kinds import KINDS
from famulus_form.languages import Languages
from famulus_form.misspelt import nearest, without_unknown
from famulus_form.question import Answerless, Question

BEGIN_WITH = "'questions:'"
_DEEPEST = 20
_PARTS = ("questions", "pages", "per_page", PASS_SCORE)


@define
class FormDeclaration:
    """A form as its files declare it."""

    #: None if it cannot be read
    file: famulus.OptionFile | None = None
    head: Head = field(factory=Head)
    pages: list[FormPage] = field(factory=list)
    #: what is asked once, however many rows a unit has
    ending: FormPage | None = None
    #: right answers that are enough, as :class:`famulus_form.judging.PassScore` has it
    pass_score: float | None = None
    problems: list[famulus.Problem] = field(factory=list)
    #: the files that it names, those that cannot be read too
    included: list[Path] = field(factory=list)
    languages: Languages = field(factory=Languages)
    #: all YAML files, with the texts of all languages
    _sources: dict[Path, famulus.OptionFile] = field(factory=dict, repr=False)

    @property
    def language(self) -> str:
        """The tag of the language in which the form was read; empty if it has no translations."""
        return self.languages.wanted or next(iter(self.languages.tags), "")

    def in_all_languages(self) -> list[FormDeclaration]:
        """Return this form, and the form in each other language, without reading files again.

        Without translated texts, the list contains only this form.
        """
        others = [tag for tag in self.languages.tags if tag != self.language]
        if self.file is None:
            return [self]
        path, sources = self.file.path, self._sources
        return [
            self,
            *(
                _read(path, FormDeclaration(languages=Languages(tag), sources=sources))
                for tag in others
            ),
        ]

    def open(self, path: Path) -> famulus.OptionFile:
        """Return a YAML file in the language of the form.

        :raises famulus.UsageError: if :meth:`famulus.OptionFile.read` cannot read the file.
        """
        if path not in self._sources:
            self._sources[path] = famulus.OptionFile.read(path, BEGIN_WITH)
        source = self._sources[path]
        return self.languages.chosen(evolve(source, problems=list(source.problems)))

    @property
    def questions(self) -> list[Question]:
        """The questions, in order, each with the condition of its page."""
        items = (item for page in self.all_pages for item in page.items)
        return [item for item in items if isinstance(item, Question)]

    @property
    def all_pages(self) -> list[FormPage]:
        """The pages, and the page of the questions that are asked once after them."""
        return [*self.pages, *([self.ending] if self.ending else [])]

    @property
    def judged(self) -> list[Part]:
        """The questions that have right answers."""
        return [part for page in self.all_pages for part in page.parts if part.right is not None]

    @property
    def judge(self) -> Judge:
        """The right answers, and how many are enough."""
        rights = [part.right for part in self.judged if part.right is not None]
        return Judge(rights, self.pass_score)

    @property
    def has_pages(self) -> bool:
        """Whether the form is shown page by page."""
        return self.head.consent is not None or any(page.title for page in self.pages)

    def texts(self) -> Iterator[tuple[famulus.OptionFile, str, str]]:
        """Yield all texts that may have placeholders, with their file and key."""
        if self.file is not None:
            yield from self._placed((self.file, *text) for text in self.head.texts())
            titles = ((self.file, f"{page.key}.title", page.title) for page in self.pages)
            yield from self._placed(titles)
        for page in self.all_pages:
            yield from self._placed(page.texts())

    def texts_of_all_rows(self) -> Iterator[tuple[famulus.OptionFile, str, str]]:
        """Yield, like :meth:`texts`, the texts shown once even if a unit has several rows."""
        if self.file is not None:
            yield from self._placed((self.file, *text) for text in self.head.texts())
        if self.ending is not None:
            yield from self._placed(self.ending.texts())

    def _placed(
        self, texts: Iterable[tuple[famulus.OptionFile, str, str]]
    ) -> Iterator[tuple[famulus.OptionFile, str, str]]:
        for file, key, text in texts:
            yield file, self.languages.place(file, key), text


def read_form(path: Path) -> FormDeclaration:
    """Read a whole form in its first language; errors are among the form's problems."""
    return _read(path, FormDeclaration())


def _read(path: Path, form: FormDeclaration) -> FormDeclaration:
    try:
        form.file = file = form.open(path)
    except famulus.UsageError as error:
        form.problems += error.problems
        return form
    tree = without_unknown(file, "", file.tree, Head, _PARTS)
    form.head = read_head(file, {key: tree[key] for key in tree if key not in _PARTS})
    if (consent := consent_file(file, tree)) is not None:
        form.included.append(consent)
    opened = (path.resolve(),)
    if "pages" in file.tree:
        _read_pages(form, file, opened)
    elif "questions" in file.tree or not _means_questions(file.tree):
        form.pages.append(FormPage(parts=_read_parts(form, file, "questions", opened)))
    if "per_page" in file.tree:
        form.ending = FormPage(parts=_read_parts(form, file, "per_page", opened))
    if PASS_SCORE in file.tree:
        score = file.typed(PassScore, {PASS_SCORE: file.tree[PASS_SCORE]}, "")
        form.pass_score = None if score is None else score.pass_score
    form.problems += file.problems
    if not form.problems:
        if not form.questions:
            form.problems.append(file.problem("questions", "asks nothing: add a question"))
        if form.pass_score is not None:
            fault = pass_score_fault(form.pass_score, len(form.judged))
            form.problems += [file.problem(PASS_SCORE, fault)] if fault else []
        form.problems += _common_faults(form)
    return form


def _means_questions(raw: Mapping[str, Any]) -> bool:
    """Return whether a key is a misspelling of ``questions`` or ``pages``."""
    names = {*_PARTS, *(each.name for each in attrs.fields(Head))}
    return any(nearest(str(name), names) in ("questions", "pages") for name in raw)


def _read_pages(form: FormDeclaration, file: famulus.OptionFile, opened: tuple[Path, ...]) -> None:
    if "questions" in file.tree:
        file.refuse(
            "questions",
            "cannot be used together with pages: move these questions to one of the pages",
        )
    raw = file.tree["pages"]
    if not isinstance(raw, list) or not raw:
        file.refuse("pages", "must be a list of pages, each with a title and questions")
        return
    for number, each in enumerate(raw):
        key = f"pages.{number}"
        if not isinstance(each, Mapping):
            file.refuse(key, "is not a page: write title and questions as keys below the dash")
            continue
        rest = without_unknown(file, key, each, PageHead, ("questions",))
        rest.pop("questions", None)
        if "show_if" in rest:
            rest["show_if"] = read_condition(file, rest["show_if"], f"{key}.show_if")
        head = file.typed(PageHead, rest, key)
        if head is not None and not head.title.strip():
            file.refuse(f"{key}.title", "is empty; write what the page is about")
        if "questions" not in each and _means_questions(each):
            continue
        parts = _read_parts(form, file, f"{key}.questions", opened, each.get("questions"))
        if head is not None:
            page = FormPage(parts=parts, title=head.title, show_if=head.show_if, key=key)
            form.pages.append(page)


def _read_parts(
    form: FormDeclaration,
    file: famulus.OptionFile,
    key: str,
    opened: tuple[Path, ...],
    raw: Any = None,
) -> list[Part]:
    """Return the parts of a list of questions.

    :param opened: the files that include this file, and this file itself.
    :param raw: the list; by default, the list at ``key`` in the file.
    """
    raw = file.tree.get(key) if raw is None else raw
    if not isinstance(raw, list) or not raw:
        file.refuse(key, "must be a list of questions, each with a type, such as choice")
        return []
    parts: list[Part] = []
    for number, each in enumerate(raw):
        below = f"{key}.{number}"
        if not isinstance(each, Mapping):
            message = "is not a question: write name, type and question as keys below the dash"
            file.refuse(below, message)
        elif "include" in each:
            parts += _include(form, file, below, each, opened)
        else:
            parts += _read_part(file, below, dict(each))
    return parts


def _read_part(file: famulus.OptionFile, key: str, raw: dict[str, Any]) -> list[Part]:
    if "show_if" in raw:
        raw["show_if"] = read_condition(file, raw["show_if"], f"{key}.show_if")
    for name in ("show", "a", "b"):
        if name in raw:
            raw[name] = _shown(raw[name], is_list=name == "show")
    item: Question | Answerless | None
    correct = None
    if "type" not in raw and "name" not in raw and "show" in raw:
        item = file.typed(Answerless, raw, key)
    else:
        kind = _kind(file, key, raw)
        if kind is not None:
            raw = without_unknown(file, key, raw, kind, (CORRECT, "type"))
            correct = raw.pop(CORRECT, None)
        item = None if kind is None else file.typed(kind, kind.completed(raw), key)
    if item is None:
        return []
    faults = list(item.faults())
    for below, message in faults:
        file.refuse(f"{key}.{below}", message)
    right = None
    if correct is not None and not faults and isinstance(item, Question):
        right = read_right_answers(file, item, correct, key)
    return [Part(item, file, key, right)]


def _shown(raw: Any, *, is_list: bool) -> Any:
    """Expand short forms: a text to ``{text: …}``, and a single item to a list."""
    if is_list:
        return [_shown(each, is_list=False) for each in (raw if isinstance(raw, list) else [raw])]
    return raw if isinstance(raw, Mapping) or raw is None else {"text": raw}


def _kind(file: famulus.OptionFile, key: str, raw: dict[str, Any]) -> type[Question] | None:
    name = raw.pop("type", None)
    listed = ", ".join(KINDS)
    if name is None:
        for written in raw:
            if near := nearest(str(written), ("type", "include")):
                file.refuse(f"{key}.{written}", f"unknown option; did you mean {near!r}?")
                return None
        file.refuse(key, f"has no type; use one of: {listed}")
        return None
    kind = KINDS.get(str(name))
    if kind is None:
        near = nearest(re.sub(r"[ -]", "_", str(name)), KINDS)
        meant = f"did you mean {near}? " if near else ""
        file.refuse(f"{key}.type", f"there is no type {str(name)!r}; {meant}use one of: {listed}")
    return kind


def _include(
    form: FormDeclaration,
    file: famulus.OptionFile,
    key: str,
    raw: Mapping[str, Any],
    opened: tuple[Path, ...],
) -> list[Part]:
    others = sorted(set(raw) - {"include"})
    if others:
        named = ", ".join(map(str, others))
        message = f"cannot be used together with other keys: move {named} to another question"
        file.refuse(f"{key}.include", message)
        return []
    path = file.path.parent / str(raw["include"])
    if path.resolve() in opened:
        circle = " → ".join(each.name for each in (*opened, path))
        file.refuse(
            f"{key}.include", f"{path.name} includes itself ({circle}): remove one of these lines"
        )
        return []
    form.included.append(path)
    if len(opened) > _DEEPEST:
        file.refuse(f"{key}.include", f"is nested more than {_DEEPEST} files deep")
        return []
    try:
        included = form.open(path)
    except famulus.UsageError as error:
        if not path.is_file():
            file.refuse(f"{key}.include", f"there is no file {path}")
        else:
            form.problems += error.problems
        return []
    for other in included.tree:
        if other != "questions":
            message = "belongs in the form itself; an included file only has questions"
            if nearest(str(other), [*_PARTS, "include"]) == "questions":
                message = "unknown option; did you mean 'questions'?"
            included.refuse(str(other), message)
    parts = []
    if "questions" in included.tree or not _means_questions(included.tree):
        parts = _read_parts(form, included, "questions", (*opened, path.resolve()))
    form.problems += included.problems
    return parts


def _common_faults(form: FormDeclaration) -> Iterator[famulus.Problem]:
    """Yield problems between questions: names and keys that clash, and invalid conditions."""
    yield from _clashes(form)
    earlier: dict[str, Question] = {}
    for page in form.all_pages:
        if page is form.ending:
            # What is asked once cannot depend on the answers to one of several rows.
            earlier = {}
        yield from _page_faults(form, page, earlier)


def _clashes(form: FormDeclaration) -> Iterator[famulus.Problem]:
    columns: dict[str, str] = {}
    keys: dict[str, str] = {}
    if form.head.consent is not None:
        columns[CONSENT_COLUMN] = "what workers agree to (consent)"
    if form.ending is not None:
        columns[ITEMS] = "the list of a unit's rows (per_page)"
    for part in (part for page in form.all_pages for part in page.parts):
        question = part.item
        if not isinstance(question, Question):
            continue
        for column in question.columns:
            if column in columns:
                message = f"the column {column!r} is used by {columns[column]}: choose another name"
                yield part.file.problem(f"{part.key}.name", message)
            columns.setdefault(column, f"the question {question.name!r}")
        for below, pressed in question.pressed_keys():
            if pressed in keys:
                message = (
                    f"the key {pressed!r} chooses an answer to the question {keys[pressed]!r}:"
                    " choose another key"
                )
                yield part.file.problem(f"{part.key}.{below}", message)
            keys.setdefault(pressed, question.name)


def _page_faults(
    form: FormDeclaration, page: FormPage, earlier: dict[str, Question]
) -> Iterator[famulus.Problem]:
    """Yield faults in the conditions of a page and its parts; add its questions to ``earlier``."""
    if form.file is not None:
        yield from _condition_faults(form.file, page.key, page.show_if, earlier)
    for part in page.parts:
        yield from _condition_faults(part.file, part.key, part.item.show_if, earlier)
        if isinstance(part.item, Question):
            earlier[part.item.name] = part.item


def _condition_faults(
    file: famulus.OptionFile, below: str, condition: Condition, earlier: Mapping[str, Question]
) -> Iterator[famulus.Problem]:
    """Yield faults in the condition of the page or part whose key is ``below``."""
    known = {name: question.known_values() for name, question in earlier.items()}
    for name, _ in condition.tests:
        key = f"{below}.show_if.{name}"
        if name not in earlier:
            listed = ", ".join(earlier) or "there is none"
            message = f"depends on {name!r}, which is not a question before it ({listed})"
            yield file.problem(key, message)
        elif not earlier[name].is_testable:
            message = f"cannot depend on {name!r}, a question of type {earlier[name].type}"
            yield file.problem(key, message)
    for name, message in unknown_values(condition, known):
        yield file.problem(f"{below}.show_if.{name}", message)
