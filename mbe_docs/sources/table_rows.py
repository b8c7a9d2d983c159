"""Rows of CSV, TSV and JSON-lines files as text by column, one at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.hashing import canonical_json
from mbe_docs.sources.decoding import BYTE_ORDER_MARK, DocumentError, decode, finite

FIELD_BYTES = 64 * 2**20
"""Longest cell or line: an unclosed quote must not swallow memory."""
NESTING = 6
_UNDECODED = re.compile("[\udc80-\udcff]")
_ANY = msgspec.json.Decoder(dict[str, Any])


class Row(NamedTuple):
    """One row, or why there is none."""

    line: int
    cells: dict[str, str]
    problem: str | None = None
    is_last: bool = False
    """Whether nothing after this problem can be read."""


def header_of(path: Path, kind: str, delimiter: str, encoding: str, uri: str) -> list[str]:
    """Column names; of JSON lines the names in the first readable line.

    Raises:
        SourceError: the first line is not one of CSV.
    """
    if kind == "jsonl":
        for row in json_rows(path):
            if row.problem is None:
                return list(row.cells)
        return []
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        try:
            names: list[str] = next(_reader(file, delimiter), [])
        except (csv.Error, UnicodeError) as error:
            raise SourceError(
                f"its first line is not a CSV header: {error}",
                at=Location(str(path), 1),
                fix="mend the table",
            ) from error
    return names


def rows_of(path: Path, kind: str, delimiter: str, encoding: str) -> Iterator[Row]:
    """The rows of a table with the line where each begins."""
    return json_rows(path) if kind == "jsonl" else csv_rows(path, delimiter, encoding)


def csv_rows(path: Path, delimiter: str, encoding: str) -> Iterator[Row]:
    """Rows of a CSV file with a header line."""
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        reader = _reader(file, delimiter)
        names: list[str] = next(reader, [])
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                is_last = "limit" in str(error)
                yield Row(line, {}, f"not readable as CSV: {error}", is_last=is_last)
                if is_last:
                    return
                continue
            except UnicodeError as error:
                yield Row(line, {}, f"not {encoding}: {error}", is_last=True)
                return
            if not cells:
                continue
            if len(cells) != len(names):
                yield Row(line, {}, f"{len(cells)} cells; the header has {len(names)} columns")
            elif any(_UNDECODED.search(cell) for cell in cells):
                yield Row(line, {}, f"not {encoding.removesuffix('-sig').upper()}")
            else:
                yield Row(line, dict(zip(names, cells, strict=True)))


def _reader(file: Any, delimiter: str) -> Any:
    # The limit is the process's, so it is only ever raised.
    csv.field_size_limit(max(FIELD_BYTES, csv.field_size_limit()))
    return csv.reader(file, delimiter=delimiter, strict=True)


def json_rows(path: Path) -> Iterator[Row]:
    """Objects of a JSON-lines file; nested ones have dotted names: `response.text`."""
    with path.open("rb") as file:
        number = 0
        while data := file.readline(FIELD_BYTES + 1):
            number += 1
            if len(data) > FIELD_BYTES:
                yield Row(number, {}, f"a line above the limit of {FIELD_BYTES:,} bytes", is_last=True)
                return
            data = data.removeprefix(BYTE_ORDER_MARK).strip() if number == 1 else data.strip()
            if not data:
                continue
            try:
                value, _ = decode(data, _ANY)
                yield Row(number, dict(_cells(value, "", NESTING)))
            except (DocumentError, ValueError) as error:
                yield Row(number, {}, str(error))


def _cells(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, dict) and item and depth:
            yield from _cells(item, f"{prefix}{key}.", depth - 1)
        else:
            yield f"{prefix}{key}", _as_cell(item)


def _as_cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return canonical_json(finite(value))


def refuse_encoding(uri: str, head: bytes) -> None:
    """Refuse text that is no superset of ASCII, which would read as garbage.

    Raises:
        SourceError: the file begins like UTF-16 or UTF-32.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head[:4]:
        raise SourceError(
            "the table is UTF-16 or UTF-32; expected UTF-8",
            at=Location(uri),
            fix="save it as UTF-8, or set `encoding:` in its mapping",
        )
