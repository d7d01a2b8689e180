"""Choices among categories, and radio buttons.

Sources: the pages of the developer guide of SageMaker on "crowd-classifier" and
"crowd-image-classifier" (``{name: {label: category}}``), on "crowd-classifier-multi-select" and
"crowd-image-classifier-multi-select" (``{name: {labels: […]}}``), and on "crowd-radio-group"
(``{name: {value: true or false}}`` for each button). The guide does not state the answer of a
chosen ``exclusion-category``; here it is an empty list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from attrs import define, field, frozen

import famulus
from famulus_crowd_form.catalogue import _
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
from famulus_crowd_form.filters import INVALID_URL, is_safe_url

_CHOOSE = _("Please choose one of these.")


@frozen
class _Choice(Answer):
    name: str
    categories: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def choices(self) -> Sequence[str]:
        return self.categories

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        value = sent_text(form, self.name)
        if value not in self.categories:
            raise WrongAnswer(_CHOOSE)
        return {self.name: {"label": value}}

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        found = answers.get(self.name)
        if isinstance(found, Mapping) and isinstance(found.get("label"), str):
            yield self.name, found["label"]


@frozen
class _Choices(Answer):
    name: str
    categories: tuple[str, ...]
    #: the choice that none of them applies
    exclusion: str | None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name}.none")

    @property
    def choices(self) -> Sequence[str]:
        return self.categories

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        sent = {value for name, value in form.fields if name == self.name}
        if not sent <= set(self.categories):
            raise WrongAnswer(_("Please choose from these."))
        is_excluded = bool(form.first(f"{self.name}.none")) and self.exclusion is not None
        if is_excluded and sent:
            raise WrongAnswer(
                # Translators: {none} is an answer such as “None of these”; use your quotation marks
                _("Please choose categories, or “{none}”.", none=self.exclusion)
            )
        if self.exclusion is not None and not sent and not is_excluded:
            raise WrongAnswer(REQUIRED)
        return {self.name: {"labels": [each for each in self.categories if each in sent]}}

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        found = answers.get(self.name)
        labels = found.get("labels") if isinstance(found, Mapping) else None
        if not isinstance(labels, list):
            return
        yield from ((self.name, str(label)) for label in labels)
        if not labels and self.exclusion is not None:
            yield f"{self.name}.none", "1"


def crowd_classifier(tag: Tag) -> Part:
    """Return the header and the choices of a classifier for an image or for its content."""
    name, categories = tag.needed_name(), tag.categories("categories")
    if tag.text("overlay"):
        raise ElementFault(
            f"overlay of <{tag.name}> is not supported: draw the earlier work into the image"
        )
    start = header(tag)
    if "image" in tag.name:
        start += image(tag)
    if not tag.name.endswith("-multi-select"):
        options = "".join(_option("radio", name, each, required=True) for each in categories)
        answer: Answer = _Choice(name, tuple(categories))
    else:
        exclusion = _exclusion(tag)
        options = "".join(_option("checkbox", name, each) for each in categories)
        if exclusion is not None:
            options += _option("checkbox", f"{name}.none", "1", exclusion)
        answer = _Choices(name, tuple(categories), exclusion)
    kind = "group" if tag.name.endswith("-multi-select") else "radiogroup"
    end = (
        f'<div class="crowd-options" role="{kind}" aria-labelledby="{tag.key}-header">'
        f"{options}</div>"
    )
    return Part(start, end, answer)


def header(tag: Tag) -> str:
    """Return the question of an element."""
    text = escape(tag.text("header") or tag.needed_name())
    return f'<p class="crowd-header" id="{tag.key}-header">{text}</p>'


def image(tag: Tag) -> str:
    """Return the image of an element.

    :raises ElementFault: if it has none.
    """
    alt = escape(tag.translate(_("The image to judge")))
    picture = f'<img src="{escape(image_url(tag))}" alt="{alt}"{tag.own_language}>'
    return f'<div class="crowd-target">{picture}</div>'


def image_url(tag: Tag, attribute: str = "src") -> str:
    """Return the address of the image of an element.

    :raises ElementFault: if it has none, or one that browsers cannot load.
    """
    address = tag.text(attribute).strip()
    if not address:
        raise ElementFault(f'<{tag.name}> has no image: write src="…"')
    if address.lower().startswith("s3:"):
        raise ElementFault(
            f"{attribute}={address!r} of <{tag.name}> is an address that browsers cannot load: "
            "give https:// addresses, or names of files in extra_source_dir"
        )
    return address if is_safe_url(address) else INVALID_URL


def _exclusion(tag: Tag) -> str | None:
    found = tag.listed("exclusion-category")
    if found is None:
        return None
    text = found.get("text") if isinstance(found, Mapping) else found
    if not isinstance(text, str) or not text.strip():
        raise ElementFault(
            f'exclusion-category of <{tag.name}> must be like {{"text": "None of these"}}'
        )
    return text


def _option(kind: str, name: str, value: str, shown: str = "", *, required: bool = False) -> str:
    control = attributes({"type": kind, "name": name, "value": value, "required": required})
    return (
        f'<label class="crowd-option"><input{control}>'
        f'<span class="crowd-option-text">{escape(shown or value)}</span></label>'
    )


@define
class RadioGroup(Answer):
    """The buttons of a ``crowd-radio-group``; one of them can be chosen."""

    #: of buttons without one
    name: str = ""
    sent_name: str = ""
    is_required: bool = False
    #: name and value of each
    buttons: list[tuple[str, str]] = field(factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.sent_name,)

    @property
    def choices(self) -> Sequence[str]:
        return [value for _, value in self.buttons]

    def add(self, tag: Tag) -> Part:
        """Add a button to the group and return its field; the element's content is the label."""
        name, value = tag.needed_name(), tag.text("value") or "on"
        if (name, value) in self.buttons:
            raise ElementFault(
                f"<crowd-radio-button> {name!r} with the value {value!r} is twice in its group"
            )
        self.sent_name = self.sent_name or name
        self.is_required = self.is_required or tag.flag("required")
        self.buttons.append((name, value))
        control = attributes({
            "type": "radio",
            "name": self.sent_name,
            "value": self._sent(name, value),
            "checked": tag.flag("checked"),
            "disabled": tag.flag("disabled"),
            "required": self.is_required,
        })  # fmt: skip
        start = f'<label class="crowd-option"><input{control}><span class="crowd-option-text">'
        return Part(start, "</span></label>")

    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        sent = sent_text(form, self.sent_name)
        known = [self._sent(name, value) for name, value in self.buttons]
        if sent not in known and (sent or self.is_required):
            raise WrongAnswer(_CHOOSE)
        answers: dict[str, dict[str, bool]] = {}
        for name, value in self.buttons:
            answers.setdefault(name, {})[value] = sent == self._sent(name, value)
        return answers

    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name, value in self.buttons:
            found = answers.get(name)
            if isinstance(found, Mapping) and found.get(value) is True:
                yield self.sent_name, self._sent(name, value)

    def _sent(self, name: str, value: str) -> str:
        """Return the value that a button sends, with its name if the group has another name."""
        return value if name == self.sent_name else f"{name}={value}"
