"""What participants read on Prolific, whose descriptions are HTML."""

from __future__ import annotations

import pytest

from famulus.translation import LocalizedText
from prolific_bench import Bench

FORMATTED = "<p>Read <strong>all</strong> of it &amp; rate it.<br/>Thank you.</p>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is x<y & y > z? \"Yes\", or 'no'.", "Is x&lt;y &amp; y &gt; z? \"Yes\", or 'no'."),
        ("We pay < 1 hour, I <3 it, a<b>c", "We pay &lt; 1 hour, I &lt;3 it, a&lt;b&gt;c"),
        (FORMATTED, FORMATTED),
    ],
)
def test_text_stays_text_and_formatting_stays_formatting(
    bench: Bench, text: str, expected: str
) -> None:
    bench.task["task_description"] = text

    bench.provider.set_places(bench.run, 1)

    assert bench.study.fields["description"] == expected


def test_formatting_that_the_task_page_shows_as_text_is_named(bench: Bench) -> None:
    bench.task["task_description"] = FORMATTED

    (found,) = bench.provider.problems(bench.plan)

    assert (found.key, found.warning) == ("task.task_description", True)


@pytest.mark.parametrize(("language", "expected"), [(None, "Colors"), ("de-AT", "Farben")])
def test_a_study_is_in_the_language_of_the_run_or_the_first_one(
    bench: Bench, language: str | None, expected: str
) -> None:
    text = LocalizedText({"en": "Colors", "de": "Farben"})
    bench.task |= {"task_title": text, "task_description": text, "language": language}

    bench.provider.set_places(bench.run, 1)

    fields = bench.study.fields
    assert (fields["name"], fields["description"]) == (expected, expected)
