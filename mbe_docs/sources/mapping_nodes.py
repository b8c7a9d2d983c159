"""Values of a mapping file, checked one by one; every complaint names its line.

All functions raise `CuratedError` where the value is not what they give.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mbe_docs.errors import CuratedError
from mbe_docs.safe_yaml import List, Map, Node, Text, quote


def wrong(node: Node, expected: str) -> CuratedError:
    """The complaint about a value that should have been something else."""
    return CuratedError(f"{quote(node)}; expected {expected}", at=node.at, fix=f"write {expected}")


def map_of(node: Node) -> Map:
    """The node as a mapping."""
    if not isinstance(node, Map):
        raise wrong(node, "keys and values")
    return node


def fields_of(node: Map, *allowed: str) -> dict[str, Node]:
    """The values of a mapping by key; other keys than those allowed are refused."""
    for entry in node.entries:
        if entry.key not in allowed:
            raise CuratedError(
                f"unknown key '{entry.key}'", at=entry.at, fix=f"use one of: {', '.join(allowed)}"
            )
    return {entry.key: entry.value for entry in node.entries}


def required(node: Node, fields: dict[str, Node], key: str) -> Node:
    """The value of a key that must be there."""
    if key not in fields:
        raise CuratedError(f"`{key}:` is missing", at=node.at, fix=f"add `{key}:`")
    return fields[key]


def text_of(node: Node) -> str:
    """The text of a scalar as written."""
    if not isinstance(node, Text):
        raise wrong(node, "a text")
    return node.text


def texts_of(node: Node) -> Iterator[str]:
    """The texts of a list, or of one scalar."""
    yield from map(text_of, node.items) if isinstance(node, List) else (text_of(node),)


def whole_of(node: Node) -> int:
    """A whole number."""
    try:
        return int(text_of(node))
    except ValueError as error:
        raise wrong(node, "a whole number") from error


def number_of(node: Node) -> float | None:
    """A number, or `None` where the value is empty or null."""
    if isinstance(node, Text) and node.is_empty:
        return None
    try:
        return float(text_of(node))
    except ValueError as error:
        raise wrong(node, "a number, or null for unscored") from error


def flag_of(fields: dict[str, Node], key: str) -> bool:
    """Whether a key is there and true."""
    if key not in fields:
        return False
    if text_of(fields[key]) not in ("true", "false"):
        raise wrong(fields[key], "true or false")
    return text_of(fields[key]) == "true"


def plain_of(node: Node) -> Any:
    """The node as plain data, without `direction`, which is not a parameter of a scorer."""
    if isinstance(node, Map):
        return {entry.key: plain_of(entry.value) for entry in node.entries if entry.key != "direction"}
    if isinstance(node, List):
        return [plain_of(item) for item in node.items]
    return node.text
