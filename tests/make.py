"""Small valid records for tests: every field that a test does not speak of has a plain value."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mbe_docs.config import Config, Policy
from mbe_docs.curated.bundle import Curated, PlaceKind
from mbe_docs.errors import Location
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.behaviors import Behavior, Measure
from mbe_docs.records.estimates import Comparison, Estimate, Interval, OutcomeCounts
from mbe_docs.records.evals import Observation, Outcome, Run, ScorerSpec
from mbe_docs.records.findings import Finding
from mbe_docs.records.hashing import text_hash
from mbe_docs.records.models import AliasBinding, Family, Snapshot, Variant
from mbe_docs.records.quirks import Detect, Quirk
from mbe_docs.records.registry import Registry
from mbe_docs.registry.merge import merge


def run(**changes: Any) -> Run:
    fields: dict[str, Any] = {
        "run_key": "inspect:r1",
        "source_format": "inspect_ai",
        "file_sha256": "0" * 64,
        "log_uri": "logs/r1.eval",
        "task": "arithmetic",
        "model_requested": "acme/atlas-1",
        "has_system_prompt": False,
        "scorers": (ScorerSpec(name="match"),),
        "generation_params": {"temperature": 0.8},
        "epochs": 1,
        "samples_planned": 10,
        "status": "success",
        "started_at": "2026-05-01T10:00:00+00:00",
    }
    return Run(**(fields | changes))


def family(**changes: Any) -> Family:
    fields: dict[str, Any] = {
        "id": "atlas",
        "provider": "acme",
        "title": "Atlas",
        "lineage": (("atlas-1", "atlas-2"),),
        "snapshots": {
            "atlas-1": Snapshot(id="atlas-1", title="Atlas 1", known_as=("local/atlas_one",)),
            "atlas-2": Snapshot(id="atlas-2", title="Atlas 2"),
        },
        "aliases": {
            "atlas-latest": (
                AliasBinding.model_validate(
                    {"snapshot": "atlas-1", "from": "2026-01-01", "to": "2026-06-01"}
                ),
                AliasBinding.model_validate({"snapshot": "atlas-2", "from": "2026-06-01"}),
            )
        },
        "variants": {
            "atlas-1+t0": Variant(id="atlas-1+t0", of="atlas-1", when={"temperature": 0}),
            "atlas-1+prompted": Variant(id="atlas-1+prompted", of="atlas-1", when={"system_prompt": True}),
        },
    }
    return Family(**(fields | changes))


def measure(**changes: Any) -> Measure:
    fields: dict[str, Any] = {
        "task": ("arithmetic",),
        "scorer": "match",
        "direction": "higher",
        "range": (0.0, 1.0),
        "margin": 0.05,
        "require": 0.9,
    }
    return Measure(**(fields | changes))


def behavior(**changes: Any) -> Behavior:
    fields: dict[str, Any] = {
        "id": "adds",
        "title": "Adds two numbers",
        "category": "arithmetic",
        "measure": measure(),
        "path": "behaviors/adds.md",
    }
    return Behavior(**(fields | changes))


def quirk(**changes: Any) -> Quirk:
    fields: dict[str, Any] = {
        "id": "drops-carry",
        "title": "Drops the carry",
        "behavior": "adds",
        "severity": "high",
        "detect": Detect(task=("arithmetic",), scorer="match", affected_when="rate < 0.50"),
        "published": datetime.date(2026, 5, 1),
        "path": "behaviors/quirks/drops-carry.md",
    }
    return Quirk(**(fields | changes))


def interval(value: float, low: float, high: float) -> Interval:
    return Interval(value=value, low=low, high=high)


def estimate(**changes: Any) -> Estimate:
    rate = changes.pop("rate", interval(0.93, 0.88, 0.96))
    fields: dict[str, Any] = {
        "behavior": "adds",
        "subject": "atlas-1",
        "unit": "proportion",
        "direction": "higher",
        "rate": rate,
        "strict": rate,
        "scored_only": rate,
        "bounds": (rate.value, rate.value),
        "method": "Clopper–Pearson at effective n",
        "n_samples": 120,
        "n_attempts": 600,
        "n_effective": 200.0,
        "outcomes": OutcomeCounts(planned=600, scored=600),
        "coverage": 1.0,
        "runs": ("inspect:r1",),
        "as_of": "2026-05-01",
    }
    return Estimate(**(fields | changes))


def comparison(**changes: Any) -> Comparison:
    fields: dict[str, Any] = {
        "behavior": "adds",
        "old": "atlas-1",
        "new": "atlas-2",
        "verdict": "regressed",
        "unit": "proportion",
        "direction": "higher",
        "difference": interval(-0.06, -0.11, -0.01),
        "old_rate": interval(0.93, 0.88, 0.96),
        "new_rate": interval(0.87, 0.81, 0.92),
        "margin": 0.05,
        "n_common": 120,
        "n_old": 120,
        "n_new": 120,
        "attempts_old": 600,
        "attempts_new": 600,
        "n_worse": 14,
        "n_better": 5,
    }
    return Comparison(**(fields | changes))


MARKS: dict[str, tuple[float | None, Outcome]] = {
    "1": (1.0, "scored"),
    "0": (0.0, "scored"),
    "E": (None, "model_error"),
    "L": (None, "limited"),
    "R": (None, "refused"),
    "I": (None, "infra_error"),
    "U": (None, "unscored"),
}
"""One letter per attempt: passed, failed, and each way to end without a value."""


def observations(of: Run, attempts: str | Iterable[Iterable[float]], **changes: Any) -> list[Observation]:
    """Attempts of a run: words are samples and letters attempts (`"11 1E 0"`), or lists of scores.

    `metadata` is one mapping per sample; `first` the number of the first sample, whose content its number
    stands for; `scorer` and every other field of an observation are the same for all.
    """
    metadata = [dict(entry) for entry in changes.pop("metadata", ())]
    first = changes.pop("first", 0)
    scorer = changes.pop("scorer", "match")
    samples = attempts.split() if isinstance(attempts, str) else attempts
    rows = []
    for sample, tries in enumerate(samples):
        for epoch, one in enumerate(tries, 1):
            value, outcome = MARKS[one] if isinstance(one, str) else (float(one), "scored")
            row = Observation(
                run_key=of.run_key,
                sample_id=f"s{first + sample}",
                input_hash=f"{first + sample:032x}",
                epoch=epoch,
                scorer=scorer,
                value=value,
                label=None,
                outcome=outcome,
                metadata=metadata[sample] if metadata else {},
            )
            rows.append(row._replace(**changes))
    return rows


def stored(root: Path, *logs: tuple[Run, Iterable[Observation]]) -> EvidenceStore:
    """A store with these runs, each from a log of its own."""
    store = EvidenceStore(root)
    entries = []
    for run_of_log, rows in logs:
        sha256 = text_hash(run_of_log.run_key) * 2
        items = [run_of_log.model_copy(update={"file_sha256": sha256}), *rows]
        entry, _ = store.write_part(
            items,
            source_sha256=sha256,
            source_uri=run_of_log.log_uri,
            source_format=run_of_log.source_format,
        )
        entries.append(entry)
    store.commit(entries)
    return store


@dataclass(frozen=True)
class Notes(Curated):
    """Records without files: every place is its kind and id."""

    def place(self, kind: PlaceKind, id: str, *field_path: str | int) -> Location:
        return Location("/".join((kind, id, *map(str, field_path))))


def merged(
    root: Path,
    *logs: tuple[Run, Iterable[Observation]],
    behaviors: Iterable[Behavior] = (),
    quirks: Iterable[Quirk] = (),
    families: Iterable[Family] | None = None,
    policy: Policy | None = None,
    **more: Any,
) -> tuple[Registry, tuple[Finding, ...]]:
    """The registry of these logs and notes, with its findings."""
    notes = Notes(
        families=(family(),) if families is None else tuple(families),
        behaviors=tuple(behaviors),
        quirks=tuple(quirks),
        **more,
    )
    return merge(notes, stored(root, *logs), Config(policy=policy or Policy()))
