"""Files of links: only their owner can read them, and they are complete or absent."""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from famulus import UnavailableError, UsageError

#: What spreadsheets take for the beginning of a formula. People type their names themselves.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file whose texts a spreadsheet does not mistake for formulas.

    :raises famulus.UsageError: when the file cannot be opened.
    :raises famulus.UnavailableError: when writing fails, as on a full disk.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_as_text(cell) for cell in row] for row in rows])
    write_private(path, text.getvalue().encode())


def write_qr_codes(folder: Path, codes: Iterable[tuple[str, str]]) -> None:
    """Write a QR code as PNG for each file name and address; create the folder if needed.

    Raises like :func:`write_csv`.
    """
    import segno

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from error
    for name, address in codes:
        png = io.BytesIO()
        segno.make(address, error="m", micro=False).save(png, kind="png", scale=8)
        write_private(folder / name, png.getvalue())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read. Raises like :func:`write_csv`."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        raise UnavailableError(f"cannot write {path}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _as_text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
