"""A provider that breaks one rule of places fails the test of that rule, and no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import define, field, frozen

import famulus
from famulus.testing import ProviderConformance

RULES = (
    "as_many_places_are_offered_as_are_wanted",
    "a_total_that_was_reached_changes_nothing",
    "paused_places_are_not_offered",
    "ended_places_are_not_offered",
    "places_that_are_gone_are_replaced_by_others",
    "places_that_are_kept_come_back_after_a_pause",
)


@frozen(kw_only=True)
class NoArgs:
    nothing: None = field(default=None, metadata=famulus.option(help="Nothing.").metadata)


@define
class Board:
    """A platform where each place is an advertisement with a number."""

    opened: list[int] = field(factory=list)
    open: list[int] = field(factory=list)


class Booth(famulus.Provider):
    """A provider that keeps every rule."""

    type = "booth"
    Args = NoArgs
    default_requester = "booth"
    capabilities = famulus.Capabilities(sells_places=True)
    board: ClassVar[Board]

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []

    def arrive(self, query: Mapping[str, str]) -> famulus.Arrival | famulus.Preview:
        if not (query.get("who") and query.get("visit")):
            return famulus.Preview()
        return famulus.Arrival(worker_name=query["who"], reference=query["visit"])

    def completion(
        self, visit: famulus.VisitView, outcome: famulus.VisitOutcome
    ) -> famulus.Completion:
        return famulus.Nothing()

    def set_places(self, run: famulus.RunView, total: int) -> None:
        self.open_numbers(range(run.gone_places, total))

    def open_numbers(self, numbers: Iterable[int]) -> None:
        new = [each for each in numbers if each not in self.board.opened]
        self.board.opened += new
        self.board.open += new

    def pause_places(self, run: famulus.RunView) -> None:
        self.board.open.clear()

    def count_open_places(self, run: famulus.RunView) -> int | None:
        return len(self.board.open)


class Adding(Booth):
    """Takes the total for the number of further places."""

    def set_places(self, run: famulus.RunView, total: int) -> None:
        first = len(self.board.opened)
        self.open_numbers(range(first, first + total))


class Lowering(Booth):
    """Closes places when the total is smaller."""

    def set_places(self, run: famulus.RunView, total: int) -> None:
        super().set_places(run, total)
        self.board.open = [number for number in self.board.open if number < total]


class Deaf(Booth):
    """Pauses nothing."""

    def pause_places(self, run: famulus.RunView) -> None:
        pass


class Resuming(Booth):
    """Ends nothing: a finished run can be taken up again."""

    def end_places(self, run: famulus.RunView) -> None:
        pass


class Reviving(Booth):
    """Offers paused places again."""

    def set_places(self, run: famulus.RunView, total: int) -> None:
        super().set_places(run, total)
        self.board.open = [*self.board.opened]


class Catching(Booth):
    """Opens places that were wanted before a pause."""

    def set_places(self, run: famulus.RunView, total: int) -> None:
        self.open_numbers(range(total))


class Once(Booth):
    """Opens places at the first call only."""

    def set_places(self, run: famulus.RunView, total: int) -> None:
        if not self.board.opened:
            super().set_places(run, total)


class Keeping(Booth):
    """Keeps every rule, and what is paused."""

    capabilities = famulus.Capabilities(sells_places=True, keeps_paused_places=True)

    def set_places(self, run: famulus.RunView, total: int) -> None:
        super().set_places(run, total)
        self.board.open = [*self.board.opened]


class Losing(Booth):
    """Has nothing left after a pause."""

    capabilities = Keeping.capabilities


def broken_rules(provider: type[Booth], tmp_path: Path) -> dict[str, str]:
    """Return the message of each rule that a provider breaks."""

    class Rules(ProviderConformance):
        def query(self, worker: str, reference: str) -> dict[str, str]:
            return {"who": worker, "visit": reference}

        def platform_state(self) -> object:
            return sorted(provider.board.opened), sorted(provider.board.open)

    Rules.provider = provider
    broken = {}
    for rule in RULES:
        provider.board = Board()
        folder = tmp_path / rule
        folder.mkdir()
        try:
            with suppress(pytest.skip.Exception):
                getattr(Rules(), f"test_{rule}")(folder)
        except AssertionError as error:
            broken[rule] = str(error)
    return broken


@pytest.mark.parametrize("good", [Booth, Keeping])
def test_provider_that_keeps_the_rules_of_places_passes(tmp_path: Path, good: type[Booth]) -> None:
    assert broken_rules(good, tmp_path) == {}


@pytest.mark.parametrize(
    ("broken", "rules"),
    [
        (Adding, (RULES[0], RULES[1], RULES[4])),
        (Lowering, RULES[1:2]),
        (Once, (RULES[0], RULES[4])),
        (Deaf, RULES[2:5]),
        (Resuming, RULES[3:4]),
        (Reviving, RULES[4:5]),
        (Catching, RULES[4:5]),
        (Losing, RULES[5:]),
    ],
)
def test_broken_rule_of_places_is_named(
    tmp_path: Path, broken: type[Booth], rules: tuple[str, ...]
) -> None:
    assert tuple(broken_rules(broken, tmp_path)) == rules
