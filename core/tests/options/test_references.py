"""References are followed as far as a configuration needs, and no further."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from famulus.options.reading import read_configuration

HEAD = "defaults:\n  - blueprint: static_task\n  - architect: local\n  - provider: mock\ntask:\n"


def chain(text: str) -> str:
    """Return 40 options, each made of the next by a text in which ``@`` stands for its number."""
    quoted = text if text.startswith("[") else f"'{text}'"
    lines = [f"  a{number}: {quoted.replace('@', str(number + 1))}" for number in range(40)]
    return "\n".join([*lines, "  a40: a"])


BOMBS = {
    "texts": chain("${task.a@}${task.a@}"),
    "relative": chain("${.a@}${.a@}"),
    "former root": chain("${mephisto.task.a@}${mephisto.task.a@}"),
    "in brackets": chain("${task[a@]}${task[a@]}"),
    "lists": chain("['${task.a@}', '${task.a@}']"),
    "sections": "  a: '${task}${task}'\n  b: '${task}${blueprint}'\nblueprint:\n  c: ['${task}']",
    "long": "  a: '" + "${task.b}" * 3000 + "'\n  b: x",
    "large": "  a: '" + "${task.b}" * 1000 + f"'\n  b: '{'x' * 500_000}'",
    "nested": "  a: '" + "${task.${task.b}}" * 100 + "'\n  b: c\n  c: x",
    "deeply nested": "  a: '" + "${" * 400 + "task.b" + "}" * 400 + "'",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_references_that_are_made_to_take_long_are_refused_with_a_sentence(
    tmp_path: Path, bomb: str
) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(f"{HEAD}{BOMBS[bomb]}\n", encoding="utf-8")
    limited = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))\n"
        "sys.argv[0] = 'famulus'; runpy.run_module('famulus', run_name='__main__')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", limited, "--database", tmp_path / "x.db", "check", file],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 20_000
    assert "write out what they mean" in done.stderr or "refers back to itself" in done.stderr


def test_references_of_everyday_use_are_followed(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(
        f"{HEAD}  task_name: pilot\n  task_title: '${{.task_name}} and ${{task.task_name}}'\n"
        "  task_tags: '${task.${task.task_description}}'\n  task_description: task_title\n",
        encoding="utf-8",
    )

    configuration = read_configuration(file)

    assert configuration.problems == []
    assert str(configuration.sections["task"]["task_tags"]) == "pilot and pilot"
