"""Families, dated snapshots in upgrade order, aliases with the interval in which they meant a snapshot."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Literal

from pydantic import Field

from mbe_docs.records.base import Record, Scalar, Slug

LifecycleStatus = Literal["active", "legacy", "deprecated", "retired"]


class Shutdown(Record):
    """When a snapshot goes away; `earliest` is a promise not to go sooner, not a date."""

    date: datetime.date
    precision: Literal["exact", "earliest"] = "exact"


class Price(Record):
    """USD per million tokens from a date on."""

    start: datetime.date = Field(alias="from")
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None


class ServedBy(Record):
    """The same weights on another platform: assumed the same, never counted as measured."""

    via: str
    id: str
    shutdown: Shutdown | None = None


class Snapshot(Record):
    """A dated, immutable model version."""

    id: str
    title: str | None = None
    summary: str | None = None
    known_as: tuple[str, ...] = ()
    """Other names of exactly this snapshot in logs, e.g. `openai-api/local/…`."""
    released: datetime.date | None = None
    status: LifecycleStatus = "active"
    shutdown: Shutdown | None = None
    replacement: str | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    prices: tuple[Price, ...] = ()
    served_by: tuple[ServedBy, ...] = ()


class AliasBinding(Record):
    """In this interval the alias meant this snapshot; `end` is exclusive, `None` is until now."""

    snapshot: str
    start: datetime.date = Field(alias="from")
    end: datetime.date | None = Field(default=None, alias="to")


class Variant(Record):
    """The same weights under another configuration: a subject of its own in cards and diffs."""

    id: str
    of: str
    title: str | None = None
    when: dict[str, Scalar]
    """Every item must hold: `system_prompt: true`, a generation parameter, a task argument or metadata."""


class Family(Record):
    """Models that replace each other: one file in `behaviors/models/`."""

    id: Slug
    provider: str
    title: str
    summary: str | None = None
    lineage: tuple[tuple[str, ...], ...] = ()
    """Upgrade order, oldest first; several branches where it branches."""
    snapshots: dict[str, Snapshot]
    aliases: dict[str, tuple[AliasBinding, ...]] = Field(default_factory=dict)
    variants: dict[str, Variant] = Field(default_factory=dict)

    def neighbours(self) -> tuple[tuple[str, str], ...]:
        """(old, new) pairs next to each other in a branch, in lineage order, without repeats."""
        pairs = [pair for branch in self.lineage for pair in pairwise(branch)]
        return tuple(dict.fromkeys(pairs))

    def predecessors(self, snapshot: str) -> tuple[str, ...]:
        """Direct predecessors of a snapshot, in lineage order."""
        return tuple(old for old, new in self.neighbours() if new == snapshot)
