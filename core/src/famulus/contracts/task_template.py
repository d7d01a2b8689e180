"""Tasks to begin with, which plugins bring and ``famulus new task`` copies."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import Attribute, field, frozen

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _is_name(_: object, attribute: Attribute[str], value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"the {attribute.name} of a task template is {value!r}; it can have lowercase letters,"
            " digits and single hyphens"
        )


@frozen(kw_only=True)
class TaskTemplate:
    """A complete task to begin with.

    Its folder has a configuration ``config.yaml`` that can be launched as it is, and names the
    other files by paths relative to the folder.

    :raises ValueError: for a name with characters that are not allowed.
    """

    #: lowercase letters, digits and single hyphens
    name: str = field(validator=_is_name)
    #: one sentence about what workers do
    summary: str
    #: all of its files are copied
    folder: Path
