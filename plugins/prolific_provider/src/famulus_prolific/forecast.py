"""Forecasts of recruiting for a run: who fits its filters, and how long it may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from famulus import FamulusError
from famulus_prolific.wages import minor

if TYPE_CHECKING:
    from famulus import Plan
    from famulus_prolific.api import ProlificApi

#: A study that is open to all participants alike, without quotas for parts of the population.
_STUDY_TYPE = "SINGLE"


def forecast(
    api: ProlificApi, workspace: str, plan: Plan, units: int, filters: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a sentence for each figure that Prolific gives; those it does not give are left out.

    :param filters: Prolific's own filters of the run.
    """
    body = {"workspace_id": workspace, "filters": [dict(each) for each in filters]}
    each = plan.provider.args.submissions_per_participant
    people = ceil(units / each) if each else 1
    count = _read(api, "eligibility-count/", body, "count") if filters else None
    if isinstance(count, int):
        few = f", and the run needs {people:,}" if count < people else ""
        yield f"Participants who fit the filters: {count:,}{few}."
    study = {
        "study_type": _STUDY_TYPE,
        "reward": minor(plan.task.task_reward),
        "total_available_places": units,
        "estimated_completion_time": ceil(plan.task.estimated_minutes or 1),
        "device_compatibility": [*plan.provider.args.devices],
    }
    time = _read(api, "studies/predicted-recruitment-time/", {**body, **study}, "display_string")
    if isinstance(time, str) and time:
        yield f"Time until the last participant begins, as Prolific expects: {time}."


def _read(api: ProlificApi, path: str, body: Mapping[str, Any], name: str) -> object:
    try:
        return (api.post(path, dict(body)) or {}).get(name)
    except (FamulusError, AttributeError):
        return None
