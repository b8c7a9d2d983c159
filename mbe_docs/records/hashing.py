"""Content hashes: the same content has the same hash on every machine, for ever."""

from __future__ import annotations

import hashlib
import json


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no spaces, non-ASCII as itself; raises `ValueError` on NaN and infinity."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def text_hash(text: str) -> str:
    """32 hex digits (128 bits of SHA-256) of a text; a lone surrogate is hashed as it stands."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def content_hash(*parts: object) -> str:
    """32 hex digits over JSON-like parts in order; `None` parts count as themselves."""
    return text_hash(canonical_json(list(parts)))
