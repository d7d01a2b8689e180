"""The dialogue of a review: units one after the other, grouped by worker."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import Factory, define, evolve, field, frozen

from famulus.engine.answers import StoredAnswer
from famulus.errors import ConflictError, UsageError
from famulus.model.states import Decision
from famulus.review.choice_questions import ChoiceQuestions, Qualifications
from famulus.review.choices import Choice, RecordedChoice
from famulus.review.decision_text import decision_text
from famulus.review.review_session import Applied, Group, ReviewSession
from famulus.review.terminal import Terminal
from famulus.review.unit_text import UnitFormatter, unit_text

_FINISH = "That was the last unit. Press Enter to finish, or u to undo: "
_DONE: Mapping[Decision, str] = MappingProxyType(
    {
        Decision.ACCEPTED: "Accepted",
        Decision.SOFT_REJECTED: "Passed",
        Decision.REJECTED: "Rejected",
        Decision.RETURN_REQUESTED: "Requested the return of",
    }
)
#: A number after that of every attempt.
_END = 2**63 - 1


@frozen(kw_only=True)
class _Place:
    """The position of the reviewer in the units."""

    group: Group
    #: the number of the attempt that was looked at last
    after: int = 0
    looked_at: int = 0
    decided: int = 0

    def header(self) -> str:
        number = self.looked_at + 1
        return (
            f"Reviewing for worker {self.group.worker.name}, "
            f"({number}/{max(number, self.group.size)}), Previous {self.group.previous} "
            f"(total remaining: {self.group.waiting - self.decided})"
        )


@define(kw_only=True)
class Dialogue:
    """Ask for decisions until nothing is left, or the reviewer quits."""

    terminal: Terminal
    session: ReviewSession
    formatter: UnitFormatter
    qualifications: Qualifications = Factory(Qualifications)
    #: the position at each choice that can still be undone
    _history: list[_Place] = field(factory=list, init=False)
    _questions: ChoiceQuestions = field(init=False)

    @_questions.default
    def _ask(self) -> ChoiceQuestions:
        return ChoiceQuestions(
            terminal=self.terminal, session=self.session, qualifications=self.qualifications
        )

    def run(self) -> bool:
        """Run the dialogue; return whether it came to its end.

        Ctrl-C and the end of the input interrupt it: decisions are stored, but not applied.
        """
        try:
            with self.terminal.key_presses():
                self._run()
        except (KeyboardInterrupt, EOFError):
            self._report_interruption()
            return False
        return True

    def _run(self) -> None:
        leftovers = self.session.apply_leftovers()
        if leftovers.decisions:
            number = _counted(leftovers.decisions, "decision")
            self.terminal.say(f"Applied {number} that an earlier review had left.")
        self._report_problems(leftovers)
        place = self._enter(0)
        if place is None:
            task = self.session.scope.task_name
            self.terminal.say(f"No unit of {task} is up for review.")
            return
        while place is not None:
            place = self._step(place)
        self._apply()
        self._report_remaining_units()

    def _enter(self, after: int) -> _Place | None:
        group = self.session.next_group(after=after)
        return None if group is None else _Place(group=group)

    def _step(self, place: _Place) -> _Place | None:
        """Ask for a decision on the next unit; return the next position, or None at the end."""
        worker = place.group.worker.id
        unit = self.session.next_unit(worker, after=place.after)
        if unit is None:
            return self._enter(worker) or self._ask_to_finish()
        self.terminal.say(f"\n{place.header()}")
        self.terminal.say(unit_text(self.formatter, unit))
        if earlier := decision_text(self.session.database, unit):
            self.terminal.say(earlier)
        question = self._questions.question(unit)
        while True:
            key = self.terminal.ask_key(question)
            if key.lower() == "q":
                return None
            if key.lower() == "u":
                undone = self._undo()
                if undone is not None:
                    return undone
            elif key.lower() == "s":
                self._apply_other_group(place)
                return evolve(place, after=unit.agent, looked_at=place.looked_at + 1)
            elif self._questions.decides(key, unit):
                following = self._answer(place, unit, key)
                if following is not None:
                    return following
            else:
                self._explain(key, unit)

    def _ask_to_finish(self) -> _Place | None:
        """Offer to undo the last decision; return the next position, or None to finish.

        Without a terminal nothing is offered: a file may end with the last decision.
        """
        if not self.terminal.is_interactive or not self.session.unapplied:
            return None
        while True:
            key = self.terminal.ask_key(_FINISH)
            if key.lower() in {"", "q"}:
                return None
            if key.lower() == "u":
                return self._undo()

    def _answer(self, place: _Place, unit: StoredAnswer, key: str) -> _Place | None:
        """Decide on a unit by a key; return the next position, or None to ask for another key."""
        try:
            choice = self._questions.choose(key, unit)
            return None if choice is None else self._decide(place, unit, choice, key)
        except UsageError as error:
            self.terminal.say_sentence(f"Not decided: {error}")
            return None

    def _explain(self, key: str, unit: StoredAnswer) -> None:
        if key not in {"", "?"}:
            self.terminal.say(f"{key!r} is not one of the keys:")
        self._questions.explain(unit)

    def _decide(self, place: _Place, unit: StoredAnswer, choice: Choice, key: str) -> _Place:
        """Record a choice; return the next position."""
        self._apply_other_group(place)
        following = evolve(place, after=unit.agent, looked_at=place.looked_at + 1)
        try:
            if key.isupper():
                made = self.session.decide_rest(unit, choice)
                self._report_decision(made, choice, unit)
                following = evolve(following, after=_END)
            else:
                made = self.session.decide(unit, choice)
        except ConflictError as error:
            self.terminal.say_sentence(f"Not decided: {error}")
            return following
        if made.reviews:
            self._history.append(place)
        return evolve(following, decided=place.decided + len(made.reviews))

    def _undo(self) -> _Place | None:
        undone = self.session.undo()
        if undone is None:
            self.terminal.say("There is no decision to undo.")
            return None
        for refused in undone.refused:
            self.terminal.say_sentence(f"Not undone: {refused}")
        if undone.reviews:
            self.terminal.say(f"Undone: {_counted(len(undone.reviews), 'decision')}.")
        return self._history.pop()

    def _apply_other_group(self, place: _Place) -> None:
        """Apply the decisions on another worker's units when the reviewer decides on this one's."""
        if self._history and self._history[-1].group is not place.group:
            self._apply()

    def _apply(self) -> None:
        applied = self.session.apply()
        self._history.clear()
        if applied.decisions:
            self.terminal.say(f"Applied {_counted(applied.decisions, 'decision')}.")
        self._report_problems(applied)

    def _report_decision(self, made: RecordedChoice, choice: Choice, unit: StoredAnswer) -> None:
        number = _counted(len(made.reviews), "unit")
        self.terminal.say(f"{_DONE[choice.decision]} {number} of worker {unit.worker}.")
        for refused in made.refused:
            self.terminal.say_sentence(f"Not decided: {refused}")

    def _report_problems(self, applied: Applied) -> None:
        for problem in applied.problems:
            self.terminal.say(f"Not everything was delivered: {problem}")

    def _report_remaining_units(self) -> None:
        waiting, task = self.session.count_waiting(), self.session.scope.task_name
        if waiting:
            left = f"{_counted(waiting, 'unit')} of {task} {'is' if waiting == 1 else 'are'} left"
            self.terminal.say(f"{left} to review.")
        else:
            self.terminal.say(f"All submitted units of {task} are reviewed.")

    def _report_interruption(self) -> None:
        number = self.session.unapplied
        self.terminal.say()
        if number:
            kept = _counted(number, "decision")
            verb, them = ("is", "it") if number == 1 else ("are", "them")
            self.terminal.say(
                f"Interrupted: {kept} {verb} kept, and the next review of the task applies {them}."
            )
        else:
            self.terminal.say("Interrupted; all decisions are applied.")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
