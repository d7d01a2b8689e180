"""Single fields: inputs, text areas, check boxes and sliders.

Sources: the pages "crowd-input", "crowd-text-area", "crowd-checkbox", "crowd-toggle-button" and
"crowd-slider" of the developer guide of SageMaker: a text's answer is ``{name: text}``, a check
box's or a toggle button's is ``{name: {value: true or false}}``, boxes of one name share one
object, and a box without a value has the value ``on``. The guide does not state a slider's answer;
here it is a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from attrs import frozen

import famulus
from famulus_crowd_form.catalogue import _, _n
from famulus_crowd_form.elements.base import (
    REQUIRED,
    Answer,
    ElementFault,
    Part,
    Tag,
    WrongAnswer,
    attributes,
    sent_text,
)

_TYPES = frozenset({
    "color", "date", "datetime-local", "email", "month", "number", "password", "search", "tel",
    "text", "time", "url", "week",
})  # fmt: skip


@frozen
class _Text(Answer):
    name: str
    is_required: bool
    least: int
    most: int | None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        # A form sends line breaks as two characters.
        text = sent_text(form, self.name).replace("\r\n", "\n")
        if self.is_required and not famulus.has_visible_text(text):
            raise WrongAnswer(REQUIRED)
        if text and len(text) < self.least:
            raise WrongAnswer(
                _n(
                    "Please write at least {count} character.",
                    "Please write at least {count} characters.",
                    count=self.least,
                )
            )
        if self.most is not None and len(text) > self.most:
            raise WrongAnswer(
                _n(
                    "Please write at most {count} character.",
                    "Please write at most {count} characters.",
                    count=self.most,
                )
            )
        return {self.name: text}

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        value = answers.get(self.name)
        if isinstance(value, str):
            yield self.name, value


def crowd_input(tag: Tag) -> Part:
    """Return the field of a ``crowd-input``."""
    kind = tag.text("type").strip().lower() or "text"
    if kind == "file":
        raise ElementFault(
            '<crowd-input type="file"> is not supported: write <input type="file" name="…">'
        )
    control = attributes({
        "type": kind if kind in _TYPES else "text",
        "value": tag.text("value"),
        **_limits(tag),
    })  # fmt: skip
    note = attributes({"title": tag.text("error-message")})
    return _text_part(tag, f'<input class="crowd-text"{control}{_common(tag)}{note}>')


def crowd_text_area(tag: Tag) -> Part:
    """Return the field of a ``crowd-text-area``."""
    rows = tag.text("rows") if tag.text("rows").isdecimal() else "4"
    control = attributes({"rows": rows, **_limits(tag)})
    # A browser drops the first line break of a text area.
    value = escape(tag.text("value"))
    return _text_part(
        tag, f'<textarea class="crowd-text"{control}{_common(tag)}>\n{value}</textarea>'
    )


def _text_part(tag: Tag, control: str) -> Part:
    label = escape(tag.text("label") or tag.text("placeholder") or tag.text("name"))
    answer = _Text(
        tag.needed_name(),
        tag.flag("required"),
        _number(tag, "min-length") or 0,
        _number(tag, "max-length"),
    )
    if tag.flag("disabled"):
        answer = _Text(answer.name, False, 0, None)
    hidden = "" if tag.text("label") else " crowd-unseen"
    start = f'<label class="crowd-label{hidden}" for="{tag.key}-input">{label}</label>{control}'
    return Part(start, "", answer)


def _limits(tag: Tag) -> dict[str, str | bool]:
    least, most = _number(tag, "min-length"), _number(tag, "max-length")
    return {
        "placeholder": tag.text("placeholder"),
        "minlength": "" if least is None else str(least),
        "maxlength": "" if most is None else str(most),
        "readonly": tag.flag("readonly"),
        "autofocus": tag.flag("auto-focus"),
    }


def _common(tag: Tag) -> str:
    return attributes({
        "id": f"{tag.key}-input",
        "name": tag.needed_name(),
        "required": tag.flag("required"),
        "disabled": tag.flag("disabled"),
    })  # fmt: skip


def _number(tag: Tag, name: str) -> int | None:
    text = tag.text(name).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None


@frozen
class _Checkbox(Answer):
    name: str
    value: str
    is_required: bool

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def choices(self) -> Sequence[str]:
        return (self.value,)

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        is_checked = (self.name, self.value) in form.fields
        if self.is_required and not is_checked:
            raise WrongAnswer(_("Please check this box."))
        return {self.name: {self.value: is_checked}}

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        found = answers.get(self.name)
        if isinstance(found, Mapping) and found.get(self.value) is True:
            yield self.name, self.value


def crowd_checkbox(tag: Tag) -> Part:
    """Return the field of a ``crowd-checkbox``; its content is its label."""
    value = tag.text("value") or "on"
    control = attributes({"value": value, "checked": tag.flag("checked")})
    start = (
        f'<label class="crowd-option"><input type="checkbox"{control}{_common(tag)}>'
        '<span class="crowd-option-text">'
    )
    is_required = tag.flag("required") and not tag.flag("disabled")
    return Part(start, "</span></label>", _Checkbox(tag.needed_name(), value, is_required))


def crowd_toggle_button(tag: Tag) -> Part:
    """Return the field of a ``crowd-toggle-button``, which shows no text of its own."""
    box = crowd_checkbox(tag)
    label = f'<span class="crowd-unseen">{escape(tag.text("label") or tag.needed_name())}</span>'
    start = box.start.replace("<input ", '<input role="switch" ', 1)
    return Part(f"{start}{label}{box.end}", "", box.answer)


@frozen
class _Slider(Answer):
    name: str
    least: float
    most: float
    #: where its value is shown, as it is at first
    output: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        text = sent_text(form, self.name)
        try:
            value = float(text)
        except ValueError:
            raise WrongAnswer(_("Please move the slider.")) from None
        if not math.isfinite(value) or not self.least <= value <= self.most:
            raise WrongAnswer(
                # Translators: the ends of a scale, which are numbers
                _(
                    "Please choose from {least} to {most}.",
                    least=f"{self.least:g}",
                    most=f"{self.most:g}",
                )
            )
        return {self.name: int(value) if value.is_integer() else value}

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        value = answers.get(self.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield self.name, str(value)

    def reviewed(self, body: str, answers: Mapping[str, Any]) -> str:
        opening = self.output.partition(">")[0]
        for _name, value in self.filled(answers):
            body = body.replace(self.output, f"{opening}>{escape(value)}</output>")
        return body


def crowd_slider(tag: Tag) -> Part:
    """Return the field of a ``crowd-slider``, with its current value next to it."""
    least, most = _float(tag, "min", 0.0), _float(tag, "max", 100.0)
    step, value = _float(tag, "step", 1.0), _float(tag, "value", least)
    if least >= most or step <= 0:
        raise ElementFault(f"min, max and step of <crowd-slider> leave no choice: {tag.values!r}")
    # As browsers show a value that is outside.
    value = min(max(value, least), most)
    label = escape(tag.text("label") or tag.needed_name())
    limits = attributes({
        "min": f"{least:.12g}",
        "max": f"{most:.12g}",
        "step": f"{step:.12g}",
        "value": f"{value:.12g}",
    })  # fmt: skip
    output = f'<output for="{tag.key}-input">{value:g}</output>'
    start = (
        f'<label class="crowd-label{"" if tag.text("label") else " crowd-unseen"}"'
        f' for="{tag.key}-input">{label}</label><span class="crowd-range"><span>{least:g}</span>'
        f'<input type="range"{limits}{_common(tag)}><span>{most:g}</span>'
        f"{output}</span>"
    )
    return Part(start, "", _Slider(tag.needed_name(), least, most, output))


def _float(tag: Tag, name: str, default: float) -> float:
    text = tag.text(name).strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ElementFault(f"{name}={text!r} of <{tag.name}> is not a number")
    return value
