"""crowd_form keeps the rules of a blueprint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import evolve

from famulus.testing import BlueprintConformance, FormData, HtmlForm
from famulus_crowd_form import SharedCrowdFormState
from famulus_crowd_form.blueprint import CrowdFormBlueprint

PAGE = """<crowd-form>
<crowd-classifier name="mood" header="{{ task.input.text }}" categories="['good', 'bad']">
<classification-target>{{ task.input.text }}</classification-target></crowd-classifier>
<crowd-input name="why" label="Why?"></crowd-input> <textarea name="more"></textarea>
<crowd-checkbox name="sure">Sure</crowd-checkbox> <crowd-slider name="warmth"></crowd-slider>
<input type="file" name="photo"><script>const text = "{{ task.input.text }}";</script>
</crowd-form>
"""
MARKS = """<crowd-form>
<crowd-entity-annotation name="names" header="Names" text="Ada {{ task.input.text }}"
labels='["PER"]'></crowd-entity-annotation>
<crowd-bounding-box name="boxes" src="a.png" header="Boxes" labels='["cat"]'></crowd-bounding-box>
</crowd-form>
"""
ONBOARDING = """<crowd-form>
<crowd-input name="sum" label="{{ task.input.what }}"></crowd-input>
</crowd-form>
"""


class TestCrowdForm(BlueprintConformance):
    blueprint = CrowdFormBlueprint

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "page.html").write_text(PAGE)
        (tmp_path / "data.csv").write_text("id,text\n1,one\n2,two\n3,three\n")
        return {
            "task_source": tmp_path / "page.html",
            "data_csv": tmp_path / "data.csv",
            "units_per_assignment": 2,
        }

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        (tmp_path / "unknown.html").write_text(PAGE.replace("input.text", "input.txet"))
        (tmp_path / "element.html").write_text(PAGE + "<crowd-keypoint></crowd-keypoint>")
        (tmp_path / "liquid.html").write_text(PAGE + "{% if %}")
        return {
            "no template": {**good, "task_source": tmp_path / "none.html"},
            "no data": {**good, "data_csv": tmp_path / "none.csv"},
            "data twice": {**good, "data_json": tmp_path / "data.json"},
            "no option at all": {},
            "an unknown column": {**good, "task_source": tmp_path / "unknown.html"},
            "an unknown element": {**good, "task_source": tmp_path / "element.html"},
            "no template of Liquid": {**good, "task_source": tmp_path / "liquid.html"},
            "an unknown option": {**good, "task_sauce": "x"},
            "no folder": {**good, "extra_source_dir": tmp_path / "none"},
        }

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any] | None:
        good = self.configuration(tmp_path)
        lines = (json.dumps({"id": n, "text": f"text {n}"}) + "\n" for n in range(rows))
        (tmp_path / "data.jsonl").write_text("".join(lines))
        del good["data_csv"]
        return {**good, "data_jsonl": tmp_path / "data.jsonl"}

    def fill(self, form: HtmlForm, variant: int) -> FormData:
        filled = form.fill(variant)
        good = {"warmth": "42", "sum": "4"}
        fields = [(name, good.get(name, value)) for name, value in filled.fields]
        return evolve(filled, fields=fields)


class TestCrowdFormOfMarks(TestCrowdForm):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        good = super().configuration(tmp_path)
        (tmp_path / "page.html").write_text(MARKS)
        return good

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        (tmp_path / "other.html").write_text(MARKS.replace("labels=", "names="))
        return {"no labels": {**good, "task_source": tmp_path / "other.html"}}

    def big_configuration(self, tmp_path: Path, rows: int) -> None:
        return None

    def fill(self, form: HtmlForm, variant: int) -> FormData:
        filled = form.fill(variant)
        span = {"start": 0, "end": 3, "label": "PER"}
        box = {"left": 0, "top": 0, "width": 5, "height": 5, "label": "cat"}
        good = {"names": json.dumps([span]), "boxes": json.dumps([box]), "boxes.size": "9x9"}
        fields = [(name, good.get(name, value)) for name, value in filled.fields]
        return evolve(filled, fields=fields)


class TestCrowdFormFromPython(TestCrowdForm):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        good = super().configuration(tmp_path)
        del good["data_csv"]
        (tmp_path / "onboarding.html").write_text(ONBOARDING)
        return {
            **good,
            "onboarding_source": tmp_path / "onboarding.html",
            "onboarding_qualification": "passed",
            "onboarding_data": {"what": "Two and two?"},
            "onboarding_correct": {"sum": "4"},
        }

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        return {
            "data in two places": {**good, "data_csv": tmp_path / "data.csv"},
            "an onboarding that nothing judges": {**good, "onboarding_correct": {}},
            "a right answer to nothing": {**good, "onboarding_correct": {"some": "4"}},
        }

    def big_configuration(self, tmp_path: Path, rows: int) -> None:
        return None

    def shared_state(self) -> SharedCrowdFormState:
        rows = ({"id": number, "text": f"text {number}"} for number in range(3))
        return SharedCrowdFormState(crowd_form_data=rows)
