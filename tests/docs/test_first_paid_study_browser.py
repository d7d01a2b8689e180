"""The rehearsal in docs/how-to/prolific.md, by its own commands and in Chromium."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from doc_pictures import picture
from famulus.testing.command import Command, python_command
from free_ports import free_port, free_ports
from prolific_launch import EXAMPLE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

DOCS = Path(__file__).resolve().parents[2] / "docs/how-to"
TEXT = (DOCS / "prolific.md").read_text(encoding="utf-8")
REHEARSAL = TEXT[TEXT.index("## Rehearse it") : TEXT.index("## The account")]
#: What the page leaves to a person, and a wage that makes a test's seconds worth a payment.
ADDED = {
    "python -m": ["--balance", "10000000"],
    "famulus launch": ["--yes", "task.max_spend=1000000"],
    "famulus review": ["--accept-all"],
    "famulus topup": ["--yes", "--hourly", "1000000"],
}


class Rehearsal:
    """The folder of the task, and the commands of the page, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.first = free_port(), free_ports(3)
        self.environment = {"XDG_CONFIG_HOME": str(folder / "config")}
        shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
        (yaml,) = re.findall(r"```yaml\n(.*?)```", REHEARSAL, re.DOTALL)
        assert "port: 3000" in yaml
        (folder / "study.yaml").write_text(yaml.replace("port: 3000", f"port: {self.port}"))
        self._lines = re.findall(r"^    (\S.*)$", REHEARSAL, re.MULTILINE)

    @property
    def has_more(self) -> bool:
        """Whether a command is left."""
        return bool(self._lines)

    @property
    def site(self) -> str:
        """The address of the participants' site."""
        return f"http://127.0.0.1:{self.first + 1}"

    def next_command(self) -> list[str]:
        """Return the words of the next command, with the ports of this test."""
        line = self._lines.pop(0)
        for number in range(3):
            line = line.replace(f"870{number}", str(self.first + number))
        words = shlex.split(line)
        return words + ADDED.get(" ".join(words[:2]), [])

    def run(self) -> str:
        """Run the next command to its end, which has to be a good one; return its output."""
        words = self.next_command()
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.environment[name] = value
            return ""
        if words[0] == "unset":
            for name in words[1:]:
                del self.environment[name]
            return ""
        if words[0] == "curl":
            reply = httpx.request("POST" if "POST" in words else "GET", words[-1])
            assert reply.is_success
            return reply.text
        with self.started(words) as command:
            status = command.wait(60)
            # Payments whose outcome is not known yet end their command with 1.
            assert status == ("is unknown" in command.output), command.output
            return command.output

    @contextmanager
    def started(self, words: list[str]) -> Iterator[Command]:
        """Start a command that goes on until the end of the block."""
        arguments = words[1:] if words[0] == "python" else ["-m", *words]
        with pytest.MonkeyPatch.context() as environment:
            for name, value in self.environment.items():
                environment.setenv(name, value)
            database = self.environment.get("FAMULUS_DATABASE", "")
            with python_command(*arguments, database=database, folder=self.folder) as command:
                yield command


def without_ids(text: str) -> str:
    """Return a text without the ids of the account, which differ between fakes."""
    return re.sub("[0-9a-f]{24}", "ID", text)


def take_part(page: Page, site: str, number: int) -> None:
    """Work as a participant, and come back to Prolific."""
    page.goto(f"{site}/sign-in")
    page.get_by_label("Prolific ID").fill(f"{number:024x}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Rate a character").click()
    picture(page, "prolific-study")
    page.get_by_role("button", name="Take part in this study").click()
    page.get_by_role("button", name="Open study").click()
    page.select_option("select[name=rating]", "good")
    picture(page, "prolific-task")
    page.click("#famulus-submit")
    page.get_by_role("heading", name="Submission complete").wait_for()
    picture(page, "prolific-back")


def test_the_rehearsal_goes_as_the_page_says(browser: Browser, tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    account, cost = re.findall(r"```text\n(.*?)```", REHEARSAL, re.DOTALL)
    with rehearsal.started(rehearsal.next_command()) as fake:
        fake.wait_for("console")
        registered = [rehearsal.run() for _ in range(3)][-1]
        with rehearsal.started(rehearsal.next_command()) as launch:
            launch.wait_for("Ctrl-C stops it")
            with browser.new_context() as context:
                page = context.new_page()
                for number in (1, 2):
                    take_part(page, rehearsal.site, number)
            assert launch.wait(60) == 0, launch.output
        outputs = []
        while rehearsal.has_more:
            outputs.append(rehearsal.run())

    shown = account.replace(":8700", f":{rehearsal.first}").replace(" 1000.00 ", " 10000000.00 ")
    assert without_ids(shown) in without_ids(registered)
    assert cost.replace(" 50.00 ", " 1000000.00 ") in launch.output
    *_, doctor, console, _ = outputs
    assert set(rehearsal.environment) == {"XDG_CONFIG_HOME"}
    assert "No problems found" in doctor
    shown = json.loads(console)
    kinds = sorted(each.partition(" of ")[0] for each in shown["paid"])
    assert kinds == ["bonus"] * 3 + ["reward"] * 2
    assert shown["audit"] == []
