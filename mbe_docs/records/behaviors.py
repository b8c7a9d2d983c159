"""Behaviors: what a model does, how it is measured, which direction is better, which change matters."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from mbe_docs.records.base import Record, Slug

Direction = Literal["higher", "lower", "neither"]
Unit = Literal["proportion", "points", "seconds", "usd", "tokens", "count"]


class Measure(Record):
    """How a behavior is read off the evidence."""

    task: tuple[str, ...]
    task_version: str | None = None
    scorer: str
    direction: Direction
    """Which direction is better: required, never guessed."""
    unit: Unit = "proportion"
    range: tuple[float, float] | None = None
    """Smallest and largest possible score; (0, 1) for a proportion."""
    margin: float | None = None
    """The smallest change anyone would act on, in the unit; no *unchanged* verdict without it."""
    require: float | None = None
    """The bar for *good enough*, in the unit."""
    min_samples: int = 30
    slices: tuple[str, ...] = ()
    """Sample metadata keys reported and compared separately."""
    where: dict[str, str] = Field(default_factory=dict)
    """Only samples with this metadata, e.g. one part of a task."""
    pool: bool = False
    """Samples are drawn from one pool: runs with none in common may be compared by their means."""
    cluster: str | None = None
    """Sample metadata key of a shared source; such samples are not independent."""


class Behavior(Record):
    """One file in `behaviors/`."""

    id: Slug
    title: str
    summary: str | None = None
    """One sentence: what good looks like."""
    category: str
    owner: str | None = None
    measure: Measure
    status: Literal["draft", "active", "withdrawn"] = "active"
    withdrawn: datetime.date | None = None
    aliases: tuple[Slug, ...] = ()
    body: str = ""
    path: str
    """The file, relative to the project root, with `/`."""


class Category(Record):
    """One entry of the closed list in `behaviors/taxonomy.yaml`."""

    id: Slug
    title: str
    meaning: str
    avid: str | None = None


class SeverityRule(Record):
    """What a severity means, so that two people pick the same one."""

    id: Literal["low", "moderate", "high", "critical"]
    rule: str


class Taxonomy(Record):
    """Closed vocabularies of the registry."""

    categories: tuple[Category, ...] = ()
    severities: tuple[SeverityRule, ...] = ()
