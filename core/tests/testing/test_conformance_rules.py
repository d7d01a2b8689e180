"""A plugin that breaks a rule fails the test of that rule with a sentence."""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import json
import logging
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import pytest
from attrs import evolve, field, frozen

import famulus
from famulus.testing import BlueprintConformance as Rules
from famulus.testing import ProviderConformance as CrowdRules
from famulus.testing import conformance
from famulus.testing.conformance.plugin_calls import explained

#: The modules of the kit's rules.
KIT = Path(conformance.__file__).parent


@frozen(kw_only=True)
class WordArgs(famulus.BlueprintArgs):
    words: Path | None = famulus.option(help="File with a word on each line.", required=True)


class Word(famulus.Blueprint):
    """A blueprint that keeps every rule, for others to break one."""

    type = "word"
    Args = WordArgs

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        if self.args.words.is_file():
            return []
        return [plan.problem("blueprint.words", "is no file")]

    def assignments(self) -> Iterator[Mapping[str, Any]]:
        with self.args.words.open() as lines:
            for line in lines:
                yield {"word": line.strip()}

    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        return famulus.Page(body=f"{escape(view.unit.data['word'])} <input name=answer required>")


class WordRules(Rules):
    blueprint = Word
    page_seconds = 0.05

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "words.txt").write_text("one\ntwo\n")
        return {"words": tmp_path / "words.txt"}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        return {"no such file": {"words": tmp_path / "none.txt"}}

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any]:
        (tmp_path / "words.txt").write_text("word\n" * rows)
        return {"words": tmp_path / "words.txt"}


class TestWord(WordRules):
    """The blueprint that the others are made from is right."""


@frozen(kw_only=True)
class SilentArgs(WordArgs):
    more: str = "x"


class Silent(Word):
    Args = SilentArgs


@frozen(kw_only=True)
class TrialArgs(famulus.OnboardingArgs):
    words: Path | None = famulus.option(help="File with a word on each line.", required=True)


class Trial(Word):
    """A blueprint with an onboarding that keeps every rule."""

    Args = TrialArgs  # type: ignore[assignment]

    @property
    def has_onboarding(self) -> bool:
        return True

    def onboarding_page(self, view: famulus.OnboardingView) -> famulus.Page:
        return famulus.Page(body="<input name=answer required>")

    def onboarding_passed(
        self, answers: Any, attempt: famulus.AttemptView
    ) -> bool | famulus.NotPassed:
        return bool(answers.get("answer")) or famulus.NotPassed("Give an answer.")


class TrialRules(WordRules):
    blueprint = Trial

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {**super().configuration(tmp_path), "onboarding_qualification": "trained"}


class TestTrial(TrialRules):
    """The blueprint with an onboarding is right too."""


class Wordless(Trial):
    def onboarding_passed(self, answers: Any, attempt: famulus.AttemptView) -> bool:
        return None  # type: ignore[return-value]


class Mute(Trial):
    def onboarding_passed(self, answers: Any, attempt: famulus.AttemptView) -> famulus.NotPassed:
        return famulus.NotPassed("")


class Nameless(Trial):
    onboarding_qualification = None


class OldJudge(Trial):
    def onboarding_passed(self, answers: Any) -> bool:  # type: ignore[override]
        return True


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Wordless, "onboarding_decides", "must return True, False or a NotPassed, not None"),
        (Mute, "onboarding_decides", "raised ValueError: the message has to be text"),
        (Nameless, "onboarding_decides", "must name the onboarding_qualification it grants"),
        (
            OldJudge,
            "core_accepts_the_class",
            r"change onboarding_passed\(answers\) to onboarding_passed\(answers, attempt\)",
        ),
    ],
)
def test_broken_rule_of_an_onboarding_is_named(
    tmp_path: Path, broken: type[Trial], rule: str, sentence: str
) -> None:
    rules = type("Rules", (TrialRules,), {"blueprint": broken})()

    with pytest.raises(AssertionError, match=sentence):
        getattr(rules, f"test_{rule}")(*(() if "class" in rule else (tmp_path,)))


@frozen(kw_only=True)
class MisspeltArgs(WordArgs):
    block_qualificaton: str | None = famulus.option(help="Workers who have it are refused.")


class Misspelt(Word):
    Args = MisspeltArgs


class Careless(Word):
    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []


class Raising(Word):
    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        raise OSError("the file")


class Placeless(Word):
    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return [famulus.Problem("something is wrong")] if super().problems(plan) else []


class Writing(Word):
    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        (self.args.words.parent / "cache").write_text("x")
        return super().problems(plan)


class Listing(Word):
    def assignments(self) -> Any:
        return list(super().assignments())


class Hoarding(Word):
    def assignments(self) -> Iterator[Mapping[str, Any]]:
        yield from list(super().assignments())


class Shuffling(Word):
    def assignments(self) -> Iterator[Mapping[str, Any]]:
        for row in super().assignments():
            yield {**row, "drawn": random.random()}


class NotJson(Word):
    def assignments(self) -> Iterator[Mapping[str, Any]]:
        for row in super().assignments():
            yield {**row, "path": self.args.words}


class Changing(Word):
    numbers = itertools.count()

    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        return famulus.Page(body=f"<input type=hidden name=n value={next(self.numbers)}>")


class OwnForm(Word):
    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        return famulus.Page(body="<form><input name=answer></form>")


class Elsewhere(Word):
    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        head = '<script src="https://example.org/x.js"></script>'
        return famulus.Page(head=head, body="<input name=answer>")


def page_of(template: str) -> type[Word]:
    class Templated(Word):
        def task_page(self, view: famulus.TaskView) -> famulus.Page:
            word = view.unit.data["word"]
            body = template.format(word, escaped=escape(word), json=json.dumps(word))
            return famulus.Page(body=body + "<input name=answer>")

    return Templated


class NeedsData(Word):
    def preview_page(self, view: famulus.PreviewView) -> famulus.Page | None:
        return famulus.Page(body=escape(view.data["word"]))  # type: ignore[index]


class SetAnswers(Word):
    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> Any:
        return set(form.fields)


class Naive(Word):
    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> Any:
        return {"answer": dict(form.fields)["answer"]}


class Loud(Word):
    def show(self, unit: famulus.SubmittedUnit) -> str:
        return str(unit.answers["answer"])


class Believing(Word):
    def review_page(self, unit: famulus.SubmittedUnit) -> famulus.Page:
        return famulus.Page(body=f"<p>{unit.answers['answer']}</p>")


class Boxed(Word):
    def review_page(self, unit: famulus.SubmittedUnit) -> famulus.Page:
        return famulus.Page(body="<form></form>")


class Unready(Word):
    def review_page(self, unit: famulus.SubmittedUnit) -> famulus.Page:
        raise NotImplementedError


class Textual(Word):
    def review_page(self, unit: famulus.SubmittedUnit) -> famulus.Page:
        return "<p>text</p>"  # type: ignore[return-value]


class Losing(Word):
    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> Any:
        return {}


class Slow(Word):
    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        ends = perf_counter() + 0.1
        while perf_counter() < ends:
            pass
        return super().task_page(view)


class LostAssets(Word):
    def assets(self) -> Sequence[Path]:
        return [Path("no/such/folder")]


class Forgetful(Word):
    def __init__(self, args: Any, context: famulus.Context) -> None:
        super().__init__(args, context)
        self.numbers = itertools.count()

    def task_page(self, view: famulus.TaskView) -> famulus.Page:
        return famulus.Page(body=f"<input name=answer value={next(self.numbers)}>")


class Refusing(Word):
    def read_answers(self, form: famulus.Form, attempt: famulus.AttemptView) -> Any:
        raise famulus.InvalidAnswers("Never.")


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Silent, "every_option_has_help", "more have none"),
        (Misspelt, "core_accepts_the_class", "did you mean 'block_qualification'"),
        (Careless, "broken_configuration_is_reported_with_its_place", "missed: no such file"),
        (Raising, "good_configuration_has_no_problems", "raised OSError"),
        (Placeless, "broken_configuration_is_reported_with_its_place", "must say where"),
        (Writing, "checking_writes_nothing", "must not write anything"),
        (Listing, "rows_are_streamed", "an iterator, not a list"),
        (Hoarding, "memory_does_not_grow_with_the_rows", "must stream"),
        (Shuffling, "rows_are_the_same_every_time", "the same rows in the same order"),
        (NotJson, "rows_are_json_objects", "Row 0 must be JSON"),
        (Changing, "page_is_the_same_when_it_is_reloaded", "must find what they saw"),
        (OwnForm, "pages_are_the_inside_of_a_form", "leave out: <form>"),
        (Elsewhere, "pages_are_the_inside_of_a_form", "wait for another host"),
        (page_of("{0}"), "data_stays_data_in_every_page", "an element <famulus-probe>"),
        (page_of("<p title={escaped}>"), "data_stays_data_in_every_page", "attribute of <p>"),
        (page_of('<p title="{0}">'), "data_stays_data_in_every_page", "attribute of <p>"),
        (page_of('<a href="{escaped}">'), "data_stays_data_in_every_page", "script behind href"),
        (page_of("<p onclick=\"f('{escaped}')\">"), "data_stays_data_in_every_page", "in onclick"),
        (page_of("<script>{json}</script>"), "data_stays_data_in_every_page", "an element"),
        (page_of("{0:d}"), "data_stays_data_in_every_page", "raised ValueError"),
        (NeedsData, "preview_needs_no_data", "must do without data"),
        (SetAnswers, "answers_are_json_and_the_same_for_the_same_form", "must return JSON"),
        (Naive, "hostile_forms_get_answers_or_a_message", "got an empty form, and raised KeyError"),
        (Losing, "answers_hold_what_the_worker_has_entered", "of the field 'answer' is not in {}"),
        (Losing, "different_forms_give_different_answers", "different answers for different forms"),
        (Slow, "pages_are_made_in_time", r"task_page\(\) took \d\.\d seconds"),
        (Loud, "reviewer_is_shown_text", "control characters"),
        (Believing, "review_page_shows_answers_as_data", "became an element <famulus-probe>"),
        (Boxed, "review_page_shows_answers_as_data", "leave out: <form>"),
        (Unready, "review_page_shows_answers_as_data", "raised NotImplementedError"),
        (
            Textual,
            "review_page_shows_answers_as_data",
            "must return a famulus.Page, and returned '<p>text</p>'",
        ),
        (LostAssets, "assets_are_folders", "folders that are there"),
        (Forgetful, "threads_can_share_an_instance", "threads that use one instance"),
        (Refusing, "run_is_worked_on_from_start_to_end", "must be stored"),
        (Changing, "run_goes_on_after_a_kill", "the form that they had open"),
    ],
)
def test_broken_rule_is_named(tmp_path: Path, broken: type[Word], rule: str, sentence: str) -> None:
    rules = WordRules()
    rules.blueprint = broken  # type: ignore[misc]
    test = getattr(rules, f"test_{rule}")

    with pytest.raises(AssertionError, match=sentence):
        test(tmp_path) if "class" not in rule and "help" not in rule else test()


def test_a_field_that_is_dropped_on_purpose_is_named(tmp_path: Path) -> None:
    class Forgiving(WordRules):
        blueprint = Losing
        not_in_answers = frozenset({"answer"})

    Forgiving().test_answers_hold_what_the_worker_has_entered(tmp_path)
    Forgiving().test_different_forms_give_different_answers(tmp_path)


def test_a_broken_rule_is_named_beside_what_was_logged_before() -> None:
    class Refusing(Word):
        def show(self, unit: famulus.SubmittedUnit) -> str:
            raise famulus.UsageError("unit 7 has no text")

    def broken_rule() -> None:
        with explained([famulus.Blueprint], seconds=9):
            try:
                Refusing.show(object.__new__(Refusing), unit=None)  # type: ignore[arg-type]
            except famulus.UsageError:
                logging.getLogger("famulus").exception("a unit is shown without its text")
            raise AssertionError("the rule is broken")

    with pytest.raises(
        AssertionError, match=r"show\(\) must not.*7 has no text.*the rule is broken"
    ):
        broken_rule()


def test_page_that_hangs_is_found(tmp_path: Path) -> None:
    class Hanging(Word):
        def task_page(self, view: famulus.TaskView) -> famulus.Page:
            while True:
                with contextlib.suppress(Exception):
                    threading.Event().wait()

    class HangingRules(WordRules):
        blueprint = Hanging
        rule_seconds = 0.5

    with pytest.raises(
        pytest.fail.Exception, match=r"after 0\.5 seconds: a method of the plugin hangs"
    ):
        HangingRules().test_pages_are_made_in_time(tmp_path)


@frozen(kw_only=True)
class NoArgs:
    nothing: None = field(default=None, metadata=famulus.option(help="Nothing.").metadata)


@frozen(kw_only=True)
class KeyArgs:
    key: str | None = famulus.option(help="The key.", required=True, secret=True)


class Crowd(famulus.Provider):
    """A provider that keeps every rule."""

    type = "people"
    Args = NoArgs
    RequesterArgs = KeyArgs

    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        return []

    def arrive(
        self, query: Mapping[str, str]
    ) -> famulus.Arrival | famulus.Preview | famulus.Refusal:
        if not (query.get("who") and query.get("visit")):
            return famulus.Preview()
        return famulus.Arrival(worker_name=query["who"], reference=query["visit"])

    def completion(
        self, visit: famulus.VisitView, outcome: famulus.VisitOutcome
    ) -> famulus.Completion:
        if outcome is famulus.VisitOutcome.COMPLETED:
            return famulus.GoTo(url="https://example.org/done")
        return famulus.Nothing()

    def register(self, name: str, args: KeyArgs) -> Mapping[str, Any]:
        if args.key is None:
            raise famulus.UsageError("the key is missing")
        return {}


class PeopleRules(CrowdRules):
    provider = Crowd
    good_registration: ClassVar = {"key": "k"}
    bad_registrations = ({},)

    def query(self, worker: str, reference: str) -> dict[str, str]:
        return {"who": worker, "visit": reference}


class TestCrowd(PeopleRules):
    """The provider that the others are made from is right; its requester is registered."""


class Trusting(Crowd):
    def arrive(self, query: Mapping[str, str]) -> famulus.Arrival:
        return famulus.Arrival(worker_name=query["who"], reference=query["visit"])


class Floating(Crowd):
    def quote(self, plan: famulus.Plan, units: int) -> famulus.Quote:
        return famulus.Quote(currency="USD", rewards=0.1 * units, fees=0)  # type: ignore[arg-type]


class Rich(Crowd):
    currency = "dollars"


class Converting(Crowd):
    def quote(self, plan: famulus.Plan, units: int) -> famulus.Quote:
        return evolve(super().quote(plan, units), currency="EUR")


class Rounding(Crowd):
    def fee(self, kind: famulus.PaymentKind, amount: Decimal) -> Decimal:
        return round(float(amount) / 5, 2)  # type: ignore[return-value]


class Repaying(Crowd):
    def taxes(self, kind: famulus.PaymentKind, amount: Decimal) -> Decimal:
        return -amount / 5 if kind is famulus.PaymentKind.BONUS else Decimal(0)


class Counting(Crowd):
    def balance(self) -> Decimal | None:
        return 12  # type: ignore[return-value]


class Paying(Crowd):
    def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
        if plan.task.task_reward:
            return []
        return [plan.problem("task.task_reward", "is missing")]


class Naming(Crowd):
    def payee_names(self, worker_names: Sequence[str]) -> Mapping[str, str]:
        return {"zoe": "Zoe Example"}


class Boasting(Crowd):
    capabilities = famulus.Capabilities(sells_places=True)


class TakesAnything(Crowd):
    def register(self, name: str, args: KeyArgs) -> Mapping[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"),
    [
        (Trusting, "any_query_has_an_answer_and_always_the_same", "must not raise"),
        (Floating, "quote_is_exact", "taxes as Decimal"),
        (Rounding, "charges_are_exact", r"fee\(REWARD, 0.01\) must be a Decimal of at least 0"),
        (Repaying, "charges_are_exact", r"taxes\(BONUS, 0.01\) must be a Decimal of at least 0"),
        (Counting, "charges_are_exact", r"balance\(\) must be a Decimal, or None"),
        (
            Paying,
            "a_provider_that_does_not_pay_needs_no_reward",
            "for a plan without a task_reward",
        ),
        (
            Naming,
            "names_of_payees_are_those_of_the_workers_asked_about",
            "that it is asked about.*Zoe Example",
        ),
        (Rich, "quote_is_exact", "three letters of ISO 4217, not 'dollars'"),
        (Converting, "quote_is_exact", "in the account's currency, 'USD', not 'EUR'"),
    ],
)
def test_broken_rule_of_a_crowd_is_named(
    tmp_path: Path, broken: type[Crowd], rule: str, sentence: str
) -> None:
    rules = PeopleRules()
    rules.provider = broken  # type: ignore[misc]

    with pytest.raises(AssertionError, match=sentence):
        getattr(rules, f"test_{rule}")(tmp_path)


def test_capability_without_its_methods_is_named() -> None:
    rules = PeopleRules()
    rules.provider = Boasting  # type: ignore[misc]

    with pytest.raises(AssertionError, match="sells_places must override set_places"):
        rules.test_capabilities_are_kept()


def test_registration_that_takes_anything_is_found(tmp_path: Path) -> None:
    rules = PeopleRules()
    rules.provider = TakesAnything  # type: ignore[misc]

    with pytest.raises(AssertionError, match=r"must raise a UsageError .* accepted \{\}"):
        rules.test_bad_registration_is_refused_and_a_good_one_succeeds(tmp_path)


@pytest.mark.parametrize("name", ["set_places", "dispose"])
def test_second_effect_on_the_platform_is_found(tmp_path: Path, name: str) -> None:
    done: list[object] = []

    def again(*args: object) -> None:
        done.append(args)

    class Repeating(Crowd):
        pass

    setattr(Repeating, name, again)

    class RepeatingRules(PeopleRules):
        provider = Repeating

        def platform_state(self) -> object:
            return list(done)

    with pytest.raises(AssertionError, match=rf"{name}\(\) is called again"):
        RepeatingRules().test_repeated_calls_have_no_second_effect(tmp_path)


def test_provider_may_need_options_of_every_task(tmp_path: Path) -> None:
    class Punctual(Crowd):
        def problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
            if plan.task.estimated_minutes is not None:
                return []
            return [plan.problem("task.estimated_minutes", "is missing")]

    class PunctualRules(PeopleRules):
        provider = Punctual

    with pytest.raises(AssertionError, match="estimated_minutes: is missing"):
        PunctualRules().test_checking_finds_nothing_and_writes_nothing(tmp_path)

    PunctualRules.task_options = {"estimated_minutes": 1}
    PunctualRules().test_checking_finds_nothing_and_writes_nothing(tmp_path)


def test_a_provider_that_can_serve_says_nothing_and_changes_nothing(tmp_path: Path) -> None:
    calls = []

    class Doubting(Crowd):
        def serving_problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
            return [plan.problem("provider", "there is no key")]

    class Calling(Crowd):
        def serving_problems(self, plan: famulus.Plan) -> list[famulus.Problem]:
            calls.append("made a key")
            return []

    class DoubtingRules(PeopleRules):
        provider = Doubting

    class CallingRules(PeopleRules):
        provider = Calling

        def platform_state(self) -> object:
            return [*calls]

    for rules, sentence in (
        (DoubtingRules(), "there is no key"),
        (CallingRules(), r"serving_problems\(\) must not change the platform"),
    ):
        with pytest.raises(AssertionError, match=sentence):
            rules.test_checking_finds_nothing_and_writes_nothing(tmp_path)


NO_ANSWERS: dict[str, str] = {}
#: What a method does in place of what its contract says.
FAULTS: dict[str, Callable[[], object]] = {
    "raises": lambda: NO_ANSWERS["answer"],
    "exits": lambda: sys.exit(1),
    "returns text": lambda: "<input name=answer>",
    "returns nothing": lambda: None,
}


#: Text and nothing are answers too; a preview is not needed, nor is a balance.
HARMLESS = {
    ("show", "returns text"),
    ("preview_page", "returns nothing"),
    ("balance", "returns nothing"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "method",
    [
        *("task_page", "preview_page", "read_answers", "show", "assets"),
        *("arrive", "completion", "quote", "balance", "payee_names", "register"),
    ],
)
def test_each_rule_that_a_faulty_method_breaks_names_it(
    tmp_path: Path, method: str, fault: str
) -> None:
    kept, rules = (Word, WordRules) if method in vars(famulus.Blueprint) else (Crowd, PeopleRules)

    def act(self: object, *args: object) -> object:
        return FAULTS[fault]()

    act.__name__ = method
    faulty = type("Faulty", (kept,), {method: act})
    messages = [
        *broken_rules(
            type("FaultyRules", (rules,), {"blueprint": faulty, "provider": faulty})(), tmp_path
        )
    ]

    named = [each for each in messages if f"{method}(" in each]
    assert named or (method, fault) in HARMLESS
    if not fault.startswith("returns"):
        assert named == messages


def broken_rules(rules: object, folder: Path) -> Iterator[str]:
    """Yield the message of each rule that is broken."""
    for name in (each for each in dir(rules) if each.startswith("test_")):
        test, own = getattr(rules, name), folder / name
        own.mkdir()
        try:
            test(*([own] if inspect.signature(test).parameters else []))
        except pytest.skip.Exception:
            pass
        except (AssertionError, pytest.fail.Exception) as error:
            yield f"{name}: {error}"
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever is not a sentence
            yield f"{name}: {error!r}"


@pytest.mark.parametrize("module", sorted(KIT.glob("*.py")), ids=lambda path: path.stem)
def test_each_rule_has_a_sentence(module: Path) -> None:
    asserts = [each for each in ast.walk(ast.parse(module.read_text())) if type(each) is ast.Assert]

    assert [each.lineno for each in asserts if each.msg is None] == []
