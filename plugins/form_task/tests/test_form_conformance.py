"""form keeps the rules of a blueprint."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from attrs import evolve

from famulus.testing import BlueprintConformance, FormData, HtmlForm
from famulus_form import SharedFormState
from famulus_form.blueprint import FormBlueprint
from form_files import (
    EVERY_COLUMN,
    EVERY_KIND,
    MARKS,
    MARKS_FIELDS,
    MARKS_ROW,
    STEPS,
    STEPS_FIELDS,
    write_form,
)

ONBOARDING = "questions: [{name: sum, type: number, question: Two and two, correct: 4}]"
RANKS = {"order.price": "2", "order.quality": "1", "order.service": "3"}


class TestForm(BlueprintConformance):
    blueprint = FormBlueprint

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        with (tmp_path / "data.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, EVERY_COLUMN)
            table.writeheader()
            table.writerows([EVERY_COLUMN] * 3)
        return {
            "form": write_form(tmp_path, EVERY_KIND, "forms/form.yaml"),
            "data_csv": tmp_path / "data.csv",
            "units_per_assignment": 2,
        }

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        unknown = EVERY_KIND.replace("${text}", "${txet}")
        return {
            "no form": {**good, "form": tmp_path / "none.yaml"},
            "no data": {**good, "data_csv": tmp_path / "none.csv"},
            "data twice": {**good, "data_json": tmp_path / "data.json"},
            "no option at all": {},
            "an unknown column": {**good, "form": write_form(tmp_path, unknown, "unknown.yaml")},
            "an unknown option": {**good, "from": "x"},
            "no folder": {**good, "extra_source_dir": tmp_path / "none"},
        }

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any] | None:
        good = self.configuration(tmp_path)
        lines = (json.dumps({**EVERY_COLUMN, "text": f"text {n}"}) + "\n" for n in range(rows))
        (tmp_path / "data.jsonl").write_text("".join(lines))
        del good["data_csv"]
        return {**good, "data_jsonl": tmp_path / "data.jsonl"}

    def fill(self, form: HtmlForm, variant: int) -> FormData:
        filled = form.fill(variant)
        good = {**RANKS, "age": "42", "day": "2026-05-31", "mood": "good", "better": "b"}
        fields = [(name, good.get(name, value)) for name, value in filled.fields]
        return evolve(filled, fields=fields)


class TestFormOfMarks(TestForm):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "data.jsonl").write_text(f"{json.dumps(MARKS_ROW)}\n" * 3)
        return {"form": write_form(tmp_path, MARKS), "data_jsonl": tmp_path / "data.jsonl"}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        unknown = MARKS.replace("${image}", "${img}")
        return {"an unknown column": {**good, "form": write_form(tmp_path, unknown, "other.yaml")}}

    def big_configuration(self, tmp_path: Path, rows: int) -> None:
        return None

    def fill(self, form: HtmlForm, variant: int) -> FormData:
        filled = form.fill(variant)
        marks = dict(MARKS_FIELDS)
        fields = [(name, marks.get(name, value)) for name, value in filled.fields]
        return evolve(filled, fields=fields)


class TestFormOfSteps(TestForm):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        row = json.dumps({"text": "Cold.", "shop": "Corner Shop"})
        (tmp_path / "data.jsonl").write_text(f"{row}\n" * 3)
        return {
            "form": write_form(tmp_path, STEPS),
            "data_jsonl": tmp_path / "data.jsonl",
            "onboarding_form": write_form(tmp_path, ONBOARDING, "onboarding.yaml"),
            "onboarding_qualification": "passed",
        }

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        unknown = STEPS.replace("${shop}", "${shpo}")
        unjudged = ONBOARDING.replace(", correct: 4", "")
        return {
            "an unknown column": {**good, "form": write_form(tmp_path, unknown, "other.yaml")},
            "an onboarding that nothing judges": {
                **good,
                "onboarding_form": write_form(tmp_path, unjudged, "unjudged.yaml"),
            },
        }

    def big_configuration(self, tmp_path: Path, rows: int) -> None:
        return None

    def fill(self, form: HtmlForm, variant: int) -> FormData:
        filled = form.fill(variant)
        if any(control.name == "sum" for control in form.controls):
            others = [pair for pair in filled.fields if pair[0] != "sum"]
            return evolve(filled, fields=[*others, ("sum", "4")])
        left_out = [pair for pair in filled.fields if pair[0] not in dict(STEPS_FIELDS)]
        age = ("age", str(20 + variant))
        return evolve(filled, fields=[*left_out, *STEPS_FIELDS[:-1], age])


class TestFormFromPython(TestForm):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        good = super().configuration(tmp_path)
        del good["data_csv"]
        return good

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        return {"data in two places": {**good, "data_csv": tmp_path / "data.csv"}}

    def big_configuration(self, tmp_path: Path, rows: int) -> None:
        return None

    def shared_state(self) -> SharedFormState:
        return SharedFormState(form_data=({**EVERY_COLUMN, "n": n} for n in range(3)))
