"""Compatibility with task folders, scripts and commands that were written for another system.

That system's configurations have all sections below one key, name plugins by other words, and set
options that have no effect here. Its scripts use other names, and read units under other keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from famulus.options.sections import Sections

#: The key that holds all sections in existing configurations; a script's ``cfg`` has it too.
FORMER_ROOT = "mephisto"

#: Keys beside the sections that do nothing here.
IGNORED_KEYS = frozenset({"database", "hydra", "log_level", "num_tasks"})

#: Options of a section that do nothing here, unless its plugin has an option of that name.
_IGNORED_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "blueprint": frozenset({"task_source_review", "tips_location"}),
        "architect": frozenset({"server_source_path", "server_type"}),
        "provider": frozenset(),
        "task": frozenset({"force_rebuild", "post_install_script", "resume_incomplete_run"}),
    }
)
#: The one of these options that asks for a behaviour, and is an error when it is true.
RESUMING_OPTION = "resume_incomplete_run"

#: Where existing task folders keep ``conf/``.
_CONF_PARENT = "hydra_configs"
#: Where a run script looks for its configuration, from its own folder.
CONF_FOLDERS = ("conf", f"{_CONF_PARENT}/conf")

_OWN_MACHINE = (
    "use architect 'local' on a machine of your own, with architect.public_url set to the address "
    "that leads to it"
)
_STATIC = "use blueprint 'static_task', which shows an HTML file of yours for each row of data"
_FORMER_PLUGINS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("architect", "heroku"): _OWN_MACHINE,
        ("architect", "ec2"): _OWN_MACHINE,
        ("blueprint", "static_react_task"): (
            f"{_STATIC}; a React application that is built to one script can be loaded by that file"
        ),
        ("blueprint", "remote_procedure"): (
            f"{_STATIC}; calls of Python functions while a worker is at work are not supported"
        ),
        ("blueprint", "parlai_chat"): (
            "chats of several workers are not supported; a blueprint of your own can show a chat "
            "with a model to one worker (docs/writing-a-blueprint.md)"
        ),
        ("provider", "prolific"): ('it is a package of its own: `pip install "famulus[prolific]"`'),
        ("provider", "inhouse"): (
            "use provider 'links' for people of your own whom no platform pays: each gets a signed "
            'link, made by `famulus links make`; `pip install "famulus[links]"` installs it'
        ),
    }
)

#: Options of existing commands, and what to do instead.
_FORMER_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "-m": "a command launches one run; call it once for each set of options",
        "--multirun": "a command launches one run; call it once for each set of options",
        "--cfg": "`famulus config show FILE` prints what a configuration resolves to",
        "--config-name": "write conf=NAME to choose another file beside this one",
        "-cn": "write conf=NAME to choose another file beside this one",
        "--config-dir": "write the path of the file itself, or conf=NAME for one beside it",
        "-cd": "write the path of the file itself, or conf=NAME for one beside it",
        "--info": "`famulus wut` shows what can be set",
    }
)


def former_root(tree: Mapping[str, Any]) -> str | None:
    """Return the key that holds all sections; None for a tree in the native layout."""
    return FORMER_ROOT if FORMER_ROOT in tree else None


def native_path(names: Sequence[str]) -> list[str]:
    """Return a path without the key that holds all sections."""
    return list(names[1:] if names[:1] == [FORMER_ROOT] and len(names) > 1 else names)


def native_key(key: str) -> str:
    """Return the native form of a key of the command line.

    ``mephisto/x`` chooses a plugin, and ``mephisto.x`` sets an option. A leading plus, by which
    existing commands add options that a file lacks, is dropped.
    """
    key = key.strip().lstrip("+").removeprefix("/")
    return key.removeprefix(f"{FORMER_ROOT}.").removeprefix(f"{FORMER_ROOT}/")


def native_problem_key(key: str) -> str:
    """Return the key of a problem without the key that holds all sections."""
    return key.removeprefix(f"{FORMER_ROOT}.")


def default_group(word: str) -> str:
    """Return the role of an entry in ``defaults``, such as ``override /mephisto/architect``."""
    name = word.removeprefix("override ").strip().removeprefix("/")
    return name.removeprefix(f"{FORMER_ROOT}/")


def type_key(role: str) -> str:
    """Return the option of a section that names the type of its plugin."""
    return f"_{role}_type"


def task_folder(file: Path) -> Path:
    """Return the folder of the task that a configuration belongs to.

    It is the folder that contains the file, or the folder above ``conf/``; in existing task folders
    ``conf/`` may lie in ``hydra_configs/``.
    """
    folder = file.parent
    if folder.name != "conf":
        return folder
    return folder.parent.parent if folder.parent.name == _CONF_PARENT else folder.parent


def ignored_options(section: str, known: Collection[str]) -> frozenset[str]:
    """Return the options of a section that have no effect here.

    :param known: the options that its plugin has.
    """
    return _IGNORED_OPTIONS[section] - frozenset(known)


def plugin_hint(role: str, type_name: str) -> str | None:
    """Return the remedy for a plugin type of existing configurations that is not installed."""
    return _FORMER_PLUGINS.get((role, type_name))


def flag_hint(arguments: Sequence[str]) -> str | None:
    """Return the remedy for the first command-line option that is not known here."""
    found: Iterator[str] = (_flag(each) for each in arguments)
    flag = next((each for each in found if each in _FORMER_FLAGS), None)
    return None if flag is None else f"{flag} is not used here: {_FORMER_FLAGS[flag]}"


def _flag(argument: str) -> str:
    return argument.partition("=")[0] if argument.startswith("-") else ""


class FormerNames:
    """What the ``cfg`` of a run script has by the names that existing scripts use."""

    if TYPE_CHECKING:

        @property
        def famulus(self) -> Sections: ...

    @property
    def mephisto(self) -> Sections:
        """The same as :attr:`famulus`, by the name that existing scripts use."""
        return self.famulus


class _File(Protocol):
    @property
    def field(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def size(self) -> int: ...


class _Worker(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


class _Attempt(Protocol):
    @property
    def status(self) -> Any: ...
    @property
    def worker(self) -> _Worker: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def submitted_at(self) -> datetime | None: ...
    @property
    def outputs(self) -> Any: ...
    @property
    def files(self) -> Sequence[_File]: ...
    @property
    def folder(self) -> Path: ...


class _Unit(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def assignment_id(self) -> int: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...
    @property
    def agent(self) -> _Attempt | None: ...


def former_record(unit: _Unit) -> dict[str, Any]:
    """Return a unit under the keys that existing scripts read.

    Times are seconds since 1970.
    """
    agent = unit.agent
    end = None if agent is None else agent.submitted_at
    times = {
        "task_start": None if agent is None else agent.started_at.timestamp(),
        "task_end": None if end is None else end.timestamp(),
    }
    outputs = None if agent is None or end is None else _outputs_with_files(agent)
    return {
        "unit_id": unit.id,
        "assignment_id": unit.assignment_id,
        "worker_id": None if agent is None else agent.worker.id,
        "worker_name": None if agent is None else agent.worker.name,
        "status": None if agent is None else agent.status.value,
        **times,
        "data": {"inputs": dict(unit.inputs), "outputs": outputs, "times": times},
        "file_directory": None if agent is None else str(agent.folder),
        "metadata": {**times, "tips": None, "feedback": None},
        "tips": None,
        "feedback": None,
    }


def _outputs_with_files(agent: _Attempt) -> Any:
    if not isinstance(agent.outputs, Mapping):
        return agent.outputs
    by_fields: dict[str, list[dict[str, Any]]] = {}
    for file in agent.files:
        by_fields.setdefault(file.field, []).append(
            {
                "originalname": file.name,
                "mimetype": file.content_type,
                "filename": file.path.name,
                "path": str(file.path),
                "size": file.size,
            }
        )
    paths = [str(file.path) for file in agent.files]
    return {"files": paths, "filesByFields": by_fields, **agent.outputs}
