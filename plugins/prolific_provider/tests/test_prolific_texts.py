"""What participants read on Prolific, whose descriptions are HTML."""

from __future__ import annotations

import pytest

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
