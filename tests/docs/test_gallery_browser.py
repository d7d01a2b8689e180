"""Each kind of question, and each study of ``famulus new task``, answered in a browser.

The pages of docs/gallery show what these tests see: ``make gallery`` writes them again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

import famulus
from famulus.cli.declarations.new import task
from famulus.testing import ServedRun, run_command
from famulus.testing.served_run import served_run
from famulus_form.kinds import KINDS
from gallery_kinds import KINDS as SHOWN
from gallery_kinds import PHOTO, THINGS, VIDEO
from gallery_pages import FOLDER, WIDTH, index_page, keep, keep_picture, kind_page, study_page
from gallery_studies import WORK

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

STUDIES = famulus.discover().task_templates()
#: Is answered by a script of the page; the tests of ``form`` work on all studies over HTTP.
REPRESENTATIVE = "image-boxes"
MOST_BYTES = 40_000
#: All questions of the gallery.
ALL = (*SHOWN, *THINGS)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": WIDTH, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        yield page


def open_unit(page: Page, run: ServedRun) -> None:
    name = token_hex(8)
    page.goto(f"{run.url}?worker_id={name}&assignment_id={name}")
    page.locator(".fq-form").wait_for()


def submitted(page: Page, run: ServedRun) -> dict[str, Any]:
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("heading", name="Your answers are stored").wait_for()
    [record] = run.records()
    answers: dict[str, Any] = record["outputs"]
    return answers


def test_each_kind_is_answered_as_its_page_shows(page: Page, tmp_path: Path) -> None:
    declared = [
        each.declaration.rstrip().replace("name: answer", f"name: q_{each.kind}") for each in ALL
    ]
    media = tmp_path / "media"
    shutil.copytree(PHOTO.parent, media)
    shutil.copy(VIDEO, media)
    (tmp_path / "form.yaml").write_text(f"questions:{''.join(declared)}\n")
    (tmp_path / "data.csv").write_text("row\n1\n")
    configuration = {
        "defaults": [{"blueprint": "form"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {
            "form": str(tmp_path / "form.yaml"),
            "data_csv": str(tmp_path / "data.csv"),
            "extra_source_dir": str(media),
        },
        "task": {
            "task_name": "kinds",
            "task_title": "T",
            "task_description": "D",
            "task_reward": "0.10",
        },
    }
    with served_run(configuration, tmp_path / "famulus.db") as run:
        open_unit(page, run)
        for each in ALL:
            each.answer(page.locator(f"#fq-q_{each.kind}"))
            keep_picture(page, f"#fq-q_{each.kind}", f"kind-{each.kind}")
        answers = submitted(page, run)

    for each in ALL:
        own = {
            name.replace(f"q_{each.kind}", "answer", 1): value
            for name, value in answers.items()
            if name in (f"q_{each.kind}", f"q_{each.kind}_other", f"q_{each.kind}_size")
        }
        picture = f"A question of the kind {each.kind}, answered"
        if each in THINGS:
            picture = f"A question about a {each.kind}, answered"
        page_text = kind_page(each.kind, summary(each.kind), each.declaration, own, picture)
        keep(f"kinds/{each.kind}.md", page_text)


@pytest.mark.parametrize(
    "study",
    [
        pytest.param(
            study,
            id=study.name,
            marks=[pytest.mark.exhaustive] if study.name != REPRESENTATIVE else [],
        )
        for study in STUDIES
    ],
)
def test_each_study_is_copied_launched_and_answered_as_its_page_shows(
    study: famulus.TaskTemplate, page: Page, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    made = run_command(task, folder, "--from", study.name, database=tmp_path / "famulus.db")
    assert made.exit_code == 0, made.output

    with served_run(folder / "config.yaml", tmp_path / "famulus.db") as run:
        open_unit(page, run)
        WORK[study.name](page)
        keep_picture(page, "main", f"study-{study.name}")
        answers = submitted(page, run)

    keep(f"studies/{study.name}.md", study_page(study, answers))


def test_the_gallery_lists_every_kind_and_every_study() -> None:
    assert {each.kind for each in SHOWN} == set(KINDS)
    assert {each.name for each in STUDIES} == set(WORK)
    kinds, things = (
        [(kind, summary(kind)) for kind in listed] for listed in (KINDS, [t.kind for t in THINGS])
    )
    keep("README.md", index_page(kinds, things, STUDIES))


def test_the_gallery_has_no_other_pages_and_its_pictures_are_small() -> None:
    pages = {each.relative_to(FOLDER).with_suffix("").as_posix() for each in FOLDER.rglob("*.md")}
    pictures = {each.stem: each.stat().st_size for each in FOLDER.rglob("*.png")}

    kinds, studies = {each.kind for each in ALL}, set(WORK)
    assert pages == {"README", *(f"kinds/{each}" for each in kinds)} | {
        f"studies/{each}" for each in studies
    }
    assert set(pictures) == {f"kind-{each}" for each in kinds} | {
        f"study-{each}" for each in studies
    }
    assert {name: size for name, size in pictures.items() if size > MOST_BYTES} == {}


def summary(kind: str) -> str:
    """Return the first sentence about a kind, or about a thing to judge, in Markdown."""
    if kind not in KINDS:
        return f"A {kind} to judge, with the controls of the browser; any question can be about it."
    text = " ".join((KINDS[kind].__doc__ or "").partition("\n\n")[0].split())
    return text.replace("``", "`")
