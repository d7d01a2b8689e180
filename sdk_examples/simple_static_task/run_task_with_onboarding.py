"""Launch the example with an onboarding: a question that each worker answers before the first unit.

A function decides which answers are right, so this run needs a script, not only YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define

from famulus import NotPassed, Operator, build_default_task_config, option, task_script
from famulus_static_html import SharedStaticTaskState


@define
class OnboardingConfig(build_default_task_config("onboarding")):  # type: ignore[misc]
    """The additions of this script to the configuration."""

    right_rating: str = option(
        default="passable",
        choices=("bad", "passable", "good"),
        help="Rating of the practice character that lets a worker in.",
    )


@task_script(config=OnboardingConfig)
def main(operator: Operator, cfg: OnboardingConfig) -> None:
    """Two characters from stories, rated by people who have rated a practice one rightly."""

    def understands_ratings(onboarding: Mapping[str, Any]) -> bool | NotPassed:
        if onboarding["outputs"].get("practice_rating") == cfg.right_rating:
            return True
        return NotPassed(f"We would have rated the practice character as {cfg.right_rating}.")

    shared_state = SharedStaticTaskState(validate_onboarding=understands_ratings)
    operator.launch_task_run(cfg, shared_state)
    operator.wait_for_runs_then_shutdown(skip_input=True, log_rate=30)


if __name__ == "__main__":
    main()
