"""The page's code is the package's, and it names everything that the contract of a provider has."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

import attrs
import pytest
import yaml

import famulus
import famulus_links
from famulus.testing import ProviderConformance
from famulus.testing.conformance.provider_under_test import ProviderUnderTest
from famulus.testing.inprocess import ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState
from famulus_links.provider import LinksProvider

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/writing-a-provider.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "plugins/links_provider"
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
EXCERPTS = [(file, text) for _, file, text in BLOCKS if file]
CODE = "".join(text for language, _, text in BLOCKS if language == "python")
NAMES = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
#: Only an earlier contract of core would need it.
UNTOLD = {"contract"}


@pytest.mark.parametrize(("file", "text"), EXCERPTS, ids=lambda each: each[:30])
def test_code_is_an_excerpt_of_its_file(file: str, text: str) -> None:
    # Below the root for what links does not have.
    path = PACKAGE / file if (PACKAGE / file).exists() else ROOT / file
    whole = path.read_text(encoding="utf-8")

    found = (
        textwrap.indent(text, " " * deep, lambda line: bool(line.strip())) for deep in (0, 4, 8)
    )

    assert any(each in whole for each in found)


def test_page_shows_every_method_of_the_class() -> None:
    methods = {name for name in vars(LinksProvider) if inspect.isroutine(vars(LinksProvider)[name])}
    public = {name for name in methods if not name.startswith("_")}

    assert public
    assert public <= set(re.findall(r"def (\w+)", CODE))


def test_page_names_every_part_of_the_contract() -> None:
    members = {name for name in vars(famulus.Provider) if not name.startswith("_")}
    members |= {field.name for field in attrs.fields(famulus.Capabilities)}

    assert members - UNTOLD - NAMES == set()


def test_methods_that_the_page_names_are_those_of_the_contract() -> None:
    named = set(re.findall(r"`([a-z_]+)\(", PAGE))

    assert named
    assert named <= set(dir(famulus.Provider))


@pytest.mark.parametrize("values", [famulus.VisitOutcome, famulus.Outcome])
def test_page_names_every_outcome(values: type[famulus.VisitOutcome | famulus.Outcome]) -> None:
    assert {each.name for each in values} <= NAMES


def test_page_names_what_an_author_defines_for_the_tests() -> None:
    parts = {name for name in vars(ProviderUnderTest) if not name.startswith("_")}
    defined = {*parts, *inspect.get_annotations(ProviderUnderTest)} - {"harness"}

    assert issubclass(ProviderConformance, ProviderUnderTest)
    assert defined <= NAMES


def test_names_of_famulus_are_exported() -> None:
    imported = set(re.findall(r"`(?:famulus\.)?([A-Z]\w*[a-z]\w*)[`(]", PAGE))
    ours = {name for name in imported if hasattr(famulus, name)}

    assert imported - ours <= {"Decimal", "ValueError", "RequesterArgs"}
    assert ours <= set(famulus.__all__)


def test_configuration_can_be_launched(tmp_path: Path) -> None:
    (given,) = (yaml.safe_load(text) for language, _, text in BLOCKS if language == "yaml")
    plugins = kit_plugins(links=famulus_links)
    configuration = rows_configuration(provider="links", provider_options=given["provider"])

    assert {"provider": "links"} in given["defaults"]
    with ManualOperator(tmp_path / "famulus.db", plugins=plugins) as operator:
        operator.launch(configuration, shared_state=RowsState(rows=[{"n": 1}]))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
