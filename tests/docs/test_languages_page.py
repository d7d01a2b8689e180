"""The example of docs/how-to/languages.md works as it is written there."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import famulus

PAGE = (Path(__file__).parents[2] / "docs/how-to/languages.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_texts_of_the_example_are_english_until_they_are_translated() -> None:
    names: dict[str, Any] = {"escape": escape, "TaskView": famulus.TaskView}
    for block in BLOCKS:
        exec(compile(block, "languages.md", "exec"), names)
    view = famulus.TaskView(
        agent_id=1,
        worker=famulus.WorkerView(id=1, name="x", provider_type="mock"),
        unit=famulus.UnitView(id=1, assignment_id=1, index=0, data={}),
    )

    assert names["EMPTY"] == "Please say which of them is right."
    assert names["too_long"](1) == "Please write 1 word."
    assert names["too_long"](2) == "Please write at most 2 words."
    assert names["heading"](view) == "<h2>Which one is right?</h2>"
    assert isinstance(names["EMPTY"], famulus.TranslatableText)
