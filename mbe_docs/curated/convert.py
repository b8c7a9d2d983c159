"""Records from YAML text: numbers and dates where the field says so, every mistake with its place."""

from __future__ import annotations

import datetime
import math
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, Union

from pydantic import BaseModel, ValidationError

from mbe_docs.errors import Location
from mbe_docs.safe_yaml import Entry, List, Map, Node, Path, Problem, Text, closest, quote

M = TypeVar("M", bound=BaseModel)

_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][-+]?\d{1,3})?", re.ASCII)
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d{0,40})(\.\d{1,40})?([eE][-+]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

SLUG_RULE = "lower-case letters, digits and hyphens, at most 80"
"""What an id is made of, as messages say it."""
SLUG_FIX = "write it like `long-addition-carry`"


@dataclass(frozen=True, slots=True)
class Converted(Generic[M]):
    """A record built from a node tree, or why not."""

    record: M | None
    """`None` where a problem other than an unknown key was found."""
    partial: M | None
    """The record without its unreadable optional parts, for checks that look at the rest."""
    failed: frozenset[Path]
    """Paths of missing and unreadable values; a required one is made up in `partial`."""
    problems: tuple[Problem, ...]
    places: Mapping[Path, Location]
    """Where each text value, or the key of a list or mapping, stands: by path as written, e.g.
    `("prices", 0, "from")`."""


def convert(node: Node, model: type[M], *, given: Mapping[str, object] | None = None) -> Converted[M]:
    """A record from a node tree, with every problem at once.

    An empty value is a key left out; one value is a list of one; a mapping of records with ids gives each
    its key as `id`. Fields in `given` are set by the caller and are unknown keys in the text. Unknown keys
    are dropped with a problem of kind *unknown*, which does not stop the record.
    """
    shaper = _Shaper()
    if isinstance(node, Text) and node.is_empty:
        node = Map((), node.at)
    shaper.places[()] = node.at
    data = shaper.shape(node, model, (), dict(given or {}))
    record = None
    try:
        record = model.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            shaper.translate(tuple(detail["loc"]), detail["type"], detail["msg"])
    shaper.problems.sort(key=lambda problem: (problem.at.line or 0, problem.at.column or 0))
    partial = record
    if shaper.failed:
        record, partial = None, _without(model, data, shaper.failed) if isinstance(data, dict) else None
    return Converted(
        record,
        partial,
        frozenset(shaper.failed),
        tuple(shaper.problems),
        shaper.values(),
    )


class _Shaper:
    """Walks a node tree along a record's annotations."""

    def __init__(self) -> None:
        self.places: dict[Path, Location] = {}
        self.nodes: dict[Path, tuple[Node, Any]] = {}
        self.problems: list[Problem] = []
        self.failed: list[Path] = []

    def fail(
        self, path: Path, problem: str, fix: str, *, kind: str = "value", at: Location | None = None
    ) -> None:
        """Note a problem that leaves no record."""
        self.failed.append(path)
        self.problems.append(Problem(kind, problem, at or self.places[path], fix))

    def values(self) -> dict[Path, Location]:
        """Places to point at: the value where it is text, its key otherwise."""
        texts = {
            path: node.at for path, (node, _) in self.nodes.items() if isinstance(node, Text) and node.text
        }
        return self.places | texts

    def unfit(self, path: Path, node: Node, annotation: Any) -> None:
        """Note a value that is not what its field holds."""
        near = closest(node.text, choices(annotation)) if isinstance(node, Text) else None
        fix = f"write `{key_of(path)}: {near}`" if near else f"write {_example(annotation)}"
        at = node.at if isinstance(node, Text) and node.text else self.places[path]
        self.fail(path, f"{name_of(path)} is {quote(node)}; expected {describe(annotation)}", fix, at=at)

    def shape(self, node: Node, annotation: Any, path: Path, given: dict[str, object] | None = None) -> Any:
        """Plain Python values for one node; what does not fit is noted and passed on as it is."""
        annotation = bare(annotation)
        self.places.setdefault(path, node.at)
        self.nodes[path] = (node, annotation)
        args = typing.get_args(annotation)
        if is_record(annotation):
            return self.fields(node, annotation, path, given or {})
        if typing.get_origin(annotation) is tuple:
            return self.items(node, args, path)
        if typing.get_origin(annotation) is dict:
            return self.keyed(node, args[1], path)
        if isinstance(node, Text):
            return self.text(node, annotation, path)
        self.unfit(path, node, annotation)
        return None

    def fields(self, node: Node, model: type[BaseModel], path: Path, given: dict[str, object]) -> Any:
        """The fields of a record from a mapping; unknown keys are dropped with a warning."""
        if isinstance(node, Text) and node.is_empty:
            node = Map((), node.at)
        if not isinstance(node, Map):
            self.unfit(path, node, model)
            return None
        known = {
            field.alias or name: field for name, field in model.model_fields.items() if name not in given
        }
        data: dict[str, Any] = dict(given)
        empty: dict[str, Entry] = {}
        for entry in node.entries:
            inner = (*path, entry.key)
            if entry.key not in known:
                self.unknown(entry, inner, given, [key for key in known if not has(node, key)])
            elif isinstance(entry.value, Text) and entry.value.is_empty:
                empty[entry.key] = entry
            else:
                self.places[inner] = entry.at
                data[entry.key] = self.shape(entry.value, known[entry.key].annotation, inner)
        for key, field in known.items():
            if field.is_required() and key not in data:
                inner, wanted = (*path, key), describe(bare(field.annotation))
                where = f" under `{key_of(path)}:`" if path else ""
                problem = f"{name_of(inner)} is {'empty' if key in empty else 'missing'}; expected {wanted}"
                at = empty[key].at if key in empty else self.places[path]
                self.fail(inner, problem, f"write `{key}:`{where}", kind="missing", at=at)
        return data

    def unknown(self, entry: Entry, path: Path, given: Mapping[str, object], options: list[str]) -> None:
        """Note an unknown key; it does not stop the record."""
        near = closest(entry.key, options)
        if entry.key in given:
            fix = (
                "remove it; it comes from the file name"
                if len(path) == 1
                else "remove it; the key above is the id"
            )
        elif near:
            fix = f"write `{near}:`"
        else:
            fix = f"remove it; what may stand here: {', '.join(options)}" if options else "remove it"
        self.problems.append(
            Problem("unknown", f"unknown key '{name_of(path)}'; it is not read", entry.at, fix)
        )

    def items(self, node: Node, args: tuple[Any, ...], path: Path) -> Any:
        """The items of a tuple: a list, one value, or a mapping of records by id."""
        inner = bare(args[0])
        if typing.get_origin(inner) is tuple and all(isinstance(item, Text) for item in _items(node)):
            node = List((node,), node.at)
        if args[-1] is not Ellipsis:
            if not isinstance(node, List) or len(node.items) != len(args):
                self.unfit(path, node, types.GenericAlias(tuple, args))
                return None
            return [self.shape(item, args[0], (*path, at)) for at, item in enumerate(node.items)]
        if isinstance(node, Map) and is_record(inner) and "id" in inner.model_fields and not has(node, "id"):
            return list(self.keyed(node, inner, path, numbered=True).values())
        if isinstance(node, Map) and not is_record(inner):
            self.unfit(path, node, types.GenericAlias(tuple, args))
            return None
        wrapped = node.items if isinstance(node, List) else (node,)
        for at in range(len(wrapped)):
            self.places[*path, at] = self.places[path] if not isinstance(node, List) else wrapped[at].at
        return [self.shape(item, args[0], (*path, at)) for at, item in enumerate(wrapped)]

    def keyed(self, node: Node, annotation: Any, path: Path, *, numbered: bool = False) -> dict[str, Any]:
        """The values of a mapping by key; records with an id get their key as id."""
        if not isinstance(node, Map):
            self.unfit(path, node, dict[str, annotation])
            return {}
        inner = bare(annotation)
        takes_id = is_record(inner) and "id" in inner.model_fields
        data = {}
        for at, entry in enumerate(node.entries):
            where = (*path, at if numbered else entry.key)
            self.places[where] = entry.at
            data[entry.key] = self.shape(
                entry.value, annotation, where, {"id": entry.key} if takes_id else None
            )
        return data

    def text(self, node: Text, annotation: Any, path: Path) -> Any:
        """A scalar as its field reads it."""
        if is_scalar(annotation):
            return scalar(node)
        fits = not node.is_empty
        if annotation is float:
            fits = bool(_FLOAT.fullmatch(node.text)) and math.isfinite(float(node.text))
        elif annotation is int:
            fits = bool(_INTEGER.fullmatch(node.text))
        elif annotation is datetime.date:
            fits = bool(_DATE.fullmatch(node.text))
        if not fits:
            self.unfit(path, node, annotation)
        return node.text

    def translate(self, path: Path, kind: str, message: str) -> None:
        """Note what pydantic found, unless it was noted already."""
        while path not in self.nodes and path:
            path = path[:-1]
        if any(failed[: len(path)] == path for failed in self.failed):
            return
        node, annotation = self.nodes[path]
        if kind == "string_too_long" and isinstance(node, Text):
            limit = re.sub(r"\D", "", message)
            problem = f"{name_of(path)} has {len(node.text)} characters; expected at most {limit}"
            self.fail(path, problem, "say it shorter; the rest belongs in the body", at=node.at)
        elif kind == "string_pattern_mismatch":
            problem = f"{name_of(path)} is {quote(node)}; expected {SLUG_RULE}"
            self.fail(path, problem, SLUG_FIX, at=node.at)
        else:
            self.unfit(path, node, annotation)


def bare(annotation: Any) -> Any:
    """An annotation without `Annotated` and without `None`."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (Union, types.UnionType) and not is_scalar(annotation):
        arms = [arm for arm in typing.get_args(annotation) if arm is not types.NoneType]
        return bare(arms[0])
    return annotation


def is_record(annotation: Any) -> bool:
    """Whether a field holds another record."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_scalar(annotation: Any) -> bool:
    """Whether a field holds text, a number or a truth value, whichever is written."""
    return {str, float}.issubset(typing.get_args(annotation))


def choices(annotation: Any) -> tuple[str, ...]:
    """The words a closed field may hold; none for other fields."""
    return typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()


def describe(annotation: Any) -> str:
    """What a field expects, as a message says it."""
    annotation = bare(annotation)
    args = typing.get_args(annotation)
    if options := choices(annotation):
        return f"one of: {', '.join(options)}"
    if is_record(annotation):
        return f"a mapping with {', '.join(f.alias or n for n, f in annotation.model_fields.items())}"
    if typing.get_origin(annotation) is tuple:
        return "two numbers, `[low, high]`" if args[-1] is not Ellipsis else "a list"
    if typing.get_origin(annotation) is dict:
        return "a mapping"
    words = {float: "a number", int: "a whole number", datetime.date: "a date like 2026-01-31", str: "text"}
    return words.get(annotation, "a value")


def _example(annotation: Any) -> str:
    return describe(annotation) + {float: ", like `0.05`", int: ", like `30`"}.get(annotation, "")


def scalar(node: Text) -> str | int | float | bool | None:
    """Text, or the number or truth value that an unquoted JSON-like word means."""
    if not node.is_plain:
        return node.text
    if node.is_empty:
        return None
    if node.text in ("true", "false"):
        return node.text == "true"
    if _JSON_NUMBER.fullmatch(node.text) and math.isfinite(float(node.text)):
        return int(node.text) if _INTEGER.fullmatch(node.text) else float(node.text)
    return node.text


def name_of(path: Path) -> str:
    """A path as a message names it: `statements[0].status`."""
    return (
        "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
        or "the file"
    )


def key_of(path: Path) -> str:
    """The nearest key of a path."""
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def has(node: Map, key: str) -> bool:
    """Whether a mapping has a key."""
    return any(entry.key == key for entry in node.entries)


def _items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, List) else (node,)


def _without(model: type[M], data: dict[str, Any], failed: list[Path]) -> M | None:
    """The record with each failed value, or the nearest optional part around it, left out."""
    cuts = list(failed)
    for _ in range(8):
        for path in cuts:
            _cut(model, data, path)
        try:
            return model.model_validate(data)
        except ValidationError as error:
            cuts = [
                tuple(detail["loc"])[:-1] for detail in error.errors(include_url=False, include_input=False)
            ]
    return None  # pragma: no cover - a bound; each round cuts nearer to the top


def _cut(model: type[BaseModel], data: dict[str, Any], path: Path) -> None:
    """Remove the innermost named value on a path, an item of a list with its list; make up a required one."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    parent: Any = data
    inner: Any = model
    for at, part in enumerate(path):
        fields = {field.alias or name: field for name, field in inner.model_fields.items()} if inner else {}
        field = fields.get(str(part))
        inner = bare(field.annotation) if field and field.is_required() else None
        if at == len(path) - 1 and isinstance(parent, dict):
            parent.pop(part, None)
            if inner is not None:
                parent[part] = _made_up(inner)
            return
        inner = inner if is_record(inner) else None
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return


def _made_up(annotation: Any) -> Any:
    """A value that a required field accepts."""
    if is_record(annotation):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return {key: _made_up(bare(field.annotation)) for key, field in fields.items() if field.is_required()}
    if typing.get_origin(annotation) is tuple:
        return []
    if typing.get_origin(annotation) is dict:
        return {}
    return next(iter(choices(annotation)), "unread")
