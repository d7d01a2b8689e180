"""``famulus new``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import table
from famulus.contracts.task_template import TaskTemplate
from famulus.errors import Problem, UsageError

#: Python creates these next to modules.
_NOT_COPIED = "__pycache__"


def task(
    session: Session, folder: Path | None, name: str | None, is_list: bool, as_json: bool
) -> None:
    """Copy a complete task into FOLDER, to launch it and to change it."""
    if is_list:
        _show(session.plugins.task_templates(), as_json=as_json)
        return
    if name is None:
        raise UsageError("name a task with --from; `famulus new task --list` lists them")
    template = session.plugins.task_template(name)
    target = Path(template.name) if folder is None else folder
    files = _copied(template, target)
    if as_json:
        say_json({"folder": str(target), "files": files})
        return
    say(f"Copied {template.name} to {target}: {', '.join(files)}")
    say(f"Launch it with {session.command('launch', str(target / 'config.yaml'))}")


def _show(templates: list[TaskTemplate], *, as_json: bool) -> None:
    if as_json:
        say_json([{"name": each.name, "summary": each.summary} for each in templates])
        return
    if not templates:
        say('No plugin has a task to copy; pip install "famulus[form]" installs some.', err=True)
        return
    for line in table([("NAME", "TASK"), *((each.name, each.summary) for each in templates)]):
        say(line)


def _copied(template: TaskTemplate, target: Path) -> list[str]:
    """Copy the files of a template, and return their names.

    :raises famulus.UsageError: when the target exists already.
    """
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        message = "exists already; name a folder that does not, as in `famulus new task FOLDER`"
        raise UsageError(Problem(message, file=target)) from None
    except OSError as error:
        raise UsageError(Problem(f"cannot be made: {error.strerror}", file=target)) from error
    names = []
    for source in _files(template.folder):
        name = source.relative_to(template.folder)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        # Not the permissions: what is installed may be read-only.
        (target / name).write_bytes(source.read_bytes())
        names.append(name.as_posix())
    return names


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and _NOT_COPIED not in path.parts:
            yield path
