"""A check that breaks a rule fails the test of that rule with a sentence."""

from __future__ import annotations

import itertools
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import field, frozen

import famulus
from famulus.testing import CheckHarness
from famulus.testing import QualificationCheckConformance as Rules


@frozen(kw_only=True)
class HeldArgs:
    name: str = famulus.option(help="Workers who have it are refused.", default="bad")


class Held(famulus.QualificationCheck):
    """A check that keeps every rule, for others to break one."""

    type = "held"
    Args = HeldArgs

    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> famulus.Refusal | None:
        if not famulus.get_worker(self.context.database, worker.id).is_qualified(self.args.name):
            return None
        return famulus.Refusal(reason=famulus.RefusalReason.NOT_QUALIFIED)


class HeldRules(Rules):
    check = Held

    def options(self) -> dict[str, Any]:
        return {"name": "worse"}

    def broken_options(self) -> dict[str, dict[str, Any]]:
        return {"a number for a name": {"name": []}}

    def make_refused(self, harness: CheckHarness, worker: str) -> None:
        harness.known_worker(worker).grant_qualification("worse")


class TestHeld(HeldRules):
    """It passes."""


@frozen(kw_only=True)
class SilentArgs(HeldArgs):
    more: int = field(default=1)


class Silent(Held):
    Args = SilentArgs


class Careless(Held):
    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> None:
        return None


class Talkative(Held):
    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> famulus.Refusal | None:
        if super().refuse(worker, run) is None:
            return None
        return famulus.PluginRefusal(title="Not you", text="", code="not_you")


class Coded(Held):
    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> famulus.Refusal | None:
        if super().refuse(worker, run) is None:
            return None
        return famulus.PluginRefusal(title="Not you", text="You are held.", code="blocked")


class Old(Held):
    def refuse(self, worker: famulus.WorkerView, run_id: int) -> None:  # type: ignore[override]
        return None


class Strict(Held):
    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> famulus.Refusal:
        return famulus.Refusal(reason=famulus.RefusalReason.BLOCKED)


class Raising(Held):
    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> None:
        raise LookupError("on purpose")


class Writing(Held):
    asked: ClassVar[itertools.count[int]] = itertools.count()

    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> famulus.Refusal | None:
        famulus.find_or_create_qualification(self.context.database, f"{next(self.asked)} times")
        return super().refuse(worker, run)


class Wavering(Held):
    answers: ClassVar[itertools.count[int]] = itertools.count()

    def refuse(self, worker: famulus.WorkerView, run: famulus.GuardedRun) -> famulus.Refusal | None:
        return super().refuse(worker, run) if next(self.answers) % 2 else None


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Silent, "every_option_has_help", "more have none"),
        (
            Old,
            "core_accepts_the_class",
            r"change refuse\(worker, run_id\) to refuse\(worker, run\)",
        ),
        (Talkative, "many_threads_ask_at_once", "the text has to be text for the worker"),
        (Coded, "many_threads_ask_at_once", "the code 'blocked' is one of Famulus"),
        (Careless, "refused_worker_gets_a_reason", "they were let in"),
        (Strict, "other_workers_are_admitted", "refuse.. must return None for a worker"),
        (Raising, "many_threads_ask_at_once", "raised LookupError: on purpose"),
        (Writing, "asking_again_has_the_same_answer_and_writes_nothing", "must not write"),
        (
            Wavering,
            "asking_again_has_the_same_answer_and_writes_nothing",
            "must return the same each time",
        ),
    ],
)
def test_broken_rule_is_named(tmp_path: Path, broken: type[Held], rule: str, sentence: str) -> None:
    rules = type("Rules", (HeldRules,), {"check": broken})()
    test = getattr(rules, f"test_{rule}")

    with pytest.raises(AssertionError, match=sentence):
        test(**({"tmp_path": tmp_path} if "tmp_path" in signature(test).parameters else {}))
