from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

import famulus
from drafted_plans import drafted_plan
from famulus.contracts.context import RequesterView
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.qualification_check import GuardedRun, QualificationCheck
from famulus.contracts.views import WorkerView
from famulus.errors import PluginError
from famulus.model.database import Database
from famulus.plan import RunParts, configuration_from_mapping
from famulus.plugins import Plugins
from famulus.testing.inprocess import kit_plugins, rows_configuration

REQUESTER = RequesterView(id=3, name="payer", provider_type="crowd")


def parts_of(database: Database, plugins: Plugins) -> RunParts:
    configuration = configuration_from_mapping(rows_configuration(), task_dir=Path.cwd())
    plan, _ = drafted_plan(configuration, plugins)
    return RunParts(database=database, plugins=plugins, plan=plan, requester=REQUESTER, run_id=7)


@pytest.fixture
def parts(database: Database) -> RunParts:
    return parts_of(database, kit_plugins())


def test_parts_share_one_context(parts: RunParts) -> None:
    context = parts.blueprint.context

    assert (context.requester, context.run_id) == (REQUESTER, 7)
    assert context.shared_state is parts.plan.shared_state
    assert parts.provider.context is context
    assert parts.architect.context is context


def test_a_part_is_constructed_once(parts: RunParts) -> None:
    assert parts.provider is parts.provider
    assert parts.checks is parts.checks


def test_only_requested_parts_are_constructed(database: Database) -> None:
    parts = parts_of(database, kit_plugins())
    parts = attrs.evolve(parts, plugins=Plugins())

    assert parts.plan.provider.type == "crowd"
    with pytest.raises(PluginError, match="'crowd'"):
        _ = parts.provider


def test_a_changed_copy_constructs_parts_of_its_own(parts: RunParts) -> None:
    first = parts.blueprint

    assert attrs.evolve(parts, run_id=8).blueprint is not first


def test_no_other_module_constructs_a_context() -> None:
    source = Path(famulus.__file__).parent
    made = re.compile(r"(?<![\w.])Context\(")

    found = [path.name for path in source.rglob("*.py") if made.search(path.read_text())]

    assert found == ["run_parts.py"]


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ("blueprint", "the blueprint 'rows'"),
        ("architect", "the architect 'nowhere'"),
        ("provider", "the provider 'crowd'"),
        ("checks", "the check 'strict'"),
    ],
)
def test_a_part_whose_constructor_fails_is_an_error_that_names_it(
    part: str, named: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Strict(QualificationCheck):
        type = "strict"

        def refuse(self, worker: WorkerView, run: GuardedRun) -> None:
            return None

    class CheckPlugin:
        @hookimpl
        def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
            return [Strict]

    def broken(self: object, args: object, context: object) -> None:
        raise ZeroDivisionError("on purpose")

    parts = parts_of(database, kit_plugins(check=CheckPlugin()))
    cls = Strict if part == "checks" else getattr(parts, f"{part}_class")
    monkeypatch.setattr(cls, "__init__", broken)

    message = f"{named} cannot be constructed: ZeroDivisionError: on purpose"
    with pytest.raises(PluginError, match=f"^{message}$"):
        getattr(parts, part)
