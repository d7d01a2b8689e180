"""Arguments that several commands take."""

from __future__ import annotations

import click

#: What a database's 64-bit column can hold.
_LARGEST = 2**63 - 1


def run_number(text: str) -> int:
    """Read the number of a run; nothing is looked up yet."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number <= _LARGEST:
        raise click.BadParameter(f"{text!r} is not the number of a run; `famulus runs` lists them")
    return number


run_argument = click.argument("run", type=run_number)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
