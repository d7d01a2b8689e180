"""The kinds of question."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from famulus_form.kinds.choice import Choice, Choices
from famulus_form.kinds.compare import Compare
from famulus_form.kinds.file import File
from famulus_form.kinds.json import Json
from famulus_form.kinds.matrix import Matrix
from famulus_form.kinds.number import Number, Slider
from famulus_form.kinds.ranking import Ranking
from famulus_form.kinds.regions import Boxes, Points
from famulus_form.kinds.spans import Spans
from famulus_form.kinds.text import Date, LongText, Text
from famulus_form.question import Question

_ALL: tuple[type[Question], ...] = (
    Text, LongText, Number, Choice, Choices, Matrix, Ranking, Slider, Date, File, Compare,
    Spans, Boxes, Points, Json,
)  # fmt: skip
#: The class of each ``type:``.
KINDS: Mapping[str, type[Question]] = MappingProxyType({kind.type: kind for kind in _ALL})
