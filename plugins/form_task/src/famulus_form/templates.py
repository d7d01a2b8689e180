"""The studies that ``famulus new task`` copies: one folder each, in ``studies/``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import famulus

_STUDIES = Path(__file__).parent / "studies"
_SUMMARIES: Mapping[str, str] = MappingProxyType(
    {
        "audio-transcription": "Write down what is said in a recording.",
        "image-boxes": "Draw boxes around the things in a picture.",
        "model-comparison": "Compare the answers of two assistants, and say what is wrong.",
        "named-entities": "Mark names of people, places and organisations in a sentence.",
        "pairwise-preference": "Choose the better one of two answers, and say why.",
        "sentiment": "Say how the author of a review feels, and how strongly.",
        "summary-quality": "Judge a summary of an article by four criteria.",
        "survey": "Answer a questionnaire, in which some questions depend on others.",
        "toxicity": "Say how hurtful a comment is, after a content warning and a consent.",
        "translation-quality": "Rate a translation, and mark what is wrong in it.",
    }
)


def studies() -> list[famulus.TaskTemplate]:
    """Return the studies of this package."""
    return [
        famulus.TaskTemplate(name=name, summary=summary, folder=_STUDIES / name)
        for name, summary in _SUMMARIES.items()
    ]
