"""Show a unit to a reviewer, in a terminal."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import famulus


def shown(unit: famulus.SubmittedUnit) -> str:
    """Return the row and the answers, as lines of text."""
    answers = unit.answers if isinstance(unit.answers, Mapping) else {"answer": unit.answers}
    return "\n".join(["Row", *_lines(unit.data), "", "Answers", *_lines(answers)])


def shown_onboarding(
    answers: Mapping[str, Any], correct: Mapping[str, Any], wrong: Collection[str]
) -> str:
    """Return the answers to an onboarding as lines of text.

    The right answer is below each wrong one.
    """
    lines: list[str] = []
    for name in [*answers, *(name for name in wrong if name not in answers)]:
        lines += _lines({name: answers.get(name)})
        if name in wrong:
            lines += ["    WRONG; right:", *_lines({name: correct[name]})]
    if correct:
        lines.append(f"Right: {len(correct) - len(wrong)} of {len(correct)}")
    return "\n".join(lines)


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
        yield f"  {famulus.escaped_line(name)}: " + "\n    ".join(map(famulus.escaped_line, lines))
    if not values:
        yield "  (none)"
