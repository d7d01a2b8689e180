"""The command line.

Importing this loads neither click nor the engine; a command loads what it needs.
"""

from __future__ import annotations


def main() -> None:
    """Run ``famulus`` with the arguments of this process."""
    from famulus.cli.program import program

    program(prog_name="famulus")
