"""The page's code is the example package's, and the package keeps the rules of an architect."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import yaml

import famulus
from famulus.testing import ArchitectConformance

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/writing-an-architect.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "sdk_examples/gunicorn_architect"
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
EXCERPTS = [(file, text) for _, file, text in BLOCKS if file]


def signature_of(method: Callable[..., object]) -> Iterable[str]:
    return inspect.signature(method).parameters


@pytest.mark.parametrize(("file", "text"), EXCERPTS, ids=lambda each: each[:30])
def test_code_is_an_excerpt_of_its_file(file: str, text: str) -> None:
    whole = (EXAMPLE / file).read_text(encoding="utf-8")

    assert text in whole or textwrap.indent(text, "    ", lambda line: bool(line.strip())) in whole


def test_page_shows_every_module() -> None:
    modules = {path.relative_to(EXAMPLE).as_posix() for path in (EXAMPLE / "src").rglob("*.py")}

    assert modules <= {file for file, _ in EXCERPTS}


def test_page_shows_every_method_of_the_class() -> None:
    source = (EXAMPLE / "src/famulus_gunicorn/architect.py").read_text(encoding="utf-8")

    assert set(re.findall(r"def (\w+)", source)) <= set(re.findall(r"def (\w+)", PAGE))


def test_configuration_has_the_options_of_the_architect() -> None:
    (text,) = [text for language, _, text in BLOCKS if language == "yaml"]
    source = (EXAMPLE / "src/famulus_gunicorn/architect.py").read_text(encoding="utf-8")
    known = set(re.findall(r"^    (\w+): \w+ = famulus\.option", source, re.MULTILINE))
    known |= set(inspect.get_annotations(famulus.ProcessArgs))

    configuration = yaml.safe_load(text)

    assert {"architect": "gunicorn"} in configuration["defaults"]
    assert configuration["architect"].keys() <= known


def test_methods_that_the_page_names_are_those_of_the_contract() -> None:
    named = set(re.findall(r"`([a-z_]+)\(", PAGE))

    assert named
    assert named <= {*dir(famulus.ProcessArchitect), *dir(ArchitectConformance), "open_gateway"}


def test_page_names_every_request_that_a_server_passes_to_the_gateway() -> None:
    answering = {
        name
        for name, method in inspect.getmembers(famulus.Gateway, inspect.isfunction)
        if not name.startswith("_") and {"query", "form", "request"} & {*signature_of(method)}
    }

    named = set(re.findall(r"`(?:GET|POST) /[\w/-]*`\s+to\s+`(\w+)`", PAGE))

    # One that is too large reaches it in place of a form of submit().
    assert named == answering - {"too_large"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
