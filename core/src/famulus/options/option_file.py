"""YAML files of a plugin's own, whose parts are read as classes of options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field

from famulus.errors import Problem
from famulus.options.convert import structure
from famulus.options.origins import Origins, located
from famulus.options.yaml_source import read_document

T = TypeVar("T")


@define
class OptionFile:
    """A YAML file whose root is a mapping, and the problems that were found in it.

    Its parts are named by dotted keys, in which the items of a list have numbers from 0:
    ``questions.2.min``.
    """

    path: Path
    #: mappings, lists and strings as in the file; other scalars are objects that only :meth:`typed`
    #: converts
    tree: Mapping[str, Any]
    problems: list[Problem]
    _origins: Origins = field(repr=False)

    @classmethod
    def read(cls, path: Path, begin_with: str) -> OptionFile:
        """Read a file; duplicate keys and unknown tags are among its problems.

        :param begin_with: the first key, for the message about an empty file: ``'questions:'``.
        :raises UsageError: when the file cannot be read, or is not YAML, or not a mapping.
        """
        document = read_document(path, begin_with=begin_with)
        origins = {key: (path, line) for key, line in document.lines.items()}
        return cls(path, document.tree, list(document.problems), origins)

    def problem(self, key: str, message: str, *, warning: bool = False) -> Problem:
        """Return a problem of a part, at the line of the part or of the nearest enclosing one."""
        found = located(key, message, self._origins)
        line = found.line or 1
        return Problem(message, key=key or None, file=self.path, line=line, warning=warning)

    def refuse(self, key: str, message: str) -> None:
        """Add a problem of a part."""
        self.problems.append(self.problem(key, message))

    def typed(self, cls: type[T], values: Mapping[str, Any], key: str) -> T | None:
        """Convert a part to a class whose fields are made with ``famulus.option``.

        Values are converted like those of a configuration: exactly, or not at all. If some do not
        fit, return None and add a problem for each.

        :param values: the part of the tree, which may have been completed.
        """
        made, problems = structure(
            cls, values, prefix=key, origins=self._origins, task_dir=self.path.parent
        )
        self.problems += (self.problem(each.key or key, each.message) for each in problems)
        return made
