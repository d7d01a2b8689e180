"""The blueprint ``compare_texts``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import famulus
from famulus_compare_texts.options import CompareTextsArgs, SharedCompareTextsState
from famulus_compare_texts.page import comparison
from famulus_compare_texts.pairs import file_problems, read_pairs, row_fault

_LONGEST_REASON = 2000


class CompareTexts(famulus.Blueprint):
    """Two texts side by side, and a question: which is better, and why?"""

    type = "compare_texts"
    Args = CompareTextsArgs
    SharedState = SharedCompareTextsState
    args: CompareTextsArgs

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        """Check the options, and the file whole."""
        found = []
        if (self.args.pairs is None) == (self._given is None):
            message = "name a file, or give pairs in Python: one of them"
            found.append(plan.problem("blueprint.pairs", message))
        elif self.args.pairs is not None:
            found += file_problems(self.args.pairs)
        return found

    def assignments(self) -> Iterator[Mapping[str, Any]]:
        """Stream the pairs.

        :raises famulus.UsageError: at a pair from Python that is none.
        """
        if self.args.pairs is not None:
            for _, row in read_pairs(self.args.pairs):
                yield row
            return
        for number, row in enumerate(self._given):
            fault = row_fault(row)
            if fault is not None:
                raise famulus.UsageError(f"pair {number} {fault}")
            yield row

    @property
    def data_is_code(self) -> bool:
        """Whether the pairs come from Python."""
        return self.args.pairs is None

    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        """Show the pair, in the order that is this unit's."""
        return comparison(self.args, view.unit.data, first_side(view.unit))

    def preview_page(self, view: famulus.PreviewView) -> famulus.Page | None:
        """Show the first pair, once there is one."""
        return None if view.data is None else comparison(self.args, view.data, "a")

    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> dict[str, str]:
        """Take a choice, and the reason for it.

        :raises famulus.InvalidAnswers: without a choice, or without a reason where there must be.
        """
        better = form.first("better")
        reason = (form.first("reason") or "").strip()
        if better not in ("a", "b") and not (better == "tie" and self.args.ties):
            raise famulus.InvalidAnswers("Please choose one of the answers.")
        if self.args.reason == "required" and not reason:
            raise famulus.InvalidAnswers("Please say why you chose this answer.")
        if len(reason) > _LONGEST_REASON:
            raise famulus.InvalidAnswers(f"Please give a reason of {_LONGEST_REASON} characters.")
        return {"better": better, "first": first_side(attempt.unit), "reason": reason}

    def show(self, unit: famulus.SubmittedUnit) -> str:
        """Return both texts, the shown order and the answer, safe for a terminal."""
        lines = [
            f"shown first: {first_side(unit)}",
            *(f"{side}: {unit.data[side]}" for side in ("a", "b")),
            f"better: {unit.answers['better']}",
            f"reason: {unit.answers['reason'] or '(none)'}",
        ]
        return "\n".join(_printable(line) for line in lines)

    def assets(self) -> Sequence[Path]:
        """Return the folder of the style sheet and the script."""
        return (Path(__file__).parent / "static",)

    @property
    def _given(self) -> Any:
        state = self.context.shared_state
        return state.pairs if isinstance(state, SharedCompareTextsState) else None


def first_side(unit: famulus.UnitView | famulus.SubmittedUnit) -> str:
    """Return which text this unit shows first: the same at every reload and in every process.

    The units of one pair take turns, beginning with a side that is drawn from the pair's number.
    """
    drawn = hashlib.sha256(b"%d" % unit.assignment_id).digest()[0]
    return "ab"[(drawn + unit.index) % 2]


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
