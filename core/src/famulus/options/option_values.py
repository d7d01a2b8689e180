"""Typed options as JSON without secrets, and the secrets alone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import attrs

from famulus.options.option_class import options_of
from famulus.translation import LocalizedText


def unstructure(value: Any) -> Any:
    """Return options as JSON, without secrets.

    Money and paths are texts. :func:`famulus.options.convert.structure` converts the JSON back.
    """
    match value:
        case Enum():
            return value.value if type(value.value) in (str, int) else value.name
        case LocalizedText():
            return dict(value.texts)
        case Decimal() | Path():
            return str(value)
        case Mapping():
            return {str(unstructure(key)): unstructure(item) for key, item in value.items()}
        case list() | tuple():
            return [unstructure(item) for item in value]
        case set() | frozenset():
            return sorted(map(unstructure, value), key=repr)
    if not attrs.has(type(value)):
        return value
    return {
        name: unstructure(getattr(value, option.attribute))
        for name, option in options_of(type(value)).items()
        if not option.secret
    }


def secrets_of(value: Any, prefix: str) -> dict[str, Any]:
    """Return the secrets that are set, by dotted key: what :func:`unstructure` leaves out."""
    match value:
        case Mapping():
            below = {str(unstructure(name)): item for name, item in value.items()}
        case list() | tuple():
            below = {str(index): item for index, item in enumerate(value)}
        case _ if attrs.has(type(value)):
            return _own_secrets(value, prefix)
        case _:
            return {}
    return {
        key: secret
        for name, item in below.items()
        for key, secret in secrets_of(item, f"{prefix}.{name}").items()
    }


def _own_secrets(value: Any, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, option in options_of(type(value)).items():
        key, item = f"{prefix}.{name}", getattr(value, option.attribute)
        if not option.secret:
            found |= secrets_of(item, key)
        elif item is not None:
            found[key] = item
    return found
