"""Suggest what to write in place of unsupported elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

_SHAPES = "<crowd-bounding-box>, or boxes and points of the blueprint form"
_INSTEAD: Mapping[str, str] = MappingProxyType({
    "crowd-3d-point-cloud": "another tool: there is nothing for three dimensions",
    "crowd-image": "<img>",
    "crowd-instance-segmentation": _SHAPES,
    "crowd-keypoint": _SHAPES,
    "crowd-line": _SHAPES,
    "crowd-polygon": _SHAPES,
    "crowd-polyline": _SHAPES,
    "crowd-question-answer-generation": "<crowd-text-area> for each question and answer",
    "crowd-rating": '<crowd-slider min="1" max="5">',
    "crowd-rekognition-detect-moderation-labels": "<crowd-image-classifier-multi-select>",
    "crowd-semantic-segmentation": _SHAPES,
    "crowd-text-ranking": "a question of the type ranking of the blueprint form",
    "crowd-textract-analyze-document": "<crowd-input> for each value, in a {% for %}",
    "crowd-toast": "<crowd-alert>",
})  # fmt: skip


def unknown_element(name: str, known: Iterable[str]) -> str:
    """Return a message that says what to write in place of an unsupported element.

    :param known: the names of all supported elements.
    """
    listed = ", ".join(sorted(each for each in known if each.startswith("crowd-")))
    instead = _INSTEAD.get(name, "ordinary HTML with named fields")
    return f"<{name}> does not exist here: use {instead} (there are {listed})"
