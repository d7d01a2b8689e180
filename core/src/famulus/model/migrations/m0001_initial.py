"""The first schema."""

from __future__ import annotations

from importlib.resources import files

from famulus.model.migration import Migration


def _statements(name: str) -> tuple[str, ...]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split(";\n") if part.strip())


INITIAL = Migration(
    number=1,
    sqlite=_statements("0001_sqlite.sql"),
    postgresql=_statements("0001_postgresql.sql"),
)
