"""The questions to a reviewer after a key: a reason, a category, an amount, a value, a grant."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import define, evolve, field, frozen

from famulus.engine.answers import StoredAnswer
from famulus.engine.ledger.decision_rules import PlatformRules, partial_range
from famulus.errors import ConflictError, PluginError
from famulus.model.money import from_minor
from famulus.model.states import Decision
from famulus.review.choices import Choice, read_amount
from famulus.review.review_session import ReviewSession
from famulus.review.terminal import Terminal

_QUESTION = "(a)ccept, (r)eject, (p)ass, (v)alue, (u)ndo, (s)kip, (q)uit; ? explains: "
_KEYS = """\
  a  accept: it is paid
  r  reject: it is not paid; you are asked for the reason
  p  pass: an honest attempt that may not be good enough; it is paid
  v  accept, and give the worker a value of the approve qualification"""
_LESS_KEY = "  l  accept for less: you are asked how much of the reward is paid"
_RETURN_KEY = "  t  ask the worker to return it; you are asked for the reason, and decide later"
_REST = """\
  {}: the same for this and all remaining units of the worker
  u  undo the last decision; possible until you go on with another worker
  s  skip: decide another time
  q  quit, and apply the decisions"""
_DECISIONS: Mapping[str, Decision] = MappingProxyType(
    {
        "a": Decision.ACCEPTED,
        "v": Decision.ACCEPTED,
        "l": Decision.ACCEPTED,
        "p": Decision.SOFT_REJECTED,
        "r": Decision.REJECTED,
        "t": Decision.RETURN_REQUESTED,
    }
)
#: Columns of a terminal.
_WIDTH = 80


@frozen(kw_only=True)
class Qualifications:
    """Qualifications that the reviewer may grant with a decision."""

    #: keeps its workers from further units: offered with ``p``
    block: str | None = None
    #: marks good workers: offered with ``A``; ``v`` grants it with a value
    approve: str | None = None


@define(kw_only=True)
class ChoiceQuestions:
    """The keys that decide on a unit, and the questions that belong to them."""

    terminal: Terminal
    session: ReviewSession
    qualifications: Qualifications
    #: providers whose rules on rejections the reviewer has read
    _read_rules: set[str] = field(factory=set, init=False)

    def question(self, unit: StoredAnswer) -> str:
        """Return the question for a decision on a unit, with the keys that its provider knows."""
        less, back = self._extra_keys(unit)
        if not (less or back):
            return _QUESTION
        keys = ["(a)ccept"]
        keys += ["accept for (l)ess"] if less else []
        keys += ["(r)eject"]
        keys += ["ask to re(t)urn"] if back else []
        keys += ["(p)ass", "(v)alue"]
        return f"{', '.join(keys)},\n(u)ndo, (s)kip, (q)uit; ? explains: "

    def decides(self, key: str, unit: StoredAnswer) -> bool:
        """Return whether a key decides on a unit."""
        less, back = self._extra_keys(unit)
        hidden = ("" if less else "l") + ("" if back else "t")
        return len(key) == 1 and key.lower() in _DECISIONS and key.lower() not in hidden

    def explain(self, unit: StoredAnswer) -> None:
        """Print what each key does."""
        less, back = self._extra_keys(unit)
        capitals = f"A, R, P, V{', L' if less else ''}{', T' if back else ''}"
        lines = [_KEYS, *([_LESS_KEY] if less else []), *([_RETURN_KEY] if back else [])]
        self.terminal.say("\n".join([*lines, _REST.format(capitals)]))

    def choose(self, key: str, unit: StoredAnswer) -> Choice | None:
        """Ask the questions that belong to a key; return None if another key has to be asked for.

        :raises famulus.PluginError: when the provider is not installed: its rules are needed.
        """
        choice = Choice(decision=_DECISIONS[key.lower()])
        block, approve = self.qualifications.block, self.qualifications.approve
        match key.lower():
            case "r":
                return self._choose_rejection(choice, unit)
            case "t":
                return self._choose_request(choice, unit)
            case "l":
                return self._choose_amount(choice, unit)
            case "v":
                return self._choose_value(choice, unit.worker)
        if key == "A" and approve is not None:
            if self.terminal.confirm(f"Grant {approve!r} to worker {unit.worker}?"):
                return evolve(choice, qualification=approve)
        elif (
            key.lower() == "p"
            and block is not None
            and self.terminal.confirm(f"Soft-block worker {unit.worker} with {block!r}?")
        ):
            return evolve(choice, qualification=block)
        return choice

    def _extra_keys(self, unit: StoredAnswer) -> tuple[bool, bool]:
        """Return whether a unit can be paid in part, and whether its return can be requested."""
        try:
            capabilities = self.session.rules(unit.provider).capabilities
        except PluginError:
            return False, False
        has_less = capabilities.partial_approvals is not None
        return has_less and self.session.worth(unit).reward > 0, capabilities.requests_return

    def _choose_rejection(self, choice: Choice, unit: StoredAnswer) -> Choice | None:
        rules = self.session.rules(unit.provider)
        try:
            self.session.check_rejectable(unit)
        except ConflictError as error:
            self.terminal.say_sentence(f"Not decided: {error}")
            return None
        self._show_rules(rules)
        category = self._ask_category(rules)
        if category is None:
            return None
        while True:
            reason = self.terminal.ask("Why is it rejected? The worker may read it: ")
            fault = rules.reason_fault(reason)
            if fault is None:
                return evolve(choice, note=reason, category=category)
            if not reason:
                self.terminal.say("A rejection needs a reason.")
                return None
            self.terminal.say(f"The reason {fault}.")

    def _show_rules(self, rules: PlatformRules) -> None:
        lines = rules.on_rejections
        if lines and rules.provider_type not in self._read_rules:
            self._read_rules.add(rules.provider_type)
            self.terminal.say(lines[0])
            for paragraph in lines[1:]:
                self.terminal.say(_wrapped(paragraph, "  "))

    def _ask_category(self, rules: PlatformRules) -> str | None:
        """Return a rejection's category, empty if there are none; None to ask for another key."""
        categories = rules.capabilities.rejection_categories
        if not categories:
            return ""
        names = [*categories]
        width = len(str(len(names)))
        self.terminal.say("Categories:")
        for number, name in enumerate(names, 1):
            self.terminal.say(_wrapped(f"{name}: {categories[name]}", f"  {number:>{width}}  "))
        while True:
            text = self.terminal.ask(f"Category, 1 to {len(names)}: ")
            if not text:
                return None
            category = _picked(text, names)
            if category is not None:
                return category
            self.terminal.say(f"{text!r} is not one of the numbers; an empty line rejects nothing.")

    def _choose_request(self, choice: Choice, unit: StoredAnswer) -> Choice | None:
        request = self.session.return_request(unit)
        if request is not None:
            self.terminal.say(f"Its return was requested on {request.decided_at:%Y-%m-%d} already.")
            return None
        reason = self.terminal.ask("Why should the worker return it? They read the reason: ")
        fault = self.session.rules(unit.provider).request_fault(reason)
        if fault is not None:
            self.terminal.say_sentence(f"Not decided: {fault}")
            return None
        return evolve(choice, note=reason)

    def _choose_amount(self, choice: Choice, unit: StoredAnswer) -> Choice | None:
        rules, worth = self.session.rules(unit.provider), self.session.worth(unit)
        bounds = rules.capabilities.partial_approvals
        assert bounds is not None
        smallest, largest = (
            from_minor(part, worth.currency) for part in partial_range(bounds, worth.reward)
        )
        while True:
            text = self.terminal.ask(f"Pay how much of {worth.text} ({smallest} to {largest})? ")
            if not text:
                return None
            amount = read_amount(text)
            fault = (
                f"{text!r} is not an amount"
                if amount is None
                else rules.amount_fault(amount, worth)
            )
            if fault is None:
                return evolve(choice, amount=amount)
            self.terminal.say_sentence(f"{fault[0].upper()}{fault[1:]}")

    def _choose_value(self, choice: Choice, name: str) -> Choice | None:
        approve = self.qualifications.approve
        if approve is None:
            self.terminal.say("No approve qualification is set, so no value can be granted.")
            return None
        while True:
            text = self.terminal.ask(f"Value of {approve!r} for worker {name}: ")
            if not text:
                return None
            try:
                return evolve(choice, qualification=approve, value=int(text))
            except ValueError:
                self.terminal.say(f"{text!r} is not a whole number.")


def _picked(text: str, names: Sequence[str]) -> str | None:
    """Return the name that a text picks by its number or by the name itself."""
    if text.upper() in (name.upper() for name in names):
        return next(name for name in names if name.upper() == text.upper())
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(len(names)))):
        return None
    return names[int(text) - 1] if 1 <= int(text) <= len(names) else None


def _wrapped(text: str, start: str) -> str:
    """Return a text in lines of a terminal, the first of which begins with ``start``."""
    return textwrap.fill(text, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
