"""What the serving process imports before its first request."""

from __future__ import annotations

import subprocess
import sys

#: What commands and the operator work with.
OF_THE_OPERATOR = frozenset(
    {
        "famulus.cli",
        "famulus.data",
        "famulus.engine.ledger.retries",
        "famulus.engine.ledger.topups",
        "famulus.engine.outbox.delivery",
        "famulus.engine.places",
        "famulus.engine.platform.visit_sync",
        "famulus.operate",
        "famulus.review",
        "famulus.serving",
        "omegaconf",
        "rich",
        "yaml",
    }
)


def test_the_server_does_not_import_what_the_operator_works_with() -> None:
    code = (
        "import sys, famulus, famulus_flask.serve, famulus_flask.wsgi; famulus.open_gateway; "
        "print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    modules = set(done.stdout.split())
    assert "famulus.engine.gateway" in modules
    assert modules & OF_THE_OPERATOR == set()
