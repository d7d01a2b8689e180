"""The list of what a worker has done, on their own page."""

from __future__ import annotations

from html import escape

from famulus.catalogue import _
from famulus.engine.own_work import OwnWork
from famulus.engine.pages.amounts import amount_text
from famulus.translation import Translator


def own_work_html(work: OwnWork, translate: Translator, left: int | None = None) -> str:
    """Return the list as HTML; nothing for a worker who has done nothing in the task.

    :param left: the largest number of units left for the worker; None does not show it.
    """
    if not work.in_task:
        return ""
    rows = "".join(
        f"<dt>{escape(translate(name))}</dt>\n<dd>{escape(text)}</dd>\n"
        for name, text in _facts(work, translate, left)
    )
    heading = escape(translate(_("What you have done")))
    return f'<h2>{heading}</h2>\n<dl class="famulus-answers">\n{rows}</dl>\n'


def _facts(work: OwnWork, translate: Translator, left: int | None) -> list[tuple[str, str]]:
    """Return the names of the facts, and their values in the page's language."""
    done = translate.number(work.done)
    if work.in_task > work.done:
        done = translate(
            _(
                "{count} ({in_task} with the other rounds of this task)",
                count=work.done,
                in_task=work.in_task,
            )
        )
    facts: list[tuple[str, str]] = [
        (_("Units done"), done),
        (_("In review"), translate.number(work.in_review)),
        (_("Accepted"), translate.number(work.accepted)),
    ]
    if work.rejected:
        facts.append((_("Not accepted"), translate.number(work.rejected)))
    if left is not None:
        most = _("at most {count}", count=left) if left else _("nothing")
        facts.append((_("Left for you"), translate(most)))
    if work.too_late:
        late = _("{count}: another worker had it by then", count=work.too_late)
        facts.append((_("Too late"), translate(late)))
    if work.earned or work.pending:
        facts.append((_("Earned"), _earned(work, translate)))
    if work.pending:
        more = _("{amount} more", amount=amount_text(work.pending, work.currency))
        facts.append((_("If all in review is accepted"), translate(more)))
    return facts


def _earned(work: OwnWork, translate: Translator) -> str:
    earned = amount_text(work.earned, work.currency)
    if not work.paid:
        return translate.isolated(translate(earned))
    paid = amount_text(work.paid, work.currency)
    return translate(_("{earned}, of which {paid} is paid", earned=earned, paid=paid))
