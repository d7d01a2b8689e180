from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from famulus.options.convert import structure
from famulus.options.option_values import unstructure
from famulus.options.scalars import Plain
from famulus.options.task_args import TaskArgs

COMPLETE = {"task_title": "A title", "task_description": "What to do.", "task_reward": "0.30"}


def make(**options: Any) -> tuple[TaskArgs | None, dict[str | None, str]]:
    args, problems = structure(
        TaskArgs, COMPLETE | options, prefix="task", origins={}, task_dir=Path("/task")
    )
    return args, {problem.key: problem.message for problem in problems}


def test_title_and_description_are_required_and_a_reward_depends_on_the_provider() -> None:
    _, problems = make(task_title=None, task_description=None, task_reward=None)

    assert problems == {
        "task.task_title": "is missing; set it as 'task_title: …' (Title that workers see.)",
        "task.task_description": "is missing; set it as 'task_description: …' "
        "(Description that workers see before they accept.)",
    }


@pytest.mark.parametrize("text", ["0", "0.3", "0.30", "0.300", "999999999.99", "-0"])
def test_reward_in_whole_cents_is_exact(text: str) -> None:
    args, _ = make(task_reward=Plain(text, float(text)))

    assert args is not None
    assert args.task_reward == Decimal(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-0.01", "is negative"),
        ("0.005", "at most two decimals"),
        ("0.3000000000000000000000000000000000000001", "at most two decimals"),
        ("1e-999", "at most two decimals"),
        ("1e9", "more than any worker is paid"),
        ("1e999", "more than any worker is paid"),
    ],
)
def test_reward_that_cannot_be_paid_is_refused(text: str, words: str) -> None:
    _, problems = make(task_reward=text)

    assert words in problems["task.task_reward"]


@pytest.mark.parametrize(
    "name",
    [
        "task_lifetime_in_seconds",
        "assignment_duration_in_seconds",
        "submission_timeout",
        "no_submission_patience",
    ],
)
@pytest.mark.parametrize("value", [0, -1, 2**31])
def test_duration_has_to_be_positive(name: str, value: int) -> None:
    _, problems = make(**{name: value})

    assert "is not a number of seconds from 1 to" in problems[f"task.{name}"]


@pytest.mark.parametrize(
    "name", ["allowed_concurrent", "maximum_units_per_worker", "max_num_concurrent_units"]
)
@pytest.mark.parametrize("value", [-1, 2**31])
def test_limit_has_to_be_a_count(name: str, value: int) -> None:
    _, problems = make(**{name: value})

    assert "is not from 0 (no limit) to" in problems[f"task.{name}"]


@pytest.mark.parametrize("name", ["a", "Ünïcode task / part 2", "0802", "x" * 200, " a", "a\n"])
def test_task_name_is_a_label(name: str) -> None:
    args, _ = make(task_name=name)

    assert args is not None
    assert args.task_name == name.strip()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\nb", "cannot be seen"),
        ("a\x00", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
        ("x" * 201, "has 201 characters"),
    ],
)
def test_ambiguous_task_name_is_refused(name: str, words: str) -> None:
    _, problems = make(task_name=name)

    assert words in problems["task.task_name"]


@pytest.mark.parametrize("option", ["task_title", "task_description"])
def test_empty_words_for_workers_are_refused(option: str) -> None:
    _, problems = make(**{option: " "})

    assert "is empty" in problems[f"task.{option}"]


def test_a_mapping_of_texts_is_a_text_in_the_first_language_or_the_runs() -> None:
    texts = {"en": "A color", "de_AT": "Eine Farbe"}
    first, _ = make(task_title=texts)
    chosen, _ = make(task_title=texts, language="de")

    assert first is not None
    assert chosen is not None
    assert (first.task_title, chosen.task_title) == ("A color", "Eine Farbe")
    assert unstructure(chosen)["task_title"] == {"en": "A color", "de": "Eine Farbe"}
    assert unstructure(copy.deepcopy(chosen)) == unstructure(chosen)
    again, _ = make(task_title=chosen.task_title)
    assert again is not None
    assert again.task_title == "A color"


def test_a_mapping_without_texts_or_of_another_option_is_refused() -> None:
    _, problems = make(task_title={}, task_tags={"en": "a"}, contact={"de": "a" * 301})

    assert "write one text, or one per language" in problems["task.task_title"]
    assert "a mapping is not a string" in problems["task.task_tags"]
    assert problems["task.contact"] == "is not one line of at most 300 characters in de"


def test_every_faulty_option_is_named_at_once() -> None:
    _, problems = make(task_reward=-1, allowed_concurrent=-1, submission_timeout="soon", x=1)

    assert problems.keys() == {
        "task.task_reward",
        "task.allowed_concurrent",
        "task.submission_timeout",
        "task.x",
    }


seconds = st.integers(1, 2**31 - 1)
counts = st.integers(0, 2**31 - 1)
words = st.text(min_size=1).filter(lambda text: bool(text.strip()))


@settings(max_examples=50)
@given(
    st.builds(
        TaskArgs,
        task_name=st.none() | st.from_regex(r"[\w./-]{1,99}", fullmatch=True),
        task_title=words,
        task_description=words,
        task_reward=st.decimals(0, 10**9 - 1, places=2),
        task_tags=st.none() | st.text(),
        task_lifetime_in_seconds=seconds,
        assignment_duration_in_seconds=seconds,
        submission_timeout=seconds,
        no_submission_patience=seconds,
        allowed_concurrent=counts,
        maximum_units_per_worker=counts,
        max_num_concurrent_units=counts,
    )
)
def test_stored_task_options_make_the_same_options(args: TaskArgs) -> None:
    stored = json.loads(json.dumps(unstructure(args)))

    again, problems = structure(
        TaskArgs, stored, prefix="task", origins={}, task_dir=Path("/elsewhere")
    )

    assert problems == []
    assert again == args


@pytest.mark.parametrize("text", ["0.01", "0.5", "5", "100000"])
def test_estimated_minutes_are_exact(text: str) -> None:
    args, _ = make(estimated_minutes=Plain(text, float(text)))

    assert args is not None
    assert args.estimated_minutes == Decimal(text)


@pytest.mark.parametrize("text", ["0", "-1", "0.001", "100001", "1e999"])
def test_estimated_minutes_that_no_unit_takes_are_refused(text: str) -> None:
    _, problems = make(estimated_minutes=text)

    assert "is not a number of minutes from 0.01 to 100000" in problems["task.estimated_minutes"]
