"""The program's own commands and those of other packages: found by name, loaded when used."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

import famulus as package
from famulus.cli.program import program

HEAVY = ("peewee", "flask", "omegaconf", "rich", "cattrs", "attrs", "pluggy", "famulus_mock")


@pytest.mark.parametrize(
    "code",
    [
        "import famulus.cli",
        "from famulus.cli.program import program; program(['--help'], standalone_mode=False)",
        "from famulus.cli.program import program; program(['--version'], standalone_mode=False)",
    ],
)
def test_help_loads_neither_the_engine_nor_a_plugin(code: str) -> None:
    asked = f"import sys; {code}; print(); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert not set(done.stdout.splitlines()[-1].split()).intersection(HEAVY)


#: What draws on a terminal, reads YAML, serves, or is for existing scripts and tests alone.
_RARE = {"rich", "yaml", "flask", "omegaconf", "pytest", "famulus_flask", "famulus_mock"}
_OF_LAUNCHES = {"famulus.operate.operator", "famulus.engine.gateway"}
#: What works on a run, and what a platform is asked with.
_OF_DELIVERY = {
    "famulus.engine.platform.bound_provider",
    "famulus.engine.platform.visit_sync",
    "famulus.engine.units",
}
_OF_CONFIGURATIONS = {"cattrs", "pluggy", "famulus.plugins"}


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("launch", _RARE | {"famulus.engine.gateway", "famulus.engine.pages"}),
        ("runs", _RARE | _OF_LAUNCHES | _OF_CONFIGURATIONS | _OF_DELIVERY),
        ("status", _RARE | _OF_LAUNCHES | _OF_DELIVERY),
        ("export", _RARE | _OF_LAUNCHES | _OF_CONFIGURATIONS),
        ("profiles", _RARE | _OF_LAUNCHES | _OF_CONFIGURATIONS | {"peewee"}),
    ],
)
def test_command_loads_only_what_it_needs_before_it_runs(command: str, unwanted: set[str]) -> None:
    code = f"import sys, famulus.cli.commands.{command}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert unwanted.intersection(done.stdout.split()) == set()


@pytest.mark.parametrize(
    ("blueprint", "others"),
    [
        ("form", {"famulus_static_html.blueprint", "famulus_crowd_form.blueprint"}),
        ("static_task", {"famulus_form.blueprint", "famulus_crowd_form.blueprint"}),
        ("crowd_form", {"famulus_form.blueprint", "famulus_static_html.blueprint"}),
    ],
)
def test_plugins_of_other_runs_are_not_imported_to_show_a_run(
    blueprint: str, others: set[str]
) -> None:
    types = [("blueprint", blueprint), ("architect", "local"), ("provider", "mock")]
    code = (
        "import sys; from famulus.plugins import discover_types; "
        f"plugins = discover_types({types}); plugins.blueprint({blueprint!r}); "
        "plugins.architect('local'); plugins.provider('mock'); "
        "print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    platforms = {"famulus_links.provider", "famulus_mturk.provider", "famulus_prolific.provider"}
    assert (others | platforms).intersection(done.stdout.split()) == set()


def test_help_lists_each_command_with_its_own_help() -> None:
    ctx = click.Context(program)
    shown = program.get_help(ctx)

    for name in program.list_commands(ctx):
        command = program.get_command(ctx, name)
        assert command is not None
        assert f"  {name} " in shown
        assert command.help


@pytest.mark.parametrize("group", ["config", "payments", "qualifications", "workers"])
def test_help_of_a_group_cuts_no_description_off(
    famulus: Callable[..., Result], group: str
) -> None:
    shown = famulus(group, "--help").output

    commands = shown.partition("Commands:\n")[2]
    assert commands
    assert "..." not in commands


def test_version_is_that_of_the_package(famulus: Callable[..., Result]) -> None:
    assert famulus("--version").output == f"famulus {package.__version__}\n"


def test_misspelt_command_is_guessed(famulus: Callable[..., Result]) -> None:
    done = famulus("lanch")

    assert done.exit_code == 2
    assert done.stderr.startswith("famulus: error: there is no command 'lanch'; did you mean")
    assert done.stderr.count("\n") == 1


def test_missing_argument_is_one_line(famulus: Callable[..., Result]) -> None:
    done = famulus("launch")

    assert done.exit_code == 2
    assert done.stderr == (
        "famulus: error: Missing argument 'CONFIG' (see `famulus launch --help`)\n"
    )


@pytest.mark.parametrize("number", ["x", "0", "-1", "9999999999999999999"])
def test_number_that_no_run_can_have_is_refused(
    famulus: Callable[..., Result], number: str
) -> None:
    done = famulus("status", "--", number)

    assert done.exit_code == 2
    assert f"'{number}' is not the number of a run" in done.stderr


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a package with one module and one command."""

    def install(name: str, target: str) -> None:
        site = tmp_path / f"site-{name}"
        info = site / f"famulus_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: famulus-{name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[famulus.commands]\n{target}\n")
        (site / f"famulus_{name}_cli.py").write_text(
            "import click, famulus\n"
            "@click.command()\n"
            "@famulus.pass_session\n"
            "def hello(session):\n"
            "    session.say(f'hello {session.open_database().location.path.name}')\n"
        )
        monkeypatch.syspath_prepend(str(site))

    return install


def test_command_of_another_package_is_listed_and_gets_the_database(
    famulus: Callable[..., Result], other_package: Callable[[str, str], None]
) -> None:
    other_package("hi", "hello = famulus_hi_cli:hello")

    assert re.search(r"^  hello +famulus-hi$", famulus("--help").output, re.MULTILINE)
    assert "famulus_hi_cli" not in sys.modules
    assert famulus("hello").output == "hello famulus.db\n"


@pytest.mark.usefixtures("empty_database")
def test_broken_command_shows_the_reason_and_affects_no_other(
    famulus: Callable[..., Result], other_package: Callable[[str, str], None]
) -> None:
    other_package("bad", "broken = famulus_bad_cli:missing")

    assert re.search(r"^  broken +famulus-bad$", famulus("--help").output, re.MULTILINE)
    assert famulus("runs").exit_code == 0
    done = famulus("broken")
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "famulus: error: the command 'broken' of famulus-bad cannot be used: AttributeError: "
    )
    assert done.stderr.count("\n") == 1


def test_an_unknown_command_is_refused(
    famulus: Callable[..., Result], other_package: Callable[[str, str], None]
) -> None:
    other_package("odd", "odd = famulus_odd_cli:click")

    assert "famulus_odd_cli:click is not a click command" in famulus("odd").stderr


def test_command_claimed_twice_names_both_packages(
    famulus: Callable[..., Result], other_package: Callable[[str, str], None]
) -> None:
    other_package("one", "same = famulus_one_cli:hello")
    other_package("two", "same = famulus_two_cli:hello")

    done = famulus("same")

    assert done.exit_code == 2
    assert "famulus-one" in done.stderr
    assert "famulus-two" in done.stderr


def test_own_command_is_not_replaced_by_another_package(
    famulus: Callable[..., Result], other_package: Callable[[str, str], None]
) -> None:
    other_package("fake", "runs = famulus_fake_cli:hello")

    assert "hello" not in famulus("runs").output
