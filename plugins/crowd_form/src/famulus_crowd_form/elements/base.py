"""The base of all elements: the attributes of a tag, and the answer from its fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, ClassVar

from attrs import frozen

import famulus
from famulus_crowd_form.catalogue import _
from famulus_crowd_form.relaxed_json import read_relaxed

#: Characters that an answer may have where the element sets no limit.
LONGEST = 100_000
REQUIRED = _("Please answer this.")


class WrongAnswer(Exception):  # noqa: N818 - it is a sentence for the worker
    """An answer is missing or invalid; the message says what the worker has to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        #: as it was given, so that it can be translated
        self.sentence = sentence


class ElementFault(Exception):  # noqa: N818 - it is about what an author wrote
    """An element cannot be shown; the text says why."""


@frozen
class Tag:
    """A start tag of an element."""

    name: str
    values: Mapping[str, str]
    #: how many elements precede it on the page; ids are made of it
    number: int
    #: translates the page's own texts
    translate: famulus.Translator

    @property
    def key(self) -> str:
        """A prefix of ids that is unique on the page."""
        return f"crowd-{self.number}"

    @property
    def own_language(self) -> str:
        """The attributes of a text of the page itself, whose language may not be the template's."""
        return attributes(self.translate.language.attributes)

    def text(self, name: str) -> str:
        """Return the value of an attribute; empty if it is missing."""
        return self.values.get(name, "")

    def flag(self, name: str) -> bool:
        """Return whether a boolean attribute, such as ``required``, is on."""
        return name in self.values and self.values[name].strip().lower() != "false"

    def needed_name(self) -> str:
        """Return the name of the element's answer.

        :raises ElementFault: if the name is missing or reserved.
        """
        name = self.text("name").strip()
        if not name:
            raise ElementFault(f'<{self.name}> has no name: write name="…", the key of its answer')
        if name.startswith(("famulus_", "mephisto_")):
            raise ElementFault(f"the name {name!r} of <{self.name}> is reserved: write another one")
        return name

    def listed(self, name: str) -> Any:
        """Return the decoded value of a JSON attribute; None if it is missing or empty.

        :raises ElementFault: if it is not JSON.
        """
        text = self.text(name).strip()
        if not text:
            return None
        try:
            return read_relaxed(text)
        except ValueError:
            shown = text if len(text) <= 60 else f"{text[:59]}…"
            raise ElementFault(
                f"{name}={shown!r} of <{self.name}> is not JSON: write it like "
                f'{name}="{{{{ task.input.{name} | to_json }}}}" or {name}=\'["a", "b"]\''
            ) from None

    def categories(self, name: str) -> list[str]:
        """Return the different texts that an attribute lists.

        :raises ElementFault: if it is not such a list.
        """
        found = self.listed(name)
        if not isinstance(found, list) or not found:
            raise ElementFault(f"{name} of <{self.name}> must be a list of texts: it is {found!r}")
        texts = [_label(each) for each in found]
        if any(text is None for text in texts) or len(set(texts)) < len(texts):
            raise ElementFault(f"{name} of <{self.name}> must be different texts: it is {found!r}")
        return [text for text in texts if text is not None]


class Answer(ABC):
    """The answer of one element, as it is sent, stored and shown."""

    #: whether the page needs the script of marks
    has_marks: ClassVar[bool] = False

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the element's fields in the form."""

    @property
    def choices(self) -> Sequence[str]:
        """The values that workers can choose from; empty for an element without choices."""
        return ()

    @abstractmethod
    def read(self, form: famulus.Form) -> Mapping[str, Any]:
        """Return the answer by its name, in the shape of Ground Truth.

        :raises WrongAnswer: if it is missing or invalid.
        """

    @abstractmethod
    def filled(self, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield name and value of each form field that these stored answers came from."""

    def reviewed(self, body: str, answers: Mapping[str, Any]) -> str:
        """Return a filled page's HTML, completed with the answers that its fields cannot show."""
        return body


@frozen
class Part:
    """The HTML to add inside of an element: after its start tag, and before its end tag."""

    start: str = ""
    end: str = ""
    answer: Answer | None = None


def attributes(pairs: Mapping[str, str | bool]) -> str:
    """Return attributes as HTML; those that are empty or off are left out."""
    return "".join(
        f" {name}" if value is True else f' {name}="{escape(str(value))}"'
        for name, value in pairs.items()
        if value is not False and value != ""
    )


def sent_text(form: famulus.Form, name: str) -> str:
    """Return the submitted text of a field; empty if there is none.

    :raises WrongAnswer: if it is too long, or the field has several values.
    """
    values = dict.fromkeys(value for key, value in form.fields if key == name and value)
    if len(values) > 1:
        raise WrongAnswer(_("This has more than one answer: please give one."))
    value = next(iter(values), "")
    if len(value) > LONGEST:
        raise WrongAnswer(
            # Translators: {most} is a large number
            _("Please shorten this: it has more than {most} characters.", most=LONGEST)
        )
    return value


def _label(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("label")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text or None
