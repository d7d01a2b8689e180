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


#: Each encoding with its labels and a character of its own; WHATWG, Encoding Standard, section 4.2.
LABELS = {
    ("cp866", "ж"): "866 cp866 csibm866 ibm866",
    ("iso8859-2", "ą"): "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 "
    "iso_8859-2:1987 l2 latin2",
    ("iso8859-3", "ħ"): "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 "
    "iso_8859-3:1988 l3 latin3",
    ("iso8859-4", "ą"): "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 l4 latin4",
    ("iso8859-5", "ж"): "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso88595 iso_8859-5",
    ("iso8859-6", "ب"): "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 "
    "iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127 iso88596 iso_8859-6:1987",
    ("iso8859-7", "λ"): "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 "
    "iso88597 iso_8859-7:1987 sun_eu_greek",
    ("iso8859-8", "ש"): "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 "
    "iso88598 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    ("iso8859-10", "ą"): "csisolatin6 iso-8859-10 iso-ir-157 iso885910 l6 latin6",
    ("iso8859-13", "ą"): "iso-8859-13 iso8859-13 iso885913",
    ("iso8859-14", "ŵ"): "iso-8859-14 iso8859-14 iso885914",
    ("iso8859-15", "€"): "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    ("iso8859-16", "ș"): "iso-8859-16",
    ("koi8-r", "ж"): "cskoi8r koi koi8 koi8-r koi8_r",
    ("koi8-u", "ґ"): "koi8-ru koi8-u",
    ("mac-roman", "é"): "csmacintosh mac macintosh x-mac-roman",
    ("mac-cyrillic", "ж"): "x-mac-cyrillic x-mac-ukrainian",
    ("cp874", "ก"): "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    ("cp1250", "ą"): "cp1250 windows-1250 x-cp1250",
    ("cp1251", "ж"): "cp1251 windows-1251 x-cp1251",
    ("cp1252", "“"): "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 "
    "iso88591 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    ("cp1253", "λ"): "cp1253 windows-1253 x-cp1253",
    ("cp1254", "ğ"): "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso88599 iso_8859-9:1989 l5 latin5 "
    "windows-1254 x-cp1254",
    ("cp1255", "ש"): "cp1255 windows-1255 x-cp1255",
    ("cp1256", "ب"): "cp1256 windows-1256 x-cp1256",
    ("cp1257", "ą"): "cp1257 windows-1257 x-cp1257",
    ("cp1258", "ơ"): "cp1258 windows-1258 x-cp1258",
    ("gb18030", "镕"): "chinese csgb2312 csiso58gb231280 gb18030 gb2312 gb_2312 gb_2312-80 gbk "
    "iso-ir-58 x-gbk",
    ("big5hkscs", "𠝹"): "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    ("euc_jp", "日"): "cseucpkdfmtjapanese euc-jp x-euc-jp",
    ("cp932", "①"): "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    ("cp949", "똠"): "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 "
    "ksc5601 ksc_5601 windows-949",
}


@pytest.mark.parametrize(
    ("label", "encoding", "text"),
    [(label, *encoding) for encoding, labels in LABELS.items() for label in labels.split()],
)
def test_every_label_of_browsers_names_their_encoding(
    tmp_path: Path, label: str, encoding: str, text: str
) -> None:
    page = f"<meta charset={label.upper()}><p>{text}"

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
