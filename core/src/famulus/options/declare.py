"""Declaring options: attrs fields with a help text and other metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

#: Keys of a field's metadata; ``option_class`` reads them.
HELP = "famulus_help"
CHOICES = "famulus_choices"
REQUIRED = "famulus_required"
SECRET = "famulus_secret"
TRANSLATABLE = "famulus_translatable"
CALLBACK = "famulus_callback"
ROWS = "famulus_rows"


def option(
    *,
    help: str,  # noqa: A002 - the field's own word for it
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    choices: Sequence[Any] | None = None,
    required: bool = False,
    secret: bool = False,
    translatable: bool = False,
    validator: Any = None,
    converter: Any = None,
) -> Any:
    """Declare one option of an ``Args`` class, or a plain field of a shared state.

    A required option has the default ``None``; unless the user sets it, there is a problem with its
    key. ``choices`` limits the values; a ``secret`` is neither stored nor shown. A ``translatable``
    text may be a mapping of languages, ``{en: …, de: …}``: the option is then a ``str`` in the
    first language, and a :class:`Translator` returns it in the others. A ``converter`` gets the
    typed value, before the ``validator``.
    """
    metadata = {
        HELP: help,
        CHOICES: choices,
        REQUIRED: required,
        SECRET: secret,
        TRANSLATABLE: translatable,
    }
    checks: dict[str, Any] = {"validator": validator, "converter": converter}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata, **checks)
    if default is attrs.NOTHING:
        default = None
    return attrs.field(default=default, metadata=metadata, **checks)


def callback(*, help: str, default: Callable[..., Any] | None = None) -> Any:  # noqa: A002
    """Declare a shared-state field that only Python can fill: a function.

    Every process that serves or resumes a run needs the callbacks that were set at its launch.
    """
    return attrs.field(default=default, metadata={HELP: help, CALLBACK: True})


def rows(*, help: str) -> Any:  # noqa: A002
    """Declare a shared-state field that takes the data: a list or a generator of rows.

    They go into the database as assignments and are not stored with the run's configuration; until
    all are loaded, a resumed launch needs them again.
    """
    return attrs.field(default=None, metadata={HELP: help, ROWS: True})
