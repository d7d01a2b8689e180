"""Reading the YAML of a form, and the files that it includes, with every problem at its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

import famulus
from famulus_form.conditions import Condition, read_condition, unknown_values
from famulus_form.kinds import KINDS
from famulus_form.question import Answerless, Question

BEGIN_WITH = "'questions:'"
_DEEPEST = 20


@frozen(kw_only=True)
class Head:
    """What a form has besides its questions."""

    instructions: str = famulus.option(
        help="A text above the questions, in paragraphs.", default=""
    )


@frozen
class Part:
    """A question, or something that is only shown, and where it is declared."""

    item: Question | Answerless
    file: famulus.OptionFile
    key: str


@define
class FormFile:
    """A form as its files declare it."""

    #: None where it cannot be read
    file: famulus.OptionFile | None = None
    head: Head = field(factory=Head)
    parts: list[Part] = field(factory=list)
    problems: list[famulus.Problem] = field(factory=list)
    #: the files that it includes, those that cannot be read too
    included: list[Path] = field(factory=list)

    @property
    def questions(self) -> list[Question]:
        """The questions, in order."""
        return [part.item for part in self.parts if isinstance(part.item, Question)]

    def texts(self) -> Iterator[tuple[famulus.OptionFile, str, str]]:
        """Yield all texts that may have placeholders, with their file and key."""
        if self.file is not None:
            yield self.file, "instructions", self.head.instructions
        for part in self.parts:
            yield from ((part.file, f"{part.key}.{key}", text) for key, text in part.item.texts())


def read_form(path: Path) -> FormFile:
    """Read a form whole; what is wrong with it is among its problems."""
    form = FormFile()
    try:
        form.file = file = famulus.OptionFile.read(path, BEGIN_WITH)
    except famulus.UsageError as error:
        form.problems += error.problems
        return form
    head = {key: value for key, value in file.tree.items() if key != "questions"}
    form.head = file.typed(Head, head, "") or Head()
    _read_parts(form, file, (path.resolve(),))
    form.problems += file.problems
    if not form.problems:
        if not form.questions:
            form.problems.append(file.problem("questions", "asks nothing: add a question"))
        form.problems += _common_faults(form)
    return form


def _read_parts(form: FormFile, file: famulus.OptionFile, opened: tuple[Path, ...]) -> None:
    """Add the parts of a file; ``opened`` are the files around it and itself."""
    raw = file.tree.get("questions")
    if not isinstance(raw, list) or not raw:
        file.refuse("questions", "must be a list of questions, each with a type, such as choice")
        return
    for number, each in enumerate(raw):
        key = f"questions.{number}"
        if not isinstance(each, Mapping):
            file.refuse(key, "is no question: write name, type and question as keys below the dash")
        elif "include" in each:
            _include(form, file, key, each, opened)
        else:
            _read_part(form, file, key, dict(each))


def _read_part(form: FormFile, file: famulus.OptionFile, key: str, raw: dict[str, Any]) -> None:
    if "show_if" in raw:
        raw["show_if"] = read_condition(file, raw["show_if"], f"{key}.show_if")
    for name in ("show", "a", "b"):
        if name in raw:
            raw[name] = _shown(raw[name], is_list=name == "show")
    item: Question | Answerless | None
    if "type" not in raw and "name" not in raw and "show" in raw:
        item = file.typed(Answerless, raw, key)
    else:
        kind = _kind(file, key, raw)
        item = None if kind is None else file.typed(kind, kind.completed(raw), key)
    if item is None:
        return
    for below, message in item.faults():
        file.refuse(f"{key}.{below}", message)
    form.parts.append(Part(item, file, key))


def _shown(raw: Any, *, is_list: bool) -> Any:
    """Write out the short forms: a text for what shows it, one thing for a list of one."""
    if is_list:
        return [_shown(each, is_list=False) for each in (raw if isinstance(raw, list) else [raw])]
    return raw if isinstance(raw, Mapping) or raw is None else {"text": raw}


def _kind(file: famulus.OptionFile, key: str, raw: dict[str, Any]) -> type[Question] | None:
    name = raw.pop("type", None)
    listed = ", ".join(KINDS)
    if name is None:
        file.refuse(key, f"has no type; use one of: {listed}")
        return None
    kind = KINDS.get(str(name))
    if kind is None:
        near = re.sub(r"[ -]", "_", str(name).lower())
        meant = f"did you mean {near}? " if near in KINDS else ""
        file.refuse(f"{key}.type", f"there is no type {str(name)!r}; {meant}use one of: {listed}")
    return kind


def _include(
    form: FormFile,
    file: famulus.OptionFile,
    key: str,
    raw: Mapping[str, Any],
    opened: tuple[Path, ...],
) -> None:
    others = sorted(set(raw) - {"include"})
    if others:
        message = f"is a line of its own: move {', '.join(map(str, others))} to another question"
        file.refuse(f"{key}.include", message)
        return
    path = file.path.parent / str(raw["include"])
    if path.resolve() in opened:
        circle = " → ".join(each.name for each in (*opened, path))
        file.refuse(f"{key}.include", f"{path.name} includes itself ({circle}): take one line out")
        return
    form.included.append(path)
    if len(opened) > _DEEPEST:
        file.refuse(f"{key}.include", f"is nested more than {_DEEPEST} files deep")
        return
    try:
        included = famulus.OptionFile.read(path, BEGIN_WITH)
    except famulus.UsageError as error:
        if not path.is_file():
            file.refuse(f"{key}.include", f"there is no file {path}")
        else:
            form.problems += error.problems
        return
    for other in included.tree:
        if other != "questions":
            included.refuse(str(other), "stands in the form itself; an included file has questions")
    _read_parts(form, included, (*opened, path.resolve()))
    form.problems += included.problems


def _common_faults(form: FormFile) -> Iterator[famulus.Problem]:
    """Yield what is wrong between questions: names and keys that clash, false conditions."""
    columns: dict[str, str] = {}
    keys: dict[str, str] = {}
    earlier: dict[str, Question] = {}
    for part in form.parts:
        yield from _condition_faults(part, earlier)
        question = part.item
        if not isinstance(question, Question):
            continue
        for column in question.columns:
            if column in columns:
                message = f"the column {column!r} is that of the question {columns[column]} already"
                yield part.file.problem(f"{part.key}.name", message)
            columns.setdefault(column, question.name)
        for below, pressed in question.pressed_keys():
            if pressed in keys:
                message = f"the key {pressed!r} chooses an answer to {keys[pressed]} already"
                yield part.file.problem(f"{part.key}.{below}", message)
            keys.setdefault(pressed, question.name)
        earlier[question.name] = question


def _condition_faults(part: Part, earlier: Mapping[str, Question]) -> Iterator[famulus.Problem]:
    condition: Condition = part.item.show_if
    known = {name: question.known_values() for name, question in earlier.items()}
    for name in condition.tests:
        key = f"{part.key}.show_if.{name}"
        if name not in earlier:
            listed = ", ".join(earlier) or "there is none"
            message = f"depends on {name!r}, which is no question before it ({listed})"
            yield part.file.problem(key, message)
        elif not earlier[name].is_testable:
            message = f"cannot depend on {name!r}, a question of type {earlier[name].type}"
            yield part.file.problem(key, message)
    for name, message in unknown_values(condition, known):
        yield part.file.problem(f"{part.key}.show_if.{name}", message)
