"""The current values of the limits that can be changed while a run runs."""

from __future__ import annotations

from typing import Any

from famulus.engine.runs import RunRecord
from famulus.model.money import from_minor
from famulus.options.option_class import options_of
from famulus.options.task_args import TaskArgs

LIFETIME = "task_lifetime_in_seconds"
SPEND = "max_spend"
PATIENCE = "no_submission_patience"
WINDOW = "max_num_concurrent_units"
CONCURRENT = "allowed_concurrent"
UPLOADED = "max_upload_bytes"

#: Options of the task that take effect at the next arrival when they are changed. Each is stored in
#: the column of its name, except the lifetime, which is stored as the moment when the run closes.
LIVE_LIMITS = tuple(
    name
    for name in (
        "maximum_units_per_worker",
        CONCURRENT,
        WINDOW,
        "assignment_duration_in_seconds",
        "submission_timeout",
        PATIENCE,
        LIFETIME,
        SPEND,
        UPLOADED,
    )
    if name in options_of(TaskArgs)
)


def run_limits(run: RunRecord) -> dict[str, Any]:
    """Return the limits of a run by the names of their options."""
    special = {
        LIFETIME: round((run.closes_at - run.created_at).total_seconds()),
        SPEND: from_minor(run.max_spend, run.currency),
    }
    return {name: special[name] if name in special else getattr(run, name) for name in LIVE_LIMITS}
