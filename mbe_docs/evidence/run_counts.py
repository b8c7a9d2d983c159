"""What was seen of each run: attempts, samples, outcomes and scorers, counted from the parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from mbe_docs.evidence.observations import add_table, observed
from mbe_docs.evidence.store import EvidenceStore

COUNTS: Final = """
SELECT run_key, scorer, outcome, COUNT(*) AS n, COUNT(value) AS n_values
FROM observations GROUP BY run_key, scorer, outcome ORDER BY run_key, scorer, outcome"""
SAMPLES: Final = """
SELECT run_key, COUNT(DISTINCT input_hash) AS n FROM observations GROUP BY run_key ORDER BY run_key"""

WITH_SAMPLES: Final = """
SELECT DISTINCT o.run_key, o.sample_id FROM observations o JOIN wanted w ON w.sample_id = o.sample_id
ORDER BY o.run_key, o.sample_id"""


@dataclass(slots=True)
class RunCounts:
    """One run as found in its log."""

    samples: int = 0
    """Distinct samples with any attempt."""
    by_scorer: dict[str, dict[str, int]] = field(default_factory=dict)
    """Attempts by scorer and outcome."""
    values: dict[str, int] = field(default_factory=dict)
    """Attempts with a value, by scorer."""

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Attempts by outcome, as the scorer that saw most of them has it."""
        return max(self.by_scorer.values(), key=lambda counts: sum(counts.values()), default={})

    @property
    def attempts(self) -> int:
        """Attempts, each counted once however many scorers judged it."""
        return sum(self.outcomes.values())


def run_counts(store: EvidenceStore, run_keys: Collection[str]) -> dict[str, RunCounts]:
    """Counts of these runs, by run key; of a run with several versions those of the one that counts.

    Raises:
        EvidenceError: a run is not in the store, or its part is not as it was written.
    """
    found = {key: RunCounts() for key in run_keys}
    with observed(store.parts_of(found), found) as connection:
        for key, scorer, outcome, n, n_values in connection.execute(COUNTS).fetchall():
            if key in found:
                counts = found[key]
                counts.by_scorer.setdefault(scorer, {})[outcome] = n
                counts.values[scorer] = counts.values.get(scorer, 0) + n_values
        for key, n in connection.execute(SAMPLES).fetchall():
            if key in found:
                found[key].samples = n
    return found


def samples_of(
    store: EvidenceStore, run_keys: Collection[str], sample_ids: Collection[str]
) -> frozenset[tuple[str, str]]:
    """Which of these samples were tried in which of these runs, as (run key, sample id).

    Raises:
        EvidenceError: a run is not in the store, or its part is not as it was written.
    """
    import pyarrow as pa

    with observed(store.parts_of(run_keys), run_keys) as connection:
        add_table(connection, "wanted", pa.table({"sample_id": pa.array(sorted(sample_ids), pa.string())}))
        rows = connection.execute(WITH_SAMPLES).fetchall()
    return frozenset((key, sample) for key, sample in rows if key in set(run_keys))
