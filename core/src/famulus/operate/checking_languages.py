"""Checking the languages of a run: of its plugins' own texts, and of the task's."""

from __future__ import annotations

from collections.abc import Iterator

from famulus.contact_address import is_mail_address, is_web_address
from famulus.contracts.architect import Architect
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan
from famulus.contracts.provider import Provider
from famulus.errors import Problem
from famulus.options.task_args import TRANSLATED
from famulus.plugins import Plugins
from famulus.translation import LANGUAGES, Catalogue, LocalizedText


def language_warnings(plan: Plan, plugins: Plugins) -> list[Problem]:
    """Return a warning for each text that is missing in a language of the run's pages."""
    return [*_plugin_warnings(plan, plugins), *_text_warnings(plan)]


def _plugin_warnings(plan: Plan, plugins: Plugins) -> list[Problem]:
    """Return a warning for each plugin that has no catalogue in the run's language."""
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


def _text_warnings(plan: Plan) -> Iterator[Problem]:
    """Yield a warning for each text that lacks the run's language, or a language of other texts."""
    given = {name: getattr(plan.task, name) for name in TRANSLATED}
    texts = {name: text for name, text in given.items() if isinstance(text, LocalizedText)}
    tags = list(dict.fromkeys(tag for text in texts.values() for tag in text.texts))
    if not tags:
        return
    chosen = plan.task.page_language
    shown = [tag for tag in tags if tag == chosen] if chosen else tags
    for name, text in given.items():
        key = f"task.{name}"
        if name in texts:
            lacking = [tag for tag in shown if tag not in texts[name].texts]
            if lacking:
                message = f"has no text in {', '.join(lacking)}, unlike other texts: add it"
                yield plan.problem(key, message, warning=True)
        elif text and not chosen and not (name == "contact" and _is_address(text)):
            message = (
                "is one text for all languages of the task: write "
                f"{{{', '.join(f'{tag}: …' for tag in tags)}}}"
            )
            yield plan.problem(key, message, warning=True)
    if chosen and chosen not in tags:
        for name, found in texts.items():
            message = (
                f"task.{name} has no text in {chosen} but in {', '.join(found.texts)}: workers "
                f"read it in {found.tag}"
            )
            yield plan.problem("task.language", message, warning=True)


def _is_address(contact: str) -> bool:
    return is_mail_address(contact) or is_web_address(contact)


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
