"""famulus form preview: the page of a form for its author, and what would be exported."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from html import unescape
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

import famulus
from famulus.testing import run_command
from famulus_form.command import form
from famulus_form.preview import FormPreview, data_beside
from famulus_form.preview_server import PreviewServer, read_multipart
from form_files import write_form

FORM = """
questions:
- {name: age, type: number, question: "How old is ${who}?", whole: true}
- {name: photo, type: file, question: P, required: false}
- include: more.yaml
"""
MORE = "questions:\n- {name: note, type: text, question: N, required: false}\n"


@pytest.fixture
def preview(tmp_path: Path) -> FormPreview:
    write_form(tmp_path, MORE, "more.yaml")
    (tmp_path / "data.csv").write_text("who\nAnn\n<Bob>\n")
    return FormPreview(write_form(tmp_path, FORM), tmp_path / "data.csv")


@pytest.fixture
def url(preview: FormPreview, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/cat.svg").write_text("<svg/>")
    with PreviewServer(0, preview, tmp_path / "files", (), lambda _: None) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


def get(url: str, data: bytes | None = None, kind: str = "") -> str:
    with urlopen(Request(url, data, {"Content-Type": kind} if kind else {})) as response:
        text: str = response.read().decode()
        return text


def multipart(*parts: tuple[str, str]) -> tuple[bytes, str]:
    lines = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts
    )
    return f"{lines}--x--\r\n".encode(), "multipart/form-data; boundary=x"


def test_each_of_the_first_rows_has_its_page(url: str) -> None:
    assert "How old is Ann?" in get(url)
    assert "How old is &lt;Bob&gt;?" in get(f"{url}?row=1")
    assert "How old is ${who}?" in get(f"{url}?row=7")


@pytest.mark.parametrize("data", [None, b""])
def test_a_page_of_another_host_cannot_read_the_rows(url: str, data: bytes | None) -> None:
    port = urlsplit(url).port
    own = [f"{name}:{port}" for name in ("127.0.0.1", "LOCALHOST", "[::1]")]
    others = [f"evil.example:{port}", "127.0.0.1", "localhost:1", f"localhost.evil.example:{port}"]

    for host in own:
        with urlopen(Request(url, data, {"Host": host})) as response:
            assert response.status == 200
    for host in (*others, ""):
        for path in ("", "state", "cat.svg"):
            with pytest.raises(HTTPError, match="403") as refused:
                urlopen(Request(url + path, data, {"Host": host}))
            assert "Ann" not in refused.value.read().decode()


def test_what_is_sent_is_shown_as_it_would_be_exported(url: str) -> None:
    page = get(url, *multipart(("age", "42"), ("note", "é & b")))

    assert "&quot;age&quot;: 42" in page
    assert "&quot;note&quot;: &quot;é &amp; b&quot;" in page
    assert 'value="42"' in page


def test_what_is_wrong_is_said_beside_the_question(url: str) -> None:
    page = get(url, *multipart(("age", "old")))

    assert 'id="fq-age-error">Please enter a whole number' in page
    assert "Exported answers" not in page


def test_files_of_the_folder_are_served_and_no_others(url: str) -> None:
    assert get(f"{url}cat.svg") == "<svg/>"
    for path in ("../data.csv", "%2e%2e/data.csv", "/etc/passwd", "none.svg"):
        with pytest.raises(HTTPError, match="404"):
            get(url + path)


def test_what_the_form_names_of_its_own_folder_is_served(tmp_path: Path) -> None:
    for name in ("cat.svg", "other.svg", "data.csv"):
        (tmp_path / name).write_text("picture,other.svg\ncat.svg,x\n")
    form = "questions:\n- show: {image: '${picture}'}\n- {name: a, type: text, question: Q}\n"
    preview = FormPreview(write_form(tmp_path, form), tmp_path / "data.csv")

    with PreviewServer(0, preview, None, (), lambda _: None) as server:
        found = [server.find(name) for name in ("cat.svg", "other.svg", "data.csv", "none.svg")]

    assert found == [tmp_path / "cat.svg", None, None, None]


def test_the_state_changes_with_every_file(preview: FormPreview, tmp_path: Path, url: str) -> None:
    for name in ("form.yaml", "more.yaml", "data.csv"):
        before = get(f"{url}state")
        assert before == get(f"{url}state")

        os.utime(tmp_path / name, ns=(1, len(name)))

        assert get(f"{url}state") != before


def test_problems_are_listed_until_they_are_mended(preview: FormPreview, tmp_path: Path) -> None:
    write_form(tmp_path, FORM.replace("number", "nummer"))

    page = preview.page(0)

    assert "form.yaml:3: questions.0.type: there is no type &#x27;nummer&#x27;" in page
    write_form(tmp_path, FORM)
    assert "How old is Ann?" in preview.page(0)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (FORM + "  a: 1\n b: 2\n", "form.yaml:7: is not valid YAML"),
        (
            FORM.replace("whole: true", "whol: true"),
            "form.yaml:3: questions.0.whol: unknown option",
        ),
        (FORM.replace("{who}", "{hwo}"), "form.yaml:3: questions.0.question: ${hwo} has no data"),
        (FORM.replace("more.yaml", "none.yaml"), "form.yaml:5: questions.2.include: there is no"),
        ("consent: {version: 1, file: no.md}" + FORM, "form.yaml:1: consent.file:"),
        (
            "consent: {version: 1, file: {en: yes.md, de: no.md}}" + FORM,
            "no.md cannot be read (No such file or directory): put it there",
        ),
        ("", "form.yaml:1: is empty; begin with 'questions:'"),
        ("\udcff".encode("utf-8", "surrogateescape"), "form.yaml:1: is not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_in_the_page_and_in_the_terminal_until_it_is_mended(
    tmp_path: Path, preview: FormPreview, broken: str | bytes, words: str
) -> None:
    (tmp_path / "yes.md").write_text("Agree?")
    path = tmp_path / "form.yaml"
    path.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
    said: list[list[str]] = []

    def report(problems: Sequence[famulus.Problem]) -> None:
        said.append(list(map(str, problems)))

    with PreviewServer(0, preview, None, (), report) as server:
        server.report_problems()
        server.report_problems()
        page = unescape(preview.page(0))
        write_form(tmp_path, FORM)
        server.report_problems()

    assert words in page
    assert "There is no data" not in page
    assert [words in each for each in said[0]] == [True]
    assert said[1:] == [[]]


@pytest.mark.parametrize("missing", ["none.yaml", "no.md", "nein.md"])
def test_a_file_that_was_missing_is_waited_for(tmp_path: Path, missing: str) -> None:
    files = {"none.yaml": MORE, "no.md": "Agree?", "nein.md": "Einverstanden?"}
    for name, text in files.items():
        if name != missing:
            write_form(tmp_path, text, name)
    text = "consent: {version: 1, file: {en: no.md, de: nein.md}}" + FORM
    preview = FormPreview(write_form(tmp_path, text.replace("more.yaml", "none.yaml")))
    before = preview.state()
    assert preview.problems()

    write_form(tmp_path, files[missing], missing)

    assert preview.state() != before
    assert not preview.problems()


def test_data_that_is_no_text_is_named(tmp_path: Path, preview: FormPreview) -> None:
    (tmp_path / "data.csv").write_bytes(b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml\x9c\xff")

    assert "data.csv:1: is an Excel workbook" in preview.page(0)


def test_rows_that_cannot_be_read_are_a_problem(preview: FormPreview, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text('who\n"Ann\n')

    assert "opens a quote that is never closed" in preview.page(0)


def test_a_file_is_read_without_its_content() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a b.png"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\r\n--x\r\n"
        b'Content-Disposition: form-data; name="other"; filename=""\r\n\r\n\r\n--x--\r\n'
    )

    sent = read_multipart("multipart/form-data; boundary=x", body)

    [file] = sent.files
    assert (file.field, file.filename, file.content_type) == ("photo", "a b.png", "image/png")
    assert file.size == len(b"\x89PNG\r\n")


def test_data_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.xlsx").write_text("x")
    path = write_form(tmp_path, FORM)

    done = run_command(
        form, "preview", path, "--data", tmp_path / "data.xlsx", database=tmp_path / "x.db"
    )

    assert done.exit_code == famulus.UsageError.exit_code
    assert "name a file that ends in .csv, .json, .jsonl: save the table as CSV" in done.output


@pytest.mark.parametrize("name", ["data.csv", "data.json", "data.jsonl"])
def test_data_beside_the_form_is_found(tmp_path: Path, name: str) -> None:
    path = write_form(tmp_path, FORM)
    assert data_beside(path) is None

    (tmp_path / name).write_text("")

    assert data_beside(path) == tmp_path / name
