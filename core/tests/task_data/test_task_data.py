"""Data files are read row by row, and what is wrong in them is named by its line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import famulus
from famulus.task_data.coverage import Coverage
from famulus.task_data.csv_rows import check_csv, read_csv
from famulus.task_data.given_rows import check_rows, checked_rows, row_fault, shape_fault
from famulus.task_data.json_rows import read_json, read_jsonl
from famulus.task_data.json_stream import json_items
from famulus.task_data.reports import CollectingReport, RaisingReport
from famulus.task_data.sources import DataFile
from famulus.task_data.text_files import check_text

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes) -> Path:
        path = tmp_path / "data"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def _csv_problems(path: Path) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.message) for problem in _checked(path)]


def _checked(path: Path) -> Sequence[famulus.Problem]:
    report = CollectingReport(path)
    check_csv(path, report)
    return report.problems


def _problems(
    reader: Callable[..., Iterator[tuple[int, Any]]], path: Path
) -> list[tuple[int | None, str]]:
    report = CollectingReport(path)
    for _ in reader(path, report):
        pass
    return [(problem.line, problem.message) for problem in report.problems]


def _rows(reader: Callable[..., Iterator[tuple[int, Any]]], path: Path) -> list[tuple[int, Any]]:
    return list(reader(path, RaisingReport(path)))


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_csv_with_and_without_a_mark_at_its_start(write: Write, bom: str) -> None:
    path = write(bom + 'id, text\r\n1,"a\r\n""b"", c"\r\n\r\n2,é\r\n')

    assert not _csv_problems(path)
    assert _rows(read_csv, path) == [
        (2, {"id": "1", "text": 'a\r\n"b", c'}),
        (5, {"id": "2", "text": "é"}),
    ]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", 1, "is empty"),
        ("\n\n", 1, "is empty"),
        ("a,b\n", 1, "a header and no rows"),
        ("a,b\n1,2\n1,2,3\n", 3, "too many fields: 3, where the header has 2"),
        ("a,b\n'x\n1\n", 2, "too few fields: 1, where the header has 2"),
        ('a,b\n"x\ny",2\n1\n', 4, "too few fields"),
        ("a, a,b\n1,2,3\n", 1, "the column 'a' more than once"),
        ("a,,b\n1,2,3\n", 1, "column 2 has no name"),
        ('a,b\n1,2\n1,"x\ny\n', 3, "a quote that is never closed"),
        ('a,b\n1,"x"y\n', 2, "is not CSV"),
        (b"a,b\n1,2\n1,\xff\n", 3, "is not UTF-8 (byte 0xff)"),
        (b"a,b\n1,2\n1,\xc3", 3, "is not UTF-8"),
        ("a,b\n1,2\n1,\0\n", 3, "NUL"),
        ("a,b,,\n1,2,,\n1,2,,x\n1,2,y,\n", 3, "a value in column 4, which has no name"),
        (",,\n1,2,3\n", 1, "no name of a column"),
        (",a,,b\n0,1,2,3\n", 1, "column 3 has no name"),
        (",a,b\n0,1\n", 2, "too few fields: 2, where the header has 3"),
        ("a,b\n,\n , \n", 1, "a header and no rows"),
        ('a,b\n1,"x\ny\n', 2, "a quote that is never closed"),
        (b"\xff\xfea\0,\0b\0\n\0\0", 2, "begins like UTF-16 but is not"),
        ("sep=;\na;b\n1;2\n1\n", 4, "too few fields: 1, where the header has 2"),
        (
            'a,b\n1, "x, y"\n',
            2,
            "a quote after a space does not begin a quoted value: remove the space",
        ),
    ],
)
def test_faults_of_csv_have_their_line(
    write: Write, content: str | bytes, line: int, words: str
) -> None:
    problems = [problem for problem in _checked(write(content)) if not problem.warning]

    assert problems[0].line == line
    assert words in problems[0].message
    assert len({problem.message for problem in problems}) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a;b\n1;x, y\n", "';'"),
        ("\ufeffa;b\r\n1;x, y\r\n", "';'"),
        ("a\tb\n1\tx, y\n", "a tab"),
        ("a|b\n1|x, y\n", "'|'"),
        ('"a";"b"\n"1";"x, y"\n', "';'"),
    ],
)
def test_other_separators_of_spreadsheets_are_read_with_a_warning(
    write: Write, content: str, words: str
) -> None:
    path = write(content)

    (warning,) = _checked(path)

    assert warning.warning
    assert (warning.line, f"is read with {words} between" in warning.message) == (1, True)
    assert _rows(read_csv, path) == [(2, {"a": "1", "b": "x, y"})]


@pytest.mark.parametrize(
    "content", [",a,b\n0,1,x\n1,2,y\n", ',"a","b"\r\n"0","1","x"\r\n,,\r\n1,2,y,\r\n']
)
def test_index_of_pandas_is_left_out_with_a_warning(write: Write, content: str) -> None:
    path = write(content)

    found = _checked(path)

    assert all(problem.warning for problem in found)
    assert (found[0].line, "column 1 has no name" in found[0].message) == (1, True)
    assert [row for _, row in _rows(read_csv, path)] == [
        {"a": "1", "b": "x"},
        {"a": "2", "b": "y"},
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_first_line_of_excel_names_the_separator(write: Write, separator: str) -> None:
    path = write(f'\ufeffsep={separator}\r\na{separator}b\r\n1{separator}"x\r\ny"\r\n')

    assert not _checked(path)
    assert _rows(read_csv, path) == [(3, {"a": "1", "b": "x\r\ny"})]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_is_read(write: Write, codec: str) -> None:
    mark = "" if codec == "utf-16" else "\ufeff"
    path = write(f"{mark}a\tb\r\n1\té 漢\r\n".encode(codec))

    assert all(problem.warning for problem in _checked(path))
    assert _rows(read_csv, path) == [(2, {"a": "1", "b": "é 漢"})]


@pytest.mark.parametrize("option", ["data_csv", "data_jsonl", "data_json"])
def test_encoding_that_an_option_names(write: Write, option: str) -> None:
    content = {
        "data_csv": "a,b\n1,“é”\n",
        "data_jsonl": '{"a": "1", "b": "“é”"}\n',
        "data_json": '[{"a": "1", "b": "“é”"}]',
    }[option]
    path = write(content.encode("windows-1252"))

    (problem,) = DataFile(option, path, "utf-8").check(()).problems
    named = DataFile(option, path, "windows-1252")

    assert "blueprint.data_encoding=windows-1252" in problem.message
    assert not named.check(()).problems
    assert list(named.rows()) == [{"a": "1", "b": "“é”"}]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_named_with_two_remedies(write: Write, codec: str) -> None:
    path = write("id,text\n1,Grüße 漢字\n".encode(codec))

    (plain,) = DataFile("data_csv", path).check(()).problems
    (problem,) = DataFile("data_csv", path, "utf-8").check(()).problems
    named = DataFile("data_csv", path, codec)

    assert "is UTF-16 without a byte order mark" in plain.message
    assert "“CSV UTF-8”" in plain.message
    assert "data_encoding" not in plain.message
    assert problem.message.endswith(f"blueprint.data_encoding={codec}")
    assert not named.check(()).problems
    assert list(named.rows()) == [{"id": "1", "text": "Grüße 漢字"}]


@pytest.mark.parametrize("option", ["data_csv", "data_jsonl", "data_json"])
@pytest.mark.parametrize("encoding", ["windows-1252", None])
def test_workbook_is_named_with_a_remedy(write: Write, option: str, encoding: str | None) -> None:
    path = write(b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml\x9c\xff")

    (problem,) = DataFile(option, path, encoding).check(()).problems

    assert problem.line == 1
    assert problem.message.startswith("is an Excel workbook (.xlsx), not text: save it in Excel as")


@pytest.mark.parametrize("first", ['{"source": "a, b"}', ' {"source-ref": "a", "n": 1}'])
def test_json_lines_that_are_given_as_csv_are_named_with_a_remedy(write: Write, first: str) -> None:
    path = write(f'{first}\n{{"source": "c"}}\n')

    (problem,) = _checked(path)

    assert (problem.line, problem.message) == (1, "is JSON and not CSV: give it as data_jsonl")
    assert not DataFile("data_jsonl", path).check(()).problems
    assert not _checked(write('{a},"{b}"\n1,2\n'))


@pytest.mark.parametrize("encoding", ["no such", "rot13", "base64", ""])
def test_encoding_that_does_not_exist(write: Write, encoding: str) -> None:
    (problem,) = DataFile("data_csv", write("a\n1\n"), encoding).check(()).problems

    assert repr(encoding) in problem.message


@pytest.mark.parametrize("separator", [";", "|", "\t"])
@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("Text{} please read it", ["a", "b"]),
        ("Text{} please read it", ["a", "b{}c", '"d{}"']),
        ('"Text{} please read it"', ["a{}b", "c{}d"]),
    ],
)
def test_name_of_the_only_column_may_contain_another_separator(
    write: Write, header: str, rows: list[str], separator: str
) -> None:
    lines = [line.format(separator) for line in (header, *rows)]
    path = write("\n".join(lines))

    assert not _checked(path)
    (name, *values) = (line.strip('"') for line in lines)
    assert [row for _, row in _rows(read_csv, path)] == [{name: value} for value in values]


@pytest.mark.parametrize("content", ["a;b\n", "\ufeffa;b\n1\n", 'a;b\n"1;2\n'])
def test_separator_is_not_guessed_without_a_row_that_it_separates(
    write: Write, content: str
) -> None:
    assert not any("between the fields" in problem.message for problem in _checked(write(content)))


def test_rows_in_which_every_field_is_empty_are_left_out_and_counted(write: Write) -> None:
    path = write("a,b\n1,\n,\n2,x\n , \n,,,\n")

    (warning,) = _checked(path)

    assert warning.warning
    assert (warning.line, warning.message) == (
        3,
        "3 rows left out in which every field is empty",
    )
    assert _rows(read_csv, path) == [(2, {"a": "1", "b": ""}), (4, {"a": "2", "b": "x"})]


@pytest.mark.parametrize("header", ["a,b,,", "a,b, ,,"])
def test_unnamed_columns_at_the_end_are_dropped_where_they_are_empty(
    write: Write, header: str
) -> None:
    path = write(f"{header}\n1,2\n3,4,\n5,6,,\n")

    assert not _checked(path)
    assert [list(row.values()) for _, row in _rows(read_csv, path)] == [
        ["1", "2"],
        ["3", "4"],
        ["5", "6"],
    ]


def test_a_comma_at_the_end_that_may_be_a_part_of_a_text_is_warned_of(write: Write) -> None:
    """Spreadsheets write one for empty cells; a person may have forgotten the quotes."""
    path = write("id,text\n1,Is this right,\n2,fine\n3,or this,,\n")

    (warning,) = _checked(path)

    assert (warning.warning, warning.line) == (True, 2)
    assert "(as on 1 more): the comma is dropped" in warning.message
    assert [row["text"] for _, row in _rows(read_csv, path)] == ["Is this right", "fine", "or this"]


def test_value_with_a_quote_after_a_space_is_kept_with_a_warning(write: Write) -> None:
    path = write('a,b\n1, "x"\n2, "y"\n')

    (warning,) = _checked(path)

    assert warning.warning
    assert "space before a quote" in warning.message
    assert "(as on 1 more)" in warning.message
    assert _rows(read_csv, path)[0] == (2, {"a": "1", "b": ' "x"'})


def test_a_value_too_long_for_csv_names_the_way_out(write: Write) -> None:
    path = write("a\n1\n" + "x" * (csv.field_size_limit() + 1) + "\n")

    problems = _csv_problems(path)

    assert [line for line, _ in problems] == [3]
    assert "data_jsonl" in problems[0][1]


def test_many_problems_are_cut_and_counted(write: Write) -> None:
    problems = _csv_problems(write("a,b\n" + "1\n" * 50))

    assert len(problems) == 21
    assert problems[-1][1] == "and 30 more"


def test_bytes_cut_by_the_end_of_a_block_are_counted_right(write: Write) -> None:
    path = write(b"x" * ((1 << 20) - 1) + "é\n".encode() + b"\xff")
    report = CollectingReport(path)

    assert not check_text(path, report)
    assert report.problems[0].line == 2


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", 1, "is empty"),
        ('{"a": 1}\n\n{"a": 2}\n', 2, "blank line"),
        ('{"a": 1}\n[1]\n', 2, "is not an object but [1]"),
        ('{"a": 1}\n{"a": }\n', 2, "is not JSON: Expecting value at column 7"),
        ('{"a": NaN}\n', 1, "NaN is not JSON"),
        ('{"a": "\\ud800"}\n', 1, "surrogate"),
        ("[" * 100_000 + "\n", 1, "is not JSON"),
    ],
)
def test_faults_of_jsonl_have_their_line(write: Write, content: str, line: int, words: str) -> None:
    problems = _problems(read_jsonl, write(content))

    assert problems[0][0] == line
    assert words in problems[0][1]


def test_jsonl_goes_on_after_a_bad_line(write: Write) -> None:
    path = write('\ufeff{"a": "\\ud83d\\ude00"}\n5\n{"a": 2}')
    report = CollectingReport(path)

    rows = list(read_jsonl(path, report))

    assert rows == [(1, {"a": "\U0001f600"}), (3, {"a": 2})]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", 1, "is not a list"),
        ('{"a": 1}', 1, "is not a list"),
        ("\n[ ]", 2, "has no rows"),
        ('[\n{"a": 1},\n7,\n{"a": 2}]', 3, "is not an object but 7"),
        ('[\n{"a": 1}\n{"a": 2}]', 3, "where a comma"),
        ('[\n{"a": 1},\n', 3, "cut off"),
        ('[\n{"a": 1}\n', 3, "cut off"),
        ('[\n{"a":\n', 3, "begins on line 2: it is cut off"),
        ('[\n{"a": "x', 2, "Unterminated string"),
        ('[\n{"a": 1,\n"b": x}]', 3, "is not JSON: Expecting value"),
        ('[{"a": 1},\n]', 2, "a comma in front of the end"),
        ('[{"a": 1}]\nx', 2, "goes on after the end"),
        ('[{"a": -Infinity}]', 1, "-Infinity is not JSON"),
        ('[\n{"a": "\\udc00"}]', 2, "surrogate"),
    ],
)
def test_faults_of_json_have_their_line(write: Write, content: str, line: int, words: str) -> None:
    problems = _problems(read_json, write(content))

    assert problems[0][0] == line
    assert words in problems[0][1]
    assert len(problems) == 1


def test_json_items_of_any_size_come_out_whole(write: Write) -> None:
    items = [{"n": number, "text": "é" * (number * 7919 % 100_000)} for number in range(60)]
    path = write("\ufeff " + json.dumps(items, ensure_ascii=False, indent=1) + "\n")

    assert [row for _, row in _rows(read_json, path)] == items


def test_a_broken_item_does_not_read_on(write: Write) -> None:
    path = write('[{"a": x},' + " " * 1_000_000 + "]")

    with path.open(encoding="utf-8") as file:
        assert not list(json_items(file, CollectingReport(path)))
        assert file.tell() < 500_000


@pytest.mark.parametrize("option", ["data_json", "data_jsonl"])
def test_rows_that_lack_a_used_column_are_named(write: Write, option: str) -> None:
    rows = [{"a": 1, "b": 2}, {"a": 1}, {"a": 1}, {"a": 1}, {"a": 1}, {"a": 1, "b": 1}]
    text = "\n".join(map(json.dumps, rows))
    path = write(text if option == "data_jsonl" else f"[{text.replace('}', '},')[:-1]}]")

    check = DataFile(option, path).check({"a", "b"})

    assert [(problem.line, problem.message) for problem in check.problems] == [
        (2, "has no b, which the page uses (nor have lines 3, 4 and 1 more)")
    ]


def test_a_file_that_changed_after_its_check_stops_the_loading(write: Write) -> None:
    path = write("a,b\n1,2\n3\n")
    rows = DataFile("data_csv", path).rows()

    assert next(rows) == {"a": "1", "b": "2"}
    with pytest.raises(famulus.UsageError, match="too few fields") as raised:
        next(rows)
    assert raised.value.problems[0].line == 3


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("abc", "not str"),
        ({"a": 1}, "not dict"),
        (5, "not int"),
        (list, "call it"),
        ([], "has no rows"),
    ],
)
def test_values_that_are_not_rows_are_refused(rows: Any, words: str) -> None:
    fault = shape_fault(rows)

    assert fault is not None
    assert words in fault


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1], "is not a dict but list"),
        ({1: 2}, "the key 1"),
        ({"a": {1, 2}}, "'a' that JSON cannot hold"),
        ({"a": float("nan")}, "'a' that JSON cannot hold"),
        ({"a": "\ud800"}, "'a' that JSON cannot hold"),
    ],
)
def test_rows_json_cannot_hold_are_refused(row: Any, words: str) -> None:
    assert words in str(row_fault(row))


def test_a_list_is_checked_whole() -> None:
    report = CollectingReport(None, "static_task_data")

    check_rows([{"a": 1}, 5, {"a": set()}], Coverage(frozenset({"a"})).see, report)

    assert [problem.message.split(" ")[1] for problem in report.problems] == ["2", "3"]


def test_a_generator_stops_at_its_bad_row() -> None:
    rows = checked_rows(iter([{"a": 1}, {"b": 1}]), {"a"}, "shared_state.rows")

    assert next(rows) == {"a": 1}
    with pytest.raises(famulus.UsageError, match="row 2 lacks a"):
        next(rows)
