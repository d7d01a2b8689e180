"""Asking before workers are paid real money."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from famulus.errors import UsageError

if TYPE_CHECKING:
    from famulus.contracts.plan import Plan
    from famulus.plugins import Plugins

yes_option = click.option(
    "--yes", is_flag=True, help="Do not ask before a launch that costs real money."
)


def confirm_live(plan: Plan, plugins: Plugins, *, yes: bool) -> None:
    """Ask whether a launch that costs real money is meant; what it costs was said before.

    :param yes: whether that was said already.
    :raises famulus.UsageError: when it is not meant, or nobody can be asked.
    """
    capabilities = plugins.provider(plan.provider.type).capabilities
    costs = capabilities.pays and not capabilities.sandbox and plan.task.task_reward
    if yes or not costs:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            f"{plan.provider.type} pays workers real money, and nobody can be asked here whether "
            "that is meant; --yes says so"
        )
    from famulus.review.terminal import Terminal

    if not Terminal().confirm(f"{plan.provider.type} pays workers real money. Launch?"):
        raise UsageError("nothing was launched")
