"""Names of the system that existing task folders were written for, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: The key that holds all sections in existing configurations.
FORMER_ROOT = "mephisto"

#: Keys beside the sections that do nothing here.
IGNORED_KEYS = frozenset({"database", "hydra", "log_level", "num_tasks"})

#: Options of a section that do nothing here, unless its plugin has an option of that name.
IGNORED_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "blueprint": frozenset({"task_source_review", "tips_location"}),
        "architect": frozenset({"server_source_path", "server_type"}),
        "provider": frozenset(),
        "task": frozenset({"force_rebuild", "post_install_script", "resume_incomplete_run"}),
    }
)

_ELSEWHERE = (
    "use architect 'local' on a machine of your own, with architect.public_url set to the address "
    "that leads to it"
)

#: (role, type) -> what to do where no plugin brings that type.
FORMER_PLUGINS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("architect", "heroku"): _ELSEWHERE,
        ("architect", "ec2"): _ELSEWHERE,
        ("provider", "prolific"): (
            "install a package that brings it, or use provider 'mock' with architect 'local' and "
            "architect.public_url, and send people links of their own"
        ),
    }
)
