"""Run scripts: ``@task_script`` turns a function ``main(operator, cfg)`` into a program.

Imports point one way: this module and ``script_resume`` know the others, ``script_program`` knows
``script_observer``, and all know ``run_script``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from famulus.cli.scripts.run_script import CALLER, RunScript, script_of
from famulus.errors import UsageError
from famulus.options.task_config import TaskConfig, build_default_task_config, own_arguments

_REMEDY = (
    'write @task_script(default_config_file="example"), or @task_script(config=MyTaskConfig) with '
    'a class that extends build_default_task_config("example")'
)


def task_script(
    config: type[TaskConfig] | None = None, default_config_file: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Turn ``main(operator, cfg)`` into a program.

    Called without arguments it reads the command line (``conf=NAME``, ``architect.port=1234``,
    ``--help``), calls the function with an operator and its configuration, and ends the process
    with the status of the run if that is not 0. Called with arguments it is just the function.

    :param config: a class made with :func:`famulus.build_default_task_config`, or a class that
        extends it with the script's own arguments.
    :param default_config_file: name of a file in ``conf/`` or ``hydra_configs/conf/`` next to the
        script, for a script without arguments of its own.
    :raises famulus.UsageError: when neither is given, or both are.
    """
    cls = _config_class(config, default_config_file)
    own_arguments(cls)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        script = script_of(function, cls)

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
        raise UsageError("give either config or default_config_file, not both")
    if isinstance(config, type) and issubclass(config, TaskConfig) and config.default_config_file:
        return config
    raise UsageError(f"a run script must name its configuration: {_REMEDY}")


def _start(script: RunScript) -> None:
    caller = CALLER.get()
    if caller is not None:
        caller(script)
        return
    from famulus.cli.scripts.script_program import run_as_program

    status = run_as_program(script)
    if status:
        sys.exit(status)
