"""What holds for all packages of the workspace together."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import famulus

ROOT = Path(__file__).parents[1]
MEMBERS = [ROOT / "core", *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
PLUGINS = MEMBERS[1:]

of_each_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
of_each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)

#: In two parts, since no file may name them, this one included.
_HOSTS = [("py", "pi"), ("python", "hosted"), ("ana", "conda"), ("npm", "js")]
PACKAGE_HOSTS = re.compile(
    "|".join(rf"{first}{second}\.org" for first, second in _HOSTS) + "|index-url|trusted-host",
    re.IGNORECASE,
)
#: A folder that only the machine of whoever wrote the file has; ``somebody`` is nobody.
OWN_PATHS = re.compile(r"(?<![\w.$}/-])/(?:home|Users|root|work|private)/(?!somebody\b)[\w.-]+")


@cache
def project(folder: Path) -> dict[str, Any]:
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = tomllib.loads(text)["project"]
    return loaded


@cache
def committed() -> tuple[Path, ...]:
    """The files of the repository, those that are about to be committed among them."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout; run it in one")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """The name and the content of every committed file that holds text."""
    found = []
    for path in committed():
        content = path.read_bytes()
        if b"\0" not in content and path != Path(__file__):
            found.append((str(path.relative_to(ROOT)), content.decode("utf-8")))
    return tuple(found)


@of_each_member
def test_version_is_that_of_core(member: Path) -> None:
    assert project(member)["version"] == famulus.__version__


@of_each_member
def test_python_requirement_is_the_same_everywhere(member: Path) -> None:
    root = project(ROOT)["requires-python"]

    assert project(member)["requires-python"] == root


@of_each_plugin
def test_plugin_asks_for_the_minor_version_of_core_it_is_released_with(plugin: Path) -> None:
    major, minor, _ = famulus.__version__.split(".")
    wanted = f"famulus>={major}.{minor},<{major}.{int(minor) + 1}"

    asked = [each for each in project(plugin)["dependencies"] if each.startswith("famulus")]

    assert asked == [wanted]


def test_extra_local_asks_for_the_same_minor_version() -> None:
    bounds = {
        each.partition(">=")[2] for each in project(ROOT / "core")["optional-dependencies"]["local"]
    }

    major, minor, _ = famulus.__version__.split(".")
    assert bounds == {f"{major}.{minor},<{major}.{int(minor) + 1}"}


@of_each_member
def test_py_typed_lies_inside_the_package(member: Path) -> None:
    packages = [path.parent for path in member.glob("src/*/__init__.py")]

    assert packages
    assert all((package / "py.typed").is_file() for package in packages)


@of_each_plugin
def test_plugin_is_found_by_an_entry_point(plugin: Path) -> None:
    assert project(plugin)["entry-points"]["famulus"]


def test_workspace_depends_on_every_member() -> None:
    names = {project(member)["name"] for member in MEMBERS}

    assert set(project(ROOT)["dependencies"]) == names


def test_no_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in committed() if path.match("test_*.py")}

    assert [folder for folder in folders if (folder / "__init__.py").exists()] == []


def test_names_of_test_files_are_unique() -> None:
    names = Counter(path.name for path in committed() if path.match("test_*.py"))

    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_names_a_package_host() -> None:
    assert [name for name, text in texts() if PACKAGE_HOSTS.search(text)] == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    found = [(name, match[0]) for name, text in texts() for match in OWN_PATHS.finditer(text)]

    assert found == []
