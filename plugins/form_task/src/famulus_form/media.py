"""The subject of a question: a text, an image, audio or video."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

import famulus
from famulus_form.catalogue import _
from famulus_form.texts import Piece, attribute, blocks, inline, is_safe_url, placeholders, url

_KINDS = ("text", "image", "audio", "video")


@frozen(kw_only=True)
class Shows:
    """One thing that is shown: exactly one of text, image, audio, video."""

    text: str | None = famulus.option(help="A text, in paragraphs.")
    image: str | None = famulus.option(help="Address of an image, or its name in the folder.")
    audio: str | None = famulus.option(help="Address of an audio file, or its name.")
    video: str | None = famulus.option(help="Address of a video file, or its name.")
    alt: str = famulus.option(
        help="What an image shows, for those who cannot see it; what is heard or seen, for audio "
        "and video.",
        default="",
    )
    label: str = famulus.option(help="A heading.", default="")

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield its texts with their keys."""
        for key in (*_KINDS, "alt", "label"):
            text = getattr(self, key)
            if text:
                yield key, text

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield the key below the part, and the message, of each fault."""
        given = [key for key in _KINDS if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none"
            yield "", f"must have one of {', '.join(_KINDS)}; it has {found}"
        for key in given:
            address = str(getattr(self, key))
            fixed = not any(placeholders(address))
            if key != "text" and fixed and not is_safe_url(address):
                yield f".{key}", f"{address!r} is not the address of a file: begin with https://"

    def html(self) -> list[Piece]:
        """Return its HTML."""
        heading: list[Piece] = []
        if self.label:
            heading = ['<p class="fq-label">', *inline(self.label), "</p>\n"]
        return ['<div class="fq-show">\n', *heading, *self._content(), "</div>\n"]

    def _content(self) -> list[Piece]:
        if self.image is not None:
            return ['<img src="', *url(self.image), '" alt="', *attribute(self.alt), '">\n']
        for tag, address, name in (
            # Translators: names a player of sound, and one of moving pictures
            ("audio", self.audio, _("Audio")),
            ("video", self.video, _("Video")),
        ):
            if address is not None:
                named = [' aria-label="', *attribute(self.alt or name), '"']
                return [
                    f'<{tag} controls preload="metadata" src="',
                    *url(address),
                    '"',
                    *named,
                    f"></{tag}>\n",
                ]
        return ['<blockquote class="fq-text">', *blocks(self.text or ""), "</blockquote>\n"]
