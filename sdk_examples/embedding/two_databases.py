"""Two runs of one task on two databases, in one process: ``python two_databases.py [FOLDER]``.

A pilot among colleagues and the study itself, side by side: nothing of one is in the other.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from famulus import Launched, Operator, export_records
from famulus_static_html import SharedStaticTaskState

HERE = Path(__file__).parent


def launch(operator: Operator, words: Sequence[str]) -> Launched:
    """Launch a run with rows of its own, at a port that is free."""
    overrides = ["architect.port=0", "blueprint.data_csv=null"]
    shared_state = SharedStaticTaskState(static_task_data=[{"word": word} for word in words])
    return operator.launch(HERE / "task.yaml", overrides=overrides, shared_state=shared_state)


def main(folder: Path) -> None:
    """Launch both, wait for both, and print what each database holds."""
    with Operator(folder / "pilot.db") as pilot, Operator(folder / "study.db") as study:
        operators = {"pilot": pilot, "study": study}
        runs = {"pilot": launch(pilot, ["lantern"]), "study": launch(study, ["quern", "window"])}
        for name, run in runs.items():
            print(name, run.entrances[-1], flush=True)
        for name, run in runs.items():
            operators[name].wait(run)
        for name, operator in operators.items():
            answers = [
                f"{record['inputs']['word']}: {record['outputs']['familiarity']}"
                for record in export_records(operator.database, run=runs[name].run_id)
            ]
            print(f"{name}: {', '.join(answers)}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
