"""The studies that ``famulus new task`` copies can be launched as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve

import famulus
from famulus.cli.declarations.new import task
from famulus.testing import run_command
from famulus.testing.forms import FormData, HtmlForm
from famulus.testing.served_run import served_run
from famulus_form.form_file import read_form
from famulus_form.templates import studies

STUDIES = studies()
#: What is not entered by chance: marks, which a script of the page enters, ranks, and JSON.
ENTERED = {
    "named-entities": {"names": '[{"start": 0, "end": 8, "label": "PER"}]'},
    "image-boxes": {
        "things": '[{"left": 48, "top": 124, "width": 165, "height": 187, "label": "house"}]',
        "things.size": "640x400",
    },
    "model-comparison": {
        "order.truth": "2",
        "order.help": "1",
        "order.style": "3",
        "notes": '{"comment": "Both are short."}',
    },
    "translation-quality": {"errors": '[{"start": 4, "end": 9, "label": "style"}]'},
}


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_copy_is_launched_worked_on_and_exported(
    study: famulus.TaskTemplate, tmp_path: Path
) -> None:
    database = tmp_path / "famulus.db"
    run_command(task, tmp_path / "copy", "--from", study.name, database=database)
    entered = ENTERED.get(study.name, {})

    def fill(form: HtmlForm, variant: int) -> FormData:
        filled = form.fill(variant)
        fields = [(name, entered.get(name, value)) for name, value in filled.fields]
        return evolve(filled, fields=fields)

    with served_run(tmp_path / "copy/config.yaml", database) as run:
        [answer] = run.worker("x", fill=fill).submit_all(1)
        assert answer.outcome == "stored", answer.text
        [record] = run.records()

    asked = {question.name for question in read_form(study.folder / "form.yaml").questions}
    assert record["outputs"].keys() & asked


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_the_readme_explains_every_answer(study: famulus.TaskTemplate) -> None:
    readme = (study.folder / "README.md").read_text(encoding="utf-8")
    form = read_form(study.folder / "form.yaml")

    assert not form.problems
    first_cells = re.findall(r"^\| (`.*?) \|", readme, re.MULTILINE)
    explained = set(re.findall(r"`(\w+)`", " ".join(first_cells)))
    columns = {column for question in form.questions for column in question.columns}
    assert explained == columns | ({"consent"} if form.head.consent else set())


def test_every_folder_is_a_study() -> None:
    folders = {each.name for each in STUDIES[0].folder.parent.iterdir()}

    assert folders == {each.name for each in STUDIES}
