"""Which rounds a campaign has: every kind of kill, on every database, with every crowd."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

from campaign.forked_rounds import ForkedRound
from campaign.platforms import Crowd, MockCrowd, MturkCrowd
from campaign.rounds import Round
from famulus.testing.databases import PostgresDatabases

DATABASES = ("sqlite", "postgresql")
CROWDS = ("mock", "mturk")
#: Keys for AWS's own search for keys, and no setting of this machine's.
_AWS: Mapping[str, str] = MappingProxyType(
    {
        "AWS_ACCESS_KEY_ID": "a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
    }
)


@frozen(kw_only=True)
class Case:
    """One round to run. Its text, such as ``processes/sqlite/mock/7-3``, names it."""

    kind: str
    database: str
    crowd: str
    seed: str

    @classmethod
    def parse(cls, text: str) -> Case:
        """Parse the text of a case.

        :raises ValueError: when it is none of that form.
        """
        kind, database, crowd, seed = text.split("/")
        if kind not in KINDS or database not in DATABASES or crowd not in CROWDS:
            raise ValueError(text)
        return cls(kind=kind, database=database, crowd=crowd, seed=seed)

    def __str__(self) -> str:
        return "/".join((self.kind, self.database, self.crowd, self.seed))

    def run(
        self, folder: Path, postgres: Callable[[], PostgresDatabases], *, kills: int, bonuses: int
    ) -> int:
        """Run the round; return how many processes it has killed.

        :param postgres: starts a server, or returns the one that runs already.
        :raises campaign.RoundFailedError: when a promise was broken.
        """
        with (
            _environment(folder),
            _address(self.database, folder, postgres) as address,
            _crowd(self.crowd, str(self)) as crowd,
        ):
            running = KINDS[self.kind](
                folder=folder,
                address=address,
                crowd=crowd,
                seed=str(self),
                kills=kills,
                bonuses=bonuses,
            )
            running.run()
            return running.killed


KINDS: Mapping[str, type[Round]] = MappingProxyType({"processes": Round, "forks": ForkedRound})


def cases(kind: str, seed: str) -> Iterator[Case]:
    """Return the rounds of a kind without end, each database with each crowd in turn."""
    for number in itertools.count():
        for database, crowd in itertools.product(DATABASES, CROWDS):
            yield Case(kind=kind, database=database, crowd=crowd, seed=f"{seed}-{number}")


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    changes = {
        **_AWS,
        "FAMULUS_SECRET_KEY": secrets.token_hex(32),
        "FAMULUS_FILES": str(folder / "files"),
    }
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _address(
    database: str, folder: Path, postgres: Callable[[], PostgresDatabases]
) -> Iterator[str]:
    if database == "sqlite":
        yield str(folder / "famulus.db")
        return
    with postgres().fresh() as address:
        yield address


@contextmanager
def _crowd(crowd: str, seed: str) -> Iterator[Crowd]:
    if crowd == "mock":
        yield MockCrowd()
        return
    with MturkCrowd.open(seed) as opened:
        yield opened
