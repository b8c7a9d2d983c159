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
MOST: Final = 0.8
"""Share of the usual samples that a run of a series has to have tried."""


@dataclass(frozen=True, slots=True)
class Series:
    """The samples that every run tried, and in each run equally often.

    Attributes:
        run_keys: The runs, in the order asked for; those that tried too few of the samples are left out.
        totals: Runs × samples, summed scores.
        totals_sq: The same of squared scores.
        attempts: Attempts at each sample, one number for each run.
    """

    run_keys: tuple[str, ...]
    totals: Floats
    totals_sq: Floats
    attempts: Floats


def series(
    store: EvidenceStore,
    run_keys: Sequence[str],
    scorer: str,
    *,
    failure_value: float | None = None,
    where: Mapping[str, str] | None = None,
) -> Series | None:
    """Scores of these runs, one row per run in the order given; `None` where no sample was tried in all.

    A sample belongs to the series that at least half of the runs tried; a run does that tried four fifths of
    these samples. Runs may differ in attempts; samples tried less often than is usual in a run are left out.

    Failures of the model count as `failure_value`, other attempts without a value are left out, as in the
    primary reading of an estimate.

    Raises:
        EvidenceError: a run is not in the store, or its part is not as it was written.
    """
    import pyarrow.parquet as pq

    scores: dict[str, dict[str, list[tuple[int, float]]]] = {key: {} for key in run_keys}
    conditions = (where or {}).items()
    for entry, path in store.parts_of(run_keys):
        live = entry.live() & scores.keys()
        if not live:
            continue
        rows = pq.read_table(
            path,
            columns=[
                "run_key",
                "input_hash",
                "epoch",
                "value",
                "outcome",
                *(["metadata"] if conditions else []),
            ],
            filters=[("scorer", "==", scorer), ("run_key", "in", live)],
            page_checksum_verification=True,
        )
        for row in rows.to_pylist():
            metadata = dict(row.get("metadata") or ())
            if all(metadata.get(name) == wanted for name, wanted in conditions):
                value = row["value"]
                score = failure_value if value is None and row["outcome"] in FAILED else value
                if score is not None:
                    scores[row["run_key"]].setdefault(row["input_hash"], []).append((row["epoch"], score))
    return _even(scores)


def _even(scores: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]) -> Series | None:
    times = Counter(name for samples in scores.values() for name in samples)
    usual = {name for name, n in times.items() if 2 * n >= len(scores)}
    kept = {
        key: samples for key, samples in scores.items() if len(usual & samples.keys()) >= MOST * len(usual)
    }
    common = sorted(usual.intersection(*kept.values()))
    if not common:
        return None
    usually = {
        key: Counter(len(samples[name]) for name in common).most_common(1)[0][0]
        for key, samples in kept.items()
    }
    even = [name for name in common if all(len(kept[key][name]) >= n for key, n in usually.items())]
    if not even:
        return None
    tries = [
        [[score for _, score in sorted(samples[name])[: usually[key]]] for name in even]
        for key, samples in kept.items()
    ]
    totals = np.array([[sum(scores) for scores in run] for run in tries], np.float64)
    squares = np.array([[sum(score**2 for score in scores) for scores in run] for run in tries], np.float64)
    return Series(tuple(kept), totals, squares, np.array(list(usually.values()), np.float64))
