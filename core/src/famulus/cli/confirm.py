"""Confirmation before workers are paid real money, and before steps that cannot be undone."""

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
    if not _has_terminal():
        raise UsageError(
            f"{plan.provider.type} pays workers real money, and there is no terminal to confirm "
            "the launch on; confirm it with --yes"
        )
    if not _confirm(f"{plan.provider.type} pays workers real money. Launch?"):
        raise UsageError("nothing was launched")


def confirm_payment(question: str, *, yes: bool) -> None:
    """Ask for confirmation of payments that were listed before; raises like :func:`confirm_live`.

    :param yes: whether they were confirmed already.
    """
    if yes:
        return
    if not _has_terminal():
        raise UsageError("there is no terminal to confirm the payments on; confirm them with --yes")
    if not _confirm(question):
        raise UsageError("nothing was paid")


def confirm_removal(question: str, *, yes: bool) -> None:
    """Ask for confirmation of a step that cannot be undone; raises like :func:`confirm_live`.

    :param yes: whether it was confirmed already.
    """
    if yes:
        return
    if not _has_terminal():
        raise UsageError(
            "this cannot be undone, and there is no terminal to confirm it on; add --yes"
        )
    if not _confirm(question):
        raise UsageError("nothing was changed")


def confirm_rejections(question: str, *, yes: bool) -> None:
    """Ask for confirmation of rejections whose rules were printed before.

    :param yes: whether they were confirmed already.
    :raises famulus.UsageError: when they are declined, or there is no terminal to ask on.
    """
    if yes:
        return
    if not _has_terminal():
        raise UsageError(
            "there is no terminal to confirm the rejections on; confirm them with --yes"
        )
    if not _confirm(question):
        raise UsageError("nothing was decided")


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _confirm(question: str) -> bool:
    from famulus.review.terminal import Terminal

    try:
        return Terminal().confirm(question)
    except EOFError:
        return False
