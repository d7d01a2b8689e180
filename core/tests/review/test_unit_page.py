"""The page of a unit for a reviewer's browser."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from secrets import token_hex

import pytest

from famulus.contracts.blueprint import Blueprint
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.views import FormFile, Page, SubmittedUnit
from famulus.data.newest_units import newest_units
from famulus.data.scope import find_scope
from famulus.model.database import Database
from famulus.plugins import Plugins
from famulus.review.unit_page import UnitPages
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import RowsBlueprint, RowsState

HOSTILE = '"><script>alert(1)</script><b x="'


class Scripted(RowsBlueprint):
    """A page with a script, a style sheet and what else a page may have."""

    type = "scripted"
    folder = Path()

    def review_page(self, unit: SubmittedUnit) -> Page:
        if unit.answers["answer"] == "unshowable":
            raise LookupError("on purpose")
        if unit.answers["answer"] == "exit":
            sys.exit(3)
        if unit.answers["answer"] == "nothing":
            return None  # type: ignore[return-value]
        shown = super().review_page(unit)
        return Page(
            body=shown.body,
            head="<style>p { color: red }</style>",
            scripts="<script src=later.js></script>",
            body_attributes={"class": "task"},
        )

    def assets(self) -> Sequence[Path]:
        if self.folder == Path("broken"):
            raise LookupError("on purpose")
        return (self.folder,)


class ScriptedPlugin:
    @hookimpl
    def famulus_register_blueprints(self) -> list[type[Blueprint]]:
        return [Scripted]


@pytest.fixture
def plugins() -> Plugins:
    return kit_plugins(scripted=ScriptedPlugin())


@pytest.fixture
def operator(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=plugins) as operator:
        yield operator


def page_of(operator: ManualOperator, answer: str, blueprint: str = "scripted") -> str:
    """Have a worker answer one unit; return its page."""
    configuration = {
        "defaults": [{"blueprint": blueprint}, {"architect": "nowhere"}, {"provider": "crowd"}],
        "task": {
            "task_name": "words",
            "task_title": "A task",
            "task_description": "Of a test.",
            "task_reward": "0.10",
        },
    }
    launched = operator.launch(configuration, shared_state=RowsState(rows=[{"n": "<1>"}]))
    operator.load_all(launched)
    GatewayWorker(operator.gateway(launched), "<x>").work(answer)
    return made(operator.database, operator.plugins)


def made(database: Database, plugins: Plugins) -> str:
    [unit] = newest_units(database, find_scope(database, "words"))
    return UnitPages(database, plugins)(unit)


def test_page_has_the_data_and_the_answers_in_fields_that_cannot_be_changed(
    operator: ManualOperator,
) -> None:
    page = page_of(operator, "blue")

    assert "<output>{&quot;n&quot;: &quot;&lt;1&gt;&quot;}</output>" in page
    inside = page.partition('<fieldset id="famulus-task"')[2].partition("</fieldset>")[0]
    assert " disabled>" in inside.partition("\n")[0]
    assert '<input name="answer" value="blue">' in inside
    assert "<dt>Worker</dt>\n<dd>&lt;x&gt;</dd>" in page
    assert "<dt>answer</dt>\n<dd>blue</dd>" in page
    assert 'class="task"' in page


def test_page_names_every_file_of_a_field(operator: ManualOperator) -> None:
    gateway = operator.launch_rows([{"n": 1}], task_name="words")
    files = [received(gateway.upload_folder, name) for name in ("a.png", "<b>.png")]
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), files=files)

    page = made(operator.database, operator.plugins)

    assert page.count("<dt>File in photos</dt>") == 2
    assert "<dd>a.png: " in page
    assert "<dd>&lt;b&gt;.png: " in page


def received(folder: Path, name: str) -> FormFile:
    """Put a file where a server receives it."""
    path = folder / token_hex(8)
    path.write_bytes(b"x")
    return FormFile(
        field="photos",
        filename=name,
        content_type="image/png",
        size=1,
        sha256=hashlib.sha256(b"x").hexdigest(),
        path=path,
    )


def test_answers_are_text_and_no_script_runs(operator: ManualOperator) -> None:
    page = page_of(operator, HOSTILE)

    assert "<script" not in page
    assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page
    policy = page.index("default-src 'none'")
    assert policy < page.index("p { color: red }") < page.index("<body")


def test_style_sheets_are_found_beside_the_page(
    operator: ManualOperator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "folder", tmp_path / "as sets")

    page = page_of(operator, "blue")

    assert f'<base href="{tmp_path.as_uri()}/as%20sets/">' in page


def test_folder_of_assets_that_cannot_be_found_leaves_the_answers(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "folder", Path("broken"))

    page = page_of(operator, "blue")

    assert "<dt>answer</dt>\n<dd>blue</dd>" in page
    assert "<fieldset" not in page


@pytest.mark.parametrize("answer", ["unshowable", "exit", "nothing"])
def test_blueprint_that_cannot_show_a_unit_leaves_the_answers(
    operator: ManualOperator, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    page = page_of(operator, answer)

    assert "<fieldset" not in page
    assert f"<dt>answer</dt>\n<dd>{answer}</dd>" in page
    assert "is shown without its page" in caplog.text


def test_missing_blueprint_leaves_the_answers(
    operator: ManualOperator, caplog: pytest.LogCaptureFixture
) -> None:
    page_of(operator, "blue")

    page = made(operator.database, kit_plugins())

    assert "<dt>answer</dt>\n<dd>blue</dd>" in page
    assert "its blueprint cannot show its units" in caplog.text
