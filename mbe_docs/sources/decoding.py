"""Decode JSON documents of a foreign harness: typed and fast, tolerant where a document needs it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SURROGATES = re.compile("[\ud800-\udfff]")


class DocumentError(Exception):
    """A document cannot be decoded; the message says why."""


TOO_DEEP: Final = "nested too deeply"


class Document(NamedTuple):
    """A JSON document decoded by the tolerant path, and what was tolerated."""

    value: Any
    notes: tuple[str, ...]


def decode(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> tuple[T, tuple[str, ...]]:
    """The typed document and what had to be tolerated in it, usually nothing.

    Python writes `NaN`, `Infinity` and lone surrogates, strict parsers refuse them: such a document is
    decoded again by the standard library.

    Raises:
        DocumentError: it is not JSON, or not of the expected shape.
    """
    try:
        return decoder.decode(data), ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = tolerant(bytes(data))
    return typed(document.value, decoder.type), document.notes


def typed(value: Any, kind: Any) -> Any:
    """A decoded document as a typed one.

    Raises:
        DocumentError: it is not of the expected shape.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DocumentError(f"not of the expected shape: {error}") from error


def tolerant(data: bytes) -> Document:
    """A document as Python's own JSON writes it: NaN is a float, a lone surrogate is U+FFFD.

    Raises:
        DocumentError: it is not JSON.
    """
    notes: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            notes.append("it has an object with the same key twice; the last counts")
        return value

    try:
        text = data.removeprefix(BYTE_ORDER_MARK).decode()
        value = json.loads(text, object_pairs_hook=unique)
        if "\\ud" in text or "\\uD" in text:
            value = mapped(value, _without_surrogates)
            notes.append("it has lone surrogates, which are not text; they are shown as U+FFFD")
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8 at byte {error.start:,}") from error
    except RecursionError as error:
        raise DocumentError(TOO_DEEP) from error
    except ValueError as error:
        raise DocumentError(f"not JSON that can be held: {error}") from error
    return Document(value, tuple(dict.fromkeys(notes)))


def finite(value: Any) -> Any:
    """The value with every NaN and infinity replaced by `None`: unknown.

    Raises:
        RecursionError: it is nested more deeply than Python goes; parsers go deeper from Python 3.12 on.
    """
    return mapped(value, lambda leaf: None if isinstance(leaf, float) and not math.isfinite(leaf) else leaf)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A JSON-like value with every leaf and key changed by a function."""
    if isinstance(value, dict):
        return {change(key): mapped(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    return change(value)


def _without_surrogates(leaf: Any) -> Any:
    return _SURROGATES.sub("\ufffd", leaf) if isinstance(leaf, str) else leaf


def as_dict(value: Any) -> dict[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value where it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """The value where it is text that says something, else `None`."""
    return value if isinstance(value, str) and value else None


def as_int(value: Any) -> int | None:
    """The value where it is a whole number, else `None`."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_float(value: Any) -> float | None:
    """The value where it is a finite number, else `None`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
