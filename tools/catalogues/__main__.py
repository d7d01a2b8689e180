"""Bring the catalogues of all packages up to date: ``python -m tools.catalogues``.

Texts of the sources are added to each ``.po`` file without a translation, those that are gone are
deleted, and the ``.mo`` file is compiled. What is not translated is listed.
"""

from __future__ import annotations

import sys

from tools.catalogues.packages import catalogues


def main() -> int:
    """Write all catalogues; return 1 where a text is not translated."""
    missing = 0
    for catalogue in catalogues():
        catalogue.write()
        for message in catalogue.untranslated():
            missing += 1
            print(f"{catalogue.po}: not translated: {message}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
