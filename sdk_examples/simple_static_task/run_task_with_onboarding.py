"""Launch the example with an onboarding: a question that each worker answers before the first unit.

What counts as a right answer is a function, so this run needs a script; YAML cannot say it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from famulus import Database, Operator
from famulus_static_html import SharedStaticTaskState

CONFIG = Path(__file__).parent / "conf" / "onboarding.yaml"


def understands_ratings(onboarding: Mapping[str, Any]) -> bool:
    """Say whether the worker rated the practice character as the instructions say."""
    return bool(onboarding["outputs"].get("practice_rating") == "passable")


def main(overrides: Sequence[str]) -> None:
    """Launch the run and stay until its last unit is done."""
    shared_state = SharedStaticTaskState(validate_onboarding=understands_ratings)
    with Database() as database, Operator(database) as operator:
        run = operator.launch(CONFIG, overrides=overrides, shared_state=shared_state)
        print("Come in at:", *run.entrances, sep="\n  ")
        operator.wait(run)


if __name__ == "__main__":
    main(sys.argv[1:])
