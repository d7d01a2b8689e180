"""The list of what a worker has done, on their own page."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from famulus.engine.own_work import OwnWork


def own_work_html(work: OwnWork, left: int | None = None) -> str:
    """Return the list as HTML; nothing for a worker who has done nothing in the task.

    :param left: the most units that are left for the worker; None where that is not shown.
    """
    if not work.in_task:
        return ""
    rows = "".join(
        f"<dt>{escape(name)}</dt>\n<dd>{escape(text)}</dd>\n" for name, text in _facts(work, left)
    )
    return f'<h2>What you have done</h2>\n<dl class="famulus-answers">\n{rows}</dl>\n'


def _facts(work: OwnWork, left: int | None) -> list[tuple[str, str]]:
    earlier = ""
    if work.in_task > work.done:
        earlier = f" ({work.in_task:,} with the other rounds of this task)"
    facts = [
        ("Units done", f"{work.done:,}{earlier}"),
        ("In review", f"{work.in_review:,}"),
        ("Accepted", f"{work.accepted:,}"),
    ]
    if work.rejected:
        facts.append(("Not accepted", f"{work.rejected:,}"))
    if left is not None:
        facts.append(("Left for you", f"at most {left:,}" if left else "nothing"))
    if work.too_late:
        facts.append(("Too late", f"{work.too_late:,}: another worker had it by then"))
    if work.earned or work.pending:
        paid = f", of which {_money(work.paid, work)} is paid" if work.paid else ""
        facts.append(("Earned", f"{_money(work.earned, work)}{paid}"))
    if work.pending:
        facts.append(("If all in review is accepted", f"{_money(work.pending, work)} more"))
    return facts


def _money(amount: Decimal, work: OwnWork) -> str:
    return f"{amount:,} {work.currency}"
