"""Read a submitted form within its limits: text into memory, files to disk.

A form is only accepted when all of it has arrived. Some WSGI servers end the body of a broken
connection like a complete one, so completeness is checked here, by the announced length or the
closing boundary.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qsl

from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    LengthRequired,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import get_content_length, get_input_stream

from famulus import Form, FormFile
from famulus_flask.catalogue import _, _n
from famulus_flask.limits import Limits
from famulus_flask.plain_forms import split_plain_form
from famulus_flask.uploads import Upload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CHUNK_BYTES = 64 * 1024
#: what the decoder may hold back: one chunk, and the headers of a part that it cuts through
_DECODER_BYTES = 2 * _CHUNK_BYTES
#: a body up to this size is read at once
_SMALL_BYTES = 64 * 1024
_BROKEN_OFF = _("The connection broke off before all of the form had arrived.")


class FormTooLargeError(Exception):
    """A form exceeds a limit. ``form`` has the fields that could be kept, and no files."""

    def __init__(self, message: str, form: Form) -> None:
        super().__init__(message)
        #: as it was given, so that it can be translated
        self.text = message
        self.form = form


@contextmanager
def received_form(
    environ: WSGIEnvironment, folder: Callable[[], Path], limits: Limits
) -> Iterator[Form]:
    """Read a form, with its files in ``folder()``; at the end, delete files that are still there.

    :raises FormTooLargeError: for a form that was received and exceeds a limit.
    :raises werkzeug.exceptions.HTTPException: for a form that is too large to be received, cut off
        or not a form.
    :raises famulus_flask.uploads.UploadNotStoredError: when a file cannot be written.
    """
    body = _Body(environ, limits.max_form_bytes)
    kind, options = parse_options_header(environ.get("CONTENT_TYPE"))
    uploads: list[Upload] = []
    try:
        try:
            if kind == "multipart/form-data":
                boundary = _usable_boundary(options)
                form = _read_plain(body, boundary, limits)
                form = form or _Multipart(folder, limits, uploads).read(body, boundary)
            elif kind == "application/x-www-form-urlencoded":
                form = _read_urlencoded(body, limits)
            else:
                raise UnsupportedMediaType(_("This address takes forms only."))
        except HTTPException:
            body.discard_rest()
            raise
        yield form
    finally:
        for upload in uploads:
            upload.delete()


def received_body(environ: WSGIEnvironment, most: int) -> bytes:
    """Read the whole body of a request that is no form into memory, and return it.

    :param most: its largest size in bytes.
    :raises werkzeug.exceptions.HTTPException: for a body that is larger or cut off.
    """
    body = _Body(environ, most)
    try:
        return b"".join(body.chunks())
    except HTTPException:
        body.discard_rest()
        raise


def plain_form(body: bytes, boundary: bytes, limits: Limits) -> Form | None:
    """Return a form of text fields as browsers send it; None for other forms or beyond a limit."""
    fields = split_plain_form(body, boundary) if len(body) <= limits.max_text_bytes else None
    if fields is None or len(fields) > limits.max_fields:
        return None
    return Form(fields=tuple(fields))


class _TooManyParts(Exception):  # noqa: N818 - ends the reading, never leaves this module
    """Ends parsing a form: the rest would be slow to parse, and nothing of it would be kept."""


class _Body:
    """The body of a request, within the limit and complete."""

    def __init__(self, environ: WSGIEnvironment, limit: int) -> None:
        self.announced = get_content_length(environ)
        self._stream: IO[bytes] = get_input_stream(environ)
        self._limit = limit
        self._begun = b""

    def whole(self, most: int) -> bytes | None:
        """Return a body of at most ``most`` bytes; None if it is longer, or longer than announced.

        The bytes that this method reads are yielded first by :meth:`chunks`.
        """
        if self.announced is None or self.announced > min(most, self._limit):
            return None
        data = self._read(self.announced + 1)
        while len(data) <= self.announced:
            if not (more := self._read(self.announced + 1 - len(data))):
                break
            data += more
        self._begun = data
        return data if len(data) == self.announced else None

    def chunks(self) -> Iterator[bytes]:
        self.require_announced_at_most(self._limit)
        size = 0
        while chunk := self._begun or self._read(_CHUNK_BYTES):
            self._begun = b""
            size += len(chunk)
            if size > self._limit:
                raise RequestEntityTooLarge(_total_message(self._limit))
            yield chunk
        if self.announced is not None and size < self.announced:
            raise BadRequest(_BROKEN_OFF)

    def require_announced_at_most(self, limit: int) -> None:
        """Refuse a body by its announced length, before any of it is read."""
        if self.announced is not None and self.announced > limit:
            raise RequestEntityTooLarge(_total_message(limit))

    def discard_rest(self) -> None:
        """Read and drop the rest, within the limit: a browser ignores replies while it sends."""
        discarded = 0
        with contextlib.suppress(BadRequest):
            while discarded <= self._limit and (chunk := self._read(_CHUNK_BYTES)):
                discarded += len(chunk)

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except HTTPException:
            raise
        except Exception as error:  # WSGI servers report a malformed or broken body by any error
            raise BadRequest(_BROKEN_OFF) from error


def _read_urlencoded(body: _Body, limits: Limits) -> Form:
    if body.announced is None:
        raise LengthRequired(_("The length of the form must be announced."))
    body.require_announced_at_most(limits.max_text_bytes)
    encoded = b"".join(body.chunks())
    if encoded.count(b"&") >= limits.max_fields:
        raise RequestEntityTooLarge(_fields_message(limits.max_fields))
    try:
        fields = parse_qsl(encoded.decode(), keep_blank_values=True)
    except ValueError as error:
        raise BadRequest(_("The form could not be read.")) from error
    return Form(fields=tuple(fields))


def _usable_boundary(options: Mapping[str, str]) -> bytes:
    boundary = options.get("boundary", "")
    if not boundary or not boundary.isascii():
        raise BadRequest(_("The form has no usable boundary."))
    return boundary.encode()


def _read_plain(body: _Body, boundary: bytes, limits: Limits) -> Form | None:
    """Read a small form of text fields; None when it is anything else, or reaches a limit."""
    data = body.whole(_SMALL_BYTES)
    return None if data is None else plain_form(data, boundary, limits)


class _Multipart:
    """The parts of a multipart form, counted against the limits as they arrive."""

    def __init__(self, folder: Callable[[], Path], limits: Limits, uploads: list[Upload]) -> None:
        self._folder = folder
        self._limits = limits
        self._uploads = uploads
        self._fields: list[tuple[str, str]] = []
        self._empty_files: set[str] = set()
        self._files: list[FormFile] = []
        self._part: Field | File
        self._text = bytearray()
        self._text_bytes = 0
        self._upload: Upload | None = None
        #: message of the first limit that is exceeded, or empty
        self._excess = ""
        self._parts = 0

    def read(self, body: _Body, boundary: bytes) -> Form:
        decoder = MultipartDecoder(boundary, max_form_memory_size=_DECODER_BYTES)
        try:
            for chunk in body.chunks():
                decoder.receive_data(chunk)
                self._take_events(decoder)
            decoder.receive_data(None)
            self._take_events(decoder)
        except _TooManyParts:
            body.discard_rest()
        except ValueError as error:
            raise BadRequest(_("The form could not be read to its end.")) from error
        form = Form(
            fields=tuple(self._fields),
            files=() if self._excess else tuple(self._files),
            empty_files=frozenset(self._empty_files),
        )
        if self._excess:
            raise FormTooLargeError(self._excess, form)
        return form

    def _take_events(self, decoder: MultipartDecoder) -> None:
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            if isinstance(event, Field | File):
                self._begin(event)
            elif isinstance(event, Data):
                self._add(event.data)
                if not event.more_data:
                    self._end()

    def _begin(self, part: Field | File) -> None:
        if not isinstance(part.name, str):  # the decoder promises a name that a sender may omit
            raise BadRequest(_("A part of the form has no name."))
        self._parts += 1
        if self._parts > self._limits.max_fields + self._limits.max_files:
            self._exceed(_fields_message(self._limits.max_fields))
            raise _TooManyParts
        self._part = part
        self._upload = None
        if isinstance(part, File) and part.filename and not self._excess:
            self._upload = self._open_upload(part)

    def _add(self, data: bytes) -> None:
        if isinstance(self._part, Field):
            if self._has_room_for_text(data):
                self._text += data
        elif data:
            self._write(self._part, data)

    def _write(self, part: File, data: bytes) -> None:
        if self._excess:
            return
        self._upload = self._upload or self._open_upload(part)
        if self._upload is not None and self._upload.size + len(data) > self._limits.max_file_bytes:
            most = _size(self._limits.max_file_bytes)
            self._exceed(_("A file may have at most {size}.", size=most))
        elif self._upload is not None:
            self._upload.write(data)

    def _end(self) -> None:
        if self._upload is not None and not self._excess:
            self._files.append(self._upload.complete())
            return
        if len(self._fields) >= self._limits.max_fields:
            self._exceed(_fields_message(self._limits.max_fields))
        elif self._has_room_for_text(self._part.name.encode(errors="replace")):
            self._fields.append((self._part.name, self._text.decode(errors="replace")))
            if isinstance(self._part, File):
                self._empty_files.add(self._part.name)
        self._text.clear()

    def _has_room_for_text(self, data: bytes) -> bool:
        if self._text_bytes + len(data) > self._limits.max_text_bytes:
            most = _size(self._limits.max_text_bytes)
            self._exceed(
                _(
                    "All text together may have at most {size}. What is beyond that was cut off.",
                    size=most,
                )
            )
            return False
        self._text_bytes += len(data)
        return True

    def _open_upload(self, part: File) -> Upload | None:
        if len(self._uploads) >= self._limits.max_files:
            self._exceed(_files_message(self._limits.max_files))
            return None
        upload = Upload(self._folder, part)
        self._uploads.append(upload)
        return upload

    def _exceed(self, message: str) -> None:
        self._excess = self._excess or message
        for upload in self._uploads:
            upload.delete()


def _total_message(limit: int) -> str:
    return _("All of the form together may have at most {size}.", size=_size(limit))


def _fields_message(limit: int) -> str:
    return _n(
        "A form may have at most {count} field.",
        "A form may have at most {count} fields.",
        count=limit,
    )


def _files_message(limit: int) -> str:
    return _n(
        "A form may have at most {count} file.",
        "A form may have at most {count} files.",
        count=limit,
    )


def _size(count: int) -> str:
    if count < 1_000_000:
        return _n("{count} byte", "{count} bytes", count=count)
    return _("{size} MB", size=Decimal(f"{count / 1_000_000:g}"))
