"""A run script: the function decorated with ``@task_script``, its configuration and its files."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus.errors import UsageError
from famulus.options.command_line import split_conf
from famulus.options.compat import CONF_FOLDERS
from famulus.options.conf_files import find_conf
from famulus.options.task_config import TaskConfig

if TYPE_CHECKING:
    from famulus.operate.operator import Operator
    from famulus.plugins import Plugins


@frozen(kw_only=True)
class RunScript:
    """A function decorated with ``@task_script``, and the file or module that contains it."""

    function: Callable[..., Any]
    config: type[TaskConfig]
    #: None if it was not written in a file
    file: Path | None
    #: what ``python -m`` has imported it by
    module: str | None

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.file.name if self.file is not None else self.function.__name__

    @property
    def folder(self) -> Path:
        """The value of ``${task_dir}``."""
        return Path.cwd() if self.file is None else self.file.parent

    @property
    def is_program(self) -> bool:
        """Whether the process was started to run it."""
        return self.function.__module__ == "__main__"

    def conf_folders(self) -> list[Path]:
        """Return the folders that contain its configurations.

        :raises UsageError: when there is none.
        """
        folders = [self.folder / name for name in CONF_FOLDERS]
        there = [folder for folder in folders if folder.is_dir()]
        if not there:
            name = f"conf/{self.config.default_config_file}.yaml"
            raise UsageError(f"there is no {name} beside {self.name} (in {self.folder})")
        return there

    def conf_file(self, name: str | None = None) -> Path:
        """Return the configuration of a name, or the default one.

        :raises UsageError: when there is none of that name.
        """
        return find_conf(self.conf_folders(), name or self.config.default_config_file)

    def call(self, operator: Operator, arguments: Sequence[str]) -> None:
        """Call the function with its configuration, from the arguments of a command line.

        :raises UsageError: with everything that is wrong with them and with the file.
        """
        self.function(operator, self._read(arguments, operator.plugins))

    def _read(self, arguments: Sequence[str], plugins: Plugins) -> TaskConfig:
        from famulus.plan import read_task_config

        name, overrides = split_conf(arguments)
        file = self.conf_file(name)
        return read_task_config(self.config, file, overrides, plugins, task_dir=self.folder)


def script_of(function: Callable[..., Any], cls: type[TaskConfig]) -> RunScript:
    """Return the run script of a decorated function, with the file that defines the function."""
    written = Path(inspect.unwrap(function).__code__.co_filename)
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return RunScript(
        function=function,
        config=cls,
        file=written.absolute() if written.is_file() else None,
        module=spec.name if spec is not None and function.__module__ == "__main__" else None,
    )


#: What calls a decorated function instead of the command line, while its script is run for one of
#: its functions alone; None while scripts are programs of their own.
CALLER: ContextVar[Callable[[RunScript], None] | None] = ContextVar("famulus_caller", default=None)
