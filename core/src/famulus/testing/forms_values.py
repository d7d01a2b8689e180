"""Plausible values for one field of a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

_SENTENCE = "A scripted worker, number {variant}, thought about it and wrote this. "

_FIXED: Mapping[str, Callable[[int], str]] = MappingProxyType(
    {
        "email": lambda variant: f"worker{variant}@example.org",
        "url": lambda variant: f"https://example.org/{variant}",
        "tel": lambda variant: f"+1 555 01{variant % 100:02d}",
        "color": lambda variant: f"#3366{variant % 100:02d}",
        "time": lambda variant: f"12:{variant % 60:02d}",
        "month": lambda variant: f"2030-{variant % 12 + 1:02d}",
        "week": lambda variant: f"2030-W{variant % 52 + 1:02d}",
    }
)


def plausible_text(kind: str, value: str, attributes: Mapping[str, str], variant: int) -> str:
    """Return a value that the field's own attributes allow; a ``pattern`` is ignored.

    :param kind: an input's type, or ``textarea``.
    :param value: the field's present value.
    """
    if kind in ("number", "range"):
        return _number(attributes, variant)
    if kind in ("date", "datetime-local"):
        return _date(kind, attributes, variant)
    if kind in _FIXED:
        return _FIXED[kind](variant)
    if "readonly" in attributes:
        return value
    return _text(attributes, variant)


def _number(attributes: Mapping[str, str], variant: int) -> str:
    least = _decimal(attributes.get("min"))
    most = _decimal(attributes.get("max"))
    step = _decimal(attributes.get("step")) or Decimal(1)
    start = least if least is not None else min(Decimal(0), most or Decimal(0))
    number = start + step * variant
    if most is not None and number > most:
        number = start
    return format(number.normalize(), "f")


def _decimal(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def _date(kind: str, attributes: Mapping[str, str], variant: int) -> str:
    bound = attributes.get("min") or attributes.get("max")
    if bound:
        return bound
    day = f"2030-01-{variant % 28 + 1:02d}"
    return day if kind == "date" else f"{day}T12:00"


def _text(attributes: Mapping[str, str], variant: int) -> str:
    sentence = _SENTENCE.format(variant=variant)
    shortest, longest = (_length(attributes.get(name)) for name in ("minlength", "maxlength"))
    text = sentence.strip()
    if shortest is not None and len(text) < shortest:
        text = (sentence * (shortest // len(sentence) + 1))[:shortest]
    return text if longest is None else text[:longest]


def _length(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
