"""The options of blueprints that have a meaning for core."""

from __future__ import annotations

from attrs import frozen

from famulus.options.declare import option


@frozen(kw_only=True)
class BlueprintArgs:
    """The options that every blueprint has; its ``Args`` is this class or a subclass.

    A subclass adds options of its own, and can declare one of these again with another default or
    help. A name that only resembles one of these is refused, so that a misspelt one is noticed.
    """

    units_per_assignment: int = option(
        help="How many different workers do each assignment.", default=1
    )
    block_qualification: str | None = option(
        help="Qualification that excludes a worker from this task."
    )


@frozen(kw_only=True)
class OnboardingArgs(BlueprintArgs):
    """The options of a blueprint that can have an onboarding."""

    onboarding_qualification: str | None = option(
        help="Qualification that the onboarding grants: 1 for passed, 0 for failed."
    )


BlueprintArgsClass = type[BlueprintArgs]
