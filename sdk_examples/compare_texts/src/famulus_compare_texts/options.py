"""The options of a comparison: in configurations, and in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import define, frozen

import famulus


@frozen(kw_only=True)
class CompareTextsArgs(famulus.BlueprintArgs):
    """The pairs, and what is asked of them."""

    pairs: Path | None = famulus.option(
        help="File with the texts a and b of each pair: a CSV file with these columns, or a .jsonl "
        "file with a JSON object on each line. What else it holds is kept with the answers."
    )
    question: str = famulus.option(
        help="What workers are asked of each pair.", default="Which text is better?"
    )
    ties: bool = famulus.option(help="Whether a worker may call two texts equal.", default=True)
    reason: str = famulus.option(
        help="Whether a worker says why.",
        default="optional",
        choices=("required", "optional", "none"),
    )
    units_per_assignment: int = famulus.option(
        help="How many different workers judge each pair; an even number shows each text first "
        "equally often.",
        default=2,
    )


@define(kw_only=True)
class SharedCompareTextsState(famulus.SharedTaskState):
    """The parts of a comparison that only Python can give."""

    pairs: Any = famulus.rows(
        help="Pairs, instead of a file: a list, or a generator, of mappings with a and b."
    )
