"""The question of a HIT: the run's page in a frame."""

from __future__ import annotations

from xml.sax.saxutils import escape

_SCHEMA = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/"
    "ExternalQuestion.xsd"
)


def external_question(url: str, frame_height: int) -> str:
    """Return the XML of an ExternalQuestion; MTurk appends its own parameters to the address.

    :param frame_height: the height in pixels; 0 lets the frame follow the page.
    """
    return (
        f'<ExternalQuestion xmlns="{_SCHEMA}"><ExternalURL>{escape(url)}</ExternalURL>'
        f"<FrameHeight>{frame_height}</FrameHeight></ExternalQuestion>"
    )
