"""The form on a worker's page: its controls, and a plausible way to fill them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser

from attrs import define, field, frozen

from famulus.testing.forms_hidden import HiddenElements, is_hidden
from famulus.testing.forms_values import plausible_text

_NEVER_SENT = frozenset({"submit", "button", "reset", "image"})


@frozen(kw_only=True)
class SelectChoice:
    """One option of a ``<select>``."""

    value: str
    disabled: bool = False
    selected: bool = False


@frozen(kw_only=True)
class Control:
    """One named control that can be sent.

    ``kind`` is an input's type, ``select`` or ``textarea``.
    """

    kind: str
    name: str
    value: str = ""
    attributes: Mapping[str, str] = field(factory=dict)
    choices: Sequence[SelectChoice] = ()
    #: whether a worker cannot see it, so that only scripts change its value
    hidden: bool = False

    @property
    def initial(self) -> Sequence[str]:
        """The values that a browser sends if the control is left as it is."""
        if self.kind in ("radio", "checkbox"):
            return [self.value] if "checked" in self.attributes else []
        if self.kind != "select":
            return [self.value]
        chosen = [choice.value for choice in self.choices if choice.selected]
        if "multiple" in self.attributes:
            return chosen
        able = [choice.value for choice in self.choices if not choice.disabled]
        return chosen[-1:] or able[:1]

    @property
    def required(self) -> bool:
        """Whether a browser requires a value."""
        return "required" in self.attributes


@frozen(kw_only=True)
class Attachment:
    """A file that a worker has chosen."""

    field: str
    filename: str
    content_type: str
    content: bytes


@frozen(kw_only=True)
class FormData:
    """The fields and files that a browser would send, in the order of the page."""

    fields: Sequence[tuple[str, str]]
    files: Sequence[Attachment] = ()


@frozen(kw_only=True)
class HtmlForm:
    """The first form of a document with the controls that a browser would send."""

    attributes: Mapping[str, str]
    controls: Sequence[Control]

    @property
    def action(self) -> str:
        """The address that the form is sent to, as written in the page."""
        return self.attributes.get("action", "")

    @property
    def is_onboarding(self) -> bool:
        """Whether this is the form of an onboarding."""
        return "data-onboarding" in self.attributes

    def fill(self, variant: int = 0, *, hidden: bool = False) -> FormData:
        """Fill in every control as a worker in a hurry might.

        :param variant: the worker's number; other numbers make other choices, if there are any.
        :param hidden: whether to fill in controls that no worker can see, too, except ``<input
            type=hidden>``; by default hidden controls send their initial values.
        """
        fields: list[tuple[str, str]] = []
        files: list[Attachment] = []
        for group in self._groups():
            if group[0].hidden and not hidden:
                fields += [(each.name, value) for each in group for value in each.initial]
            elif group[0].kind == "file":
                files.append(_attachment(group[0], variant))
            else:
                fields += [(group[0].name, value) for value in _values(group, variant)]
        return FormData(fields=fields, files=files)

    def _groups(self) -> Iterator[list[Control]]:
        """Yield each control alone, but radio buttons or checkboxes with one name together."""
        grouped: dict[tuple[str, str, bool], list[Control]] = {}
        for number, control in enumerate(self.controls):
            together = control.kind in ("radio", "checkbox")
            key = (control.kind, control.name if together else str(number), control.hidden)
            grouped.setdefault(key, []).append(control)
        yield from grouped.values()


def html_form(document: str) -> HtmlForm | None:
    """Return the first form of a document, or None when it has none."""
    reader = _FormReader()
    reader.feed(document)
    reader.close()
    if reader.form is None:
        return None
    return HtmlForm(attributes=reader.form, controls=tuple(reader.controls))


def form_of_body(body: str) -> HtmlForm:
    """Return the controls that a blueprint's page adds to the form around it."""
    form = html_form(f"<form>{body}</form>")
    assert form is not None
    return form


def _values(group: Sequence[Control], variant: int) -> list[str]:
    first = group[0]
    if first.kind == "hidden":
        return [first.value]
    if first.kind == "radio":
        return [group[variant % len(group)].value]
    if first.kind == "checkbox":
        chosen = variant % len(group)
        return [
            each.value for number, each in enumerate(group) if each.required or number == chosen
        ]
    if first.kind == "select":
        return _selected(first, variant)
    return [plausible_text(first.kind, first.value, first.attributes, variant)]


def _selected(select: Control, variant: int) -> list[str]:
    able = [choice.value for choice in select.choices if not choice.disabled]
    # The option with an empty value is the prompt, such as "Choose one".
    meant = [value for value in able if value] or able
    return [meant[variant % len(meant)]] if meant else []


def _attachment(control: Control, variant: int) -> Attachment:
    is_image = "image" in control.attributes.get("accept", "")
    return Attachment(
        field=control.name,
        filename=f"file-{variant}.{'png' if is_image else 'txt'}",
        content_type="image/png" if is_image else "text/plain",
        content=b"A file of a scripted worker, number %d.\n" % variant,
    )


@define
class _OpenSelect:
    attributes: dict[str, str]
    choices: list[SelectChoice] = field(factory=list)
    option: dict[str, str] | None = None
    text: str = ""
    group_disabled: bool = False


class _FormReader(HTMLParser):
    """Collects the first form's controls, except disabled ones and those in templates.

    A control is hidden if it, or an element around it, has the attribute ``hidden`` or
    ``style="display: none"``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.form: dict[str, str] | None = None
        self.controls: list[Control] = []
        self._ended = False
        self._templates = 0
        self._fieldsets: list[bool] = []
        self._select: _OpenSelect | None = None
        self._textarea: dict[str, str] | None = None
        self._text = ""
        self._hidden = HiddenElements()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._hidden.start(tag, attributes)
        if tag == "form" and self.form is None:
            self.form = attributes
        elif tag == "template":
            self._templates += 1
        elif self._templates or not self._is_in_form(attributes):
            return
        elif tag == "fieldset":
            self._fieldsets.append("disabled" in attributes)
        elif tag == "input":
            self._add(attributes.get("type", "text").lower() or "text", attributes)
        elif tag == "textarea":
            self._textarea, self._text = attributes, ""
        elif tag == "select":
            self._select = _OpenSelect(attributes)
        elif self._select is not None:
            self._start_in_select(self._select, tag, attributes)

    def _is_in_form(self, attributes: Mapping[str, str]) -> bool:
        """Return whether an element belongs to the form, by position or attribute ``form``."""
        if self.form is None:
            return False
        if "form" in attributes:
            return attributes["form"] == self.form.get("id")
        return not self._ended or self._select is not None

    def handle_endtag(self, tag: str) -> None:
        self._hidden.end(tag)
        if tag == "form":
            self._ended = self.form is not None
        elif tag == "template":
            self._templates -= 1
        elif tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()
        elif tag == "textarea" and self._textarea is not None:
            self._add("textarea", self._textarea, value=self._text.removeprefix("\n"))
            self._textarea = None
        elif self._select is not None and tag in ("option", "optgroup", "select"):
            self._end_in_select(self._select, tag)

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._text += data
        elif self._select is not None:
            self._select.text += data

    def _start_in_select(self, select: _OpenSelect, tag: str, attributes: dict[str, str]) -> None:
        if tag in ("option", "optgroup"):
            _end_option(select)
        if tag == "option":
            select.option, select.text = attributes, ""
        elif tag == "optgroup":
            select.group_disabled = "disabled" in attributes

    def _end_in_select(self, select: _OpenSelect, tag: str) -> None:
        _end_option(select)
        if tag == "optgroup":
            select.group_disabled = False
        elif tag == "select":
            self._add("select", select.attributes, choices=select.choices)
            self._select = None

    def _add(
        self,
        kind: str,
        attributes: dict[str, str],
        *,
        value: str | None = None,
        choices: Sequence[SelectChoice] = (),
    ) -> None:
        name = attributes.get("name", "")
        if not name or kind in _NEVER_SENT or "disabled" in attributes or any(self._fieldsets):
            return
        if value is None:
            value = attributes.get("value", "on" if kind in ("radio", "checkbox") else "")
        self.controls.append(
            Control(
                kind=kind,
                name=name,
                value=value,
                attributes=attributes,
                choices=choices,
                hidden=kind == "hidden" or self._hidden.here or is_hidden(attributes),
            )
        )


def _end_option(select: _OpenSelect) -> None:
    if select.option is None:
        return
    option = select.option
    select.choices.append(
        SelectChoice(
            value=option.get("value", " ".join(select.text.split())),
            disabled="disabled" in option or select.group_disabled,
            selected="selected" in option,
        )
    )
    select.option = None
