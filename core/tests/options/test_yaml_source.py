from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from famulus.errors import Problem, UsageError
from famulus.options.scalars import Plain
from famulus.options.yaml_source import read_document


def write(tmp_path: Path, content: str | bytes) -> Path:
    file = tmp_path / "example.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def refusal(file: Path) -> Problem:
    with pytest.raises(UsageError) as caught:
        read_document(file)
    (problem,) = caught.value.problems
    assert problem.file == file
    return problem


def only_problem(file: Path) -> Problem:
    (problem,) = read_document(file).problems
    assert problem.file == file
    return problem


def test_every_key_has_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "task:\n\n  a: 1\n  b:\n    - x\n    - y\n")

    document = read_document(file)

    assert document.lines == {"task": 1, "task.a": 3, "task.b": 4, "task.b.0": 5, "task.b.1": 6}


def test_numbers_and_truth_values_keep_their_text(tmp_path: Path) -> None:
    file = write(tmp_path, "a: 0.30\nb: 0x10\nc: no\nd: 2024-01-02\ne: '0.30'\nf: ~\n")

    tree = read_document(file).tree

    assert tree == {
        "a": Plain("0.30", 0.3),
        "b": Plain("0x10", 16),
        "c": Plain("no", False),
        "d": "2024-01-02",
        "e": "0.30",
        "f": None,
    }
    assert tree["c"].value is False


def test_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    file = write(tmp_path, b"\xef\xbb\xbfa: x\n")

    assert read_document(file).tree == {"a": "x"}


def test_merge_keys_and_aliases_are_filled_in(tmp_path: Path) -> None:
    file = write(tmp_path, "base: &b {x: one, y: two}\nother:\n  <<: *b\n  y: three\n")

    document = read_document(file)

    assert document.tree["other"] == {"x": "one", "y": "three"}
    assert document.problems == []


def test_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "a: x\n")

    problem = refusal(tmp_path / "exmple.yaml")

    assert problem.message == "there is no such file; did you mean 'example.yaml'?"


def test_missing_file_without_a_similar_one_lists_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "a: x\n")

    problem = refusal(tmp_path / "zzz")

    assert problem.message == "there is no such file; beside it there are: example.yaml"


def test_hidden_files_are_not_suggested(tmp_path: Path) -> None:
    write(tmp_path, "a: x\n")
    (tmp_path / ".pre-commit-config.yaml").touch()

    missing, folder = refusal(tmp_path / "pre-commit.yaml"), refusal(tmp_path)

    assert missing.message.endswith("; beside it there are: example.yaml")
    assert folder.message.endswith("; in it there are: example.yaml")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "nope" / "a.yaml")

    assert problem.message.endswith(f"nor is there a folder {str(tmp_path / 'nope')!r}")


def test_folder_is_refused_and_its_files_are_listed(tmp_path: Path) -> None:
    write(tmp_path, "a: x\n")

    problem = refusal(tmp_path)

    assert problem.message == "is a folder, not a configuration file; in it there are: example.yaml"


def test_other_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    problem = refusal(write(tmp_path, "a: x\nb: é\n".encode("latin-1")))

    assert problem.message == "is not UTF-8 (byte 0xe9); save the file as UTF-8"
    assert problem.line == 2


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("a: [1\nb: 2\n", 2, "expected ',' or ']'"),
        ("a: one: two\n", 1, "a text with a colon and a space needs quotes"),
        ("a:\n\tb: 2\n", 2, "indent with spaces, not tabs"),
        ("a: x\nb: @x\n", 2, "a text that begins like this needs quotes"),
        ("a: 'x\n", 2, "unexpected end of stream"),
        ("a: 1\n---\nb: 1\n", 2, "'---' begins a second document; remove it"),
        ("a:\n- b: 1\n   c: 2\n", 3, "begin the line below the first letter of those"),
        ("a:\n  - b\n - c\n", 3, "begin the line below the first letter of those"),
        (" a: 1\nb: 2\n", 2, "begin the line below the first letter of those"),
        ("a: [1,\n  2\nb: 3\n", 3, "close what line 1 opens, or quote it"),
        ("a: 'it\nb: 3\n", 3, "close what line 1 opens, or quote it"),
        ("a: it is\n'b''\n\n", 4, "close what line 2 opens, or quote it"),
        ("a: {b: 1,\n  c: [2}\n", 2, "expected ',' or ']', but got '}'"),
        ('"a": x\n- b\n', 2, "begin the line below the first letter of those"),
        ("a: *nobody\n", 1, "undefined alias"),
        ("a: x\nb: \x07\n", 2, "character '\\x07' is not allowed"),
    ],
)
def test_syntax_error_is_one_line_with_its_place(
    tmp_path: Path, content: str, line: int, words: str
) -> None:
    problem = refusal(write(tmp_path, content))

    assert problem.message.startswith("is not valid YAML: ")
    assert words in problem.message
    assert problem.line == line
    assert "\n" not in str(problem)


@pytest.mark.parametrize("content", ['a: "it\n  \\q"\n', "a: [1,\n  [2}\n", "a:\n- !e!x 1\n"])
def test_remedy_is_not_guessed_from_what_stands_before_an_error(
    tmp_path: Path, content: str
) -> None:
    message = refusal(write(tmp_path, content)).message

    assert not message.endswith(")"), message


@pytest.mark.parametrize("content", ["", "# nothing\n", "- a\n", "just a text\n"])
def test_root_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    problem = refusal(write(tmp_path, content))

    assert "begin with 'defaults:'" in problem.message


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    problem = refusal(write(tmp_path, "a: " + "[" * 5000 + "]" * 5000))

    assert problem.message == "is nested too deeply"


def test_duplicate_key_is_named_with_both_lines(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, "task:\n  a: 1\n  b: 2\n  a: 3\n"))

    assert str(problem).endswith(":4: task.a: is set twice; the first time in line 2")


def test_every_problem_of_a_file_is_found(tmp_path: Path) -> None:
    file = write(tmp_path, "a: !secret x\nb: !!int x\nc: !!set {y}\n? [d]\n: 1\ne: &e [*e]\n")

    messages = [problem.message for problem in read_document(file).problems]

    assert messages == [
        "the tag !secret is not supported",
        "'x' does not fit the tag !!int",
        "the tag !!set is not supported",
        "a key must be a string",
        "is an alias inside the value that it refers to",
    ]


def test_merging_a_value_that_is_not_a_mapping_is_refused(tmp_path: Path) -> None:
    problem = only_problem(write(tmp_path, "a:\n  <<: 3\n  b: x\n"))

    assert problem.message.startswith("cannot be merged: ")
    assert problem.key == "a"


def levels(text: str, line: str) -> str:
    """Return ``a0: &a0 …`` and nine levels above it, each made of ten of the one before."""
    more = (line.format(number, ", ".join([f"*a{number - 1}"] * 10)) for number in range(1, 10))
    return "\n".join([text, *more])


BOMBS = {
    "lists": levels("a0: &a0 [x, x]", "a{0}: &a{0} [{1}]"),
    "mappings": levels("a0: &a0 {x: 1}", "a{0}: &a{0} {{k: [{1}]}}"),
    "merged": levels("a0: &a0 {x: 1}", "a{0}: &a{0} {{<<: [{1}], b{0}: 1}}"),
    "cycles": "a: &a [&b [&c [&d [*a, *b, *c, *d]"
    + "".join(f", {', '.join([f'*{name}'] * 20)}]" for name in "dcb"),
    "many": "".join(f"k{number}: 1\n" for number in range(80_000)),
    "list of many": "a: [" + "1," * 400_000 + "]",
    "deep": "a: " + "[" * 400_000,
    "deep mapping": "".join(f"{' ' * depth}a:\n" for depth in range(1200)),
    "long number": "a: 1" + ":59" * 300_000,
    "digits": f"a: {'9' * 900_000}",
    "text": f"a: '{'x' * 2_000_000}'",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_file_that_is_made_to_take_long_is_refused_with_a_sentence(
    tmp_path: Path, bomb: str
) -> None:
    file = write(tmp_path, BOMBS[bomb])
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from famulus.options.yaml_source import read_document\n"
        "from famulus.errors import UsageError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))\n"
        # Seconds of processor time: a machine with other work may take many times as long.
        "resource.setrlimit(resource.RLIMIT_CPU, (10, 10))\n"
        "try:\n"
        "    problems = read_document(Path(sys.argv[1])).problems\n"
        "except UsageError as error:\n"
        "    problems = error.problems\n"
        "print(problems[0])\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert any(
        words in done.stdout
        for words in (
            "more than 20,000 values",
            "nested too deeply",
            "larger than",
            "too long",
            "alias inside",
        )
    )


def test_aliases_of_everyday_use_are_read(tmp_path: Path) -> None:
    file = write(tmp_path, "a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n")

    document = read_document(file)

    assert document.problems == []
    assert document.tree["b"] == [document.tree["a"]] * 2
    assert document.tree["c"].keys() == {"x", "y"}


def test_a_device_without_end_is_no_configuration(tmp_path: Path) -> None:
    assert "larger than" in refusal(Path("/dev/zero")).message


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("task:\n  title: Rate: good\n", "a text with a colon and a space needs quotes"),
        ("task:\n  title: Rate:\n    x: 1\n", "a text with a colon and a space needs quotes"),
        ("task:\n\ttitle: x\n", "indent with spaces, not tabs"),
        ("task:\n  title: @x\n", "a text that begins like this needs quotes"),
        ("task:\n  title: `x`\n", "a text that begins like this needs quotes"),
        ("task:\n  title: %x\n", "a text that begins like this needs quotes"),
        ("task: {}\n---\ntask: {}\n", "'---' begins a second document; remove it"),
    ],
)
def test_common_mistakes_come_with_a_hint(tmp_path: Path, content: str, hint: str) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(UsageError, match="is not valid YAML") as caught:
        read_document(file)

    assert str(caught.value).endswith(f"({hint})")


def test_two_escapes_of_json_are_one_character(tmp_path: Path) -> None:
    file = write(tmp_path, json.dumps({"a": "Hi \N{GRINNING FACE}", "b": ["\N{GRINNING FACE}"]}))

    document = read_document(file)

    assert document.tree == {"a": "Hi \N{GRINNING FACE}", "b": ["\N{GRINNING FACE}"]}
    assert document.problems == []


@pytest.mark.parametrize("text", ["\\ud83d", "\\ude00 \\ud83d", "\\ude00"])
def test_half_of_a_character_is_a_problem(tmp_path: Path, text: str) -> None:
    problem = only_problem(write(tmp_path, f'a:\n  b: "x{text}"\n'))

    assert (problem.key, problem.line) == ("a.b", 2)
    assert problem.message.startswith("has half of a character (\\u")
