from __future__ import annotations

import subprocess
import sys


def test_importing_famulus_loads_no_configuration_library() -> None:
    script = (
        "import sys, famulus; famulus.TaskArgs; famulus.option; "
        "print(*{'cattrs', 'omegaconf', 'yaml'} & sys.modules.keys())"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    ).stdout

    assert loaded.strip() == ""
