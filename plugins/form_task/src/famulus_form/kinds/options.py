"""The options of questions with fixed answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

import famulus
from famulus_form.question import Fault
from famulus_form.texts import placeholders


@frozen(kw_only=True)
class Option:
    """One answer, row or item that workers choose, rate or rank."""

    value: str = famulus.option(help="What the answer holds; no placeholders.", required=True)
    label: str = famulus.option(help="What workers read; the value where it is empty.", default="")
    help: str = famulus.option(help="A sentence below the label.", default="")
    key: str = famulus.option(help="Key of the keyboard that chooses it.", default="")

    @property
    def shown(self) -> str:
        """The text that workers read."""
        return self.label or self.value

    def texts(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield its texts that may have placeholders."""
        yield f"{key}.label", self.label
        yield f"{key}.help", self.help


def written_out(raw: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a declaration in which the options of these keys are mappings, not single values."""
    found = dict(raw)
    for key in keys:
        options = found.get(key)
        if isinstance(options, list):
            found[key] = [
                each if isinstance(each, Mapping) else {"value": each} for each in options
            ]
    return found


def option_faults(key: str, options: Sequence[Option], least: int) -> Iterator[Fault]:
    """Yield what is wrong with the options of a question."""
    if len(options) < least:
        yield key, f"has {len(options)}; there must be at least {least}"
    seen: set[str] = set()
    for number, option in enumerate(options):
        if any(placeholders(option.value)):
            yield (
                f"{key}.{number}",
                f"{option.value!r} differs from row to row, and so would the answers: write "
                f"{{value: …, label: '{option.value}'}}",
            )
        if not option.value.strip():
            yield f"{key}.{number}", "has no value"
        if option.value in seen:
            yield f"{key}.{number}", f"{option.value!r} is there twice"
        seen.add(option.value)
