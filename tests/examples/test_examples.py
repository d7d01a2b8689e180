from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from famulus.options.configuration import read_configuration

EXAMPLES = Path(__file__).parents[2] / "sdk_examples"
CONFIGS = sorted(
    config
    for config in EXAMPLES.glob("*/conf/*.yaml")
    if (config.parents[1] / "server_files").is_dir()
)
PAGES = sorted(EXAMPLES.glob("*/server_files/*.html"))
STYLESHEETS = sorted(EXAMPLES.glob("*/server_files/**/*.css"))
DATA_OF_OTHERS = sorted(EXAMPLES.glob("*/data/"))

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
GIVEN_BY_FAMULUS = {"famulus_agent_id", "provider_worker_id"}
OTHER_HOST = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)
FIELDS = {"input", "select", "textarea"}


def name_of(path: Path) -> str:
    """Name a test case after its file, seen from the folder of examples."""
    return path.relative_to(EXAMPLES).as_posix()


of_each_config = pytest.mark.parametrize("config", CONFIGS, ids=name_of)
of_each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


class Outline(HTMLParser):
    """The facts about a page that these tests need: its elements, and the fields inside a label."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.labelled: list[dict[str, str | None]] = []
        self._labels = 0
        self.feed(page.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self._labels += tag == "label"
        if tag in FIELDS and self._labels:
            self.labelled.append(attributes)

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def references(self) -> Iterator[str]:
        for _, attributes in self.elements:
            for name in ("src", "href", "action", "srcset", "data", "poster"):
                if attributes.get(name):
                    yield str(attributes[name])


def blueprint_of(config: Path) -> Mapping[str, Any]:
    configuration = read_configuration(config)
    assert not configuration.problems
    return configuration.sections["blueprint"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def placeholders_of(page: Path) -> set[str]:
    return set(PLACEHOLDER.findall(page.read_text(encoding="utf-8")))


def test_both_examples_are_here() -> None:
    names = {config.parents[1].name for config in CONFIGS}

    assert {"simple_static_task", "judge_word_senses"} <= names


@of_each_config
def test_every_path_of_a_configuration_is_there(config: Path) -> None:
    blueprint = blueprint_of(config)

    paths = [Path(value) for value in blueprint.values() if str(value).startswith("/")]

    assert len(paths) >= 4
    assert [path for path in paths if not path.exists()] == []


@of_each_config
def test_every_row_has_a_cell_for_each_column(config: Path) -> None:
    rows = rows_of(Path(blueprint_of(config)["data_csv"]))

    assert rows
    for row in rows:
        assert None not in row
        assert None not in row.values()


@of_each_config
def test_pages_use_only_columns_that_the_data_has(config: Path) -> None:
    blueprint = blueprint_of(config)
    columns = set(rows_of(Path(blueprint["data_csv"]))[0])

    for page in (blueprint["task_source"], blueprint["preview_source"]):
        assert placeholders_of(Path(page)) <= columns | GIVEN_BY_FAMULUS


@of_each_page
def test_page_refers_only_to_files_beside_it(page: Path) -> None:
    beside = page.parent / "extra_refs"

    for reference in Outline(page).references():
        assert not OTHER_HOST.match(reference)
        assert (beside / reference).is_file()


@pytest.mark.parametrize("stylesheet", STYLESHEETS, ids=name_of)
def test_stylesheet_loads_nothing_from_another_host(stylesheet: Path) -> None:
    text = stylesheet.read_text(encoding="utf-8")

    assert not OTHER_HOST.search(text)


@of_each_page
def test_page_is_a_fragment_of_the_form_it_is_put_into(page: Path) -> None:
    outline = Outline(page)

    assert outline.all("html", "head", "body", "form", "button") == []
    assert [field for field in outline.all("input") if field.get("type") == "submit"] == []


@of_each_page
def test_every_field_has_a_label(page: Path) -> None:
    outline = Outline(page)
    named = {label.get("for") for label in outline.all("label")}

    bare = [
        field
        for field in outline.all(*FIELDS)
        if field not in outline.labelled and field.get("id") not in named
    ]

    assert bare == []


@pytest.mark.parametrize("folder", DATA_OF_OTHERS, ids=name_of)
def test_data_of_others_lies_beside_its_licence(folder: Path) -> None:
    licences = [path.read_text(encoding="utf-8") for path in folder.glob("LICENSE*")]

    assert licences
    assert all("Copyright" in licence for licence in licences)


def test_word_senses_ask_about_each_word_once_and_a_fifth_of_them_are_mismatched() -> None:
    rows = rows_of(EXAMPLES / "judge_word_senses" / "data" / "senses.csv")

    pairings = Counter(row["pairing"] for row in rows)

    assert len(rows) == len({row["word"] for row in rows}) == 300
    assert set(pairings) == {"own", "other"}
    assert 50 <= pairings["other"] <= 70


def test_word_senses_are_mismatched_where_their_entries_differ() -> None:
    rows = rows_of(EXAMPLES / "judge_word_senses" / "data" / "senses.csv")

    for row in rows:
        same = row["definition_synset"] == row["sentence_synset"]
        assert same == (row["pairing"] == "own")


def test_page_of_word_senses_does_not_give_the_pairing_away() -> None:
    page = EXAMPLES / "judge_word_senses" / "server_files" / "task.html"

    assert placeholders_of(page).isdisjoint({"pairing", "definition_synset", "sentence_synset"})
