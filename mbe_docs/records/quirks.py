"""Quirks: curated limitation notes, and their statuses per snapshot."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from mbe_docs.records.base import Record, Scalar, Slug

SeverityLevel = Literal["low", "moderate", "high", "critical"]
QuirkStatus = Literal["affected", "not_affected", "fixed", "flaky", "unknown"]
EvidenceLevel = Literal["measured", "reproduced", "reported", "under_test"]


class Detect(Record):
    """The rule a status is computed from: `affected_when` is `rate < 0.90` or `rate > 0.10`."""

    task: tuple[str, ...]
    scorer: str
    affected_when: str
    where: dict[str, str] = Field(default_factory=dict)
    """Only samples with this metadata, e.g. one slice."""


class StatementSource(Record):
    """Where a reported statement was read."""

    url: str
    read: datetime.date


class SeenIn(Record):
    """Where a statement can be looked up in our own logs."""

    task: tuple[str, ...]
    samples: tuple[str, ...] = ()
    """Ids as the logs have them; without any, all samples of the task."""


class Override(Record):
    """Why a statement contradicts our own evidence, and until when."""

    reason: str
    expires: datetime.date


class Statement(Record):
    """An authored status: only where there is no evidence of our own, or as an override."""

    snapshots: tuple[str, ...]
    status: QuirkStatus
    evidence_level: EvidenceLevel
    source: StatementSource | None = None
    seen_in: SeenIn | None = None
    """The samples that show it, where no scorer tells it from other failures."""
    override: Override | None = None
    note: str | None = None


class MeasuredBy(Record):
    """The runs that measured a mitigation: the same task under these conditions."""

    task: tuple[str, ...]
    when: dict[str, Scalar]
    scorer: str | None = None
    """Defaults to the scorer of the quirk's rule."""


class Mitigation(Record):
    """What to do about a quirk; its effect is measured where `measured_by` says how."""

    id: Slug
    kind: Literal["prompt", "guardrail", "parameter", "routing"]
    how: str
    measured_by: MeasuredBy | None = None


class Reproduce(Record):
    """The smallest thing that shows the quirk."""

    prompt: str
    expect: str
    command: str | None = None


class Reference(Record):
    """A link out."""

    type: Literal["evidence", "report", "fix", "detection", "web"]
    url: str
    title: str | None = None


class Review(Record):
    """Who looked, and when."""

    by: str
    on: datetime.date


class Quirk(Record):
    """One file in `behaviors/quirks/`."""

    id: Slug
    title: str = Field(max_length=120)
    """Says the symptom."""
    behavior: Slug
    symptoms: tuple[str, ...] = ()
    severity: SeverityLevel
    detect: Detect | None = None
    statements: tuple[Statement, ...] = ()
    mitigations: tuple[Mitigation, ...] = ()
    reproduce: Reproduce | None = None
    owner: str | None = None
    reviewed: Review | None = None
    references: tuple[Reference, ...] = ()
    published: datetime.date | None = None
    withdrawn: datetime.date | None = None
    aliases: tuple[Slug, ...] = ()
    body: str = ""
    path: str
    """The file, relative to the project root, with `/`."""
