"""Repeated runs of the same samples as a table: runs × samples, for looking at drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.evidence.sums import Floats

FAILED: Final = frozenset({"model_error", "limited", "refused"})


@dataclass(frozen=True, slots=True)
class Series:
    """The samples that every run tried equally often.

    Attributes:
        totals: Runs × samples, summed scores.
        totals_sq: The same of squared scores.
        attempts: Attempts at each sample in each run.
    """

    totals: Floats
    totals_sq: Floats
    attempts: int


def series(
    store: EvidenceStore,
    run_keys: Sequence[str],
    scorer: str,
    *,
    failure_value: float | None = None,
    where: Mapping[str, str] | None = None,
) -> Series | None:
    """Scores of these runs, one row per run in the order given; `None` where no sample was tried in all.

    Failures of the model count as `failure_value`, other attempts without a value are left out, as in the
    primary reading of an estimate.

    Raises:
        EvidenceError: a run is not in the store, or its part is not as it was written.
    """
    import pyarrow.parquet as pq

    scores: dict[str, dict[str, list[float]]] = {key: {} for key in run_keys}
    conditions = (where or {}).items()
    for entry, path in store.parts_of(run_keys):
        live = {run.run_key for run in entry.runs if run.superseded_by is None} & scores.keys()
        rows = pq.read_table(
            path,
            columns=["run_key", "input_hash", "value", "outcome", *(["metadata"] if conditions else [])],
            filters=[("scorer", "==", scorer), ("run_key", "in", live)],
            page_checksum_verification=True,
        )
        for row in rows.to_pylist():
            metadata = dict(row.get("metadata") or ())
            if all(metadata.get(name) == wanted for name, wanted in conditions):
                value = row["value"]
                score = failure_value if value is None and row["outcome"] in FAILED else value
                if score is not None:
                    scores[row["run_key"]].setdefault(row["input_hash"], []).append(score)
    return _even(scores)


def _even(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> Series | None:
    common = sorted(set.intersection(*(set(samples) for samples in scores.values())))
    if not common:
        return None
    tries = Counter(len(samples[name]) for samples in scores.values() for name in common)
    attempts = max(tries, key=lambda n: (tries[n], n))
    even = [name for name in common if all(len(samples[name]) == attempts for samples in scores.values())]
    if not even:
        return None
    table = np.array([[samples[name] for name in even] for samples in scores.values()], np.float64)
    return Series(table.sum(axis=2), (table**2).sum(axis=2), attempts)
