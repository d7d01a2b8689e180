"""Keeping away who has worked on a task in the last days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import Attribute, frozen

import famulus


def _is_positive(_: object, _field: Attribute[Any], value: int) -> None:
    if value < 1:
        raise ValueError(f"{value} is less than 1 day")


@frozen(kw_only=True)
class RecentWorkArgs:
    """Which work counts."""

    task_name: str | None = famulus.option(
        help="Task whose workers are refused; no one is if it is unset."
    )
    days: int = famulus.option(
        help="For so many days after they last submitted something.",
        default=30,
        validator=_is_positive,
    )


class RecentWork(famulus.QualificationCheck):
    """A worker must not have submitted anything to the task in the last days."""

    type = "recent_work"
    Args = RecentWorkArgs
    args: RecentWorkArgs

    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> famulus.Refusal | None:
        """Look for the worker's newest submission."""
        if self.args.task_name is None:
            return None
        since = self.context.clock() - timedelta(days=self.args.days)
        recent = run.past_work(worker, task=self.args.task_name, since=since, most=1)
        if not recent:
            return None
        return famulus.PluginRefusal(
            title="You have done something similar lately",
            text="Please come back another time: this task needs people to whom it is new.",
            code="worked_lately",
            note=f"submitted to {self.args.task_name} at {recent[0].submitted_at:%Y-%m-%d %H:%M}",
        )
