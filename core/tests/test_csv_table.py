"""Tables in CSV files: what is read, and what people are shown of what spreadsheets get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus.csv_table import CsvColumns, CsvRow, read_csv_table, refuse_table
from famulus.errors import Problem, UsageError

STRICT = CsvColumns(required={"worker": ""}, optional=("value",), aliases={"worker id": "worker"})
LENIENT = CsvColumns(required={"worker": "or leave it out"}, ignores_others=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def read(file: Path, columns: CsvColumns = STRICT) -> tuple[list[CsvRow], list[str]]:
    problems: list[Problem] = []
    rows = [*read_csv_table(file, columns, problems)]
    return rows, [f"{problem.line}: {problem.message}" for problem in problems]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_have_their_line_and_their_stripped_values(file: Path, end: str) -> None:
    lines = ["\ufeff Worker ID ,VALUE,", "x , 1", "", '"y', 'z",', " ,", "last"]
    file.write_bytes(end.join(lines).encode())

    rows, problems = read(file)

    assert problems == []
    assert rows == [
        CsvRow(2, {"worker": "x", "value": "1"}),
        CsvRow(4, {"worker": f"y{end}z", "value": ""}),
        CsvRow(7, {"worker": "last", "value": ""}),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "1: is empty: its first line must name the columns"),
        (b"\n\n", "1: is empty: its first line must name the columns"),
        (b"worker;value\nx;1\n", "1: the separator looks like ';': save the file with commas"),
        (b"worker\tvalue\nx\t1\n", "1: the separator looks like a tab: save the file with commas"),
        (b'"worker";"value"\n"x";"1"\n', "1: the separator looks like ';': save the file with"),
        ("worker\nx\n".encode("utf-16-le"), "1: is UTF-16: save it as UTF-8, which Excel calls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "1: is an Excel workbook (.xls), not text"),
        ("worker\nx\n".encode("utf-16"), "1: is UTF-16: save it as UTF-8, which Excel calls"),
        (b"worker\nx\nJ\xfcrgen\n", "3: is not UTF-8 (byte 0xfc): save it as UTF-8"),
        (b"worker\n" + b"x\n" * 9000 + b"J\xfc\n", "9002: is not UTF-8 (byte 0xfc)"),
        (b"worker\nx\0\n", "2: contains a NUL character"),
        (b'worker\n"x\ny\n', "2: opens a quote that is never closed"),
        (b'worker\n"x"y\n', "2: is not CSV: ',' expected after '\"'"),
        (b"worker\n" + b"x" * 200_000, "2: has a value longer than 131,072 characters"),
        (b"worker,worker id\nx,y\n", "1: has the column 'worker' twice"),
        (b"wroker\nx\n", "1: there is no column 'worker'; is 'wroker' meant for it?"),
        (b"id,name\nx,y\n", "1: there is no column 'worker'; there are: id, name"),
        (b"worker,valeu\nx,1\n", "1: unknown column 'valeu'; did you mean 'value'?"),
        (b"worker,value\nx,1,2\n", "2: has 3 cells for 2 columns"),
        (b"worker,\nx,1\n", "2: has a value in column 2, which has no name"),
        (
            b'value,worker\n1, "x, y"\n',
            "2: has 3 cells for 2 columns; a quote after a space does not begin a quoted value: "
            "remove the space",
        ),
        (
            b'value,worker\n1, "x"\n',
            "2: worker: a quote after a space does not begin a quoted value",
        ),
    ],
)
def test_what_is_wrong_is_one_problem_with_its_line(
    file: Path, content: bytes, problem: str
) -> None:
    file.write_bytes(content)

    _, (found,) = read(file)

    assert found.startswith(problem)


def test_rows_around_a_wrong_one_are_read(file: Path) -> None:
    file.write_text("worker\nx\ny,1\nz\n")

    rows, problems = read(file)

    assert [row.values["worker"] for row in rows] == ["x", "z"]
    assert len(problems) == 1


def test_further_columns_are_ignored_where_they_are_allowed(file: Path) -> None:
    file.write_text('answer,worker,answer,\n "yes,x,,1\n')

    assert read(file, LENIENT) == ([CsvRow(2, {"worker": "x"})], [])


def test_missing_column_is_named_with_its_remedy(file: Path) -> None:
    file.write_text("name\nx\n")

    _, problems = read(file, LENIENT)

    assert problems == ["1: there is no column 'worker'; there are: name; or leave it out"]


def test_column_that_is_refused_is_named_with_the_reason(file: Path) -> None:
    file.write_text("worker,value\nx,1\n")
    columns = CsvColumns(required={"worker": ""}, refused={"value": "has a value already"})

    assert read(file, columns) == ([], ["1: has a value already"])


def test_file_that_cannot_be_read_is_an_error(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read(file)


def test_problems_are_raised_by_line_and_counted_above_twenty(file: Path) -> None:
    refuse_table(file, [])
    problems = [Problem("is wrong", file=file, line=line) for line in range(30, 0, -1)]

    with pytest.raises(UsageError) as caught:
        refuse_table(file, problems)

    *named, rest = caught.value.problems
    assert [problem.line for problem in named] == list(range(1, 21))
    assert rest.message == "and 10 more"
