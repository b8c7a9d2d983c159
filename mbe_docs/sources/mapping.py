"""The mapping file of the tabular source: which column means what. Trusted configuration, strictly read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, get_args

from mbe_docs.errors import CuratedError, Location
from mbe_docs.records.evals import Outcome
from mbe_docs.safe_yaml import Entry, Map, Node, Text, closest, load, quote
from mbe_docs.sources.mapping_nodes import (
    fields_of,
    flag_of,
    map_of,
    number_of,
    plain_of,
    required,
    text_of,
    texts_of,
    whole_of,
    wrong,
)

FORMATS: Final = ("csv", "tsv", "jsonl", "parquet")
TYPES: Final = ("number", "boolean", "label")
OUTCOMES: Final = get_args(Outcome)
AMOUNTS: Final = (
    "tokens_in",
    "tokens_in_cached",
    "tokens_out",
    "tokens_reasoning",
    "cost_usd",
    "latency_s",
    "latency_ms",
)
CELLS: Final = (
    "task",
    "task_version",
    "dataset",
    "dataset_revision",
    "model",
    "snapshot",
    "target",
    "output",
    "stop_reason",
    "system_prompt",
    "cluster",
    "n_samples",
    *AMOUNTS,
)
"""Keys that take a constant or `{column: …}`."""
CONSTANTS: Final = ("format", "delimiter", "encoding", "level", "judge_model", "harness", "harness_version")
LEVELS: Final = ("measured", "reported")
OTHERS: Final = (
    "files",
    "sample_id",
    "epoch",
    "epochs",
    "samples_planned",
    "input",
    "metrics",
    "outcome",
    "timestamp",
    "metadata",
    "slices",
    "filter",
    "parameters",
)
KEYS: Final = frozenset((*CELLS, *CONSTANTS, *OTHERS))


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of each row: of a column, or the same for all."""

    column: str | None
    constant: str
    at: Location

    def of(self, row: Mapping[str, str]) -> str:
        """The text of the row; empty where the cell is missing."""
        return self.constant if self.column is None else row.get(self.column, "")


@dataclass(frozen=True, slots=True)
class Metric:
    """One scorer over the rows; exactly one of `column`, `contains`, `regex` and `plugin` is its kind."""

    name: str
    kind: str
    at: Location
    settings: dict[str, Any]
    """The entry as plain data: hashed as the scorer's parameters."""
    column: str = ""
    type: str = "number"
    labels: Mapping[str, float | None] | None = None
    pattern: re.Pattern[str] | None = None
    group: int | str = 0
    takes_last: bool = False
    wanted: Cell | None = None
    ignores_case: bool = False
    no_match: float | None = 0.0
    """The value where a pattern is not found; `None` is an unparsable answer."""
    plugin: str = ""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """What a mapping file says."""

    path: str
    files: tuple[str, ...]
    constants: Mapping[str, str]
    cells: Mapping[str, Cell]
    sample_id: tuple[str, ...]
    epoch: str | None
    epoch_offset: int
    epochs: int | None
    samples_planned: int | None
    input: tuple[str, ...]
    metrics: tuple[Metric, ...]
    outcome: tuple[str, Mapping[str, str]] | None
    timestamp: tuple[str, str] | None
    metadata: tuple[str, ...] | None
    """Columns kept as metadata; `None` keeps every column that nothing else reads."""
    filter: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, Cell]

    @property
    def is_reported(self) -> bool:
        """Whether a row is the aggregate of a run, in place of one attempt."""
        return self.constants.get("level") == "reported"

    def applies_to(self, uri: str) -> bool:
        """Whether one of the globs matches the path or the name of a table."""
        name = uri.rsplit("/", 1)[-1]
        return any(fnmatchcase(uri, glob) or fnmatchcase(name, glob) for glob in self.files)

    def columns(self) -> dict[str, Location]:
        """Every column that the mapping reads, with a place that names it."""
        here = Location(self.path)
        cells = (*self.cells.values(), *self.parameters.values())
        found = {cell.column: cell.at for cell in cells if cell.column is not None}
        for metric in self.metrics:
            if metric.column:
                found.setdefault(metric.column, metric.at)
            if metric.wanted is not None and metric.wanted.column is not None:
                found.setdefault(metric.wanted.column, metric.wanted.at)
        others = [*self.sample_id, *self.input, *(self.metadata or ()), *self.filter]
        others += [self.epoch] if self.epoch else []
        others += [one[0] for one in (self.outcome, self.timestamp) if one]
        for column in others:
            found.setdefault(column, here)
        return found


def read_mapping(path: Path) -> TableMapping:
    """The mapping of a file.

    Raises:
        CuratedError: the first thing that is wrong, with its line.
    """
    node = _load_yaml(path)
    if not isinstance(node, Map):
        raise CuratedError(
            f"the mapping is {quote(node)}; expected keys like `task:` and `metrics:`",
            at=node.at,
            fix="write `files: [...]`, `task:`, `model:`, `sample_id:` and `metrics:`",
        )
    return _Reader(str(path), {entry.key: entry for entry in node.entries}).mapping()


def _load_yaml(path: Path) -> Node:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CuratedError(
            f"the mapping cannot be read: {error}", at=Location(str(path)), fix="name a UTF-8 YAML file"
        ) from error
    return load(text, str(path))


@dataclass(frozen=True, slots=True)
class _Reader:
    path: str
    entries: dict[str, Entry]

    def mapping(self) -> TableMapping:
        """The whole mapping, checked."""
        for key, entry in self.entries.items():
            if key not in KEYS:
                near = closest(key, KEYS)
                raise CuratedError(
                    f"unknown key '{key}'",
                    at=entry.at,
                    fix=f"write `{near}:`" if near else f"use one of: {', '.join(sorted(KEYS))}",
                )
        level = self._constants().get("level")
        for key in ("files", "task", "model", "sample_id", "metrics"):
            if key not in self.entries and (key, level) != ("sample_id", "reported"):
                raise CuratedError(f"`{key}:` is missing", at=Location(self.path), fix=f"add `{key}:`")
        epoch, offset = self._epoch()
        slices, metadata = self._columns("slices"), self._columns("metadata")
        return TableMapping(
            path=self.path,
            files=self._columns("files"),
            constants=self._constants(),
            cells={key: _cell(self.entries[key].value) for key in CELLS if key in self.entries},
            sample_id=self._columns("sample_id"),
            epoch=epoch,
            epoch_offset=offset,
            epochs=self._count("epochs"),
            samples_planned=self._count("samples_planned"),
            input=self._columns("input"),
            metrics=tuple(_metric(entry) for entry in map_of(self.entries["metrics"].value).entries),
            outcome=self._outcome(),
            timestamp=self._timestamp(),
            metadata=(*slices, *metadata) if "slices" in self.entries or "metadata" in self.entries else None,
            filter={entry.key: tuple(texts_of(entry.value)) for entry in self._entries("filter")},
            parameters={entry.key: _cell(entry.value) for entry in self._entries("parameters")},
        )

    def _entries(self, key: str) -> tuple[Entry, ...]:
        return map_of(self.entries[key].value).entries if key in self.entries else ()

    def _columns(self, key: str) -> tuple[str, ...]:
        """A list of names, one name, `{column: …}` or `{columns: […]}`."""
        if key not in self.entries:
            return ()
        node = self.entries[key].value
        if isinstance(node, Map):
            fields = fields_of(node, "column", "columns")
            node = fields.get("columns") or fields.get("column") or node
        return tuple(texts_of(node))

    def _constants(self) -> dict[str, str]:
        found: dict[str, str] = {
            key: text_of(self.entries[key].value) for key in CONSTANTS if key in self.entries
        }
        if found.get("format", "csv") not in FORMATS:
            raise wrong(self.entries["format"].value, f"one of: {', '.join(FORMATS)}")
        if found.get("level", "measured") not in LEVELS:
            raise wrong(self.entries["level"].value, f"one of: {', '.join(LEVELS)}")
        if len(found.get("delimiter", ",")) != 1:
            raise wrong(self.entries["delimiter"].value, "one character")
        return found

    def _epoch(self) -> tuple[str | None, int]:
        if "epoch" not in self.entries:
            return None, 0
        node = self.entries["epoch"].value
        if isinstance(node, Text):
            raise wrong(node, "`{column: …}`; leave `epoch:` out where rows with the same id are repeats")
        fields = fields_of(map_of(node), "column", "offset")
        return text_of(required(node, fields, "column")), whole_of(
            fields["offset"]
        ) if "offset" in fields else 0

    def _count(self, key: str) -> int | None:
        if key not in self.entries:
            return None
        number = whole_of(self.entries[key].value)
        if number < 1:
            raise wrong(self.entries[key].value, "a whole number from 1")
        return number

    def _outcome(self) -> tuple[str, Mapping[str, str]] | None:
        if "outcome" not in self.entries:
            return None
        node = self.entries["outcome"].value
        fields = fields_of(map_of(node), "column", "map")
        outcomes = {}
        for entry in map_of(required(node, fields, "map")).entries:
            outcomes[entry.key] = text_of(entry.value)
            if outcomes[entry.key] not in OUTCOMES:
                raise wrong(entry.value, f"one of: {', '.join(OUTCOMES)}")
        return text_of(required(node, fields, "column")), outcomes

    def _timestamp(self) -> tuple[str, str] | None:
        if "timestamp" not in self.entries:
            return None
        node = self.entries["timestamp"].value
        fields = fields_of(map_of(node), "column", "format")
        form = text_of(fields["format"]) if "format" in fields else "iso"
        return text_of(required(node, fields, "column")), form


def _metric(entry: Entry) -> Metric:
    fields = {one.key: one.value for one in map_of(entry.value).entries}
    kinds = [kind for kind in ("column", "contains", "regex", "plugin") if kind in fields]
    if len(kinds) != 1:
        raise CuratedError(
            f"metric '{entry.key}' has {' and '.join(kinds) or 'no kind'}; expected exactly one of column,"
            " contains, regex, plugin",
            at=entry.at,
            fix="write `column: name-of-a-column` for scores that are in the table",
        )
    plain = plain_of(entry.value)
    common: dict[str, Any] = {"name": entry.key, "kind": kinds[0], "at": entry.at, "settings": plain}
    match kinds[0]:
        case "column":
            return _column_metric(map_of(entry.value), common)
        case "plugin":
            fields = fields_of(map_of(entry.value), "plugin", "direction")
            return Metric(**common, plugin=text_of(fields["plugin"]))
        case kind:
            fields_of(map_of(entry.value), kind, "direction")
            return _text_metric(map_of(fields[kind]), common)


def _column_metric(node: Map, common: dict[str, Any]) -> Metric:
    fields = fields_of(node, "column", "type", "map", "direction")
    labels = None
    if "map" in fields:
        labels = {entry.key: number_of(entry.value) for entry in map_of(fields["map"]).entries}
    kind = text_of(fields["type"]) if "type" in fields else "label" if labels is not None else "number"
    if kind not in TYPES:
        raise wrong(fields["type"], f"one of: {', '.join(TYPES)}")
    return Metric(**common, column=text_of(fields["column"]), type=kind, labels=labels)


def _text_metric(node: Map, common: dict[str, Any]) -> Metric:
    if common["kind"] == "contains":
        fields = fields_of(node, "column", "text", "ignore_case")
        wanted: Node | None = required(node, fields, "text")
        pattern = None
    else:
        fields = fields_of(node, "column", "pattern", "group", "which", "equals", "ignore_case", "no_match")
        wanted = fields.get("equals")
        pattern = _pattern(required(node, fields, "pattern"), ignores_case=flag_of(fields, "ignore_case"))
    group: int | str = 0
    if "group" in fields:
        name = text_of(fields["group"])
        group = int(name) if name.isdecimal() else name
    if pattern is not None and not (group in pattern.groupindex or group in range(pattern.groups + 1)):
        raise wrong(fields["group"], "a group of the pattern")
    if "which" in fields and text_of(fields["which"]) not in ("first", "last"):
        raise wrong(fields["which"], "first or last")
    return Metric(
        **common,
        column=text_of(required(node, fields, "column")),
        pattern=pattern,
        group=group,
        takes_last="which" in fields and text_of(fields["which"]) == "last",
        wanted=None if wanted is None else _cell(wanted),
        ignores_case=flag_of(fields, "ignore_case"),
        no_match=number_of(fields["no_match"]) if "no_match" in fields else 0.0,
    )


def _pattern(node: Node, *, ignores_case: bool) -> re.Pattern[str]:
    try:
        return re.compile(text_of(node), re.IGNORECASE if ignores_case else 0)
    except re.error as error:
        raise CuratedError(
            f"{quote(node)} is not a regular expression: {error}", at=node.at, fix="quote it with '…'"
        ) from error


def _cell(node: Node) -> Cell:
    if isinstance(node, Text):
        return Cell(None, node.text, node.at)
    fields = fields_of(map_of(node), "column")
    return Cell(text_of(required(node, fields, "column")), "", node.at)
