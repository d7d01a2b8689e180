"""However the address of a database is spelt, no command prints its password."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

ADDRESSES = [
    *(
        f"postgresql://u:{password}@127.0.0.1:9/name"
        for password in (
            "hush",
            "hush sesame",
            "hush%sesame",
            "hush@sesame",
            "hush/sesame",
            "hush?sesame",
            "hush#sesame",
            "hush:sesame",
            "hush%40sesame",
            "hush%00sesame",
        )
    ),
    "postgresql+psycopg://u:hush@127.0.0.1:9/name",
    "POSTGRES://u:hush@127.0.0.1:9/name",
    "postgresql://u:hush@127.0.0.1:sesame/name",
    "postgresql:u:hush@127.0.0.1/name",
    "postgresql://127.0.0.1:9/name?password=hush&sesame",
    "postgresql://127.0.0.1:9/name?password=hush&nothing=1",
    "postgresql://u:hush@127.0.0.1:9/name?sslpassword=sesame&passfile=x",
    "host=127.0.0.1 port=9 password='hush sesame'",
    "host=127.0.0.1 port=9 password='hush",
    "mysql://u:hush@127.0.0.1/name",
    "u:hush@127.0.0.1/name",
]


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_password_is_printed(
    famulus: Callable[..., Result], address: str, verbose: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "k" * 32)
    options = ["-v"] if verbose else []
    for words in (["runs"], ["status", "1"]):
        result = famulus(*options, "--database", address, *words, database="")

        assert result.exit_code in (1, 2)
        assert "famulus: error:" in result.output
        assert "hush" not in result.output
        assert "sesame" not in result.output
        assert verbose or len(result.output.splitlines()) == 1
