"""Small logs for the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mbe_docs.evidence.manifest import PartEntry
from mbe_docs.evidence.parts import Item
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.evals import Observation
from mbe_docs.records.hashing import text_hash
from tests import make


def observation(
    run_key: str = "x:1", sample: str = "a", value: float | None = 1.0, **changes: Any
) -> Observation:
    """One scored attempt."""
    fields: dict[str, Any] = {
        "run_key": run_key,
        "sample_id": sample,
        "input_hash": text_hash(sample),
        "epoch": 1,
        "scorer": "match",
        "value": value,
        "label": None,
        "outcome": "unscored" if value is None else "scored",
        "metadata": {},
    }
    return Observation(**(fields | changes))


def log(run_key: str = "x:1", rows: Iterable[Observation] | None = None, **run: Any) -> Iterator[Item]:
    """What a log with one run states."""
    yield make.run(run_key=run_key, **run)
    yield from [observation(run_key)] if rows is None else rows


def write(store: EvidenceStore, name: str, items: Iterable[Item]) -> PartEntry:
    """The part of a log whose bytes are said to be `name`."""
    source = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    entry, _ = store.write_part(items, source_sha256=source, source_uri=f"logs/{name}", source_format="x")
    return entry


def ingest(store: EvidenceStore, name: str, items: Iterable[Item]) -> PartEntry:
    """The same, committed."""
    entry = write(store, name, items)
    store.commit([entry])
    return entry


def tree(root: Path) -> dict[str, str]:
    """SHA-256 of every file by its path."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
