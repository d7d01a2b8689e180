"""How large and how long the benchmarks are."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen


@frozen(kw_only=True)
class Scale:
    """Sizes in units, times in seconds."""

    name: str
    #: the run that every size is compared with, and the largest one
    small: int
    large: int
    #: rows of the run whose first page is measured beside that of the largest
    few: int
    #: whether the large run is worked on as well
    serves_large: bool
    exported: int
    #: how often it is exported
    exports: int
    #: numbers of clients; those of one group are loads of the same run
    clients: Sequence[Sequence[int]]
    #: one load, and how often each is repeated
    load_seconds: float
    turns: int
    #: numbers of clients of a server on PostgreSQL
    postgresql: Sequence[int]
    #: a load while rows are loaded, and the usual one beside it
    loading_seconds: float
    idle_seconds: float
    starts: int
    claims: int
    #: milliseconds that each sync takes instead of what the disk takes
    sync: float | None = None

    def with_units(self, units: int) -> Scale:
        """Return the same with no run of more units than given."""
        return evolve(self, small=min(self.small, units), large=units, exported=units)


def full() -> Scale:
    """Return the scale of the figures in docs/performance.md."""
    return Scale(
        name="full",
        small=10_000,
        large=1_000_000,
        few=1_000,
        serves_large=True,
        exported=1_000_000,
        exports=5,
        clients=((1,), (8,), (32,), (256,)),
        load_seconds=2.0,
        turns=7,
        postgresql=(1, 8, 32),
        loading_seconds=4.0,
        idle_seconds=20,
        starts=15,
        claims=200,
    )


def quick() -> Scale:
    """Return a scale for a look while working."""
    return Scale(
        name="quick",
        small=10_000,
        large=100_000,
        few=1_000,
        serves_large=False,
        exported=20_000,
        exports=3,
        clients=((1, 8, 32),),
        load_seconds=0.5,
        turns=3,
        postgresql=(8,),
        loading_seconds=0.7,
        idle_seconds=3,
        starts=3,
        claims=100,
    )
