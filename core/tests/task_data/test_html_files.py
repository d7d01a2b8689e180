"""HTML files as people have them: in many encodings, and in the XML of MTurk's API."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus.errors import UsageError
from famulus.task_data.html_files import read_html

QUESTION = """<?xml version="1.0"?>
<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/x.xsd">
  <HTMLContent>{}</HTMLContent>
  <FrameHeight>450</FrameHeight>
</HTMLQuestion>
"""


def _read(folder: Path, content: str | bytes) -> str:
    file = folder / "task.html"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_html(file)


@pytest.mark.parametrize(
    "content",
    [
        "é “${a}”\n".encode(),
        "é “${a}”\r\n".encode("utf-8-sig"),
        "é “${a}”\r".encode("utf-16"),
        b"\xfe\xff" + "é “${a}”\n".encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8-mark", "utf-16", "utf-16-be"],
)
def test_files_in_unicode_are_read(tmp_path: Path, content: bytes) -> None:
    assert _read(tmp_path, content) == "é “${a}”\n"


@pytest.mark.parametrize("named", ["windows-1252", "ISO-8859-1", "latin1", "us-ascii"])
def test_a_named_encoding_is_read_as_browsers_read_it(tmp_path: Path, named: str) -> None:
    page = f'<meta http-equiv="Content-Type" content="text/html; charset={named}">é “a”'

    assert _read(tmp_path, page.encode("windows-1252")) == page


@pytest.mark.parametrize(
    ("named", "encoding", "text"),
    [
        ("Shift_JIS", "cp932", "①ソ髙"),
        ("x-sjis", "cp932", "①ソ髙"),
        ("Windows-31J", "cp932", "①ソ髙"),
        ("x-euc-jp", "euc_jp", "日本"),
        ("gb2312", "gb18030", "镕€"),
        ("x-gbk", "gb18030", "镕"),
        ("euc-kr", "cp949", "똠"),
        ("ks_c_5601-1987", "cp949", "똠"),
        ("big5", "big5hkscs", "𠝹"),
        ("iso-8859-9", "cp1254", "ğé“"),
        ("tis-620", "cp874", "ก…"),
        ("x-cp1251", "cp1251", "я"),
        ("x-mac-roman", "mac_roman", "é"),
        ("koi8-r", "koi8-r", "я"),
    ],
)
def test_encodings_and_their_names_are_those_of_browsers(
    tmp_path: Path, named: str, encoding: str, text: str
) -> None:
    page = f"<meta charset={named}><p>{text}"

    assert _read(tmp_path, page.encode(encoding)) == page


def test_text_in_utf_8_is_read_so_although_it_names_another_encoding(tmp_path: Path) -> None:
    assert _read(tmp_path, "<meta charset=iso-8859-1>é") == "<meta charset=iso-8859-1>é"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("a\ncafé".encode("cp1252"), 2, "not UTF-8 (byte 0xe9): save it as UTF-8, or name its enc"),
        ("<meta charset=no-such>\né".encode("cp1252"), 2, '<meta charset="windows-1252">'),
        ("<meta charset=hex>\né".encode("cp1252"), 2, "not UTF-8"),
        ("<meta charset=undefined>\né".encode("cp1252"), 2, "not UTF-8"),
        ("<meta charset=utf-16>\né".encode("cp1252"), 2, "not UTF-8"),
        (b"<meta charset=big5>\n\n" + b"\xff\xff", 3, "not big5"),
        ("<p>a</p>".encode("utf-16-le"), 1, "UTF-16 without a byte order mark"),
        (b"\xff\xfea", 1, "begins like UTF-16 but is not"),
        ("a\n\n\0b", 3, "NUL"),
        (b"\x1f\x8b\x08\x00", 1, "is a compressed file"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, line: int, said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        _read(tmp_path, content)

    (problem,) = refused.value.problems
    assert (problem.file, problem.line) == (tmp_path / "task.html", line)
    assert said in problem.message


def test_a_question_of_the_api_is_the_page_in_it_on_the_same_lines(tmp_path: Path) -> None:
    page = "<![CDATA[\n<p>${a} &amp; b</p>\n]]>"

    assert _read(tmp_path, QUESTION.format(page)) == "\n\n\n<p>${a} &amp; b</p>\n"


@pytest.mark.parametrize(
    ("content", "page"),
    [
        ("&lt;p&gt;${a} &amp;amp; b&lt;/p&gt;", "<p>${a} &amp; b</p>"),
        ("<p>${a} &amp; b</p>", "<p>${a} &amp; b</p>"),
        ("<![CDATA[x = ']]]]><![CDATA[>';]]>", "x = ']]>';"),
    ],
    ids=["escaped", "as-it-is", "several-sections"],
)
def test_all_ways_to_write_the_page_of_a_question_are_read(
    tmp_path: Path, content: str, page: str
) -> None:
    assert _read(tmp_path, QUESTION.format(content)) == "\n\n" + page


def test_a_page_that_only_mentions_a_question_is_no_question(tmp_path: Path) -> None:
    page = f"<pre>{QUESTION.format('x')}</pre>"

    assert _read(tmp_path, page) == page
