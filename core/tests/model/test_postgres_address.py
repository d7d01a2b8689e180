"""Addresses of PostgreSQL are read in one place: common spellings work, no password is shown."""

from __future__ import annotations

import pytest

from famulus.errors import FamulusError, UsageError
from famulus.model.database import Database
from famulus.model.location import locate

psycopg = pytest.importorskip("psycopg")

PLACE = {"user": "u", "host": "h", "dbname": "n"}


@pytest.mark.parametrize(
    ("address", "params"),
    [
        ("postgresql://u@h/n", PLACE),
        ("postgres://u@h/n", PLACE),
        ("POSTGRESQL://u@h/n", PLACE),
        ("Postgres+psycopg2://u@h/n", PLACE),
        (
            " postgresql+psycopg://u@h:5433/n?sslmode=require\n",
            {**PLACE, "port": "5433", "sslmode": "require"},
        ),
        ("postgresql://u:p w@h/n", {**PLACE, "password": "p w"}),
        ("postgresql://u:p%w%4@h/n", {**PLACE, "password": "p%w%4"}),
        ("postgresql://u:p@w@h/n", {**PLACE, "password": "p@w"}),
        ("postgresql://u:p#w:é+&=@h/n", {**PLACE, "password": "p#w:é+&="}),
        ("postgresql://u:%70%40%2f%3F@h/n", {**PLACE, "password": "p@/?"}),
        ("postgresql://u:@h/n", PLACE),
        ("postgresql://h/n?user=u&password=p%20w@", {**PLACE, "password": "p w@"}),
        ("postgresql://u@h/n?passfile=/etc/pgpass", {**PLACE, "passfile": "/etc/pgpass"}),
        ("postgresql:///n?host=/run/pg", {"dbname": "n", "host": "/run/pg"}),
        ("postgresql://u@%2Frun%2Fpg/n", {**PLACE, "host": "/run/pg"}),
        ("postgresql://u@[::1]:5433/n", {**PLACE, "host": "::1", "port": "5433"}),
        (
            "postgresql://u@a:1,b:2/n?target_session_attrs=any",
            {**PLACE, "host": "a,b", "port": "1,2", "target_session_attrs": "any"},
        ),
        ("postgresql://?service=mine", {"service": "mine"}),
        ("host=h user=u dbname=n", PLACE),
        (
            r"host = h  user='u' dbname=n password='it\'s \\ p@w'",
            {**PLACE, "password": r"it's \ p@w"},
        ),
        ("service=mine password=x", {"service": "mine", "password": "x"}),
        ('"postgresql://u:p\'w@h/n"', {**PLACE, "password": "p'w"}),
        ("'host=h user=u dbname=n'", PLACE),
        ("host=::1 user=u password=p@w", {"host": "::1", "user": "u", "password": "p@w"}),
    ],
)
def test_common_spellings_are_read_and_written_as_libpq_reads_them(
    address: str, params: dict[str, str]
) -> None:
    location = locate(address)

    assert location.path is None
    assert dict(location.postgres.params) == params
    assert psycopg.conninfo.conninfo_to_dict(location.url) == params
    assert locate(location.url) == location


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hush/sesame@h/n",
        "postgresql://u:hush?sesame@h/n",
        "postgresql://u:12?hush=sesame@h/n",
        "postgresql://u:hush@h:sesame/n",
        "postgresql://u:hush@::1/n",
        "postgresql://u:hush%00sesame@h/n",
        "postgresql://u:hush@h/n?sesame",
        "postgresql:u:hush@h/n",
        "postgresql:/u:hush@h/n",
        "jdbc:postgresql://h/n?user=u&password=hush",
        "u:hush@h/n",
        "mysql://u:hush@h/n",
        "pgsql://u:hush@h/n",
        "host=h password='hush",
        "password=hush sesame host=h",
        "DATABASE_URL=postgresql://u:hush@h/n",
        "DATABASE_URL=mysql://u:hush@h/n",
        "psql postgresql://u:hush@h/n",
        "psql 'postgresql://u:hush@h/n'",
        "<postgresql://u:hush@h/n>",
        '"postgresql://u:hush@h/n',
        'psql "password=hush host=h"',
        "postgres//u:hush@h/n",
        "://u:hush@h/n",
        "u:hush/sesame@h/n",
        "u:hush sesame@h/n",
    ],
)
def test_other_spellings_are_refused_with_the_right_one_and_without_a_word_of_the_password(
    address: str,
) -> None:
    with pytest.raises(UsageError, match="postgresql://USER:PASSWORD@HOST:PORT/NAME") as caught:
        locate(address)

    assert "hush" not in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["a.db", "at@home.db", "postgres/a.db", "./run:1.db", "'a'.db", "sqlite:////data/a@b:c.db"],
)
def test_the_path_of_a_file_is_no_address(path: str) -> None:
    assert locate(path).path is not None


ODD = [
    "hush",
    "hush sesame",
    "hush%sesame",
    "hush@sesame",
    "hush:sesame",
    "hush#sesame",
    "hush%2Fsesame",
    "hush'sesame",
    "hush\\sesame",
    "hush…sesame",
]


@pytest.mark.parametrize(
    "address",
    [
        *(f"postgresql://u:{password}@127.0.0.1:9/name" for password in ODD),
        "POSTGRES+psycopg://:hush@127.0.0.1:9/name",
        "postgresql://127.0.0.1:9/name?user=u&password=hush",
        "postgresql://127.0.0.1:9/name?password=hush&user=u",
        "postgresql://u:hush@127.0.0.1:9/name?passfile=x&sslpassword=sesame",
        "host=127.0.0.1 port=9 dbname=name user=u password='hush sesame'",
        "hots=127.0.0.1 port=9 dbname=name password=hush",
        "postgresql://u:hush@127.0.0.1:9/name?sesame=1@2",
        "postgresql://u:hush@nowhere.invalid/name",
    ],
)
def test_a_password_is_never_shown(address: str) -> None:
    try:
        with Database(address) as database:
            texts = [database.location.shown, repr(database), repr(database.location)]
            assert "name" in texts[0]
            with database.read():
                pass  # there is no server
    except FamulusError as error:
        causes = [error, error.__cause__]
        texts = [*map(str, causes), *map(repr, causes)]
    else:
        pytest.fail("it was opened")

    assert not [text for text in texts if "hush" in text or "sesame" in text]
