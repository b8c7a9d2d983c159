"""JSON Schemas of the hand-written files, so that an editor completes and checks them."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Collection
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mbe_docs.config import Config
from mbe_docs.curated.convert import bare, choices, is_record, is_scalar
from mbe_docs.records.behaviors import Behavior, Taxonomy
from mbe_docs.records.models import Family
from mbe_docs.records.quirks import Quirk

_SLUG: Final = "^[a-z0-9][a-z0-9-]{0,79}$"
# YAML in an editor reads `4.10` and `no` as a number and a truth value; for us every word is text.
_TEXT: Final[dict[str, Any]] = {"type": ["string", "number", "boolean"]}


def authored_schemas() -> dict[str, dict[str, Any]]:
    """One JSON Schema (2020-12) for each kind of file: behavior, quirk, family, taxonomy, config.

    They describe what is written: without the id, which is the file name, and with one value for a list of
    one. Those of behavior and quirk are about the front matter.
    """
    notes = ("id", "path", "body")
    return {
        "behavior": _top(Behavior, "A behavior: front matter of behaviors/ID.md", notes),
        "quirk": _top(Quirk, "A quirk: front matter of behaviors/quirks/ID.md", notes),
        "family": _top(Family, "A model family: behaviors/models/ID.yaml", ("id",)),
        "taxonomy": _top(Taxonomy, "Closed lists: behaviors/taxonomy.yaml", ()),
        "config": _top(Config, "Configuration: behaviors/config.yaml", ()),
    }


def _top(model: type[BaseModel], title: str, given: Collection[str]) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | _record(model, given)


def _record(model: type[BaseModel], given: Collection[str] = ()) -> dict[str, Any]:
    """A mapping with the fields of a record, but those the caller sets."""
    fields = {field.alias or name: field for name, field in model.model_fields.items() if name not in given}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key: _field(field) for key, field in fields.items()},
        "additionalProperties": False,
    }
    if required := [key for key, field in fields.items() if field.is_required()]:
        schema["required"] = required
    return schema


def _field(field: FieldInfo) -> dict[str, Any]:
    schema = _value(field.annotation, field.metadata)
    return schema if field.is_required() else {"anyOf": [schema, {"type": "null"}]}


def _value(annotation: Any, metadata: Collection[Any] = ()) -> dict[str, Any]:
    """What a field may hold."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation, *more = typing.get_args(annotation)
        metadata = (*metadata, *more)
    annotation = bare(annotation)
    args = typing.get_args(annotation)
    if options := choices(annotation):
        return {"enum": list(options)}
    if is_record(annotation):
        return _record(annotation)
    if typing.get_origin(annotation) is tuple:
        return _items(args)
    if typing.get_origin(annotation) is dict:
        inner = bare(args[1])
        keyed = _record(inner, ("id",)) if is_record(inner) else _value(args[1])
        return {"type": "object", "additionalProperties": keyed}
    return _leaf(annotation, metadata)


def _leaf(annotation: Any, metadata: Collection[Any]) -> dict[str, Any]:
    """What a field without parts may hold."""
    if is_scalar(annotation):
        return {"type": ["string", "number", "boolean", "null"]}
    if annotation is datetime.date:
        return {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    if annotation in (int, float):
        return {"type": "integer" if annotation is int else "number"}
    if any(getattr(item, "pattern", None) for item in metadata):
        return {"type": "string", "pattern": _SLUG}
    longest = [item.max_length for item in metadata if getattr(item, "max_length", None)]
    return {"type": "string", "maxLength": longest[0]} if longest else dict(_TEXT)


def _items(args: tuple[Any, ...]) -> dict[str, Any]:
    """A list, one value for a list of one, or a mapping of records by id."""
    one = _value(args[0])
    if args[-1] is not Ellipsis:
        return {"type": "array", "items": one, "minItems": len(args), "maxItems": len(args)}
    inner = bare(args[0])
    forms = [{"type": "array", "items": one}, one]
    if typing.get_origin(inner) is tuple:
        forms = [{"type": "array", "items": {"anyOf": one["anyOf"]}}]
    elif is_record(inner) and "id" in inner.model_fields:
        forms.append({"type": "object", "additionalProperties": _record(inner, ("id",))})
    return {"anyOf": forms}
