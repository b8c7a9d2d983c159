"""JSON documents and JSON lines of a log, and of the files that belong to it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mbe_docs.sources.decoding import (
    BYTE_ORDER_MARK,
    Document,
    DocumentError,
    as_float,
    as_int,
    finite,
    tolerant,
)
from mbe_docs.sources.inspect_run import utc
from mbe_docs.sources.inspect_samples import LARGEST
from mbe_docs.sources.interface import LogFile

DEPTH = 100
"""Deepest nesting of a document; recursive functions of Python end at about three hundred."""
LINE_BYTES = 64 * 2**20
"""Longest line: a file without line ends must not fill the memory."""


class Line(NamedTuple):
    """One line of a JSON-lines file: an object, or why there is none."""

    number: int
    value: dict[str, Any]
    problem: str | None = None
    notes: tuple[str, ...] = ()


def parsed(data: bytes) -> Document:
    """A JSON document and what had to be tolerated in it; NaN and infinity are `None`, unknown.

    Raises:
        DocumentError: it is not JSON, or nested more than `DEPTH` deep.
    """
    try:
        document = Document(msgspec.json.decode(data), ())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = tolerant(data)
        _check_depth(document.value)
        return Document(finite(document.value), document.notes)
    _check_depth(document.value)
    return document


def _check_depth(value: Any) -> None:
    """Refuse what hashing could not follow, whatever the parser could.

    Raises:
        DocumentError: it is nested more than `DEPTH` deep.
    """
    level: list[Any] = [[value]]
    for _ in range(DEPTH + 2):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise DocumentError("nested too deeply")


def document_of(path: Path, limit: int) -> Document:
    """The JSON document in a file of at most `limit` bytes.

    Raises:
        DocumentError: there is no such file, it is too large, or not JSON.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise DocumentError(f"it has {size:,} bytes, above the limit of {limit:,} for one document")
        return parsed(path.read_bytes())
    except FileNotFoundError as error:
        raise DocumentError("there is no such file") from error
    except OSError as error:
        raise DocumentError(f"it cannot be opened: {error.strerror}") from error


def lines_of(path: Path) -> Iterator[Line]:
    """The objects of a JSON-lines file, one at a time; blank lines are passed over."""
    with path.open("rb") as file:
        number = 0
        while data := file.readline(LINE_BYTES + 1):
            number += 1
            if len(data) > LINE_BYTES:
                yield Line(
                    number, {}, f"a line above the limit of {LINE_BYTES:,} bytes; nothing after it is read"
                )
                return
            data = data.removeprefix(BYTE_ORDER_MARK).strip() if number == 1 else data.strip()
            if not data:
                continue
            try:
                value, notes = parsed(data)
            except DocumentError as error:
                yield Line(number, {}, str(error))
                continue
            if isinstance(value, dict):
                yield Line(number, value, None, notes)
            else:
                yield Line(number, {}, "not an object")


def count_of(path: Path) -> int:
    """The number of lines of a JSON-lines file that are not blank."""
    count = 0
    with path.open("rb") as file:
        while data := file.readline(LINE_BYTES):
            count += bool(data.strip())
    return count


def uri_of(log: LogFile, path: Path) -> str:
    """How a file that belongs to a log is called in findings: as the log is, from the same folder."""
    relative = Path(os.path.relpath(path, log.path.parent)).as_posix()
    return posixpath.normpath(posixpath.join(posixpath.dirname(log.uri), relative))


def count_in(stated: Any) -> int | None:
    """A stated count where it is a whole number from 0 that every store can hold, else `None`."""
    count = as_int(stated)
    return count if count is not None and 0 <= count <= LARGEST else None


def time_of(stamp: Any) -> str | None:
    """An ISO 8601 time in UTC, from seconds since 1970 as a number or a text, or from ISO 8601."""
    seconds = as_float(stamp)
    if seconds is None and isinstance(stamp, str):
        try:
            seconds = float(stamp)
        except ValueError:
            return utc(stamp)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
