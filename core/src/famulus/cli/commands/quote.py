"""``famulus quote``."""

from __future__ import annotations

from typing import Any

from famulus.cli.costs import quote_lines, text_or_none
from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.operate.estimate import Estimate
from famulus.operate.operator import Operator


def quote(session: Session, config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Estimate what a task will cost with fees and taxes, before it is launched."""
    with session.open_database() as database, Operator(database) as operator:
        checked = operator.check(config, overrides=overrides, serving=False)
        session.warn(*checked.warnings, *operator.balance_problems(checked))
        estimate = operator.estimate(checked)
    if as_json:
        say_json(_json(estimate))
        return
    for line in quote_lines(estimate):
        say(session.located(line))


def _json(estimate: Estimate) -> dict[str, Any]:
    one, total = estimate.one, estimate.total
    return {
        "rows": estimate.rows,
        "units": estimate.units,
        "currency": one.currency,
        "unit_cost": str(one.total),
        "rewards": None if total is None else str(total.rewards),
        "fees": None if total is None else str(total.fees),
        "taxes": None if total is None else str(total.taxes),
        "total": None if total is None else str(total.total),
        "estimated_minutes": text_or_none(estimate.estimated_minutes),
        "hourly_wage": text_or_none(estimate.hourly_wage),
        "max_spend": str(estimate.max_spend) if estimate.max_spend else None,
        "forecast": [*estimate.forecast],
    }
