"""Reading a step's SQL from the files beside this module."""

from __future__ import annotations

from importlib.resources import files

from famulus.model.migration import Migration


def read_migration(number: int) -> Migration:
    """Return the step that the files of that number hold."""
    return Migration(
        number=number,
        sqlite=_statements(f"{number:04}_sqlite.sql"),
        postgresql=_statements(f"{number:04}_postgresql.sql"),
    )


def _statements(name: str) -> tuple[str, ...]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split(";\n") if part.strip())
