"""Counting the answers in which two workers of one assignment agree."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import click
from attrs import define

import famulus


@define
class Agreement:
    """The pairs of answers to one field, each of two workers of one assignment."""

    pairs: int = 0
    equal: int = 0

    @property
    def share(self) -> float:
        """The share of pairs that are equal, from 0 to 1."""
        return self.equal / self.pairs


@click.command
@click.argument("task")
@click.option("--field", metavar="NAME", help="Only this field of the answers.")
@famulus.json_option
@famulus.pass_session
def agreement(session: famulus.Session, task: str, field: str | None, as_json: bool) -> None:
    """Show how often two workers have given the same answer to a row of TASK."""
    with session.open_existing() as database:
        found = measure(famulus.export_records(database, task=task))
    if field is not None:
        if field not in found:
            known = ", ".join(sorted(found)) or "none"
            raise famulus.UsageError(f"no two workers have answered {field!r}; fields: {known}")
        found = {field: found[field]}
    if as_json:
        rows = [
            {"field": name, "pairs": each.pairs, "share": round(each.share, 4)}
            for name, each in found.items()
        ]
        session.say_json(rows)
        return
    if not found:
        session.warn(f"no row of {task} has the answers of two workers")
    lines = [(name, str(each.pairs), f"{each.share:.0%}") for name, each in found.items()]
    session.say_table([("FIELD", "PAIRS", "EQUAL"), *lines])


def measure(records: Iterable[Mapping[str, Any]]) -> dict[str, Agreement]:
    """Compare the answers of each two workers of one assignment, field by field."""
    answers: dict[tuple[int, str], list[str]] = defaultdict(list)
    for record in records:
        if record["counts"] and isinstance(record["outputs"], dict):
            for field, value in record["outputs"].items():
                answer = json.dumps(value, sort_keys=True)
                answers[record["assignment"], field].append(answer)
    found: dict[str, Agreement] = defaultdict(Agreement)
    for (_, field), given in answers.items():
        for first, second in combinations(given, 2):
            found[field].pairs += 1
            found[field].equal += first == second
    return dict(found)
