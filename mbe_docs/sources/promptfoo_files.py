"""Open exports of promptfoo: rows undecoded, one at a time, and the header beside them."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import ijson
import msgspec

from mbe_docs.sources.decoding import BYTE_ORDER_MARK, DocumentError
from mbe_docs.sources.lm_eval_lines import decode, lines_of
from mbe_docs.sources.promptfoo_rows import Row
from mbe_docs.sources.promptfoo_run import Config, Export, Summary

MOST_TOLERATED = 64 * 2**20
"""Largest file that is decoded again as a whole where a strict parser refuses it."""


class _Rows(Summary):
    """`results` with its rows decoded: what most exports allow, and all of it in one pass."""

    results: list[Row] | None = None  # type: ignore[assignment]


class _Typed(Export):
    results: _Rows = msgspec.field(default_factory=_Rows)


_TYPED = msgspec.json.Decoder(_Typed)
_EXPORT = msgspec.json.Decoder(Export)
_ENCODER = msgspec.json.Encoder()
_JUDGE = "config.defaultTest.options.provider"
_BEHIND = frozenset(
    {"results.stats", "config.description", "config.providers", _JUDGE, "metadata.promptfooVersion"}
)
_OPENING = frozenset({"start_map", "start_array", "map_key"})
_BROKEN = (ijson.JSONError, UnicodeError, ValueError, OverflowError, RecursionError)

Undecoded = bytes | msgspec.Raw | Row
"""A row as it was found; decoded with its export, where that was possible."""


class Place(NamedTuple):
    """Where a row stands."""

    position: int
    """From 0."""
    line: int | None = None
    is_cut: bool = False
    """Whether the file ends inside of this row, if it is not readable."""

    @property
    def text(self) -> str:
        """How findings call it."""
        return f"results[{self.position:,}]" if self.line is None else f"line {self.line:,}"


@dataclass(slots=True)
class OpenExport:
    """An export and how far it could be read."""

    path: Path
    export: Export = field(default_factory=Export)
    """Complete once the rows are read."""
    trouble: str | None = None
    """Why the rows end before the export does."""
    notes: tuple[str, ...] = ()
    """What had to be tolerated in the file as a whole."""

    def rows(self, *, most_mapped: int) -> Iterator[tuple[Place, Undecoded]]:
        """The rows in file order; a JSON file above `most_mapped` bytes is streamed in constant memory."""
        if self.path.suffix.lower() == ".jsonl":
            return self._lines()
        found = self._mapped() if self.path.stat().st_size <= most_mapped else None
        return self._streamed() if found is None else self._listed(found)

    def _lines(self) -> Iterator[tuple[Place, bytes]]:
        for line in lines_of(self.path):
            yield Place(line.number - 1, line.number, line.is_cut), line.data

    def _mapped(self) -> list[Any] | None:
        """Rows as views of the mapped file; `None` where the file is not JSON from beginning to end."""
        with self.path.open("rb") as file:
            # Never closed by hand: the rows are views of it, and it goes with the last of them.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        whole = memoryview(mapped)[len(BYTE_ORDER_MARK) if mapped[:3] == BYTE_ORDER_MARK else 0 :]
        for decoder in (_TYPED, _EXPORT):
            try:
                self.export = decoder.decode(whole)
                break
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
        else:
            if len(mapped) > MOST_TOLERATED:
                return None
            try:
                self.export, self.notes = decode(bytes(mapped), _EXPORT)
            except DocumentError:
                return None
        rows, self.export.results.results = self.export.results.results or [], None
        return rows

    def _listed(self, rows: list[Any]) -> Iterator[tuple[Place, msgspec.Raw | Row]]:
        for index in range(len(rows)):
            row, rows[index] = rows[index], None  # each goes when it is read
            yield Place(index), row

    def _streamed(self) -> Iterator[tuple[Place, bytes]]:
        export = self.export
        export.evalId = self._first("evalId")
        export.results = Summary(timestamp=self._first("results.timestamp"))
        export.results.prompts = self._all("results.prompts.item")
        with self.path.open("rb") as file:
            rows = ijson.items(_unmarked(file), "results.results.item", use_float=True)
            index = 0
            while True:
                try:
                    row = next(rows)
                    data = _ENCODER.encode(row)
                except StopIteration:
                    break
                except _BROKEN as error:
                    why = str(error).strip().split("\n", 1)[0][:200]
                    self.trouble = f"the file cannot be read past row {index:,}: {why}"
                    return
                yield Place(index), data
                index += 1
        found = self._behind_rows()
        export.results.stats = found.get("results.stats")
        export.config = Config(
            description=found.get("config.description"),
            providers=found.get("config.providers"),
            defaultTest={"options": {"provider": found.get(_JUDGE)}},
        )
        export.metadata = {"promptfooVersion": found.get("metadata.promptfooVersion")}

    def _behind_rows(self) -> dict[str, Any]:
        """The rest of the header by its place, in one more pass: most of it stands behind the rows."""
        found: dict[str, Any] = {}
        at, builder = "", None
        with self.path.open("rb") as file:
            try:
                for prefix, event, value in ijson.parse(_unmarked(file), use_float=True):
                    if builder is None:
                        if prefix not in _BEHIND or prefix in found:
                            continue
                        at, builder = prefix, ijson.ObjectBuilder()
                    builder.event(event, value)
                    if prefix == at and event not in _OPENING:
                        found[at], builder = builder.value, None
            except _BROKEN:
                pass
        return found

    def _first(self, prefix: str) -> Any:
        return next(iter(self._all(prefix, most=1)), None)

    def _all(self, prefix: str, most: int = 10_000) -> list[Any]:
        found: list[Any] = []
        with self.path.open("rb") as file:
            try:
                for value in ijson.items(_unmarked(file), prefix, use_float=True):
                    found.append(value)
                    if len(found) >= most:
                        break
            except _BROKEN:
                return found
        return found


def _unmarked(file: Any) -> Any:
    if file.read(3) != BYTE_ORDER_MARK:
        file.seek(0)
    return file
