"""The registry: behaviors, quirks, models, estimates, comparisons and computed statuses, as published."""

from __future__ import annotations

from mbe_docs.records.base import Record
from mbe_docs.records.behaviors import Behavior, Taxonomy
from mbe_docs.records.estimates import Comparison, DriftReport, Estimate, MitigationEffect, QuirkStatement
from mbe_docs.records.evals import Run
from mbe_docs.records.models import Family
from mbe_docs.records.quirks import Quirk

SCHEMA_VERSION = "1.0"


class RunSummary(Record):
    """A run as published: what it states, what was seen of it, what it is used for."""

    run: Run
    subject: str | None
    """Snapshot or variant it was matched to; `None` where no family lists the model."""
    attempts_seen: int
    samples_seen: int
    outcomes: dict[str, int]
    """Attempts by outcome, per attempt (not per scorer)."""
    behaviors: tuple[str, ...] = ()
    superseded_by: str | None = None
    """sha256 of the edited log that replaced this one."""


class Registry(Record):
    """Everything a page, an export or a report is a view of. Immutable; its JSON is canonical."""

    schema_version: str = SCHEMA_VERSION
    title: str
    as_of: str | None
    """Date of the newest run: no clock is read."""
    taxonomy: Taxonomy
    families: tuple[Family, ...]
    behaviors: tuple[Behavior, ...]
    quirks: tuple[Quirk, ...]
    runs: tuple[RunSummary, ...]
    estimates: tuple[Estimate, ...]
    comparisons: tuple[Comparison, ...]
    statements: tuple[QuirkStatement, ...]
    mitigations: tuple[MitigationEffect, ...]
    drifts: tuple[DriftReport, ...] = ()
    content_hash: str = ""
    """SHA-256 of the canonical JSON with this field empty."""
