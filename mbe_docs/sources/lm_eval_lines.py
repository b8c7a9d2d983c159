"""Lines of a JSON-lines file as bytes, one at a time, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mbe_docs.sources.decoding import BYTE_ORDER_MARK

LINE_BYTES = 64 * 2**20
"""Longest line that is read."""


class Line(NamedTuple):
    """One line that is not blank."""

    number: int
    """From 1."""
    data: bytes
    is_cut: bool
    """Whether the file ends inside of it: there is no newline, or the line is too long to be read on."""


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a file that hold anything; after one above the limit nothing is read."""
    with path.open("rb") as file:
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
