from __future__ import annotations

import re
from pathlib import Path

import famulus

SOURCE = Path(famulus.__file__).parent
#: Private names of peewee that are used, or that a short cut would reach for first.
PRIVATE = re.compile(
    r"(\w|\))\._(alias|create_indexes|create_table|meta|returning|where)\b|peewee\._"
)


def test_private_parts_of_peewee_are_used_in_one_module_only() -> None:
    users = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"\bpeewee\b|famulus\.model", path.read_text())
        and any(PRIVATE.search(line) for line in path.read_text().splitlines())
    }

    assert users == {"model/peewee_internals.py"}
