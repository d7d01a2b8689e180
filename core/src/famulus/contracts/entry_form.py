"""Entry forms: what a provider asks before a worker arrives, such as their name or consent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import Attribute, Factory, field, frozen

from famulus.catalogue import _

_NAME = re.compile("[a-z][a-z0-9_]{0,31}")
#: Names with this beginning are those of core's own fields.
_OURS = "famulus_"


class EntryFieldKind(StrEnum):
    """What a field of an entry form takes."""

    #: a line of text
    TEXT = "text"
    #: the name of a person
    NAME = "name"
    #: a mail address; core checks that it has the shape of one
    EMAIL = "email"
    #: a word or code that was given to the worker: browsers neither complete nor correct it
    CODE = "code"


def _check_line(_instance: object, attribute: Attribute[Any], value: object) -> None:
    if not (isinstance(value, str) and value.strip() and value.isprintable()):
        raise ValueError(f"the {attribute.name} has to be a line of text, not {value!r}")


@frozen(kw_only=True)
class EntryField:
    """One field of an entry form: a line of text.

    :raises ValueError: for a name that is not at most 32 lowercase letters, digits and underscores,
        or begins with ``famulus_``; and for a label that is no line of text.
    """

    #: unique in the form
    name: str = field()
    label: str = field(validator=_check_line)
    kind: EntryFieldKind = EntryFieldKind.TEXT
    #: whether core sends the form back while the field is empty
    required: bool = True
    #: a sentence below the label
    help: str = ""
    #: the most characters that it takes
    longest: int = 200

    @name.validator
    def _check_name(self, _field: object, value: object) -> None:
        if not (isinstance(value, str) and _NAME.fullmatch(value)) or value.startswith(_OURS):
            raise ValueError(
                f"the name {value!r} has to be at most 32 lowercase letters, digits and"
                f" underscores, and must not begin with {_OURS}"
            )


@frozen(kw_only=True)
class EntryForm:
    """A page that core draws, with a form that a worker fills in before they arrive.

    All texts are text, not HTML. Its form is sent to :meth:`famulus.Provider.enter`.

    :raises ValueError: for a title or button that is no line of text, paragraphs given as one
        string, two fields of one name, and a message to a field that does not exist.
    """

    #: the heading, in one line
    title: str = field(validator=_check_line)
    #: the text above the fields; a web or mail address that is a paragraph of its own is a link
    paragraphs: Sequence[str] = field(default=())
    fields: Sequence[EntryField] = field(default=())
    #: a sentence with a box that has to be ticked; empty for none. A box that was ticked before the
    #: title, the paragraphs or the sentence changed does not count.
    consent: str = ""
    #: the label of the button, in one line
    button: str = field(default=_("Continue"), validator=_check_line)
    #: why a sent form is refused, by the names of fields; the message for ``""`` is about the whole
    #: form
    messages: Mapping[str, str] = field(default=Factory(dict))

    @paragraphs.validator
    def _check_paragraphs(self, _field: object, value: object) -> None:
        if isinstance(value, str):
            raise ValueError(f"the paragraphs have to be a sequence of texts, not {value!r}")

    @fields.validator
    def _check_fields(self, _field: object, value: Sequence[EntryField]) -> None:
        names = [each.name for each in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two fields have the name {twice[0]!r}; names have to be unique")

    @messages.validator
    def _check_messages(self, _field: object, value: Mapping[str, str]) -> None:
        unknown = sorted(value.keys() - {"", *(each.name for each in self.fields)})
        if unknown:
            raise ValueError(f"there is a message for {unknown[0]!r}, and no field of that name")


@frozen(kw_only=True)
class Entry:
    """What a worker has filled in, after core has compared it with the form.

    Every required field has a value, no value is longer than its field allows, and the consent is
    given. The sender may still be anyone.
    """

    #: by the name of each field, without white space around it; empty for an optional field that
    #: was left empty
    values: Mapping[str, str]
    #: 32 hexadecimal digits: random for each page, and the same whenever its form is sent again
    key: str
