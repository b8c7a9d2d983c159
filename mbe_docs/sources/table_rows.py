"""Rows of CSV, TSV, JSON-lines and Parquet files as text by column, one at a time."""

from __future__ import annotations

import csv
import datetime
import decimal
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from mbe_docs.errors import Location, SourceError
from mbe_docs.records.hashing import canonical_json
from mbe_docs.sources.decoding import BYTE_ORDER_MARK, TOO_DEEP, DocumentError, decode, finite

if TYPE_CHECKING:
    import pyarrow as pa

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
        SourceError: the first line is not one of CSV, or the file is not Parquet.
    """
    if kind == "parquet":
        return _parquet_names(path, uri)
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
    if kind == "parquet":
        return parquet_rows(path)
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
            except RecursionError:
                yield Row(number, {}, TOO_DEEP)


PARQUET: Final = b"PAR1"
"""How a Parquet file begins and ends."""
_PARQUET_ROWS: Final = 1024
"""Rows decoded together; only one at a time becomes text, so a cell that all rows share is held once."""


def _parquet_names(path: Path, uri: str) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return list(_names(file.schema_arrow, ""))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(
            f"not readable as Parquet: {_said(error)}", at=Location(uri), fix="write the table again"
        ) from error


def _names(fields: Iterator[pa.Field] | pa.Schema, prefix: str) -> Iterator[str]:
    import pyarrow as pa

    for field in fields:
        if pa.types.is_struct(field.type) and field.type.num_fields:
            yield from _names(field.type, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def parquet_rows(path: Path) -> Iterator[Row]:
    """Rows of a Parquet file, numbered from 1; fields of records have dotted names, as in JSON lines."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
        with pq.ParquetFile(
            path, read_dictionary=texts, pre_buffer=False, page_checksum_verification=True
        ) as file:
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                columns = list(zip(batch.schema.names, batch.columns, strict=True))
                for index in range(batch.num_rows):
                    number += 1
                    row = {name: column[index].as_py() for name, column in columns}
                    yield Row(number, dict(_cells(row, "", NESTING)))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        yield Row(number + 1, {}, f"not readable as Parquet: {_said(error)}", is_last=True)


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _cells(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, dict) and item and depth:
            yield from _cells(item, f"{prefix}{key}.", depth - 1)
        else:
            yield f"{prefix}{key}", _as_cell(item)


def _as_cell(value: Any) -> str:
    match value:
        case None | str():
            return value or ""
        case bool():
            return "true" if value else "false"
        case int() | float() | datetime.time() | datetime.timedelta() | decimal.Decimal():
            return str(value)
        case datetime.datetime() | datetime.date():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "replace")
    return canonical_json(finite(plain(value)))


def plain(value: Any) -> Any:
    """A value of a list or mapping as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float) else _as_cell(value)


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
