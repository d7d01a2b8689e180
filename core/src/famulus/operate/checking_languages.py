"""Checking the language of a run: plugins whose texts are not translated into it."""

from __future__ import annotations

from collections.abc import Iterator

from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.errors import Problem
from famulus.plugins import Plugins
from famulus.translation import LANGUAGES, Catalogue


def language_warnings(plan: Plan, plugins: Plugins) -> list[Problem]:
    """Return a warning for each plugin of a run that has no catalogue in the run's language."""
    chosen = plan.task.page_language
    if not chosen:
        return []
    language = LANGUAGES[chosen]
    return [
        plan.problem(
            "task.language",
            f"the {role} has no translation into {chosen}: workers read its own texts in English; "
            f"add {catalogue.package}/locale/{language.folder}",
            warning=True,
        )
        for role, catalogue in _catalogues(plan, plugins)
        if not catalogue.has(language)
    ]


def _catalogues(plan: Plan, plugins: Plugins) -> Iterator[tuple[str, Catalogue]]:
    kinds: dict[str, type[Blueprint | Architect | Provider]] = {
        "blueprint": plugins.blueprint(plan.blueprint.type),
        "architect": plugins.architect(plan.architect.type),
        "provider": plugins.provider(plan.provider.type),
    }
    for role, kind in kinds.items():
        if kind.catalogue is not None:
            yield f"{role} {kind.type!r}", kind.catalogue
    for check in plugins.checks():
        if check.catalogue is not None:
            yield f"qualification check {check.type!r}", check.catalogue
