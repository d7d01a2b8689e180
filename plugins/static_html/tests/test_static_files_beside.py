"""Files beside a page: those that it names are served with it, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus.contracts.plan import Role
from famulus_static_html.blueprint import StaticTaskBlueprint
from famulus_static_html.options import SharedStaticTaskState, StaticTaskArgs
from famulus_static_html.page import compile_page

PAGE = """<style>@import "css/print.css"; body { background: url('img/paper.png') }</style>
<link rel=stylesheet href="css/style.css?v=2"><script src="./lib/jquery.js"></script>
<div background=img/old.gif style="background: url(&quot;img/a div.gif&quot;)"></div>
<img src="img/a%20b.png" srcset="img/small.webp 1x, img/large.webp 2x"><img src="img\\windows.png">
<video poster="img/poster.jpg" src="clip.mp4"><track src="clip.vtt"></video>
<template><img src="img/later.svg"></template><a href="guide.pdf">Guide</a>
<img src="pictures/${n}.png"><img src="${picture}"><audio src="${sound}"></audio><input name=a>
"""
NAMED = {
    "clip.mp4", "clip.vtt", "css/deep/more.css", "css/font.woff2", "css/print.css",
    "css/style.css", "guide.pdf", "img/a b.png", "img/a div.gif", "img/large.webp", "img/later.svg",
    "img/old.gif", "img/paper.png", "img/poster.jpg", "img/small.webp", "img/tile.png",
    "img/windows.png", "lib/jquery.js",
}  # fmt: skip
BY_ROWS = {"pictures/1.png", "pictures/7.png", "gallery/x.jpg", "y z.mp3"}
OTHERS = {
    "task.html", "data.csv", "task.yaml", "famulus.db", "run.py", "notes.txt", "img/other.png",
    "pictures/list.csv", "gallery/gold.jpg", "lib/jquery.min.js", "css/unused.css", ".env",
    ".git/a.png", "pictures/.hidden/1.png", "secret.csv",
}  # fmt: skip
DATA = "n,picture,sound\n1,gallery/x.jpg,y%20z.mp3\n7,https://example.org/z.png,data:audio/wav;x\n"


def _folder(folder: Path) -> Path:
    for name in NAMED | BY_ROWS | OTHERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "css/style.css").write_text(
        "@import url(deep/more.css); @font-face { src: url(font.woff2?#iefix) } "
        "b { background: url(..\\2fimg\\/tile.png), url(../../secret.csv), url(data:image/png;,) }"
    )
    # A circle of imports ends.
    (folder / "css/deep/more.css").write_text("@import '../style.css'; i { cursor: url(/x.png) }")
    (folder / "task.html").write_text(PAGE)
    (folder / "data.csv").write_text(DATA)
    return folder


def _task(folder: Path, rows: Any = None, **args: Any) -> StaticTaskBlueprint:
    state = SharedStaticTaskState(static_task_data=rows)
    context = famulus.Context(
        database=cast("Any", None), clock=famulus.system_clock, shared_state=state
    )
    data = {"data_csv": folder / "data.csv"} if rows is None else {}
    options = StaticTaskArgs(**{"task_source": folder / "task.html", **data, **args})
    return StaticTaskBlueprint(options, context)


def _warnings(task: StaticTaskBlueprint) -> list[str]:
    plan = famulus.Plan(
        task=famulus.TaskArgs(task_reward=Decimal("0.3")),
        blueprint=Role(type="static_task", args=task.args),
        architect=Role(type="local", args=None),
        provider=Role(type="mock", args=None),
        shared_state=task.context.shared_state,
        task_dir=Path(),
    )
    return [f"{each.line}: {each.message}" for each in task.problems(plan)]


def _served(task: StaticTaskBlueprint, names: Iterable[str]) -> set[str]:
    (folder,) = task.assets()
    assert isinstance(folder, famulus.AssetFolder)
    return {name for name in names if folder.serves(name)}


def test_files_that_the_page_its_style_sheets_and_its_rows_name_are_served(tmp_path: Path) -> None:
    task = _task(_folder(tmp_path))

    assert _served(task, NAMED | BY_ROWS | OTHERS) == NAMED | BY_ROWS
    assert [folder.path for folder in cast("Any", task.assets())] == [tmp_path]


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "/", "/data.csv", "../secret.png", "pictures/../gallery/gold.jpg",
        "pictures/../.git/a.png", "pictures/../../outside.png", "pictures", "pictures/",
        "pictures/none.png", "pictures/1.png\0", "pictures/\ud800.png", "PICTURES/1.PNG",
        "pictures/" + "x" * 5000 + ".png",
    ],
)  # fmt: skip
def test_name_that_the_page_does_not_write_is_not_served(tmp_path: Path, name: str) -> None:
    folder = _folder(tmp_path / "task")
    (tmp_path / "outside.png").touch()
    (tmp_path / "secret.png").touch()

    served = _served(_task(folder), [name])

    # The architect resolves the rest: it serves nothing outside of the folder.
    assert served <= {"pictures/../gallery/gold.jpg"}


def test_link_gives_no_name_to_a_file_of_another_kind(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "task")
    outside = tmp_path / "outside.png"
    outside.touch()
    pictures = folder / "pictures"
    (pictures / "out.png").symlink_to(outside)
    (pictures / "data.png").symlink_to(folder / "data.csv")
    (pictures / "hidden.png").symlink_to(folder / ".git" / "a.png")
    (pictures / "circle.png").symlink_to(pictures / "circle.png")
    (pictures / "same.png").symlink_to(pictures / "7.png")
    names = {f"pictures/{name}.png" for name in ("out", "data", "hidden", "circle", "same")}

    assert _served(_task(folder), names) == {"pictures/same.png"}


def test_what_files_in_the_folder_name_is_served(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    inner = "inner/frame.html"
    names = {
        "inner/frame.js",
        "inner/a b.png",
        "inner/1.png",
        "inner/f.css",
        "inner/g.gif",
        "j.png",
        "l m.png",
    }
    for name in names | {"inner/other.png", "k.png", inner}:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / inner).write_text(
        "<link href=f.css rel=stylesheet><script src='frame.js'></script><img src='a&#32;b.png' "
        'srcset="1.png 1x, https://example.org/2.png 2x"><p style="background: url(g.gif)">'
        "<a href=../data.csv>x</a><a href=../secret.csv>x</a>"
    )
    (folder / "inner/frame.js").write_text("show('j.png'); show('k' + '.png', 'l m.png')")
    (folder / "task.html").write_text(f"<iframe src={inner}></iframe><input name=a>")

    served = _served(_task(folder), names | OTHERS | NAMED | {"inner/other.png", "k.png", inner})

    assert served == names | {inner}


@pytest.mark.parametrize("address", ["a.html?x=${n}", "a.html#${n}", "${p}", "x ${p}"])
def test_values_in_a_query_and_lists_of_names_with_spaces(tmp_path: Path, address: str) -> None:
    folder = _folder(tmp_path)
    names = {"a.html", "p 1.png", "p 2.png"}
    for name in names:
        (folder / name).touch()
    (folder / "task.html").write_text(f'<iframe src="{address}"></iframe><input name=a>')
    (folder / "data.csv").write_text("n,p\n1,p 1.png|none.png| p 2.png\n")

    assert _served(_task(folder), names | OTHERS) == (
        {"a.html"} if "html" in address else names - {"a.html"}
    )


def test_names_that_no_file_can_have_are_missing_like_others(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "task.html").write_text("<img src='${p}'><input name=a>")
    names = ["x" * 5000 + ".png", "a%00.png", "%ud800.png"]
    (folder / "data.csv").write_text("\n".join(["p", *names]))

    (found,) = _warnings(_task(folder))

    assert "xxx.png, the file of line 2, is not in" in found
    assert "line 3" in found
    assert "line 4" in found


def test_check_says_in_one_line_what_is_served(tmp_path: Path) -> None:
    (served,) = _warnings(_task(_folder(tmp_path)))

    assert "18" not in served
    assert "clip.mp4, clip.vtt, css/deep/more.css, css/font.woff2, css/print.css, 13 more" in served
    assert "pictures/${n}.png" in served
    assert "data.csv" not in served


def test_file_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "lib/jquery.js").unlink()
    (folder / "pictures/1.png").unlink()
    (folder / "task.html").write_text(PAGE + '<script src="../up.js"></script><img src=notes.txt>')

    found = _warnings(_task(folder))

    for line in (
        f"2: lib/jquery.js is not in {folder}",
        "8: ../up.js is not served",
        "8: notes.txt is not served",
        f"7: pictures/${{n}}.png: pictures/1.png, the file of line 2, is not in {folder}",
    ):
        assert any(each.startswith(line) for each in found), (line, found)
    assert all("blueprint.extra_source_dir" in each for each in found if "is not" in each)


def test_every_kind_of_missing_file_is_named_with_its_rows(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    page = '<a href="big.png">Big</a><a href=${p}>x</a>\n<img src=big.png><img src=/img/none.png>\n'
    (folder / "task.html").write_text(page + "<img src=${p}><img src='${p}?x'><input name=a>")
    names = ["../up.png", "/img/none.png", "img\\none.png", "img\\other.png", "img/other.png"]
    (folder / "data.csv").write_text("\n".join(["p", *names, *(f"{n}.png" for n in range(26))]))

    found = _warnings(_task(folder))

    here = f"is not in {folder}: put it there, or name the folder that has it in blueprint."
    outside = (
        "is not served, since it is outside of the page's folder: put it into a folder that has "
        "nothing else in it than files for workers, and name this in blueprint."
    )
    assert [each.partition("extra_source_dir")[0] for each in found if "is not" in each] == [
        f"2: big.png {here}",
        f"2: /img/none.png {here}",
        f"3: ${{p}}: ../up.png, the file of line 2, {outside}",
        f"3: ${{p}}?x: ../up.png, the file of line 2, {outside}",
    ]
    assert " (also line 3: /img/none.png, line 4: img/none.png, line 7: 0.png, " in found[-1]
    assert found[-1].endswith("line 23: 16.png, 9 more)")


def test_a_folder_has_the_files_of_the_root(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "task")
    page = "<img src=/1.png><img src=/none.png><img src=${p}><input name=a>"
    (folder / "task.html").write_text(page)
    (folder / "data.csv").write_text("p\n/7.png\n\\7.png\n/none.png\n../pictures/7.png\n")

    found = _warnings(_task(folder, extra_source_dir=folder / "pictures"))

    missing = [each.partition(" is not")[0] for each in found if "is not" in each]
    assert missing == ["1: /none.png", "1: ${p}: /none.png, the file of line 4,"]
    assert found[-1].endswith("(also line 5: ../pictures/7.png)")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("img\\cat.png", "img/cat.png"),
        ("img\\a b.png?x=\\", "img/a%20b.png?x=%5C"),
        ("https://example.org\\cat.png", "https://example.org/cat.png"),
        ("data:image/svg+xml,\\", "data:image/svg+xml,%5C"),
    ],
)
def test_a_backslash_of_a_row_is_a_slash_as_in_browsers(value: str, written: str) -> None:
    page = compile_page("<img src='${p}'>").render({"p": value})

    assert f"src='{written}'" in page.body.replace('"', "'")


def test_rows_from_python_need_the_option_only_for_whole_addresses(tmp_path: Path) -> None:
    rows = [{"n": 1, "picture": "gallery/x.jpg", "sound": "https://example.org/a.mp3"}]
    task = _task(_folder(tmp_path), rows)

    missing = [each for each in _warnings(task) if "is not" in each]

    assert _served(task, BY_ROWS) == {"pictures/1.png", "pictures/7.png"}
    assert len(missing) == 1
    assert "gallery/x.jpg, the file of row 1, is not served" in missing[0]
    assert "blueprint.extra_source_dir" in missing[0]


def test_an_option_replaces_what_is_beside(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "task")
    task = _task(folder, extra_source_dir=folder / "pictures")

    assert task.assets() == (folder / "pictures",)
    assert any("gallery/x.jpg, the file of line 2, is not in" in each for each in _warnings(task))
    assert not any("served with it" in each for each in _warnings(task))


def test_each_page_serves_what_it_names(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "task")
    other = _folder(tmp_path / "preview")
    (other / "task.html").write_text("<img src=img/other.png><input name=a>")
    task = _task(folder, preview_source=other / "task.html")

    served = [folder.serves("img/other.png") for folder in cast("Any", task.assets())]

    assert served == [False, True]


def test_page_that_was_removed_serves_nothing(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    task = _task(folder, preview_source=folder / "preview.html")

    assert _served(task, BY_ROWS) == BY_ROWS

    (folder / "task.html").unlink()
    assert _task(folder).assets() == []


def test_page_that_names_nothing_serves_nothing_and_says_nothing(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "task.html").write_text('<a href="https://example.org/a.png">${n}</a><input name=a>')
    task = _task(folder)

    assert _served(task, NAMED | BY_ROWS | OTHERS) == set()
    assert _warnings(task) == []


def test_page_with_a_base_names_nothing_here(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "task.html").write_text('<base href="https://example.org/">' + PAGE)

    assert _served(_task(folder), NAMED | BY_ROWS | OTHERS) == set()


def test_the_rows_are_read_once_by_all_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = _task(_folder(tmp_path))
    reads, rows = [], famulus.DataFile.rows

    def counted(file: famulus.DataFile) -> Any:
        reads.append(file)
        return rows(file)

    monkeypatch.setattr(famulus.DataFile, "rows", counted)
    threads = [threading.Thread(target=_served, args=(task, OTHERS | BY_ROWS)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert _served(task, BY_ROWS) == BY_ROWS
    assert len(reads) == 1


def test_rows_that_cannot_be_read_again_serve_what_was_known(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    task = _task(folder)
    (folder / "data.csv").unlink()

    assert _served(task, BY_ROWS) == {"pictures/1.png", "pictures/7.png"}
