"""What `check` says of a template before any row is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus_crowd_form.checks import _element_problems, _literal_columns
from famulus_crowd_form.page_files import PageFiles
from famulus_crowd_form.styles import style_faults
from famulus_crowd_form.template import compile_template

INPUT = '<crowd-input name="a"></crowd-input>\n'


@pytest.mark.parametrize(
    ("source", "words", "is_warning"),
    [
        ("<crowd-polyline name=a>", "use <crowd-bounding-box>", False),
        ("<crowd-keypoint name=a>", "use <crowd-bounding-box>", False),
        ("<crowd-textract-analyze-document>", "use <crowd-input> for each value", False),
        ("<crowd-3d-point-cloud>", "nothing for three dimensions", False),
        ("<crowd-unheard>", "use ordinary HTML", False),
        ("<script>e.innerHTML = '<crowd-input>'</script>", "which get no fields", True),
        ("<script>e.innerHTML = '<crowd-card-of-mine>'</script>", "which get no fields", True),
        ("<script>e.shadowRoot.firstChild</script>", "uses shadowRoot", True),
        ("<script>e.labels = []</script>", "sets labels or categories", True),
        ("<script>e.categories=['x']</script>", "sets labels or categories", True),
    ],
)
def test_what_has_no_effect_is_named_with_its_line(
    source: str, words: str, is_warning: bool
) -> None:
    [problem] = _element_problems(INPUT + source, Path("task.html"))

    assert (problem.line, problem.warning) == (2, is_warning)
    assert words in problem.message


@pytest.mark.parametrize(
    "source",
    [
        "<script>e.innerHTML = '<crowd-alert type=error>x</crowd-alert>'</script>",
        "<script>if (e.labels == x || e.labels === y) f(() => e.categories => 1)</script>",
        "<crowd-card></crowd-card><crowd-toggle-button name=b></crowd-toggle-button>",
        "<!-- <crowd-keypoint> -->",
    ],
)
def test_what_works_has_no_problem(source: str) -> None:
    assert [*_element_problems(INPUT + source, Path("task.html"))] == []


def test_the_name_of_a_column_that_stays_is_named_once() -> None:
    source = "{{ task.input.a }}\n<script>`${a} ${b} ${a} ${c}`</script>${the d}"
    template = compile_template(source)

    found = [*_literal_columns(template, Path("task.html"), ["a", "c", "the d", "e"])]

    assert [(each.line, each.warning) for each in found] == [(2, True)] * 3
    assert [each.message.partition(": ")[2] for each in found] == [
        "write {{ task.input.a }} if it stands for the column 'a'",
        "write {{ task.input.c }} if it stands for the column 'c'",
        "write {{ task.input[\"the d\"] }} if it stands for the column 'the d'",
    ]
    assert [*_literal_columns(compile_template("${a}"), Path("task.html"), ["a"])] == []


@pytest.mark.parametrize(
    ("source", "value", "words"),
    [
        ('\n<b style="{{ task.input.x }}">', "a: url(b)", ["'a: url(b)' of the data"]),
        ('\n<b style="a: {{ task.input.x }}">', "b; c: d", ["'b; c: d' of the data"]),
        ("<style>\n{{ task.input.x }}</style>", "b { c: d }", ["'b { c: d }' of the data"]),
        ("<style>\nb { {{ task.input.x }} }</style>", "@c", ["'@c' of the data"]),
        ('\n<b style="a: url({{ task.input.x }})">', "data:b", ["only relative addresses"]),
        ('\n<b style="{{ task.input.x }}">', "a: b", []),
        ('\n<b style="a: url({{ task.input.x }})">', "b c/d", []),
        ("<style>\nb { content: '{{ task.input.x }}' }</style>", "a: b", []),
        ("<style>\n#{{ task.input.x }} { a: b }</style>", "c:d", []),
        ("<style>\n.a\\:b { a: '\\201c ' }</style>", "c", []),
    ],
)
def test_what_has_no_effect_in_a_style_is_named(source: str, value: str, words: list[str]) -> None:
    found = [*style_faults(compile_template(source).render({"x": value}))]

    assert [line for line, _ in found] == [2] * len(words)
    assert all(word in fault for word, (_, fault) in zip(words, found, strict=True))


FILES = """<crowd-form><script src="own.js"></script>
<script src="crowd-html-elements.js"></script><script src="https://example.org/x.js"></script>
<link rel="stylesheet" href="css/own.css?v=2"><img src="{{ task.input.img }}">
<crowd-bounding-box name="b" src="{{ task.input.img }}" header="B" labels="['x']">
</crowd-bounding-box>
<crowd-card image="card.png">x</crowd-card>
<video poster="p.png"><source src="data:video/mp4,x"></video></crowd-form>
"""
ROWS = ("cat.png", "https://example.org/a.png", "img\\dog.png", "../up.png", "/img/cow.png")


def _file_warnings(template: str, folder: Path | None) -> list[tuple[int | None, str]]:
    files = PageFiles(Path("task.html"), folder)
    for place, img in enumerate(ROWS, 2):
        files.see(place, compile_template(template).render({"img": img}))
    found = [*files.problems()]
    assert all(each.warning for each in found)
    return [(each.line, each.message) for each in found]


def test_each_address_is_named_where_no_folder_is_served() -> None:
    found = _file_warnings(FILES, None)

    assert [(line, message.partition(" is not served: ")[0]) for line, message in found] == [
        (1, "own.js, the src of <script>,"),
        (3, "css/own.css, the href of <link>,"),
        (3, "cat.png, the src of <img>,"),
        (4, "cat.png, the src of <crowd-bounding-box>,"),
        (6, "card.png, the image of <crowd-card>,"),
        (7, "p.png, the poster of <video>,"),
    ]
    assert all("blueprint.extra_source_dir" in message for _, message in found)
    assert "row 2, whose line this is; 4 rows name such files" in found[2][1]


def test_only_what_a_folder_does_not_have_is_missing(tmp_path: Path) -> None:
    served = tmp_path / "served"
    for name in ("own.js", "css/own.css", "cat.png", "img/dog.png", "card.png"):
        (served / name).parent.mkdir(parents=True, exist_ok=True)
        (served / name).touch()
    (tmp_path / "up.png").touch()

    found = _file_warnings(FILES, served)

    outside = f"is outside of {served}: put it there, and write its name in that folder"
    assert found == [
        (
            3,
            f"../up.png, the src of <img>, {outside} (in the page of row 5, whose line this is; "
            "2 rows name such files)",
        ),
        (
            4,
            f"../up.png, the src of <crowd-bounding-box>, {outside} (in the page of row 5, whose "
            "line this is; 2 rows name such files)",
        ),
        (
            7,
            f"p.png, the poster of <video>, is not in {served}, the folder of "
            "blueprint.extra_source_dir: put it there (in the page of row 2, whose line this is; "
            "5 rows name such files)",
        ),
    ]
