"""Configurations in the layout of existing task folders mean the same as those in ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from drafted_plans import drafted_plan
from famulus.errors import UsageError
from famulus.options.configuration import Configuration, read_configuration
from famulus.plan import stored_plan
from famulus.plugins import discover

SIMPLE = Path(__file__).parents[2] / "sdk_examples" / "simple_static_task"

#: Options that existing files set and that do nothing here, by section.
USELESS: dict[str, dict[str, Any]] = {
    "blueprint": {"tips_location": "???", "task_source_review": "${task_dir}/review.html"},
    "architect": {"server_type": "node", "server_source_path": "???"},
    "task": {"force_rebuild": False, "post_install_script": "x.sh", "resume_incomplete_run": False},
}

STATIC: dict[str, Any] = {
    "defaults": [{"blueprint": "static_task"}, {"architect": "local"}, {"provider": "mock"}],
    "blueprint": {
        "data_csv": "${task_dir}/data.csv",
        "task_source": "${task_dir}/server_files/demo_task.html",
        "preview_source": "${task_dir}/server_files/demo_preview.html",
        "extra_source_dir": "${task_dir}/server_files/extra_refs",
        "units_per_assignment": 2,
    },
    "architect": {"port": 3001},
    "task": {
        "task_name": "html-static-task-example",
        "task_title": "About: a test",
        "task_description": "This is a simple test of static tasks.",
        "task_reward": 0.3,
        "task_tags": "static,task,testing",
        "maximum_units_per_worker": 5,
    },
}
ONBOARDING = {
    **STATIC,
    "blueprint": {
        **STATIC["blueprint"],
        "onboarding_source": "${task_dir}/server_files/demo_onboarding.html",
        "onboarding_qualification": "knows-ratings",
        "block_qualification": "blocked-ratings",
    },
}
SANDBOX = {
    **STATIC,
    "defaults": [
        {"blueprint": "static_task"},
        {"architect": "local"},
        {"provider": "mturk_sandbox"},
    ],
    "provider": {"requester_name": "my_mturk_user_sandbox"},
    "architect": {"public_url": "https://tasks.example.org/"},
}


def native(folder: Path, tree: dict[str, Any]) -> Configuration:
    file = folder / "conf" / "example.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(tree))
    return read_configuration(file)


def former(folder: Path, tree: dict[str, Any]) -> Configuration:
    """Read the same in the existing layout, with keys that have no effect."""
    roles = {role: name for each in tree["defaults"] for role, name in each.items()}
    sections = {
        name: {**body, **USELESS.get(name, {})} for name, body in tree.items() if name != "defaults"
    }
    layout = {
        "defaults": [{f"/mephisto/{role}": name} for role, name in roles.items()],
        "mephisto": {**sections, "log_level": "info"},
    }
    file = folder / "hydra_configs" / "conf" / "example.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f"#@package _global_\n{yaml.safe_dump(layout)}")
    return read_configuration(file)


@pytest.mark.parametrize(
    "tree", [STATIC, ONBOARDING, SANDBOX], ids=["static", "onboarding", "sandbox"]
)
def test_task_makes_the_same_plan(tmp_path: Path, tree: dict[str, Any]) -> None:
    plugins = discover()

    ours, no_warnings = drafted_plan(native(tmp_path, tree), plugins)
    theirs, warnings = drafted_plan(former(tmp_path, tree), plugins)

    assert stored_plan(theirs) == stored_plan(ours)
    assert no_warnings == []
    assert sorted(str(each.key).rpartition(".")[2] for each in warnings) == [
        "force_rebuild",
        "log_level",
        "post_install_script",
        "resume_incomplete_run",
        "server_type",
        "task_source_review",
    ]
    assert all("has no effect" in each.message for each in warnings)


def test_sandbox_task_of_a_former_host_is_the_native_one_once_it_is_served_from_here(
    tmp_path: Path,
) -> None:
    plugins = discover()
    hosted = {
        **SANDBOX,
        "defaults": [*SANDBOX["defaults"][::2], {"architect": "heroku"}],
        "architect": {"use_hobby": True, "heroku_team": None},
    }
    moved = ["mephisto/architect=local", "mephisto.architect.public_url=https://tasks.example.org/"]
    former(tmp_path, hosted)
    file = tmp_path / "hydra_configs" / "conf" / "example.yaml"

    with pytest.raises(UsageError, match=r"there is no architect 'heroku'.*use architect 'local'"):
        drafted_plan(read_configuration(file), plugins)
    theirs, _ = drafted_plan(read_configuration(file, moved), plugins)

    ours, _ = drafted_plan(native(tmp_path, SANDBOX), plugins)
    assert stored_plan(theirs) == stored_plan(ours)
    assert theirs.provider.type == "mturk_sandbox"
