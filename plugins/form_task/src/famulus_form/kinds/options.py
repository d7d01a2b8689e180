"""The options of questions with fixed answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

import famulus
from famulus_form.question import Fault
from famulus_form.texts import placeholders

#: Of numbers with more digits, programs that read an export lose some.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")


@frozen(kw_only=True)
class Option:
    """One answer, row or item that workers choose, rate or rank."""

    value: int | float | str = famulus.option(
        help="What the answer holds, a number or text; no placeholders.", required=True
    )
    label: str = famulus.option(help="What workers read; the value where it is empty.", default="")
    help: str = famulus.option(help="A sentence below the label.", default="")
    key: str = famulus.option(help="Key of the keyboard that chooses it.", default="")

    @property
    def text(self) -> str:
        """The value as the form sends it, and as conditions and right answers name it."""
        return str(self.value)

    @property
    def shown(self) -> str:
        """The text that workers read."""
        return self.label or self.text

    def texts(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield its texts that may have placeholders."""
        yield f"{key}.label", self.label
        yield f"{key}.help", self.help


def written_out(raw: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a declaration with the options under these keys as mappings with typed values."""
    found = dict(raw)
    for key in keys:
        options = found.get(key)
        if isinstance(options, list):
            found[key] = [_mapping(each) for each in options]
    return found


def _mapping(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        return {"value": _typed(raw)}
    return {**raw, "value": _typed(raw["value"])} if "value" in raw else raw


def _typed(raw: Any) -> Any:
    """Return an unquoted number as a number if it is written as in JSON (not 007), else as text."""
    if raw is None or isinstance(raw, str | list | Mapping):
        return raw
    text = str(raw)
    if not _NUMBER.fullmatch(text):
        return text
    number = json.loads(text)
    return number if str(number) == text else text


def values_by_text(options: Iterable[Option]) -> dict[str, int | float | str]:
    """Return the stored value of each option, by the text that the form sends."""
    return {option.text: option.value for option in options}


def option_faults(key: str, options: Sequence[Option], least: int) -> Iterator[Fault]:
    """Yield what is wrong with the options of a question."""
    if len(options) < least:
        yield key, f"has {len(options)}; there must be at least {least}"
    seen: set[str] = set()
    for number, option in enumerate(options):
        if any(placeholders(option.text)):
            yield (
                f"{key}.{number}",
                f"{option.text!r} differs from row to row, and so would the answers: write "
                f"{{value: …, label: '{option.text}'}}",
            )
        if not option.text.strip():
            yield f"{key}.{number}", "has no value"
        if option.text in seen:
            yield f"{key}.{number}", f"{option.text!r} is there twice"
        seen.add(option.text)
