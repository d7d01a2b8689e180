"""The reference matches the code, and is complete."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import attrs
import click
import pytest

import famulus
import famulus.testing
from famulus.cli.program import program
from famulus.contracts import hookspecs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: What plugins share is none itself, and has no entry point.
FIRST_PARTY = {
    project["name"]
    for file in ROOT.glob("plugins/*/pyproject.toml")
    if "entry-points" in (project := tomllib.loads(file.read_text(encoding="utf-8"))["project"])
}

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("famulus_"))
ERRORS = sorted(
    name
    for name in famulus.__all__
    if isinstance(cls := getattr(famulus, name), type) and issubclass(cls, famulus.FamulusError)
)


def headings(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [line.strip("# ") for line in text.splitlines() if re.match(r"#{1,4} ", line)]


def test_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"run `make docs` and commit:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_has_its_entry(hook: str) -> None:
    assert hook in headings(DOCS / "reference/hooks.md")


@pytest.mark.parametrize("distribution", sorted(FIRST_PARTY))
def test_each_type_of_a_first_party_plugin_has_its_page_of_options(distribution: str) -> None:
    kinds = ("blueprint", "architect", "provider", "check")
    (info,) = (each for each in famulus.discover().accepted if each.distribution == distribution)
    pages = {f"{kind}-{cls.type}.md": cls for kind in kinds for cls in getattr(info, f"{kind}s")}

    assert pages
    for name, cls in pages.items():
        text = (DOCS / "reference/options" / name).read_text(encoding="utf-8")
        assert [field.name for field in attrs.fields(cls.Args) if field.name not in text] == []


@pytest.mark.parametrize("name", famulus.__all__)
def test_exported_name_has_its_entry(name: str) -> None:
    page = (DOCS / "reference/api.md").read_text(encoding="utf-8")

    entry = re.search(rf"^### {name}\n\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE)

    assert hasattr(famulus, name)
    assert entry is not None
    assert re.sub(r"```.*?```", "", entry[1], flags=re.DOTALL).strip()


@pytest.mark.parametrize("name", famulus.testing.__all__)
def test_name_of_the_testing_kit_has_its_entry(name: str) -> None:
    page = (DOCS / "reference/testing.md").read_text(encoding="utf-8")

    entry = re.search(rf"^### {name}\n\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE)

    assert hasattr(famulus.testing, name)
    assert entry is not None
    assert re.sub(r"```.*?```", "", entry[1], flags=re.DOTALL).strip()


@pytest.mark.parametrize("name", ERRORS)
def test_error_has_its_entry_and_exit_status(name: str) -> None:
    page = (DOCS / "reference/errors.md").read_text(encoding="utf-8")

    assert f"## {name}\n" in page
    assert f"(#{name.lower()}) | {getattr(famulus, name).exit_code} |" in page


def test_every_command_has_its_entry() -> None:
    commands = headings(DOCS / "commands.md")

    with click.Context(program) as ctx:
        names = [name for name in program.list_commands(ctx) if _is_ours(ctx, name)]

    assert names
    assert [name for name in names if f"famulus {name}" not in commands] == []


def _is_ours(ctx: click.Context, name: str) -> bool:
    command = program.get_command(ctx, name)
    assert command is not None
    assert command.callback is not None
    return command.callback.__module__.startswith("famulus.")
