"""Files with one thing wrong: what a bad disk, a killed writer, a careless editor or an enemy makes of a log."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import zstandard
from hypothesis import strategies as st

from tests.sources.build_logs import archive

Draw = Callable[[st.SearchStrategy[Any]], Any]

JUNK = (
    *("null", "NaN", "Infinity", "-Infinity", '"\\ud800"', '"~"', '"~~~ not a score ~~~"', '[["~"]]'),
    *('{"~": null}', "[]", "{}", '"' + "~" * 300 + '"', "[" * 500 + "]" * 500, "[" * 2000 + "]" * 2000),
)
"""Values of JSON that nothing may read as zero."""
NUMBERS = ("-1", "0", "1e999", "-0.5", "10000000000000000000000000", "1" * 5000, "true", "false", '"0"')
"""Values that may be read as a number, zero among them."""
MARK = '"\\u0001"'


def mutated(data: bytes, name: str, draw: Draw) -> tuple[bytes, bool]:
    """A damaged file, and whether the damage could have made a zero of another score."""
    kind = draw(
        st.sampled_from(("junk",) * 4 + ("number", "key", "key twice", "flip", "cut", "drop", "twice"))
    )
    at = draw(st.integers(0, max(0, len(data) - 1)))
    if kind in ("junk", "number", "key", "key twice"):
        changed = _of_content(data, name, kind, draw)
        if changed is not None:
            return changed, kind == "number"
        kind = "cut"
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :], True
    if kind == "drop":
        return data[:at] + data[at + draw(st.integers(1, 40)) :], True
    return (data[:at], False) if kind == "cut" else (data + data, True)


SCORES = re.compile(r"score|value|pass|success|correct|reward|mean|follow|acc|match|valid|label", re.I)
"""Keys that scores stand under, whatever the format."""
LEVELS = (*JUNK[:7], "[]", "{}", '"maybe"', '"1.0.0"', '"0x0"', '"zero"', '"-"')


def junk_scores(data: bytes, name: str) -> Iterator[bytes]:
    """The file with junk in the place of a score: for each such place another piece of it in turn."""
    if name.endswith(".eval"):
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = [(info.filename, _unpacked(file, info, data)) for info in file.infolist()]
        for number, (member, content) in enumerate(members):
            for new in _junk_json(content.decode(), JUNK[:1]):
                yield archive([*members[:number], (member, new), *members[number + 1 :]])
    elif name.endswith((".json", ".jsonl")):
        yield from _junk_json(data.decode(), LEVELS)
    elif name.endswith(".csv"):
        rows = list(csv.reader(io.StringIO(data.decode())))
        for at, column in enumerate(rows[0]):
            for number, row in enumerate(rows[1:], start=1) if SCORES.search(column) else ():
                changed = [*row[:at], LEVELS[(at + number) % len(LEVELS)].strip('"'), *row[at + 1 :]]
                written = io.StringIO()
                csv.writer(written).writerows([*rows[:number], changed, *rows[number + 1 :]])
                yield written.getvalue().encode()


def _junk_json(text: str, pieces: tuple[str, ...]) -> Iterator[bytes]:
    lines = text.split("\n")
    is_lines = len(lines) > 1 and lines[0].endswith("}")
    places = [
        (number, path)
        for number, line in enumerate(lines if is_lines else [text])
        if line.strip()
        for path in _places(json.loads(line), False)
    ]
    for turn, (number, path) in enumerate(places):
        value = json.loads(lines[number] if is_lines else text)
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = "\x01"
        new = json.dumps(value).replace(MARK, pieces[turn % len(pieces)])
        changed = [*lines[:number], new, *lines[number + 1 :]] if is_lines else [new]
        yield "\n".join(changed).encode("utf-8", "surrogatepass")


def _places(value: Any, is_score: bool) -> Iterator[tuple[Any, ...]]:
    """Paths to plain values below a key that names a score."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in entries:
        here = is_score or (isinstance(key, str) and bool(SCORES.search(key)))
        if isinstance(item, dict | list) and item:
            yield from ((key, *path) for path in _places(item, here))
        elif here:
            yield (key,)


def _of_content(data: bytes, name: str, kind: str, draw: Draw) -> bytes | None:
    if name.endswith(".eval"):
        return _of_archive(data, kind, draw)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if name.endswith((".json", ".jsonl")):
        return _of_json(text, kind, draw)
    if name.endswith(".csv"):
        return _of_csv(text, draw)
    return _of_xml(text, draw) if name.endswith(".xml") else None


def _of_archive(data: bytes, kind: str, draw: Draw) -> bytes | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = [(info.filename, _unpacked(file, info, data)) for info in file.infolist()]
    except zipfile.BadZipFile:
        return None
    number = draw(st.integers(0, len(members) - 1))
    name, content = members[number]
    changed = _of_json(content.decode("utf-8", "replace"), kind, draw)
    if changed is None:
        return None
    members[number] = (name, changed)
    return archive(members)


def _unpacked(file: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> bytes:
    if info.compress_type != 93:
        return file.read(info)
    begin = (
        info.header_offset
        + 30
        + sum(
            int.from_bytes(data[info.header_offset + at : info.header_offset + at + 2], "little")
            for at in (26, 28)
        )
    )
    packed = data[begin : begin + info.compress_size]
    reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    return reader.read(info.file_size + 1)


def _of_json(text: str, kind: str, draw: Draw) -> bytes | None:
    lines = text.split("\n")
    is_lines = len(lines) > 1 and all(line[:1] in ("{", "") for line in lines) and lines[0].endswith("}")
    number = draw(st.integers(0, len(lines) - 1)) if is_lines else 0
    try:
        value = json.loads(lines[number] if is_lines else text)
    except ValueError:
        return None
    put = draw(st.sampled_from(NUMBERS if kind == "number" else JUNK))
    new = json.dumps(_marked(value, kind, draw)).replace(MARK, put)
    if kind == "key twice":
        new = re.sub(r'("[^"\\]*")(: )(\\u0001twice)', r"\1\2", new)
    if is_lines:
        lines[number] = new
        new = "\n".join(lines)
    return new.encode("utf-8", "surrogatepass")


def _marked(value: Any, kind: str, draw: Draw) -> Any:
    """The value with one part of it replaced by a mark, or one key left out or given twice."""
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        if kind == "key" and draw(st.booleans()):
            return {name: item for name, item in value.items() if name != key}
        if kind == "key twice" and draw(st.booleans()):
            return _Twice(value, key)
        return value | {key: _marked(value[key], kind, draw)}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _marked(value[at], kind, draw), *value[at + 1 :]]
    return "\x01"


class _Twice(dict[str, Any]):
    """A mapping that is written with one key twice, the mark last."""

    def __init__(self, value: dict[str, Any], key: str) -> None:
        super().__init__(value)
        self._key = key

    def items(self) -> Any:
        return [*super().items(), (self._key, "\x01")]


def _of_csv(text: str, draw: Draw) -> bytes:
    rows = list(csv.reader(io.StringIO(text)))
    row = rows[draw(st.integers(0, len(rows) - 1))]
    cell = draw(st.integers(0, len(row) - 1))
    row[cell] = draw(st.sampled_from(["", "~", "NaN", "~~~ not a score ~~~", "\x00", "a\nb", '"', "~" * 300]))
    if draw(st.integers(0, 5)) == 0:
        row.pop(cell)
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _of_xml(text: str, draw: Draw) -> bytes:
    # A message may be what tells a test that did not run from one that failed as expected.
    values = list(re.finditer(r'(?<=[^e]=")[^"]*|(?<=>)[^<>]+', text))
    one = draw(st.sampled_from(values))
    put = draw(
        st.sampled_from(["", "~", "NaN", "&amp;", "~~~ not a score ~~~", "&undefined;", "\x1b", "~" * 300])
    )
    return (text[: one.start()] + put + text[one.end() :]).encode()
