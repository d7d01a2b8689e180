"""An author's ``<html>``, ``<body>`` and ``<form>``: tags that a worker's page has already.

The author's tags are left out, and their attributes are added to ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import Factory, define, frozen

from famulus_static_html.escapes import attribute_text
from famulus_static_html.mturk import MTURK_FORM
from famulus_static_html.template import Part, Template

#: How the author's form would be sent; Famulus sends it.
NOT_USED = frozenset({"action", "method", "enctype", "accept-charset", "target", "rel"})

_OUTER = frozenset({"html", "body", "form"})


@frozen
class OuterAttributes:
    """The attributes of the three tags of one page, as text."""

    html: Mapping[str, str]
    body: Mapping[str, str]
    form: Mapping[str, str]


@define
class OuterTags:
    """The attributes of the three tags; the first attribute of each name counts, as in browsers."""

    _fixed: dict[str, dict[str, str]] = Factory(lambda: {name: {} for name in _OUTER})
    _filled: dict[str, dict[str, Template]] = Factory(lambda: {name: {} for name in _OUTER})

    def add(self, tag: str, attribute: str, parts: Sequence[Part]) -> None:
        """Add an attribute of an author's tag, whose value is HTML."""
        if attribute in self._fixed[tag] or attribute in self._filled[tag]:
            return
        if all(isinstance(part, str) for part in parts):
            self._fixed[tag][attribute] = attribute_text(Template(parts).render({}))
        else:
            self._filled[tag][attribute] = Template(parts)

    def fixed(self) -> OuterAttributes | None:
        """Return the attributes if they are the same for all values; None if they differ."""
        return None if any(self._filled.values()) else self.render({})

    def render(self, values: Mapping[str, Any]) -> OuterAttributes:
        """Return the attributes as text."""
        rendered = {
            tag: {
                **self._fixed[tag],
                **{name: attribute_text(each.render(values)) for name, each in filled.items()},
            }
            for tag, filled in self._filled.items()
        }
        return OuterAttributes(
            html=rendered["html"],
            body=rendered["body"],
            # Scripts written for MTurk find the form by these.
            form={"id": MTURK_FORM, "name": MTURK_FORM, **rendered["form"]},
        )

    @property
    def has_form_name(self) -> bool:
        """Whether the form has a name of its own."""
        return "name" in self._fixed["form"] or "name" in self._filled["form"]
