"""The options are found without a manual: from the installed classes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable

import pytest
from click.testing import Result

from famulus.cli.text_layout import wrapped

Famulus = Callable[..., Result]
Install = Callable[..., None]

NEVER = {
    "famulus_form.kinds",
    "famulus_static_html.compiled",
    "boto3",
    "botocore",
    "flask",
    "httptools",
    "omegaconf",
    "werkzeug",
}
HEAVY = {"cattrs", "peewee", "rich", "yaml"}
CHECK = '''
from attrs import frozen
from famulus import QualificationCheck, hookimpl, option

@frozen(kw_only=True)
class QuotaArgs:
    most: int = option(help="How many.", default=3)

class Quota(QualificationCheck):
    """Let so many in."""
    type = "quota"
    Args = QuotaArgs

    def refuse(self, worker, run):
        return None

@hookimpl
def famulus_register_qualification_checks():
    return [Quota]
'''
OPTIONS = ["dest", "type", "default", "required", "choices", "help"]


def cells(output: str) -> list[list[str]]:
    """Return the rows of the output in a pipe."""
    return [re.split(r" {2,}", line) for line in output.splitlines() if "  " in line]


def row(output: str, name: str) -> list[str]:
    return next(found for found in cells(output) if found[0] == name)


def test_without_arguments_it_lists_the_categories_and_how_to_go_on(famulus: Famulus) -> None:
    output = famulus("wut").output

    names = [found[0] for found in cells(output)]
    assert names == ["category", "blueprint", "architect", "provider", "task", "check"]
    assert "static_task" in row(output, "blueprint")[1]
    assert "Go on with `famulus wut blueprint`" in output


def test_category_lists_its_types_with_a_line_and_their_distribution(
    famulus: Famulus, install: Install
) -> None:
    install("crowd")

    output = famulus("wut", "provider").output

    assert row(output, "crowd") == ["crowd", "third-party-crowd", "Bring people with Provider."]
    assert row(output, "mock")[1] == "famulus-mock"


def test_type_shows_its_description_and_its_options(famulus: Famulus) -> None:
    output = famulus("wut", "architect=local").output

    assert "Serve one run from this machine" in output
    assert cells(output)[0] == OPTIONS
    assert row(output, "port")[:5] == ["port", "int", "3000", "no", "-"]
    assert row(output, "public_url")[2] == "???"
    assert "as in architect.hostname=127.0.0.1" in " ".join(output.split())


def test_required_option_is_marked(famulus: Famulus) -> None:
    output = famulus("wut", "task").output

    assert row(output, "task_title")[1:4] == ["str or mapping of languages", "???", "yes"]
    assert row(output, "task_reward")[1:4] == ["decimal", "???", "no"]
    assert row(output, "task_name")[1:4] == ["str", "???", "no"]


def test_blueprint_shows_what_a_run_script_can_set(famulus: Famulus) -> None:
    output = famulus("wut", "blueprint=static_task").output

    title = "In Python, what a run script can give to famulus_static_html.SharedStaticTaskState:"
    assert title in " ".join(output.split())
    assert row(output, "validate_onboarding")[1:3] == ["function", "None"]
    assert row(output, "static_task_data")[1] == "rows"
    assert row(output, "onboarding_data")[1:3] == ["mapping", "{}"]
    assert "Conditions" in row(output, "qualifications")[3]


def test_third_party_is_shown_as_well_and_its_secrets_are_not(
    famulus: Famulus, install: Install
) -> None:
    install("crowd")

    output = famulus("wut", "provider=crowd").output

    assert "provider crowd, of third-party-crowd 1.2" in output
    assert "\n\nBring people with Provider. And `more` of them.\n\nSecond paragraph.\n" in output
    assert "\n\n- one\n- two\n\n" in output
    assert row(output, "api_key")[1:4] == ["str (secret)", "???", "yes"]
    assert row(output, "pin")[1:3] == ["str (secret)", "(hidden)"]
    assert row(output, "size") == ["size", "str", "small", "no", "small, large", "How large."]
    assert row(output, "tags")[1:3] == ["list of str", "[a, b]"]
    assert row(output, "limits.most")[1:3] == ["int", "3"]
    assert "What `famulus register crowd` asks for besides a name:" in output
    assert row(output, "email")[1] == "str"
    assert "hush" not in output


def test_check_shows_where_its_options_are_set(famulus: Famulus, install: Install) -> None:
    install("rule", CHECK)

    listed = famulus("wut", "check").output
    output = famulus("wut", "check=quota").output

    assert row(listed, "quota") == ["quota", "third-party-rule", "Let so many in."]
    assert "as in task.qualification_checks.quota.most=3" in " ".join(output.split())
    assert row(output, "most")[1:3] == ["int", "3"]


def test_type_without_options_is_shown_as_such(famulus: Famulus, install: Install) -> None:
    source = CHECK.replace("    Args = QuotaArgs\n", "")
    install("rule", source)

    assert "It has no options." in famulus("wut", "check=quota").output


def test_words_leave_the_rows_whose_names_contain_one(famulus: Famulus) -> None:
    done = famulus("wut", "blueprint=static_task", "DATA_", "blueprint.units_per")

    assert done.exit_code == 0
    assert [found[0] for found in cells(done.output)] == [
        "dest",
        "units_per_assignment",
        "data_csv",
        "data_json",
        "data_jsonl",
        "data_encoding",
    ]


def test_words_match_fields_of_a_run_script(famulus: Famulus) -> None:
    output = famulus("wut", "blueprint=static_task", "worker_can").output

    assert "blueprint arguments" not in output.lower()
    assert [found[0] for found in cells(output)] == ["dest", "worker_can_do_unit"]


def test_words_without_a_match_are_reported_last(famulus: Famulus) -> None:
    done = famulus("wut", "task", "reward", "task_titel", "zzz")

    assert done.exit_code == 2
    assert "task_reward" in done.stdout
    assert done.stderr.splitlines() == [
        "famulus: error: no name here contains 'task_titel'; did you mean 'task_title'?",
        "famulus: error: no name here contains 'zzz'",
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("blueprin", "no category 'blueprin'; did you mean 'blueprint'? (there are: architect, "),
        ("zzz", "no category 'zzz'; there are: architect, blueprint, check, provider, task"),
        ("local", "no category 'local'; did you mean 'architect=local'?"),
        ("architect=locl", "no architect 'locl'; did you mean 'local'? (installed: external, "),
        ("architect=zzz", "no architect 'zzz'; installed: external, local"),
        ("architect=", "no architect ''; installed: external, local"),
        ("architect=heroku", "use architect 'local' on a machine of your own, with architect."),
        ("check=zzz", "no check 'zzz'"),
        ("task=zzz", "every task has the same options, so leave '=zzz' out"),
    ],
)
def test_unknown_name_is_answered_with_those_there_are(
    famulus: Famulus, asked: str, expected: str
) -> None:
    done = famulus("wut", asked)

    assert done.exit_code == 2
    assert done.stdout == ""
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_refused_plugin_is_named_with_its_reason(famulus: Famulus, install: Install) -> None:
    install("broken", "import nowhere_at_all")

    listed = famulus("wut", "provider")
    asked = famulus("wut", "provider=broken")

    reason = (
        "the plugin 'broken' (third-party-broken) cannot be used: "
        "ModuleNotFoundError: No module named 'nowhere_at_all'"
    )
    assert listed.exit_code == 0
    assert reason in " ".join(listed.stdout.split())
    assert asked.exit_code == 2
    assert reason in asked.stderr


def test_type_of_a_disabled_plugin_is_an_error_with_the_reason(
    famulus: Famulus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_DISABLED_PLUGINS", "flask")

    done = famulus("wut", "architect=local")

    assert done.exit_code == 2
    assert "the plugin 'flask' (famulus-flask) cannot be used: disabled by" in done.stderr


def test_type_claimed_twice_names_both_plugins(famulus: Famulus, install: Install) -> None:
    install("crowd")
    install("crowd2")

    done = famulus("wut", "provider=crowd")

    assert done.exit_code == 2
    assert "claimed by the plugins 'crowd' and 'crowd2'" in done.stderr


@pytest.mark.parametrize("asked", ["", "blueprint", "blueprint=static_task", "provider=mturk"])
def test_it_loads_no_platform_no_server_and_nothing_that_finding_plugins_does_not(
    asked: str,
) -> None:
    code = (
        "import sys; from famulus.plugins import discover; discover(); found = set(sys.modules);"
        "from famulus.cli.program import program; "
        f"program(['wut', *{asked.split()}], standalone_mode=False); "
        "print(*found); print(*sys.modules.keys() - found)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    found, besides = (set(line.split()) for line in done.stdout.splitlines()[-2:])
    assert not found & NEVER
    assert not besides & (NEVER | HEAVY)


def on_a_terminal(columns: int, *arguments: str) -> str:
    """Run the command as on a terminal of that width; return what is printed there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: text for name, text in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-m", "famulus", *arguments],
        stdin=theirs,
        stdout=theirs,
        env=environment,
    ):
        os.close(theirs)
        output = b""
        try:
            while part := os.read(ours, 65536):
                output += part
        except OSError:  # how Linux reports that the other end is closed
            pass
        finally:
            os.close(ours)
    return re.sub(r"\x1b\[\d+m", "", output.decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("asked", ["task", "architect=local", "blueprint=static_task", "provider"])
def test_it_fits_a_terminal_of_80_columns(asked: str) -> None:
    output = on_a_terminal(80, "wut", asked)

    assert max(map(len, output.splitlines())) <= 80
    assert "\n    Address of this machine" in output or asked != "architect=local"


def test_wide_terminal_has_the_help_beside() -> None:
    output = on_a_terminal(120, "wut", "architect=local")

    assert re.search(r"^port +int +3000 +no +- +Port to listen on", output, re.MULTILINE)
    assert max(map(len, output.splitlines())) <= 120


def test_piped_output_has_a_line_an_option_and_no_escape_codes(famulus: Famulus) -> None:
    output = famulus("wut", "task").output

    assert "\x1b" not in output
    assert row(output, "submission_timeout")[5].endswith("for a person to look at.")


def test_cells_are_wrapped_within_the_width() -> None:
    choices = "one, two, three, four, five, six"
    rows = [("name", "choices", "help"), ("a_b_c", choices, "word " * 12)]

    lines = wrapped(rows, 68)

    assert lines == [
        "name   choices                 help",
        "a_b_c  one, two, three, four,  word word word word word word word",
        "       five, six               word word word word word",
    ]
