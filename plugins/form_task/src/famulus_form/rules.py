"""The checks of the page's script before it shows the next page, in addition to the browser's.

The server makes the same checks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from famulus_form.catalogue import _
from famulus_form.kinds.choice import EXPLAIN, Choice, Choices, at_least, at_most
from famulus_form.kinds.file import File, smaller_file
from famulus_form.kinds.marks import Marking, mark_at_least, mark_at_most
from famulus_form.kinds.ranking import Ranking
from famulus_form.question import REQUIRED, Question

RANK = _("Please give each item a rank of its own.")

#: The name of a test in the script, its limit, and the sentence where it fails.
Rule = tuple[str, float | None, str]


def rules_of(question: Question) -> list[Rule]:
    """Return the checks of a question that its HTML controls do not make, in order."""
    rules: list[Rule] = [("answered", None, REQUIRED)] if question.required else []
    match question:
        case Choices():
            rules += _limits(question.min, question.max, at_least, at_most)
        case Marking():
            rules += _limits(question.min, question.max, mark_at_least, mark_at_most)
        case Ranking():
            rules.append(("ranked", None, RANK))
        case File() if question.max_megabytes is not None:
            most = question.max_megabytes
            rules.append(("megabytes", most, smaller_file(most)))
    if isinstance(question, Choice | Choices) and question.other:
        rules.append(("explained", None, EXPLAIN))
    return rules


def _limits(
    least: int, most: int | None, too_few: Callable[[int], str], too_many: Callable[[int], str]
) -> list[Rule]:
    rules: list[Rule] = []
    if least:
        rules.append(("least", least, too_few(least)))
    if most is not None:
        rules.append(("most", most, too_many(most)))
    return rules


def rules_by_name(questions: Sequence[Question]) -> Mapping[str, Sequence[Rule]]:
    """Return the rules of questions for the page's script."""
    found = {question.name: rules_of(question) for question in questions}
    return {name: rules for name, rules in found.items() if rules}
