"""Lines of a JSON-lines file, one at a time, in constant memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from mbe_docs.records.hashing import canonical_json, content_hash
from mbe_docs.sources.decoding import BYTE_ORDER_MARK, DocumentError, finite, mapped, tolerant
from mbe_docs.sources.inspect_run import utc

T = TypeVar("T")

BUFFER_BYTES = 2**16
"""Read ahead: with less, reading the lines costs more than decoding them."""
LINE_BYTES = 64 * 2**20
"""Longest line that is read."""
_ANY = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder(order="sorted")


class Line(NamedTuple):
    """One line that is not blank."""

    number: int
    """From 1."""
    data: bytes
    is_cut: bool
    """Whether the file ends inside of it: there is no newline, or the line is too long to be read on."""


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a file that hold anything; after one above the limit nothing is read."""
    with path.open("rb", BUFFER_BYTES) as file:
        number = 0
        while data := file.readline(LINE_BYTES):
            number += 1
            if number == 1:
                data = data.removeprefix(BYTE_ORDER_MARK)
            is_cut = data[-1:] != b"\n"
            if data and not data.isspace():
                yield Line(number, data, is_cut)
            if is_cut and len(data) >= LINE_BYTES:
                return


def decode(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> tuple[T, tuple[str, ...]]:
    """A typed document that may hold undecoded parts, and what had to be tolerated in it.

    NaN becomes `None`, which is unknown; infinity becomes a text, which no reader takes for a number.

    Raises:
        DocumentError: it is not JSON, or not of the expected shape.
    """
    try:
        return decoder.decode(data), ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = tolerant(bytes(data))
    try:
        return decoder.decode(_ENCODER.encode(mapped(document.value, _strict))), document.notes
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError) as error:
        raise DocumentError(f"not of the expected shape: {error}") from error


def anything(raw: msgspec.Raw) -> Any:
    """A part that was not decoded with its document; `None` where it cannot be."""
    try:
        return _ANY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            return finite(tolerant(bytes(raw)).value)
        except (DocumentError, RecursionError):
            return None


def digest_of(*parts: Any) -> str:
    """`content_hash` of parts that came from a file.

    Raises:
        DocumentError: they are nested too deeply.
    """
    try:
        return content_hash(*map(finite, parts))
    except RecursionError as error:
        raise DocumentError("nested too deeply") from error


def shown(value: Any) -> str:
    """A text as it stands, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return canonical_json(finite(value))
    except RecursionError:
        return "(nested too deeply to be shown)"


def instant(stamp: str | None) -> str | None:
    """A time in UTC as ISO 8601; without a zone as it stands, and `None` where it is not a time."""
    return utc(stamp.removesuffix("+00:00") + "Z" if stamp and stamp.endswith("+00:00") else stamp)


def _strict(leaf: Any) -> Any:
    if isinstance(leaf, float) and not math.isfinite(leaf):
        return None if math.isnan(leaf) else str(leaf)
    return leaf
