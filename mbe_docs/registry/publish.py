"""The registry as canonical JSON: sorted keys, one record a line, the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mbe_docs.records.hashing import canonical_json
from mbe_docs.records.registry import Registry


def registry_json(registry: Registry) -> str:
    """The published text: an object whose lists hold one record a line, so that a diff of it can be read."""
    content: dict[str, Any] = registry.model_dump(mode="json", by_alias=True)
    lines = []
    for key in sorted(content):
        value = content[key]
        if isinstance(value, list) and value:
            records = ",\n".join(canonical_json(record) for record in value)
            lines.append(f"{canonical_json(key)}:[\n{records}\n]")
        else:
            lines.append(f"{canonical_json(key)}:{canonical_json(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def with_hash(registry: Registry) -> Registry:
    """The registry with the SHA-256 of its own text, taken with an empty hash."""
    bare = registry.model_copy(update={"content_hash": ""})
    digest = hashlib.sha256(registry_json(bare).encode("utf-8")).hexdigest()
    return bare.model_copy(update={"content_hash": digest})


def read_registry(text: str) -> Registry:
    """A published registry.

    Raises:
        ValueError: it is not one, or its hash does not fit its content.
    """
    registry = Registry.model_validate(json.loads(text))
    if with_hash(registry).content_hash != registry.content_hash:
        raise ValueError("the content hash does not fit the content; the file was edited or cut")
    return registry


def registry_schema() -> dict[str, Any]:
    """JSON Schema of the published registry."""
    schema = Registry.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
