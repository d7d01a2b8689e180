"""Peewee fields for times, enums and JSON, stored alike on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import peewee

from famulus.escaping import storable

#: The largest value of a 64-bit column.
_LARGEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# json.dumps constructs an encoder on each call with arguments other than the defaults.
_PLAIN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_ESCAPED = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def to_micros(moment: datetime) -> int:
    """Return an aware datetime as it is stored: microseconds since 1970.

    :raises ValueError: for a naive datetime, whose time zone is unknown.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; Famulus stores aware times only")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return stored microseconds as an aware datetime in UTC."""
    return _EPOCH + micros * _MICROSECOND


def dump_json(value: Any) -> str:
    """Return a value as it is stored: compact JSON, keys in their order, no NaN.

    :raises ValueError: for NaN and infinities.
    :raises TypeError: for a value that JSON cannot express.
    """
    text = _PLAIN.encode(value)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate, which JSON can express and UTF-8 cannot.
        return _ESCAPED.encode(value)
    return text


class RowIdField(peewee.BigAutoField):
    """The number of a row. A number too large for the column matches no row, on both databases."""

    def adapt(self, value: Any) -> int:
        return min(max(int(value), -_LARGEST - 1), _LARGEST)


class ErrorField(peewee.TextField):
    """The text of an error from any code; characters that a database cannot hold are escaped."""

    def db_value(self, value: Any) -> Any:
        return storable(value) if isinstance(value, str) else value


class UtcField(peewee.BigIntegerField):
    """An aware datetime, stored as microseconds since 1970 on both databases."""

    def db_value(self, value: Any) -> Any:
        return to_micros(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> Any:
        return None if value is None else from_micros(value)


class EnumField(peewee.CharField):
    """A member of a string enum, stored as its value."""

    def __init__(self, enum: type[StrEnum], **kwargs: Any) -> None:
        super().__init__(max_length=16, **kwargs)
        self.enum = enum

    def clone(self) -> EnumField:
        copy: EnumField = super().clone()
        copy.enum = self.enum
        return copy

    def db_value(self, value: Any) -> Any:
        return None if value is None else self.enum(value).value

    def python_value(self, value: Any) -> Any:
        return None if value is None else self.enum(value)


class JsonField(peewee.TextField):
    """Any JSON value, stored as text on both databases.

    No query looks inside it, except for the marks of a worker on PostgreSQL.
    """

    def db_value(self, value: Any) -> Any:
        return None if value is None else dump_json(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else json.loads(value)
