"""A run on a fake Prolific, launched by the command line as a requester does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
from attrs import define, field

from famulus.testing.command import Command, famulus_command, python_command
from famulus_prolific.fake import FakeProlific, Study
from famulus_prolific.tokens import VARIABLE
from free_ports import free_port
from tls_proxy import tls_proxy

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task"
#: A practice character that is rated as "passable" screens a worker out; as "bad", they fail.
SCRIPT = """
from famulus import NotPassed, build_default_task_config, task_script
from famulus_static_html import SharedStaticTaskState


def judge(onboarding):
    rating = onboarding["outputs"]["practice_rating"]
    if rating == "passable":
        return NotPassed("We look for other readers.", screened_out=True)
    return rating == "good"


@task_script(config=build_default_task_config("onboarding"))
def main(operator, cfg):
    operator.launch_task_run(cfg, SharedStaticTaskState(validate_onboarding=judge))
    operator.wait_for_runs_then_shutdown(skip_input=True, log_rate=30)


if __name__ == "__main__":
    main()
"""


@define(eq=False)
class ProlificLaunch:
    """A fake, a database, and where the run is served."""

    prolific: FakeProlific
    database: Path
    port: int
    #: how participants reach the run; empty for the address where it is served
    public_url: str = ""
    _numbers: Iterator[int] = field(factory=lambda: count(1))

    @property
    def url(self) -> str:
        """The address that participants are sent to."""
        return self.public_url or f"http://localhost:{self.port}/"

    @property
    def study(self) -> Study:
        """The only study."""
        with self.prolific.turn() as state:
            (study,) = state.studies.values()
        return study

    def participant_id(self) -> str:
        """Return the id of a participant who has never come."""
        return f"{next(self._numbers):024x}"

    def famulus(self, *words: str | Path) -> str:
        """Run a command that succeeds; return its output."""
        with famulus_command(*words, database=self.database) as command:
            assert command.wait(60) == 0, command.output
            return command.output

    def register(self) -> str:
        """Register the requester; the token is kept in a file."""
        settings = ("name=lab", f"api_url={self.prolific.api_url}", "keep_token_in=file")
        return self.famulus("register", "prolific", *settings)

    @contextmanager
    def launched(self, source: Path, *options: str) -> Iterator[Command]:
        """Launch a configuration, or start a run script, until the end of the block."""
        words = [
            str(source),
            "provider=prolific",
            f"provider.site_url={self.prolific.site_url}",
            f"architect.port={self.port}",
            *([f"architect.public_url={self.public_url}"] if self.public_url else []),
            "task.estimated_minutes=2",
            *options,
            "--yes",
        ]
        if source.suffix != ".py":
            words = ["-m", "famulus", "launch", *words]
        with python_command(*words, database=self.database) as command:
            command.wait_for("Ctrl-C stops it")
            yield command


@contextmanager
def prolific_launch(folder: Path, *, secure: bool = False) -> Iterator[ProlificLaunch]:
    """Serve a fake, and choose where a run is to be served; the requester is registered.

    :param folder: of the database and of all else.
    :param secure: whether participants reach the run through a proxy with HTTPS.
    """
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        prolific = stack.enter_context(FakeProlific())
        environment.setenv(VARIABLE, prolific.token)
        port, public_url = free_port(), ""
        if secure:
            proxy = stack.enter_context(tls_proxy({"/study/": port}, folder))
            public_url = f"{proxy.origin}/study/"
        found = ProlificLaunch(prolific, folder / "famulus.db", port, public_url)
        found.register()
        yield found


def example_with_onboarding(folder: Path) -> Path:
    """Copy the example with one row of data; return a run script whose onboarding can be failed."""
    task = folder / "task"
    shutil.copytree(EXAMPLE, task)
    header, first, *_ = (EXAMPLE / "data.csv").read_text().splitlines()
    (task / "data.csv").write_text(f"{header}\n{first}\n")
    script = task / "run_prolific.py"
    script.write_text(SCRIPT)
    return script
