"""What `check` says of a template before any row is seen."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus.contracts.plan import Role
from famulus_crowd_form.blueprint import CrowdFormBlueprint
from famulus_crowd_form.checks import _element_problems, _literal_columns
from famulus_crowd_form.options import CrowdFormArgs, SharedCrowdFormState
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


FILES = """<crowd-form><script src="own.js">show("pictures/late.png")</script>
<script src="crowd-html-elements.js"></script><script src="https://example.org/x.js"></script>
<link rel="stylesheet" href="css/own.css?v=2"><img src="{{ task.input.img | grant_read_access }}">
<crowd-bounding-box name="b" src="{{ task.input.img }}" header="B" labels="['x']">
</crowd-bounding-box>
<crowd-card image="card.png">x</crowd-card><p style="background: url('img/paper.png')">
<style>b { background: url(img/{{ task.input.n }}.gif), url("{{ task.input.img }}") }</style>
<video poster="p.png"><source src="data:video/mp4,x"></video>
<img srcset="s1.png 1x, big/{{ task.input.n }}.png 2x" src="{% if task.input.n %}if.png{% endif %}">
{% assign others = task.input.others | split: ";" %}
{% for other in others %}<audio src="{{ other }}"></audio>{% endfor %}</crowd-form>
"""
IMAGES = ("cat.png", "https://example.org/a.png", "img\\dog.png", "../up.png", "/img/cow.png")
DATA = "img,n,others,unused\n" + "".join(
    f"{img},{n},1.mp3;{n}.mp3,unused.png\n" for n, img in enumerate(IMAGES)
)
NAMED = (
    "own.js", "css/own.css", "card.png", "img/paper.png", "p.png", "s1.png", "if.png", "cat.png",
    "img/dog.png", "pictures/late.png", *(f"{n}.mp3" for n in range(5)),
    *(f"img/{n}.gif" for n in range(5)), *(f"big/{n}.png" for n in range(5)),
)  # fmt: skip


def _task(folder: Path, template: str = FILES, data: str = DATA, **args: Any) -> CrowdFormBlueprint:
    (folder / "task.html").write_text(template)
    (folder / "data.csv").write_text(data)
    options = CrowdFormArgs(task_source=folder / "task.html", data_csv=folder / "data.csv", **args)
    state = SharedCrowdFormState()
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=state
    )
    return CrowdFormBlueprint(options, context)


def _problems(task: CrowdFormBlueprint) -> list[famulus.Problem]:
    plan = famulus.Plan(
        task=famulus.TaskArgs(task_reward=Decimal("0.3")),
        blueprint=Role(type="crowd_form", args=task.args),
        architect=Role(type="local", args=None),
        provider=Role(type="mock", args=None),
        shared_state=task.context.shared_state,
        task_dir=Path(),
    )
    return task.problems(plan)


def _missing(task: CrowdFormBlueprint) -> list[tuple[int, str]]:
    found = _problems(task)
    assert all(each.warning for each in found), found
    return [(each.line or 0, each.message) for each in found if "is not" in each.message]


def _served(task: CrowdFormBlueprint, names: Iterable[str]) -> set[str]:
    folders = [each for each in task.assets() if isinstance(each, famulus.AssetFolder)]
    return {name for name in names if any(each.serves(name) for each in folders)}


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_template_that_is_not_utf_8_is_named_with_its_option_and_line(tmp_path: Path) -> None:
    task = _task(tmp_path)
    (tmp_path / "task.html").write_bytes(b"<p>\n\xe9</p>")

    [problem] = _problems(task)

    found = (problem.key, problem.file, problem.line)
    assert found == ("blueprint.task_source", tmp_path / "task.html", 2)


def test_what_a_template_and_its_rows_name_is_served_and_nothing_else(tmp_path: Path) -> None:
    others = ("data.csv", "task.html", "unused.png", "img/list.csv", "other.js", ".x.png", "run.py")
    _touch(tmp_path, *NAMED, *others)
    task = _task(tmp_path)

    assert _served(task, (*NAMED, *others)) == set(NAMED)
    outside = (
        "is not served, since it is outside of the page's folder: put it into a folder that has "
        "nothing else in it than files for workers, and name this in blueprint.extra_source_dir "
        "(in the page of line 5, whose line this is; also line 6: /img/cow.png)"
    )
    assert _missing(task) == [
        (3, f"../up.png, in <img>, {outside}"),
        (4, f"../up.png, in <crowd-bounding-box>, {outside}"),
        (7, f"../up.png, in <style>, {outside}"),
    ]
    assert _served(_task(tmp_path, extra_source_dir=tmp_path / "img"), NAMED) == set()


def test_every_missing_file_is_named_with_its_line_and_rows(tmp_path: Path) -> None:
    kept = ("own.js", "img/dog.png", "s1.png", "0.mp3", "big/3.png", "if.png", "1.mp3")
    _touch(tmp_path, *kept)

    found = _missing(_task(tmp_path))

    assert [(line, message.partition(" is not")[0]) for line, message in found] == [
        (3, "css/own.css"),
        (6, "card.png"),
        (6, "img/paper.png"),
        (8, "p.png"),
        (3, "cat.png, in <img>,"),
        (4, "cat.png, in <crowd-bounding-box>,"),
        (7, "img/0.gif, in <style>,"),
        (9, "big/0.png, in <img>,"),
        (11, "2.mp3, in <audio>,"),
    ]
    assert all("blueprint.extra_source_dir" in message for _, message in found)
    assert found[7][1].endswith(
        "(in the page of line 2, whose line this is; also line 3: big/1.png, line 4: big/2.png, "
        "line 6: big/4.png)"
    )


def test_only_what_a_folder_does_not_have_is_missing(tmp_path: Path) -> None:
    served = tmp_path / "served"
    _touch(served, "img/cow.png")
    _touch(served, *(name for name in NAMED if name not in ("p.png", "big/3.png")))

    found = _missing(_task(tmp_path, extra_source_dir=served))

    assert [(line, message.partition(" is not")[0]) for line, message in found] == [
        (8, "p.png"),
        (3, "../up.png, in <img>,"),
        (4, "../up.png, in <crowd-bounding-box>,"),
        (7, "../up.png, in <style>,"),
        (9, "big/3.png, in <img>,"),
    ]


def test_the_pages_of_all_rows_are_checked(tmp_path: Path) -> None:
    template = (
        '<crowd-classifier name="c" categories="{{ task.input.names }}" header="H">'
        "<classification-target>x</classification-target></crowd-classifier>"
    )
    rows = ["\"['a', 'b']\""] * 100
    data = "\n".join(["names", *rows, "nothing", *rows])

    (fault,) = _problems(_task(tmp_path, template, data))

    assert "in the page of line 102" in fault.message
    assert not fault.warning


def test_many_faults_of_rows_are_counted(tmp_path: Path) -> None:
    template = f'<p style="width: {{{{ task.input.x }}}}">a</p>{INPUT}'
    rows = [f"{n};{n}" for n in range(60)]

    found = _problems(_task(tmp_path, template, "\n".join(["x", *rows, ""])))

    assert all(each.warning for each in found)
    assert len(found) == 51
    assert found[-1].message == "10 more faults like these, in the pages of other rows"


def test_an_onboarding_has_files_too(tmp_path: Path) -> None:
    (tmp_path / "intro").mkdir()
    onboarding = tmp_path / "intro/first.html"
    onboarding.write_text('<img src="a.png"><img src="{{ task.input.img }}">' + INPUT)
    _touch(tmp_path, "intro/a.png", "intro/b.png", "intro/c.png")
    options = {
        "onboarding_source": onboarding,
        "onboarding_data": {"img": "b.png"},
        "onboarding_correct": {"a": "x"},
        "onboarding_qualification": "trained",
    }
    task = _task(tmp_path, INPUT, "x\n1\n", **options)

    assert _served(task, ["a.png", "b.png", "c.png"]) == {"a.png", "b.png"}
    assert _missing(task) == []
