"""From a name to what is stored: one run, and one sample's way through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mbe_docs.errors import EvidenceError, Location
from mbe_docs.evidence.store import EvidenceStore, StoredRun
from mbe_docs.records.evals import Excerpt


@dataclass(frozen=True, slots=True)
class Score:
    """What one scorer made of an attempt."""

    scorer: str
    value: float | None
    label: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a sample, as the log has it."""

    epoch: int
    scores: tuple[Score, ...]
    facts: Mapping[str, str | int | bool]
    """What the log states of it besides scores: tokens, cost, latency, the model that answered, …"""
    metadata: Mapping[str, str]
    excerpt: Excerpt | None
    """Its text, where that was kept."""


@dataclass(frozen=True, slots=True)
class Trail:
    """One sample's way through one run."""

    stored: StoredRun
    sample_id: str
    input_hash: str
    attempts: tuple[Attempt, ...] = field(default=())
    """In the order of their epochs."""


_FACTS = (
    *("tokens_in", "tokens_in_cached", "tokens_out", "tokens_reasoning", "cost_nusd", "latency_us"),
    *("stop_reason", "model_resolved", "served_by_fallback", "started_at"),
)


def find_run(store: EvidenceStore, name: str) -> StoredRun:
    """The run that a name means, in the version that counts: its key, its own id, or the beginning of one.

    Raises:
        EvidenceError: no run is called so, or several are; or something in the store is damaged.
    """
    runs = [stored for stored in store.runs() if stored.superseded_by is None]
    exact = [stored for stored in runs if name in (stored.run.run_key, stored.run.run_id)]
    begun = [
        stored
        for stored in runs
        if stored.run.run_key.startswith(name) or (stored.run.run_id or "").startswith(name)
    ]
    found = exact or begun
    if len(found) == 1:
        return found[0]
    at = Location(str(store.root))
    if found:
        keys = ", ".join(stored.run.run_key for stored in found[:5])
        raise EvidenceError(
            f"'{name}' is the beginning of {len(found)} runs: {keys}", at=at, fix="write more"
        )
    raise EvidenceError(f"no run is called '{name}'", at=at, fix="`mbe-docs evidence list` has the names")


def trail(store: EvidenceStore, stored: StoredRun, sample_id: str) -> Trail:
    """Every attempt of a run at a sample.

    Raises:
        EvidenceError: the run has no such sample, or a part is damaged.
    """
    import pyarrow.parquet as pq

    key = stored.run.run_key
    rows: list[dict[str, Any]] = []
    for entry, path in store.parts_of([key]):
        if key in entry.live():
            filters = [("run_key", "==", key), ("sample_id", "==", sample_id)]
            rows += pq.read_table(path, filters=filters, page_checksum_verification=True).to_pylist()
    if not rows:
        raise EvidenceError(
            f"the run has no sample '{sample_id}'",
            at=Location(stored.run.log_uri),
            fix="write the id as the log has it",
        )
    texts = {text.epoch: text for text in store.excerpts(key, len(rows), sample_ids=[sample_id])}
    epochs: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        epochs.setdefault(row["epoch"], []).append(row)
    attempts = tuple(_attempt(epoch, epochs[epoch], texts.get(epoch)) for epoch in sorted(epochs))
    return Trail(stored, sample_id, rows[0]["input_hash"], attempts)


def _attempt(epoch: int, rows: list[dict[str, Any]], excerpt: Excerpt | None) -> Attempt:
    first = rows[0]
    return Attempt(
        epoch=epoch,
        scores=tuple(Score(row["scorer"], row["value"], row["label"], row["outcome"]) for row in rows),
        facts={name: first[name] for name in _FACTS if first[name] is not None},
        metadata=dict(first["metadata"] or ()),
        excerpt=excerpt,
    )
