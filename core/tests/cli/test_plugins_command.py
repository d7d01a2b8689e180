"""``famulus plugins``, commands of other packages, and options of other programs."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Famulus = Callable[..., Result]
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution of one module that brings plugins and commands."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def installed(name: str, source: str, entry_points: str) -> None:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = site / f"{module}-1.2.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points), encoding="utf-8")
        importlib.invalidate_caches()

    yield installed
    for module in set(sys.modules) - before:
        if module.startswith("third_party"):
            del sys.modules[module]


CROWD = """
    import famulus
    from famulus.testing.kinds import CrowdProvider

    class Crowd(CrowdProvider):
        type = "third"

    @famulus.hookimpl
    def famulus_register_providers():
        return [Crowd]
"""


def listed(famulus: Famulus) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(famulus("plugins", "--json").stdout)}


def test_a_type_that_two_plugins_register_is_named(famulus: Famulus, install: Install) -> None:
    install("third-party-a", CROWD, "[famulus]\na = third_party_a\n")
    install("third-party-b", CROWD, "[famulus]\nb = third_party_b\n")
    conflict = "the provider 'third' is claimed by the plugins 'a' and 'b'"

    done = famulus("plugins")

    assert done.exit_code == 0
    assert f"famulus: warning: {conflict}" in done.stderr
    assert listed(famulus)["b"]["conflicts"][0].startswith(conflict)
    assert listed(famulus)["mock"]["conflicts"] == []


KIND = """
    import attrs
    import famulus
    from famulus.testing.kinds import RowsArgs, RowsBlueprint

    @attrs.frozen(kw_only=True)
    class KindArgs(RowsArgs):
        block_qualificaton: str | None = famulus.option(help="Workers who have it are refused.")

    class Kind(RowsBlueprint):
        type = "third"
        Args = KindArgs

    @famulus.hookimpl
    def famulus_register_blueprints():
        return [Kind]
"""


def test_a_misspelt_option_of_core_is_the_reason_of_a_refusal(
    famulus: Famulus, install: Install
) -> None:
    install("third-party-kind", KIND, "[famulus]\nkind = third_party_kind\n")

    refused = listed(famulus)["kind"]["refused"]

    assert "'block_qualificaton'; did you mean 'block_qualification'" in refused


def test_commands_are_listed_with_their_problems(famulus: Famulus, install: Install) -> None:
    source = """
        import click

        @click.command
        def hello():
            pass

        number = 3
    """
    install(
        "third-party-commands",
        source,
        """
        [famulus.commands]
        hello = third_party_commands:hello
        number = third_party_commands:number
        missing = no_such_module_at_all:x
        launch = third_party_commands:hello
        """,
    )

    shown = famulus("plugins").stdout
    found = listed(famulus)

    assert "hello        third-party-commands" in shown
    assert found["hello"]["brings"] == ["command hello"]
    assert "is not a click command" in found["number"]["refused"]
    assert "ModuleNotFoundError" in found["missing"]["refused"]
    assert found["launch"]["refused"] == "'launch' is a command of Famulus itself"


def test_a_hook_with_a_wrong_argument_is_named_with_the_argument(
    famulus: Famulus, install: Install
) -> None:
    source = """
        import famulus

        @famulus.hookimpl
        def famulus_run_launched(evnt):
            pass
    """
    install("third-party-hook", source, "[famulus]\nhook = third_party_hook\n")

    refused = listed(famulus)["hook"]["refused"]

    assert "famulus_run_launched" in refused
    assert "evnt" in refused
    assert "\n" not in refused


def test_a_plugin_that_is_slow_to_import_is_named(famulus: Famulus, install: Install) -> None:
    source = """
        import time
        import famulus

        before = time.perf_counter()
        while time.perf_counter() < before + 0.6:
            pass

        @famulus.hookimpl
        def famulus_run_launched(event):
            pass
    """
    install("third-party-slow", source, "[famulus]\nslow = third_party_slow\n")

    assert "the plugin 'slow' takes" in famulus("plugins").stderr
    assert listed(famulus)["mock"]["import_seconds"] < 0.6


def test_a_plugins_print_at_import_does_not_reach_the_output(
    famulus: Famulus, install: Install
) -> None:
    registering = textwrap.dedent(CROWD).replace("return", "print('and again'); return")
    install(
        "third-party-loud",
        f"print('hello from the plugin')\n{registering}",
        "[famulus]\nloud = third_party_loud\n[famulus.commands]\nx = third_party_loud:hello\n",
    )

    done = famulus("plugins", "--json")

    assert "loud" in [each["name"] for each in json.loads(done.stdout)]
    assert "hello from the plugin" in done.stderr
    assert "and again" in done.stderr


def test_an_error_in_a_command_of_another_package_names_the_package(
    famulus: Famulus, install: Install
) -> None:
    source = """
        import click

        @click.command
        def failing():
            raise ValueError("no luck")
    """
    install(
        "third-party-failing", source, "[famulus.commands]\nfailing = third_party_failing:failing\n"
    )

    done = famulus("failing")

    assert done.exit_code == 1
    assert "the command 'failing' of third-party-failing failed: ValueError: no luck" in done.stderr
    assert "Traceback" in famulus("-v", "failing").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["launch", "task.yaml", "-m"], "-m is not used here: a command launches one run"),
        (["launch", "task.yaml", "--multirun", "task.x=1"], "--multirun is not used here"),
        (["check", "task.yaml", "--cfg", "job"], "`famulus config show FILE` prints"),
    ],
)
def test_an_option_of_existing_commands_is_answered_with_the_remedy(
    famulus: Famulus, arguments: list[str], words: str
) -> None:
    done = famulus(*arguments)

    assert done.exit_code == 2
    assert words in done.stderr


def test_an_unknown_option_is_named_as_ever(famulus: Famulus) -> None:
    assert "--bogus" in famulus("runs", "--bogus").stderr
