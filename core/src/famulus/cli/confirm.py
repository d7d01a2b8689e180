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
    """Ask for confirmation of a launch that costs real money; the cost was printed before.

    :param yes: whether it was confirmed already.
    :raises famulus.UsageError: when it is declined (the end of the input declines it too), or there
        is no terminal to ask on.
    """
    capabilities = plugins.provider(plan.provider.type).capabilities
    costs = capabilities.pays and not capabilities.sandbox and plan.task.task_reward
    if yes or not costs:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            f"{plan.provider.type} pays workers real money, and there is no terminal to confirm "
            "the launch on; confirm it with --yes"
        )
    from famulus.review.terminal import Terminal

    try:
        confirmed = Terminal().confirm(f"{plan.provider.type} pays workers real money. Launch?")
    except EOFError:
        confirmed = False
    if not confirmed:
        raise UsageError("nothing was launched")
