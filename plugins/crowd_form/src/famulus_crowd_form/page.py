"""The page of a filled template: every element with its fields, and the answers of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import islice
from types import MappingProxyType
from typing import Any

from attrs import define, evolve, field, frozen

import famulus
from famulus_crowd_form.catalogue import _
from famulus_crowd_form.elements.base import Answer, ElementFault, Part, Tag, WrongAnswer
from famulus_crowd_form.elements.choices import RadioGroup, crowd_classifier
from famulus_crowd_form.elements.fields import (
    crowd_checkbox,
    crowd_input,
    crowd_slider,
    crowd_text_area,
    crowd_toggle_button,
)
from famulus_crowd_form.elements.layout import (
    crowd_badge,
    crowd_button,
    crowd_card,
    crowd_icon_button,
    crowd_instructions,
    crowd_modal,
    crowd_tab,
    full_instructions,
    is_submit,
)
from famulus_crowd_form.elements.marking import crowd_bounding_box, crowd_entity_annotation
from famulus_crowd_form.elements.unknown import unknown_element
from famulus_crowd_form.flat_answers import flat, nested
from famulus_crowd_form.html_tokens import Kind, Token, line_of, tokens


def _bare(_: Tag) -> Part:
    return Part()


#: What makes the fields of each element.
ELEMENTS: Mapping[str, Callable[[Tag], Part]] = MappingProxyType({
    "crowd-alert": _bare,
    "crowd-badge": crowd_badge,
    "crowd-bounding-box": crowd_bounding_box,
    "crowd-button": crowd_button,
    "crowd-card": crowd_card,
    "crowd-checkbox": crowd_checkbox,
    "crowd-classifier": crowd_classifier,
    "crowd-classifier-multi-select": crowd_classifier,
    "crowd-entity-annotation": crowd_entity_annotation,
    "crowd-fab": crowd_icon_button,
    "crowd-form": _bare,
    "crowd-icon-button": crowd_icon_button,
    "crowd-image-classifier": crowd_classifier,
    "crowd-image-classifier-multi-select": crowd_classifier,
    "crowd-input": crowd_input,
    "crowd-instructions": crowd_instructions,
    "crowd-modal": crowd_modal,
    "crowd-radio-button": _bare,
    "crowd-radio-group": _bare,
    "crowd-slider": crowd_slider,
    "crowd-slider-label": _bare,
    "crowd-tab": crowd_tab,
    "crowd-tabs": _bare,
    "crowd-text-area": crowd_text_area,
    "crowd-toggle-button": crowd_toggle_button,
    "detailed-instructions": full_instructions,
    "full-instructions": full_instructions,
})  # fmt: skip
#: Those that put something before their end tag, without which the page is another one.
CLOSED = frozenset(name for name in ELEMENTS if "classifier" in name) | {
    "crowd-bounding-box",
    "crowd-entity-annotation",
    "crowd-modal",
    "crowd-tab",
}
#: Elements without a field, which a script can make.
FIELDLESS = frozenset({
    "crowd-alert", "crowd-badge", "crowd-card", "crowd-form", "crowd-slider-label", "crowd-tabs",
})  # fmt: skip
#: Tags that a page has once already; their content stays.
_DROPPED = frozenset({"html", "head", "body", "meta", "base", "form", "title"})
OWN_SCRIPTS = ("crowd-html-elements.js", "crowd-html-elements-v2.js")
_ELSEWHERE = ("http:", "https:", "//")
_ENGLISH = famulus.Translator.to("en")
#: Elements whose sentences are in one message; the page has each beside its element.
_MOST_LISTED = 8


@frozen
class FilledPage:
    """A page with its fields, ready to be shown and read."""

    body: str
    #: what waits for another host, and all scripts behind it
    scripts: str
    answers: tuple[Answer, ...]
    #: what is wrong, with the line in the filled template
    faults: tuple[tuple[int, str], ...]
    #: names of fields of the author's own that can have several values
    lists: frozenset[str]
    has_submit: bool
    is_flat: bool
    html_attributes: Mapping[str, str]
    form_attributes: Mapping[str, str]
    body_attributes: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        """The names of the elements' fields."""
        return frozenset(name for answer in self.answers for name in answer.names)

    def read(self, form: famulus.Form) -> dict[str, Any]:
        """Return the answers of all elements in the shapes of Ground Truth, and all other fields.

        :raises famulus.InvalidAnswers: with a sentence for each element that is answered wrong.
        """
        answers: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for answer in self.answers:
            try:
                found = answer.read(form)
            except WrongAnswer as error:
                wrong.setdefault(answer.names[0], error.sentence)
                continue
            for name, value in found.items():
                known = answers.get(name)
                # Boxes and buttons of one name share one object.
                answers[name] = value if known is None else {**known, **value}
        if wrong:
            raise famulus.InvalidAnswers(_listed(wrong), wrong)
        others = _without(form, self.names)
        answers = {**famulus.answers_from(others, lists=self._sent(others)), **answers}
        return dict(flat(answers)) if self.is_flat else answers

    def fields(self, answers: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return, by name, the form fields that these stored answers came from."""
        stored = nested(answers) if self.is_flat else answers
        fields: dict[str, list[str]] = {}
        for answer in self.answers:
            for name, value in answer.filled(stored):
                fields.setdefault(name, []).append(value)
        for name, stored_value in answers.items():
            if self._is_of_element(name):
                continue
            if isinstance(stored_value, str):
                fields.setdefault(name, []).append(stored_value)
            elif isinstance(stored_value, list):
                fields.setdefault(name, []).extend(
                    each for each in stored_value if isinstance(each, str)
                )
        return fields

    def reviewed(self, body: str, answers: Mapping[str, Any]) -> str:
        """Return the HTML of a filled page, with the answers that no field can show."""
        stored = nested(answers) if self.is_flat else answers
        for answer in self.answers:
            body = answer.reviewed(body, stored)
        return body

    def _is_of_element(self, name: str) -> bool:
        parents = name.split(".") if self.is_flat else [name]
        return any(".".join(parents[:end]) in self.names for end in range(1, len(parents) + 1))

    def _sent(self, form: famulus.Form) -> set[str]:
        return {name for name, _ in form.fields if name in self.lists}


@define
class _Filling:
    """Collects the parts of a page."""

    text: str
    translate: famulus.Translator
    body: list[str] = field(factory=list)
    scripts: list[str] = field(factory=list)
    answers: list[Answer] = field(factory=list)
    faults: list[tuple[int, str]] = field(factory=list)
    checkboxes: Counter[str] = field(factory=Counter)
    lists: set[str] = field(factory=set)
    names: set[str] = field(factory=set)
    #: where the fields of the author's own stand, by their names
    own_fields: dict[str, int] = field(factory=dict)
    #: the open elements, each with what precedes its end tag
    open: list[tuple[str, str, RadioGroup | None]] = field(factory=list)
    number: int = 0
    has_submit: bool = False
    is_flat: bool = False
    waits: bool = False
    html_attributes: dict[str, str] = field(factory=dict)
    form_attributes: dict[str, str] = field(factory=dict)
    body_attributes: dict[str, str] = field(factory=dict)

    def fill(self) -> FilledPage:
        position = 0
        for token in tokens(self.text):
            if token.start < position:
                continue
            self.body.append(self.text[position : token.start])
            position = token.end
            if token.kind is Kind.OTHER:
                if not self.text.startswith("<!", token.start, token.start + 2) or (
                    self.text.startswith("<!--", token.start)
                ):
                    self.body.append(self.text[token.start : token.end])
            elif token.kind is Kind.END:
                self._end(token)
            else:
                position = self._start(token)
        self.body.append(self.text[position:])
        self._close(len(self.text), 0)
        for name in sorted(
            self.own_fields.keys() & {each for answer in self.answers for each in answer.names}
        ):
            fault = f"the name {name!r} is that of an element, too: each answer needs its own"
            self.faults.append((line_of(self.text, self.own_fields[name]), fault))
        return FilledPage(
            body="".join(self.body),
            scripts="".join(self.scripts),
            answers=tuple(self.answers),
            faults=tuple(self.faults),
            lists=frozenset(self.lists | {n for n, count in self.checkboxes.items() if count > 1}),
            has_submit=self.has_submit,
            is_flat=self.is_flat,
            html_attributes=self.html_attributes,
            form_attributes=self.form_attributes,
            body_attributes=self.body_attributes,
        )

    def _start(self, token: Token) -> int:
        """Add a start tag, or a whole element with text content, and return the offset after it."""
        name, end = token.name, token.element_end or token.end
        if name in ("script", "link"):
            self._resource(token, self.text[token.start : end])
            return end
        if name in _DROPPED:
            self._drop(token)
            return end
        if name in ELEMENTS or name.startswith("crowd-"):
            self.body.append(self.text[token.start : token.end])
            self._element(token)
            return token.end
        self.body.append(self.text[token.start : end])
        if name in ("input", "select", "textarea", "button"):
            self._note_field(token)
        return end

    def _end(self, token: Token) -> None:
        if token.name in _DROPPED:
            return
        places = [n for n, (name, _, _) in enumerate(self.open) if name == token.name]
        if places:
            self._close(token.start, places[-1] + 1)
            self.body.append(self.open[places[-1]][1])
            del self.open[places[-1] :]
        self.body.append(self.text[token.start : token.end])

    def _close(self, offset: int, first: int) -> None:
        """Record a fault for each element that is still open where its parent ends."""
        for name, *_rest in self.open[first:]:
            if name in CLOSED:
                fault = f"<{name}> is never closed: write </{name}> before this line"
                self.faults.append((line_of(self.text, offset), fault))

    def _element(self, token: Token) -> None:
        self.number += 1
        tag = Tag(token.name, token.values(), self.number, self.translate)
        try:
            part, group = self._part(tag)
        except ElementFault as fault:
            self.faults.append((line_of(self.text, token.start), str(fault)))
            part, group = Part(), None
        self.body.append(part.start)
        if part.answer is not None:
            self.answers.append(part.answer)
        self.open.append((token.name, part.end, group))

    def _part(self, tag: Tag) -> tuple[Part, RadioGroup | None]:
        if tag.name == "crowd-radio-group":
            group = RadioGroup(tag.text("name").strip(), is_required=tag.flag("required"))
            return Part('<div class="crowd-options" role="radiogroup">', "</div>"), group
        if tag.name == "crowd-radio-button":
            return self._radio(tag), None
        if tag.name not in ELEMENTS:
            raise ElementFault(unknown_element(tag.name, ELEMENTS))
        if tag.name == "crowd-form":
            self.is_flat = self.is_flat or tag.text("answer-format") == "flatten-objects"
        if tag.name == "crowd-button":
            self.has_submit = self.has_submit or is_submit(tag)
        part = ELEMENTS[tag.name](tag)
        if part.answer is not None and tag.name != "crowd-checkbox":
            self._take(part.answer.names[0], tag)
        return part, None

    def _radio(self, tag: Tag) -> Part:
        group = next((each for _, _, each in reversed(self.open) if each is not None), None)
        if group is None:
            raise ElementFault(
                "<crowd-radio-button> stands outside of a group: put the buttons of one question "
                "into <crowd-radio-group>"
            )
        if group.name and not tag.text("name").strip():
            tag = evolve(tag, values={**tag.values, "name": group.name})
        if not group.buttons:
            self._take(tag.needed_name(), tag)
            self.answers.append(group)
        return group.add(tag)

    def _take(self, name: str, tag: Tag) -> None:
        if name in self.names:
            raise ElementFault(
                f"the name {name!r} of <{tag.name}> is there twice: each answer needs its own"
            )
        self.names.add(name)

    def _note_field(self, token: Token) -> None:
        values = token.values()
        kind = values.get("type", "").strip().lower()
        if token.name != "button":
            self.own_fields.setdefault(values.get("name", ""), token.start)
        if token.name == "input" and kind == "checkbox":
            self.checkboxes[values.get("name", "")] += 1
        elif token.name == "select" and "multiple" in values:
            self.lists.add(values.get("name", ""))
        elif kind == "submit" or (kind == "image" and token.name == "input"):
            self.has_submit = True

    def _drop(self, token: Token) -> None:
        kept = {
            "html": self.html_attributes,
            "form": self.form_attributes,
            "body": self.body_attributes,
        }.get(token.name)
        if kept is not None:
            for name, value in token.values().items():
                kept.setdefault(name, value)

    def _resource(self, token: Token, text: str) -> None:
        values = token.values()
        source = values.get("src" if token.name == "script" else "href", "").strip()
        if source.partition("?")[0].endswith(OWN_SCRIPTS):
            return
        is_elsewhere = source.lower().startswith(_ELSEWHERE)
        if is_elsewhere and token.name == "script":
            self.waits = True
        # What follows a script of another host may depend on it.
        moves = is_elsewhere or (self.waits and token.name == "script")
        (self.scripts if moves else self.body).append(text)


def filled_page(text: str, translate: famulus.Translator = _ENGLISH) -> FilledPage:
    """Return the page of a filled template.

    :param translate: translates our own texts on the page.
    """
    return _Filling(text, translate).fill()


def _listed(wrong: Mapping[str, str]) -> str:
    """Join the sentences about single elements into one translatable text."""
    sentences = [
        # Translators: what is wrong with an answer, after its name
        _("{name}: {sentence}", name=name, sentence=sentence)
        for name, sentence in islice(wrong.items(), _MOST_LISTED)
    ]
    # Translators: two sentences, one after the other
    return reduce(
        lambda first, second: _("{first} {second}", first=first, second=second), sentences
    )


def _without(form: famulus.Form, names: frozenset[str]) -> famulus.Form:
    fields = [(name, value) for name, value in form.fields if name not in names]
    return famulus.Form(fields=fields, files=form.files, empty_files=form.empty_files)
