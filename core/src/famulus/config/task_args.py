"""The options of a task that hold whatever its blueprint, architect and provider are."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from famulus.config.options import option


@frozen(kw_only=True)
class TaskArgs:
    """What a worker is told of the task, what they earn, and the limits of a run."""

    task_name: str | None = option(
        help="Name under which runs share limits, workers' history and review; "
        "the blueprint's type when unset.",
    )
    task_title: str | None = option(help="Title that workers see.", required=True)
    task_description: str | None = option(
        help="Description that workers see before they accept.", required=True
    )
    task_reward: Decimal | None = option(
        help="Reward for one unit, in the provider's currency (0.30 is thirty cents).",
        required=True,
    )
    task_tags: str | None = option(help="Keywords for the task, separated by commas.")
    task_lifetime_in_seconds: int = option(
        help="Seconds after the launch until nobody new may start; those at work may finish.",
        default=2678400,
    )
    assignment_duration_in_seconds: int = option(
        help="Seconds a worker has for one unit; then it is offered to somebody else.",
        default=1800,
    )
    submission_timeout: int = option(
        help="Seconds to wait, once a worker's answers are stored here, for the platform to report "
        "the submission; then the visit is marked unknown for a person to look at.",
        default=600,
    )
    no_submission_patience: int = option(
        help="Seconds without any submission after which the run is finished and its open units "
        "expire.",
        default=43200,
    )
    allowed_concurrent: int = option(
        help="Units of this run one worker may hold at the same time; 0 is no limit.", default=0
    )
    maximum_units_per_worker: int = option(
        help="Units one worker may do over all runs of the same task name; 0 is no limit.",
        default=0,
    )
    max_num_concurrent_units: int = option(
        help="Units that are open to workers at the same time; 0 is no limit.", default=0
    )
