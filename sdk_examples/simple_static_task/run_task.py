"""Launch the example from Python: ``python run_task.py``, with overrides if you like, such as
``architect.port=1234``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from famulus import Database, Operator

CONFIG = Path(__file__).parent / "conf" / "example.yaml"


def main(overrides: Sequence[str]) -> None:
    """Launch the run and stay until its last unit is done."""
    with Database() as database, Operator(database) as operator:
        run = operator.launch(CONFIG, overrides=overrides)
        print("Come in at:", *run.entrances, sep="\n  ")
        operator.wait(run)


if __name__ == "__main__":
    main(sys.argv[1:])
