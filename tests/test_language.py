"""The vocabulary of the source, the docs and the tests: one word for each concept.

A name that was replaced does not come back, and a name says the same thing everywhere in core.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import famulus
import famulus.testing

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core/src/famulus"
SUFFIXES = frozenset(
    {".css", ".html", ".js", ".md", ".py", ".pyi", ".sh", ".toml", ".yaml", ".yml"}
)
LEFT_OUT = frozenset({"__pycache__", "build", "dist", "node_modules"})

#: A pattern that must not occur, and what to write instead.
RETIRED = {
    r"\bMessenger\b": "OutboxDelivery",
    r"\bContact\b(?!:)": "BoundProvider",
    r"\bOperated\b": "ManagedRun",
    r"\bAhead\b": "Prefetcher",
    r"\bTelling\b": "OutboxKind",
    r"\btell_(run|requester)\b": "deliver_run, deliver_requester",
    r"\b_?WAYS\b|class _?Way\b": "the class of the platform call",
    r"class _?Settled\b": "the step that is meant: applied, confirmed",
    r"class _?Setting\b": "PluginHarness",
    r"\bknown\.held\b": "the qualifications of the worker",
    r"\bdoubt_visits\b": "mark_unreported",
    r"\bUnitRecord\b": "StoredAnswer",
    r"\bhold_worker\b": "lock_worker",
    r"\bheld\(": "for_update()",
    r"\bsettle_decisions\b": "apply_decisions",
    "Say whether": "Return whether",
    r"(?i)(?<![a-z])troubles?(?![a-z])": "undelivered, fault, problem",
    r"\bfamulus\.(work|config|planning)\b": "famulus.engine, famulus.options, famulus.plan",
}
#: What docstrings and comments do not contain, and what to write instead.
RETIRED_IN_PROSE = {
    r"\b(nobody|somebody|whoever|everybody|anybody)\b": "the noun: a worker, another process",
    r"\b(tells|telling|told|hears|heard|speaks|spoken)\b": "reports, sends, receives, calls",
    r"\bat need\b": "when needed",
    r"\bmeanwhile\b": "in the meantime, at the same time, or what happens",
    r"\b(lets?|letting) go\b": "release",
    r"\bin (the|its|this|an) (operator's )?hands\b": "manages",
    r"\bamiss\b": "a problem",
    r"\bby now\b": "yet, already, so far",
    r"\b(anew|afresh)\b": "again",
    r"\b(that which|of that which)\b": "a noun",
    r"\ba (line|row|unit|page|file) an? ": "one per",
}
#: Words of a person that the names of tests do not contain; names say what happens.
RETIRED_IN_TEST_NAMES = re.compile(
    r"_(nobody|somebody|whoever|everybody|anybody|whatever|meanwhile|told|tells?|telling|hears?"
    r"|heard|says_so|say_so)(_|$)"
)
#: Names of modules that were replaced, and their successors.
RETIRED_MODULES = {
    "answering": "choices",
    "changes": "status",
    "crowds": "provider_choice",
    "examining": "newest_units",
    "expiry": "deadlines",
    "former": "compat",
    "listeners": "events",
    "live": "confirm",
    "pace": "rate",
    "people": "qualifications",
    "reviewing": "review_session",
    "showing": "the name of what is shown",
    "staying": "follow",
    "stored_units": "browser_units",
    "syncing": "sync",
    "telling": "outbox",
    "times": "iso_time",
    "unit_records": "answers",
    "up_for_review": "scope, review_queue",
    "verdicts": "review_columns",
    "ways": "outbox_calls",
    "whole_file": "atomic_file",
}
#: A command's modules have the command's name; a conformance module has its contract's.
NAMESAKES = ("cli/commands/", "cli/declarations/", "testing/conformance/")


def _texts() -> Iterator[Path]:
    """Yield the files that people read and write, below the root of the workspace."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.suffix not in SUFFIXES or path == Path(__file__):
            continue
        if not any(part.startswith(".") or part in LEFT_OUT for part in parts):
            yield path


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the modules of a package but for ``__init__`` and the like, with their paths in it."""
    for path in sorted(folder.rglob("*.py")):
        if not path.stem.startswith("__"):
            yield path.relative_to(folder).as_posix(), path


def _public_classes(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The text of each file, by its path from the root."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in _texts()
    }


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of the docstrings and comments of a module, with their numbers."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if ast.get_docstring(node) is not None and first is not None:
                lines = text.splitlines()[first.lineno - 1 : first.end_lineno]
                yield from enumerate(lines, start=first.lineno)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.fixture(scope="module")
def prose(texts: dict[str, str]) -> list[tuple[str, str]]:
    """The lines of all docstrings and comments, each with its file and number."""
    return [
        (f"{name}:{number}", line.strip())
        for name, text in texts.items()
        if name.endswith(".py")
        for number, line in _prose(text)
    ]


@pytest.mark.parametrize("pattern", RETIRED)
def test_a_retired_name_occurs_nowhere(pattern: str, texts: dict[str, str]) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(pattern, line)
    ]

    assert not found, f"write {RETIRED[pattern]} instead: {found}"


@pytest.mark.parametrize("pattern", RETIRED_IN_PROSE)
def test_docstrings_and_comments_are_in_plain_words(
    pattern: str, prose: list[tuple[str, str]]
) -> None:
    found = [(where, line) for where, line in prose if re.search(pattern, line, re.IGNORECASE)]

    assert not found, f"write {RETIRED_IN_PROSE[pattern]} instead: {found}"


def test_names_of_tests_are_in_plain_words(texts: dict[str, str]) -> None:
    found = [
        f"{name}: {function}"
        for name, text in texts.items()
        if name.endswith(".py")
        for function in re.findall(r"def (test_\w+)", text)
        if RETIRED_IN_TEST_NAMES.search(function)
    ]

    assert not found


def test_a_retired_name_of_a_module_is_not_used_again() -> None:
    found = [name for name, path in _modules(CORE) if path.stem in RETIRED_MODULES]

    assert not found, {name: RETIRED_MODULES[Path(name).stem] for name in found}


def test_no_two_modules_of_core_have_one_name() -> None:
    places = defaultdict(list)
    for name, path in _modules(CORE):
        if not name.startswith(NAMESAKES):
            places[path.name].append(name)

    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert not shared


def test_no_two_public_classes_of_core_have_one_name() -> None:
    places = defaultdict(list)
    for name, path in _modules(CORE):
        for found in _public_classes(path):
            places[found].append(name)

    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert not shared


def test_no_class_has_the_name_of_one_that_core_exports() -> None:
    exported = {*famulus.__all__, *famulus.testing.__all__}
    places = defaultdict(list)
    for folder in (CORE, *ROOT.glob("plugins/*/src/*")):
        for name, path in _modules(folder):
            for found in exported.intersection(_public_classes(path)):
                places[found].append(f"{folder.name}/{name}")

    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert not shared


def _bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a module, each without the docstring that it may begin with."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                has_docstring = name == "body" and isinstance(node, documented)
                yield block[1:] if has_docstring else block


def test_no_text_stands_where_a_statement_should(texts: dict[str, str]) -> None:
    found = [
        f"{name}:{statement.lineno}"
        for name, text in texts.items()
        if name.endswith(".py")
        for block in _bodies(ast.parse(text))
        for statement in block
        if isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ]

    assert not found, f"write `pass  # the reason`: {found}"
