"""``famulus launch``, ``check`` and ``resume``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from famulus.cli.follow import announce, announce_launch, conclude, follow
from famulus.cli.interrupts import Interrupts
from famulus.cli.output import ask, say
from famulus.cli.scripts.script_resume import Resumption, needs_script, resume_by_script
from famulus.cli.session import Session
from famulus.engine.runs import find_run
from famulus.errors import UsageError, without_warnings
from famulus.operate.operator import Operator
from famulus.operate.resuming import complete_unattended_end, refuse_ended
from famulus.options.command_line import split_conf
from famulus.plan import lacking_secrets, stored_script
from famulus.plugins import discover


def launch(
    session: Session,
    ctx: click.Context,
    config: str,
    overrides: tuple[str, ...],
    yes: bool,
    log_rate: float,
) -> None:
    """Launch a task and wait until it is done."""
    with session.open_database() as database, Operator(database) as operator:
        checked = operator.check(config, overrides=overrides)
        session.warn(*checked.warnings)
        announce_launch(session, operator, checked, yes=yes)
        with Interrupts() as interrupts:
            launched = operator.launch(checked)
            announce(launched, session)
            status = follow(session, operator, [launched.run_id], interrupts, log_rate)
    ctx.exit(status)


def resume(session: Session, ctx: click.Context, run: int, log_rate: float) -> None:
    """Resume run RUN, which was stopped or whose operator has died, at the same address."""
    with session.open_existing() as database:
        record = find_run(database, run)
        if complete_unattended_end(database, discover(), record):
            ctx.exit(conclude(session, database, run))
        refuse_ended(record)
        say(f"Resuming run {run} of the task {record.task_name}")
        say(f"Database: {database.location.shown}")
        script = stored_script(record.plan) if needs_script(record) else None
        if script is not None:
            resumption = Resumption(
                database=database, session=session, record=record, call=script, log_rate=log_rate
            )
            ctx.exit(resume_by_script(resumption))
        secrets = _asked_for(lacking_secrets(record.plan))
        with Operator(database) as operator, Interrupts() as interrupts:
            announce(operator.resume(run, secrets=secrets), session)
            status = follow(session, operator, [run], interrupts, log_rate)
    ctx.exit(status)


def _asked_for(keys: Sequence[str]) -> dict[str, str]:
    """Ask for secrets, if there is a terminal to ask on."""
    if not sys.stdin.isatty():
        return {}
    return {key: ask(f"Secret {key}", hidden=True) for key in keys}


def check(session: Session, config: str, overrides: tuple[str, ...]) -> None:
    """Find everything that is wrong with a configuration, as a launch would; write nothing."""
    with session.open_database() as database, Operator(database) as operator:
        checked = operator.check(config, overrides=overrides)
        unpaid = operator.balance_problems(checked)
    session.warn(*checked.warnings, *(each for each in unpaid if each.warning))
    if problems := without_warnings(unpaid):
        raise UsageError(problems)
    plan, (picked, _) = checked.plan, split_conf(overrides)
    say(
        f"{picked or config} is fine: task {plan.task_name}, blueprint {plan.blueprint.type}, "
        f"architect {plan.architect.type}, provider {plan.provider.type}"
    )
