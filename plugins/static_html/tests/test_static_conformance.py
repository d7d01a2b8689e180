"""static_task keeps the rules of a blueprint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from famulus.testing import BlueprintConformance
from famulus_static_html import SharedStaticTaskState
from famulus_static_html.blueprint import StaticTaskBlueprint

PAGE = """
<h2 title="${text}">${text}</h2> <a href="${text}">more</a> <script>const text = "${text}";</script>
<select name="rating" required><option value="">-</option><option>good</option></select>
<label><input type="checkbox" name="which" value="a">a</label>
<label><input type="checkbox" name="which" value="b">b</label>
<textarea name="comment">${text}</textarea> <input type="file" name="photo">
"""


class TestStaticTask(BlueprintConformance):
    blueprint = StaticTaskBlueprint

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "page.html").write_text(PAGE)
        (tmp_path / "data.csv").write_text("id,text\n1,one\n2,two\n3,three\n")
        return {
            "task_source": tmp_path / "page.html",
            "data_csv": tmp_path / "data.csv",
            "extra_source_dir": tmp_path,
            "units_per_assignment": 2,
        }

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        return {
            "no page": {**good, "task_source": tmp_path / "none.html"},
            "no data": {**good, "data_csv": tmp_path / "none.csv"},
            "data twice": {**good, "data_json": tmp_path / "data.json"},
            "no option at all": {},
            "an unknown option": {**good, "task_sauce": "x"},
        }

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any] | None:
        good = self.configuration(tmp_path)
        lines = (json.dumps({"id": n, "text": f"text {n}"}) + "\n" for n in range(rows))
        (tmp_path / "data.jsonl").write_text("".join(lines))
        del good["data_csv"]
        return {**good, "data_jsonl": tmp_path / "data.jsonl"}


class TestStaticTaskWithOnboarding(TestStaticTask):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        good = super().configuration(tmp_path)
        (tmp_path / "onboarding.html").write_text('<input name="answer" value="${question}">')
        return {
            **good,
            "onboarding_source": tmp_path / "onboarding.html",
            "onboarding_qualification": "passed",
        }

    def shared_state(self) -> SharedStaticTaskState:
        return SharedStaticTaskState(
            onboarding_data={"question": "?"}, validate_onboarding=lambda _: True
        )


class TestStaticTaskFromPython(TestStaticTask):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        good = super().configuration(tmp_path)
        del good["data_csv"]
        return good

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        good = self.configuration(tmp_path)
        return {"data in two places": {**good, "data_csv": tmp_path / "data.csv"}}

    def big_configuration(self, tmp_path: Path, rows: int) -> None:
        return None

    def shared_state(self) -> SharedStaticTaskState:
        rows = ({"id": number, "text": f"text {number}"} for number in range(3))
        return SharedStaticTaskState(static_task_data=rows)
