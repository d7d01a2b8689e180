"""Markup in values is shown as text, and never without a word; its author decides what it is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

import famulus
from famulus.contracts.plan import Role
from famulus_static_html.blueprint import StaticTaskBlueprint
from famulus_static_html.differences import is_code
from famulus_static_html.markup import has_markup, raw_fault
from famulus_static_html.options import SharedStaticTaskState, StaticTaskArgs

WORKER = famulus.WorkerView(id=1, name="<i>zoe</i>", provider_type="mock")
FIELD = "<input type=checkbox name=a value=1><input type=checkbox name=a value=2>"
PAGE = "<p>\n${text}</p><input name=b>"


class Task:
    """A task in a folder, from its page and its rows."""

    def __init__(self, folder: Path, page: str, rows: Any, kind: str = "csv", **args: Any) -> None:
        self.page, self.data = folder / "task.html", folder / f"data.{kind}"
        self.page.write_text(page)
        state = SharedStaticTaskState()
        if kind == "python":
            state = SharedStaticTaskState(static_task_data=rows)
        else:
            self.data.write_text(_written(rows, kind))
            args[f"data_{kind}"] = self.data
        context = famulus.Context(
            database=cast("Any", None), clock=famulus.system_clock, shared_state=state
        )
        self.blueprint = StaticTaskBlueprint(StaticTaskArgs(task_source=self.page, **args), context)

    def found(self) -> list[tuple[bool, int | None, str]]:
        """Return what a check finds, as (is it a warning, its line, its message)."""
        plan = famulus.Plan(
            task=famulus.TaskArgs(task_reward=Decimal("0.3")),
            blueprint=Role(type="static_task", args=self.blueprint.args),
            architect=Role(type="local", args=None),
            provider=Role(type="mock", args=None),
            shared_state=self.blueprint.context.shared_state,
            task_dir=Path(),
        )
        return [(one.warning, one.line, one.message) for one in self.blueprint.problems(plan)]

    def body(self, row: Mapping[str, Any]) -> str:
        """Return what a worker sees of a row."""
        unit = famulus.UnitView(id=1, assignment_id=1, index=0, data=row)
        return self.blueprint.task_page(famulus.TaskView(agent_id=7, worker=WORKER, unit=unit)).body

    def answers(self, row: Mapping[str, Any], *fields: tuple[str, str]) -> Any:
        """Return what is stored of a form with these fields."""
        unit = famulus.UnitView(id=1, assignment_id=1, index=0, data=row)
        attempt = famulus.AttemptView(agent_id=7, onboarding=False, unit=lambda: unit)
        return self.blueprint.read_answers(famulus.Form(fields=list(fields)), attempt)


def _written(rows: list[dict[str, Any]], kind: str) -> str:
    if kind == "csv":
        quoted = ['"' + row["text"].replace('"', '""') + '"' for row in rows]
        return "\n".join(["text", *quoted])
    return json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows))


def _rows(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text} for text in texts]


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "python"])
def test_rows_with_markup_are_counted_with_the_remedies(tmp_path: Path, kind: str) -> None:
    task = Task(tmp_path, PAGE, _rows("<b>x</b>", "AT&amp;T", "1 < 2 & 3", "plain"), kind)

    assert task.found() == [
        (
            True,
            2,
            "${text}: 2 of 4 rows have markup, shown as text; write ${text|raw}, or "
            "blueprint.trust_data=true, where you trust every row, or ${text|text} where text is "
            "meant",
        )
    ]


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "python"])
def test_form_fields_in_values_are_refused_until_the_author_decides(
    tmp_path: Path, kind: str
) -> None:
    task = Task(tmp_path, PAGE, _rows("x", "<b>x</b>", FIELD), kind)

    [(is_warning, line, message)] = task.found()

    assert (is_warning, line) == (False, 2)
    line_of = {"csv": 4, "json": 1, "jsonl": 3}
    first = f"line {line_of[kind]} of data.{kind}" if kind in line_of else "row 3"
    assert f"1 of 3 rows hold form fields (the first: {first})" in message
    assert "${text|raw}" in message
    assert "${text|text}" in message


@pytest.mark.parametrize(
    ("page", "args", "shown"),
    [
        ("${text|raw}<input name=b>", {}, FIELD),
        ("${text}<input name=b>", {"trust_data": True}, FIELD),
        ("${text|text}<input name=b>", {}, "&lt;input"),
        ("${ text | text }<input name=b>", {"trust_data": True}, "&lt;input"),
        ("${text}<input name=b>", {"trust_data": False}, "&lt;input"),
    ],
)
def test_a_decision_is_taken_without_a_word(
    tmp_path: Path, page: str, args: Mapping[str, Any], shown: str
) -> None:
    task = Task(tmp_path, page, _rows(FIELD, "<b>x</b>"), **args)

    assert task.found() == []
    assert task.body({"text": FIELD}).startswith(shown)


def test_answers_to_fields_in_values_are_kept(tmp_path: Path) -> None:
    task = Task(tmp_path, "${text|raw}<input name=b>", _rows(FIELD))

    assert task.answers({"text": FIELD}, ("a", "2"), ("b", "x")) == {"a": ["2"], "b": "x"}
    assert task.answers({"text": "x"}, ("a", "2"), ("b", "x")) == {"a": "2", "b": "x"}


def test_trusted_data_is_put_everywhere_as_it_is(tmp_path: Path) -> None:
    page = "<p onclick='f(${text}, `${i}`)' ${text}>${text}</p><script>g(${text})</script>"
    task = Task(tmp_path, page + "<input name=b>", _rows("'&amp;"), trust_data=True)

    assert task.found() == []
    assert task.body({"text": "1"}).startswith(
        "<p onclick='f(1, `${i}`)' 1>1</p><script>g(1)</script>"
    )


@pytest.mark.parametrize("trust_data", [True, None])
def test_a_workers_name_is_no_data(tmp_path: Path, trust_data: bool | None) -> None:
    page = "<p>${provider_worker_id}</p>${text}<input name=b>"
    task = Task(tmp_path, page, _rows("x"), trust_data=trust_data)

    assert task.body({"text": "x"}).startswith("<p>&lt;i&gt;zoe&lt;/i&gt;</p>x")


def test_trusted_data_do_not_let_a_workers_name_into_code(tmp_path: Path) -> None:
    page = "<p onclick='${provider_worker_id}'>${text}</p><input name=b>"
    task = Task(tmp_path, page, _rows("x"), trust_data=True)

    [(is_warning, _, message)] = task.found()

    assert not is_warning
    assert "decides which code is run" in message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("<b>x</b></form>", "</form>"),
        ("<form action=x>", "<form>"),
        ("<base href=x>", "<base>"),
        ("<!-- x", "<!--"),
        ("<b title='x>", "<b"),
        ("<script>x", "<script>"),
        ("<textarea>x", "<textarea>"),
        ("<plaintext>", "<plaintext>"),
        ("<select><option>x", "<select>"),
        ("<svg><path>", "<svg>"),
        ("<template>x", "<template>"),
    ],
)
def test_a_raw_value_may_not_swallow_or_end_the_form(
    tmp_path: Path, value: str, words: str
) -> None:
    task = Task(tmp_path, "<p>${text|raw}</p><input name=b>", _rows("<b>x", value, value))

    [(is_warning, line, message)] = task.found()

    assert (is_warning, line) == (False, 1)
    assert words in message
    assert "line 3" in message
    assert "(2 rows" in message


def test_whole_markup_can_be_raw() -> None:
    for text in ("<ul><li>x</ul>", "</div><div>", "<svg/>", "<select><option>x</select>", "a < b"):
        assert raw_fault(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b > c", False),
        ("<3", False),
        ("a & b; c", False),
        ("?a=1&copy=2", False),
        ("&nosuchthing;", False),
        ("<br>", True),
        ("x</b\n>", True),
        ("<!-- x -->", True),
        ("&#39;", True),
        ("&eacute;", True),
    ],
)
def test_markup_is_recognized_as_by_a_browser(text: str, expected: bool) -> None:
    assert has_markup(text) is expected


def test_values_in_quotes_and_code_are_not_counted(tmp_path: Path) -> None:
    page = "<p title='${text}'></p><textarea name=b>${text}</textarea><script>f('${text}')</script>"

    assert Task(tmp_path, page, _rows("<b>x</b>")).found() == []


@pytest.mark.parametrize(
    "page",
    [
        "<input type=radio name=b value='${text}'>",
        "<input name=b><a href='/look?${text}'>x</a>",
        "<input name=b><img alt='a picture of ${text}'>",
        "<textarea name=b>\n${text}</textarea>",
        "<body title='${text}'><input name=b>",
    ],
)
def test_entities_that_stay_as_they_are_written_are_counted(tmp_path: Path, page: str) -> None:
    rows = _rows("AT&amp;T", "a & b", "?a=1&copy=2", "<b>x</b>", "&#39;")

    [(is_warning, _, message)] = Task(tmp_path, page, rows).found()

    assert is_warning
    assert message.startswith("${text}: 2 of 5 rows have entities such as &amp;")
    for how in ("raw", "text"):
        decided = page.replace("${text}", f"${{text|{how}}}")
        assert Task(tmp_path, decided, _rows("AT&amp;T")).found() == []
    for trust in (True, False):
        assert Task(tmp_path, page, rows, trust_data=trust).found() == []


def test_a_number_or_json_is_no_doubt_in_code(tmp_path: Path) -> None:
    page = "<script>let n = ${text};</script><input name=b>"

    assert Task(tmp_path, page, _rows("7", "[1, 2]", "x")).found() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a', 'b'", True),
        ('"a","b",', True),
        ("1, 2.5, -3e4", True),
        ("true, null", True),
        ('"it is"', True),
        ("'it\\'s'", True),
        ("{a: 1}", True),
        ("{'a': [1, 'two']}", True),
        ("['a']", True),
        ("7", False),
        ("[1, 2]", False),
        ('{"a": 1}', False),
        ("it's 5, or 'six'", False),
        ("a, b", False),
        ("1, ", False),
        ("", False),
    ],
)
def test_code_that_is_no_json_is_recognized(text: str, expected: bool) -> None:
    assert is_code(text) is expected


def test_values_that_are_code_on_mturk_are_counted_with_the_remedies(tmp_path: Path) -> None:
    page = "<script>let n = [${text}];</script><input name=b>"
    rows = _rows("7", "'a', 'b'", "{a: 1}")

    [(is_warning, _, message)] = Task(tmp_path, page, rows, "csv").found()

    assert is_warning
    assert message == (
        "${text}: 2 of 3 rows have code other than a number, a truth value, a list or an object of "
        "JSON (the first: line 3 of data.csv), inserted as one string; write ${text|raw}, or "
        "blueprint.trust_data=true, where you trust every row, or ${text|text} where a string is "
        "meant"
    )
    for how in ("raw", "text"):
        decided = page.replace("${text}", f"${{text|{how}}}")
        assert Task(tmp_path, decided, rows).found() == []
    for trust in (True, False):
        assert Task(tmp_path, page, rows, trust_data=trust).found() == []


_ESCAPES = "which stays one in this string, where MTurk makes \\n a line break"
_PATTERN = "which this regular expression takes literally"
_PARAMETER = "which end this parameter of the address, as on MTurk"


@pytest.mark.parametrize(
    ("page", "values", "happens"),
    [
        ("<script>f('${text}')</script>", ["it\\'s", "C:\\new"], _ESCAPES),
        ("<script>f(`a ${text}`)</script>", ["a\\nb", "\\u00e9"], _ESCAPES),
        ('<script>f(JSON.parse("${text}"))</script>', ['{\\"a\\": 1}'], _ESCAPES),
        ('<script type=application/json>{"a": "${text}"}</script>', ['say \\"hi\\"'], _ESCAPES),
        ("<button type=button onclick=\"f('${text}')\">a</button>", ["it\\'s"], _ESCAPES),
        ("<p :title=\"'${text}'\"></p>", ["it\\'s"], _ESCAPES),
        ("<script>s.replace(/${text}/g, '')</script>", ["[ab]", "a.c", "x|y", "\\d"], _PATTERN),
        ("<script>s.match(/^${text}$/)</script>", ["a+"], _PATTERN),
        ("<button type=button onclick='/a${text}/.test(a)'>a</button>", ["a?"], _PATTERN),
        ("<a href='https://host/?q=${text}'>a</a>", ["a & b", "C#", "a&b=1"], _PARAMETER),
        ("<img src='https://host/?a=1&amp;q=${text}'>", ["a & b"], _PARAMETER),
        ("<a href='https://host/?n=1&q=${text}'>a</a>", ["R&D"], _PARAMETER),
        ("<button type=button onclick='f(${text})'>a</button>", ["1, 2"], "inserted as one string"),
    ],
)
def test_values_that_mean_something_else_in_their_place_are_counted_with_the_remedies(
    tmp_path: Path, page: str, values: list[str], happens: str
) -> None:
    page += "<input name=b>"
    rows = [{"text": text, "n": "1"} for text in ["plain", *values]]

    [(is_warning, _, message)] = Task(tmp_path, page, rows, "csv").found()

    assert is_warning
    assert message.startswith(f"${{text}}: {len(values)} of {len(rows)} rows have ")
    assert f"(the first: line 3 of data.csv), {happens}" in message
    for how in ("raw", "text"):
        assert f"${{text|{how}}}" in message
        decided = page.replace("${text}", f"${{text|{how}}}")
        assert not [each for each in Task(tmp_path, decided, rows).found() if each[0]]
    for trust in (True, False):
        assert not [
            each for each in Task(tmp_path, page, rows, trust_data=trust).found() if each[0]
        ]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<script>f('${text}')</script>", 'it\'s 50% (a|b) & "c"'),
        ("<script>s.match(/${text}/)</script>", "two-word names/and more, e_g"),
        ("<script>s.match(/\\${text}/)</script>", "[ab]"),
        ("<a href='https://host/?q=${text}'>a</a>", "a+b c%20d/e?"),
        ("<a href='https://host/${text}'>a</a>", "a&b"),
        ("<a href='${text}'>a</a>", "https://host/?a=1&b=2"),
        ("<a href='https://host/?${text}'>a</a>", "a=1&b=2"),
        ("<a href='https://host/#q=${text}'>a</a>", "a&b"),
        ("<p>${text}</p>", "a\\nb"),
        ("<p title='/${text}/'></p>", "[ab]"),
    ],
)
def test_values_that_mean_the_same_in_their_place_are_no_doubt(
    tmp_path: Path, page: str, text: str
) -> None:
    assert Task(tmp_path, page + "<input name=b>", _rows(text)).found() == []


def test_a_value_of_python_keeps_its_type_in_code(tmp_path: Path) -> None:
    page = "<script>let n = ${n};</script><input name=b>"

    assert Task(tmp_path, page, [{"n": 7}, {"n": [1]}, {"n": None}], "python").found() == []


def test_a_preview_is_judged_by_the_row_that_it_shows(tmp_path: Path) -> None:
    (tmp_path / "preview.html").write_text("${text}")
    preview = tmp_path / "preview.html"
    page = "${text|text}<input name=b>"

    quiet = Task(tmp_path, page, _rows("x", "<b>x</b>"), preview_source=preview)
    assert quiet.found() == []
    [(is_warning, _, message)] = Task(
        tmp_path, page, _rows("<b>x</b>", "x"), preview_source=preview
    ).found()

    assert is_warning
    assert "1 of 1 rows" in message


def test_rows_of_a_generator_are_judged_as_they_are_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from _rows("x", "<b>x</b>", "<b>y</b>", FIELD)

    task = Task(tmp_path, PAGE, rows(), "python")
    assert task.found() == []

    with caplog.at_level(logging.WARNING):
        loading = task.blueprint.assignments()
        assert [next(loading)["text"] for _ in range(3)] == ["x", "<b>x</b>", "<b>y</b>"]
        with pytest.raises(famulus.UsageError, match=r"hold form fields \(the first: row 4\)"):
            next(loading)

    assert [record.message.count("have markup") for record in caplog.records] == [1]


def test_a_generators_row_may_not_fill_code(tmp_path: Path) -> None:
    page = "<script type=module>import '${text}'</script><input name=b>"
    task = Task(tmp_path, page, iter(_rows("x")), "python")
    assert task.found() == []

    with pytest.raises(famulus.UsageError, match="which code is run"):
        next(task.blueprint.assignments())


def test_choices_in_values_are_refused_until_the_author_decides(tmp_path: Path) -> None:
    page = "<select name=choice>${text}</select>"
    rows = _rows("<option>a</option><option>b</option>")

    [(is_warning, _, message)] = Task(tmp_path, page, rows, "csv").found()

    assert not is_warning
    assert "1 of 1 rows hold form fields" in message
