"""``famulus topup``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import click

from famulus.cli.commands.payments import hints, is_unfinished, payments_json, total_lines
from famulus.cli.confirm import confirm_payment
from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import table
from famulus.cli.words import counted, duration
from famulus.data.payments import PaymentRecord, payment_totals
from famulus.review.topup_actions import Topup, pay_topup, propose_topup

_HEAD = ("UNITS", "TOP-UP", "FEE", "WORKER")


def topup(
    session: Session,
    ctx: click.Context,
    run: int,
    hourly: str,
    reason: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Raise the pay of run RUN's accepted work to an hourly wage."""
    with session.open_existing() as database:
        proposal = propose_topup(database, run, hourly, reason=reason)
        if not as_json:
            for line in _lines(proposal):
                say(line)
            if proposal.visits:
                confirm_payment("Pay?", yes=yes)
        paid = pay_topup(database, proposal) if yes or not as_json else []
    if as_json:
        say_json({**_json(proposal), **payments_json(paid)})
    else:
        _say_paid(session, proposal, paid)
    if any(map(is_unfinished, paid)):
        ctx.exit(1)


def _lines(proposal: Topup) -> Iterator[str]:
    currency = proposal.currency
    if not proposal.visits:
        wage = f"{proposal.hourly} {currency} an hour"
        yield f"There is nothing to pay: no visit whose reward is paid is to be raised to {wage}."
        return
    rows = [
        (
            str(each.units),
            f"{each.amount} {currency}",
            str(each.fee) if each.fee else "",
            each.worker,
        )
        for each in proposal.visits
    ]
    yield from [*table([_HEAD, *rows]), ""]
    time = duration(timedelta(seconds=float(proposal.median_seconds)))
    yield (
        f"They raise the pay to {proposal.hourly} {currency} an hour: a unit is paid "
        f"{proposal.reward} {currency}, and takes {time} (median)."
    )
    fees = f" ({proposal.amount:,} and fees of {proposal.fees:,})" if proposal.fees else ""
    units = counted(sum(each.units for each in proposal.visits), "unit")
    visits = counted(len(proposal.visits), "visit")
    yield f"Total: {proposal.amount + proposal.fees:,} {currency}{fees} for {units} in {visits}."


def _say_paid(session: Session, proposal: Topup, paid: Sequence[PaymentRecord]) -> None:
    if paid:
        for line in [*total_lines(payment_totals(paid)), *hints(paid, session)]:
            say(line)
    if left_out := len(proposal.visits) - len(paid):
        say(f"{counted(left_out, 'visit')} changed in the meantime, and got nothing.")


def _json(proposal: Topup) -> dict[str, Any]:
    return {
        "run": proposal.run,
        "currency": proposal.currency,
        "hourly": str(proposal.hourly),
        "median_seconds": float(proposal.median_seconds),
        "reward": str(proposal.reward),
        "amount": str(proposal.amount),
        "fees": str(proposal.fees),
        "total": str(proposal.amount + proposal.fees),
        "visits": [
            {
                "worker": each.worker,
                "units": each.units,
                "amount": str(each.amount),
                "fee": str(each.fee),
            }
            for each in proposal.visits
        ],
    }
