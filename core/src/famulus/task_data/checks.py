"""The checks of a blueprint's data and of its folder of files, before a launch."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from famulus.contracts.plan import Plan
from famulus.errors import Problem
from famulus.task_data.exposed_files import private_files
from famulus.task_data.sources import DataCheck, DataFile, GivenRows, RowWatch, data_files


def check_task_data(
    plan: Plan,
    given: Any,
    key: str,
    needed: Collection[str],
    watch: RowWatch | None = None,
) -> DataCheck:
    """Check the data of a plan whole: one of the files of :func:`data_files`, or rows from Python.

    :param given: the rows from Python; None without any.
    :param key: the option that takes them, such as ``shared_state.static_task_data``.
    :param needed: the columns that every row must have.
    :param watch: receives the rows, except those of a generator.
    """
    files = data_files(plan.blueprint.args)
    # Run scripts pass an empty list where the data is in a file.
    has_given = given is not None and not (files and isinstance(given, list) and not given)
    sources = [f"blueprint.{file.option}" for file in files] + [key] * has_given
    if len(sources) > 1:
        message = f"give the data in one way, not in {' and '.join(sources)}"
        return DataCheck([plan.problem(sources[0], message)])
    if has_given:
        return GivenRows(given, key).check(needed, watch)
    if files:
        return _check_file(plan, files[0], needed, watch)
    name = key.rpartition(".")[2]
    message = f"no data: set one of data_csv, data_json, data_jsonl, or {name}"
    return DataCheck([Problem(message, key="blueprint.data_csv")])


def unreadable(path: Path, error: OSError) -> str:
    """Return why a file that an option names cannot be read, as a message about the option."""
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist"
    if isinstance(error, IsADirectoryError):
        return f"{path} is a folder, not a file"
    return f"{path} cannot be read: {error.strerror}"


def served_folder_problems(plan: Plan, key: str, folder: Path) -> list[Problem]:
    """Return what is wrong with a folder whose files are served to workers.

    Files in it that are meant only for the requester are reported as warnings.

    :param key: the option that names the folder, such as ``blueprint.extra_source_dir``.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        return [plan.problem(key, f"{folder} {what}")]
    data = [file.path for file in data_files(plan.blueprint.args)]
    configurations = [file for file, _ in plan.origins.values()]
    private = private_files(folder, [*configurations, *data])
    if not private:
        return []
    message = (
        f"{folder} is served to the public, and contains {private}; put what pages need into a "
        "folder of its own"
    )
    return [plan.problem(key, message, warning=True)]


def _check_file(
    plan: Plan, file: DataFile, needed: Collection[str], watch: RowWatch | None
) -> DataCheck:
    try:
        return file.check(needed, watch)
    except OSError as error:
        message = unreadable(file.path, error)
        return DataCheck([plan.problem(f"blueprint.{file.option}", message)])
