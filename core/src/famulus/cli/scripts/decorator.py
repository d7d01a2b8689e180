"""Run scripts: ``@task_script`` makes a program of a function ``main(operator, cfg)``."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus.errors import UsageError
from famulus.options.conf_files import find_conf, split_conf
from famulus.options.task_config import TaskConfig, build_default_task_config, own_arguments

if TYPE_CHECKING:
    from famulus.operate.operator import Operator
    from famulus.plugins import Plugins

#: Where configurations lie beside a script.
_CONF_FOLDERS = ("conf", "hydra_configs/conf")
_REMEDY = (
    'write @task_script(default_config_file="example"), or @task_script(config=MyTaskConfig) with '
    'a class that extends build_default_task_config("example")'
)


def task_script(
    config: type[TaskConfig] | None = None, default_config_file: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a program of ``main(operator, cfg)``.

    Called without arguments it reads the command line (``conf=NAME``, ``architect.port=1234``,
    ``--help``), calls the function with an operator and its configuration, and ends the process
    with the status of the run where that is not 0. Called with arguments it is just the function.

    :param config: a class made with :func:`famulus.build_default_task_config`, or one that extends
        it by arguments of the script's own.
    :param default_config_file: name of a file in ``conf/`` or ``hydra_configs/conf/`` beside the
        script, where there are no arguments of its own.
    :raises famulus.UsageError: when neither is given, or both are.
    """
    cls = _config_class(config, default_config_file)
    own_arguments(cls)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        script = _script_of(function, cls)

        @functools.wraps(function)
        def main(*args: Any, **kwargs: Any) -> Any:
            if args or kwargs:
                return function(*args, **kwargs)
            return _start(script)

        return main

    return decorate


def _config_class(config: object, default_config_file: object) -> type[TaskConfig]:
    if config is None and isinstance(default_config_file, str):
        return build_default_task_config(default_config_file)
    if config is not None and default_config_file is not None:
        raise UsageError("give either config or default_config_file: the class names its file")
    if isinstance(config, type) and issubclass(config, TaskConfig) and config.default_config_file:
        return config
    raise UsageError(f"a run script has to say which configuration it starts with: {_REMEDY}")


@frozen(kw_only=True)
class RunScript:
    """A function that ``@task_script`` stands above, and where it stands."""

    function: Callable[..., Any]
    config: type[TaskConfig]
    #: None where it was not written in a file
    file: Path | None
    #: what ``python -m`` has imported it by
    module: str | None

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.file.name if self.file is not None else self.function.__name__

    @property
    def folder(self) -> Path:
        """What ``${task_dir}`` stands for."""
        return Path.cwd() if self.file is None else self.file.parent

    @property
    def is_program(self) -> bool:
        """Whether the process was started to run it."""
        return self.function.__module__ == "__main__"

    def conf_folders(self) -> list[Path]:
        """Return the folders its configurations lie in.

        :raises UsageError: when there is none.
        """
        folders = [self.folder / name for name in _CONF_FOLDERS]
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


def _script_of(function: Callable[..., Any], cls: type[TaskConfig]) -> RunScript:
    written = Path(inspect.unwrap(function).__code__.co_filename)
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return RunScript(
        function=function,
        config=cls,
        file=written.absolute() if written.is_file() else None,
        module=spec.name if spec is not None and function.__module__ == "__main__" else None,
    )


def _start(script: RunScript) -> None:
    from famulus.cli.scripts.script_program import run_as_program
    from famulus.cli.scripts.script_resume import RESUMPTION

    resumption = RESUMPTION.get()
    if resumption is not None:
        resumption.run(script)
        return
    status = run_as_program(script)
    if status:
        sys.exit(status)
