"""What the page's script checks before it shows the next page, besides what browsers check.

The server decides in the same way, whatever a browser sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from famulus_form.kinds.choice import Choice, Choices
from famulus_form.kinds.file import File
from famulus_form.kinds.marks import Marking
from famulus_form.kinds.ranking import Ranking
from famulus_form.question import REQUIRED, Question

# Fixed texts for workers.
CHOOSE_AT_LEAST = "Please choose at least {number}."
CHOOSE_AT_MOST = "Please choose at most {number}."
MARK_AT_LEAST = "Please mark at least {number}."
MARK_AT_MOST = "Please mark at most {number}."
EXPLAIN = "Please explain your answer in the text field."
RANK = "Please give each item a rank of its own."
SMALLER_FILE = "Please choose a file of at most {number} MB."

#: The name of a test in the script, its limit, and the sentence where it fails.
Rule = tuple[str, float | None, str]


def rules_of(question: Question) -> list[Rule]:
    """Return the tests of one question that its controls do not declare, in their order."""
    rules: list[Rule] = [("answered", None, REQUIRED)] if question.required else []
    match question:
        case Choices():
            rules += _limits(question.min, question.max, CHOOSE_AT_LEAST, CHOOSE_AT_MOST)
        case Marking():
            rules += _limits(question.min, question.max, MARK_AT_LEAST, MARK_AT_MOST)
        case Ranking():
            rules.append(("ranked", None, RANK))
        case File() if question.max_megabytes is not None:
            most = question.max_megabytes
            rules.append(("megabytes", most, SMALLER_FILE.format(number=f"{most:g}")))
    if isinstance(question, Choice | Choices) and question.other:
        rules.append(("explained", None, EXPLAIN))
    return rules


def _limits(least: int, most: int | None, at_least: str, at_most: str) -> list[Rule]:
    rules: list[Rule] = []
    if least:
        rules.append(("least", least, at_least.format(number=least)))
    if most is not None:
        rules.append(("most", most, at_most.format(number=most)))
    return rules


def rules_by_name(questions: Sequence[Question]) -> dict[str, Any]:
    """Return the rules of questions for the page's script."""
    found = {question.name: rules_of(question) for question in questions}
    return {name: rules for name, rules in found.items() if rules}
