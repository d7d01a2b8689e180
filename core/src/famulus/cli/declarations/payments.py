"""``famulus payments``, ``famulus bonus`` and ``famulus compensate``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, row_number, run_number
from famulus.cli.declarations import owed_payments
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session

_run_option = click.option("--run", type=run_number, help="Only those of this run.")
_reason = click.option("--reason", required=True, help="What it is for; the worker can read it.")
_again = click.option("--again", is_flag=True, help="Pay it again even if it was paid already.")


class _PaymentsGroup(click.Group):
    """Treats a word that is not a command as the name of a task: ``famulus payments TASK``."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[OPTIONS]", "[TASK | COMMAND [ARGS]...]"]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in self.commands or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        return _OF_TASK, list_of_task, args


#: The name of the command that lists the payments of a task; users do not type it.
_OF_TASK = "TASK"


@click.group(cls=_PaymentsGroup, invoke_without_command=True)
@_run_option
@click.option("--task", help="The same as TASK, for a task that is named like a command.")
@json_option
@click.pass_context
def payments(ctx: click.Context, run: int | None, task: str | None, as_json: bool) -> None:
    """List payments with their status and their sums.

    All payments, or those of all runs of TASK, or of one run.

    \b
    planned    still to be made
    owed       to be paid outside of the platform, since the provider does not pay
    sent       being made just now
    confirmed  paid
    failed     not paid, for the reason shown
    unknown    paid or not: the platform is asked, and it is never paid twice
    """
    if ctx.invoked_subcommand is None:
        list_all(run=run, task=task, as_json=as_json)
    elif ctx.invoked_subcommand != _OF_TASK and (run is not None or task is not None or as_json):
        raise click.UsageError(f"give options after '{ctx.invoked_subcommand}'")


@pass_session
@works_in("payments")
def list_all() -> None:
    """List payments."""


@click.command(hidden=True)
@click.argument("task")
@_run_option
@json_option
@click.pass_context
@pass_session
@works_in("payments")
def list_of_task() -> None:
    """List the payments of all runs of TASK."""


@payments.command(short_help="Settle unknown payments; make due ones.")
@_run_option
@json_option
@click.pass_context
@pass_session
@works_in("payments")
def settle() -> None:
    """Ask the platforms about payments whose outcome is unknown, and make those that are due.

    Ends with status 1 while an outcome is still unknown, unless the platform has accepted the
    payment.
    """


@payments.command
@click.argument("payment", type=row_number("payment", "payments"))
@click.pass_context
@pass_session
@works_in("payments")
def retry() -> None:
    """Make the failed payment PAYMENT again.

    The platform is given the same key as before, so that it does not pay twice.

    Ends with status 1 if the payment has failed or its outcome is unknown, and with 0 if it is
    made, was accepted, or is still to be made.
    """


@payments.command(short_help="Record the outcome of an unknown payment.")
@click.argument("payment", type=row_number("payment", "payments"))
@click.option("--paid/--not-paid", "is_paid", default=None, help="What you have found out.")
@click.option(
    "--note", required=True, help="What confirms it, such as a message from the platform's support."
)
@pass_session
@works_in("payments")
def resolve() -> None:
    """Record what became of payment PAYMENT, whose outcome the platform does not show.

    Ask the platform's support first: a payment that is recorded as failed although it was paid is
    paid twice when it is retried.
    """


payments.add_command(owed_payments.owed)
payments.add_command(owed_payments.paid)


@click.command
@click.argument("unit", type=row_number("unit", "export"))
@click.argument("amount")
@_reason
@_again
@click.pass_context
@pass_session
@works_in("payments")
def bonus() -> None:
    """Pay AMOUNT as a bonus to the worker who has submitted unit UNIT.

    The same amount for the same unit and reason is paid once, however often the command is given.

    Ends with status 1 if the payment has failed or its outcome is unknown, and with 0 if it is
    made, was accepted, or is still to be made.
    """


@click.command
@click.argument("run", type=run_number)
@click.argument("worker")
@click.argument("amount")
@_reason
@_again
@click.pass_context
@pass_session
@works_in("payments")
def compensate() -> None:
    """Pay AMOUNT to WORKER, who has lost work on run RUN through no fault of theirs.

    Ends with status 1 if the payment has failed or its outcome is unknown, and with 0 if it is
    made, was accepted, or is still to be made.
    """
