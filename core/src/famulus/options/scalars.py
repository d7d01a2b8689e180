"""What a scalar was before its option's type is known: its text, kept exactly.

Not attrs classes: OmegaConf would take those for structured configurations.
"""

from __future__ import annotations


class _Scalar:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and str(other) == self.text

    def __hash__(self) -> int:
        return hash((type(self), self.text))


class Plain(_Scalar):
    """An unquoted YAML scalar that reads as a number or a truth value.

    Its text makes ``0.30`` exact money and ``0802`` a good title; ``value`` is what YAML makes of
    it, for options that take anything.
    """

    __slots__ = ("value",)

    def __init__(self, text: str, value: bool | int | float) -> None:
        super().__init__(text)
        self.value = value


class Typed(_Scalar):
    """Text from the command line: the option's type says what it means."""

    __slots__ = ()
