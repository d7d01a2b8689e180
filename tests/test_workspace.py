"""The rules for all packages of the workspace together."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tools.version import files, supported_range, version, with_version
from tools.workspace import ROOT, members, toml_of

import famulus

MEMBERS = members()
#: What plugins share; it registers nothing, and needs nothing of Famulus.
LIBRARIES = [ROOT / "plugins/marks"]
PLUGINS = [member for member in MEMBERS[1:] if member not in LIBRARIES]

of_each_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
of_each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)

#: In two parts, since no file may name them, this one included.
_HOSTS = [("py", "pi"), ("python", "hosted"), ("ana", "conda"), ("npm", "js")]
PACKAGE_HOSTS = re.compile(
    "|".join(rf"{first}{second}\.org" for first, second in _HOSTS) + "|index-url|trusted-host",
    re.IGNORECASE,
)
#: A folder that only one machine has; the placeholder of the examples is allowed.
OWN_PATHS = re.compile(r"(?<![\w.$}/-])/(?:home|Users|root|work|private)/(?!somebody\b)[\w.-]+")


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = toml_of(folder)["project"]
    return found


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


def test_members_are_core_and_every_folder_of_plugins() -> None:
    folders = [path for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").exists()]

    assert members() == [ROOT / "core", *sorted(folders)]


def test_make_has_the_same_members() -> None:
    command = ["make", "--silent", "--eval", "print: ; @echo $(MEMBERS)", "print"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert sorted(ROOT / name for name in listed.split()) == sorted(MEMBERS)


def test_version_is_that_of_core_everywhere() -> None:
    assert version() == famulus.__version__

    texts = {path: path.read_text(encoding="utf-8") for path in files()}
    assert [path for path, text in texts.items() if with_version(text, version()) != text] == []


@pytest.mark.parametrize(("port", "option"), [("", ""), ("PORT=3001", " architect.port=3001")])
def test_the_demo_can_be_given_a_port(port: str, option: str) -> None:
    command = ["make", "--dry-run", "--silent", "demo", *port.split()]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert f"conf/example.yaml{option}" in " ".join(shown.split()).rstrip()
    assert ("architect.port" in shown) == bool(option)


@pytest.mark.parametrize("member", MEMBERS[1:], ids=lambda path: path.name)
def test_plugin_has_a_version_when_built_alone(member: Path) -> None:
    assert project(member)["version"] == famulus.__version__


@of_each_member
def test_metadata_is_complete_and_the_same_everywhere(member: Path) -> None:
    own, core = project(member), project(ROOT / "core")

    for key in ("description", "keywords", "readme"):
        assert own[key], f"{key} is missing"
    for key in ("authors", "license", "license-files", "requires-python"):
        assert own[key] == core[key]
    pythons = {each for each in core["classifiers"] if each.startswith("Programming Language")}
    assert pythons <= set(own["classifiers"])
    assert (member / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@of_each_member
def test_python_requirement_is_the_same_everywhere(member: Path) -> None:
    root = project(ROOT)["requires-python"]

    assert project(member)["requires-python"] == root


@of_each_plugin
def test_plugin_asks_for_the_minor_version_of_core_it_is_released_with(plugin: Path) -> None:
    supported = supported_range(famulus.__version__)
    shared = {f"{project(library)['name']}{supported}" for library in LIBRARIES}

    asked = [each for each in project(plugin)["dependencies"] if each.startswith("famulus")]

    assert [each for each in asked if each not in shared] == [f"famulus{supported}"]


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


def test_lint_knows_the_package_of_every_member() -> None:
    packages = {path.parent.name for member in MEMBERS for path in member.glob("src/*/__init__.py")}
    tool = toml_of(ROOT)["tool"]
    contracts = {each["name"]: each for each in tool["importlinter"]["contracts"]}
    shared = {path.parent.name for each in LIBRARIES for path in each.glob("src/*/__init__.py")}
    plugins = packages - {"famulus"} - shared

    assert set(tool["importlinter"]["root_packages"]) == packages
    assert set(contracts["plugins do not know each other"]["modules"]) == plugins
    assert plugins | shared <= set(
        contracts["core has no HTTP in it and knows no plugin"]["forbidden_modules"]
    )
    assert set(tool["coverage"]["run"]["source_pkgs"]) == packages


def test_no_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in committed() if path.match("test_*.py")}

    assert [folder for folder in folders if (folder / "__init__.py").exists()] == []


def test_names_of_test_files_are_unique() -> None:
    names = Counter(path.name for path in committed() if path.match("test_*.py"))

    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_names_a_package_host() -> None:
    assert [name for name, text in texts() if PACKAGE_HOSTS.search(text)] == []


def test_no_file_contains_a_path_of_an_authors_machine() -> None:
    found = [(name, match[0]) for name, text in texts() for match in OWN_PATHS.finditer(text)]

    assert found == []
