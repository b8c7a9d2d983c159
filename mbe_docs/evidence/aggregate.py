"""From Parquet to sums: an engine runs the SQL of `sql.py` over the parts of the runs that were chosen.

```
with Aggregation(store, selection) as aggregation:
    arms = aggregation.arms()                   # one item per arm (and slice value)
    pairs = aggregation.pairs([(3, 7), …])      # arm 7 against arm 3, on their common samples
```

All results are the same bits for any order of rows, runs and files, for any number of threads, and on any
engine: DuckDB here, or Spark (`spark.on_spark`) where somebody asks for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mbe_docs.evidence import pair_sql, results, sql
from mbe_docs.evidence import selection as tables
from mbe_docs.evidence.engine import OpenEngine, on_duckdb
from mbe_docs.evidence.selection import Entry, Selected
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.evidence.sums import (
    ArmSums,
    Flaky,
    Flip,
    LatencyHistograms,
    PairKeys,
    PairSums,
    PairUsage,
)

if TYPE_CHECKING:
    import pyarrow as pa

_NO_MEMBERS = "SELECT entry, sample, CAST(NULL AS STRING) AS cluster FROM cells WHERE 1 = 0"


class Aggregation:
    """The sums of a selection of runs. Use it in a `with`: it holds a connection and a temporary folder.

    Reads the state of the store once, when made; the parts it needs are checked byte by byte. What several
    results need is computed by the first of them.

    `engine` opens what runs the SQL: `on_duckdb()` by default, with `threads` and `memory_limit`.

    Raises:
        EvidenceError: a run is not in the store, or its part is not as it was written.
        ValueError: the selection contradicts itself.
    """

    def __init__(
        self,
        store: EvidenceStore,
        selection: Sequence[Selected],
        *,
        threads: int | None = None,
        memory_limit: str | None = None,
        engine: OpenEngine | None = None,
    ) -> None:
        self._selection = selection
        self._by_arm = tables.check(selection)
        run_keys = {row.run_key for row in selection}
        opened = engine or on_duckdb(threads=threads, memory_limit=memory_limit)
        self._engine = opened(store.parts_of(run_keys), run_keys)
        self._made: set[str] = set()
        self._arms: ArmSums | None = None
        self._entries = self._number_entries()

    def __enter__(self) -> Aggregation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory and the temporary folder back."""
        self._engine.close()

    def arms(self) -> ArmSums:
        """The sums of every entry."""
        if self._arms is None:
            self._make_cells()
            sums, usage = self._query(sql.ARMS), self._query(sql.USAGE)
            self._arms = results.arm_sums(self._entries, self._by_arm, sums, usage)
        return self._arms

    def pairs(self, pairs: Sequence[tuple[int, int]]) -> PairSums:
        """The sums of pairs of arms, (old, new), over the samples that both have under the same hash.

        Raises:
            ValueError: an arm is not in the selection, or only one side is cut into slices.
        """
        arms = self.arms()
        keys = self._compare(pairs)
        return results.pair_sums(keys, arms, self._query(pair_sql.PAIRS))

    def pair_usage(self, pairs: Sequence[tuple[int, int]]) -> PairUsage:
        """Latency and cost of pairs of arms, (old, new), over their common samples; one more scan.

        Raises:
            ValueError: as `pairs`.
        """
        keys = self._compare(pairs)
        self._make_cells()
        self._make("usage_cells", pair_sql.USAGE_CELLS)
        return results.pair_usage(keys, self._query(pair_sql.PAIR_USAGE))

    def flipped(
        self, pairs: Sequence[tuple[int, int]], limit: int
    ) -> tuple[PairKeys, tuple[tuple[Flip, ...], ...]]:
        """The samples that moved most under the primary reading, at most `limit` a pair and direction.

        Those that went down, then those that went up; of each the largest difference first, then by sample
        id, then by hash. One tuple for each item of the keys; one more scan.

        Raises:
            ValueError: as `pairs`.
        """
        keys = self._compare(pairs, most=limit)
        self._make_cells()
        self._make("names", pair_sql.NAMES)
        return keys, results.flips(keys, self._query(pair_sql.FLIPPED))

    def flaky(self, pairs: Sequence[tuple[int, int]], limit: int) -> tuple[PairKeys, tuple[Flaky, ...]]:
        """The samples whose attempts differ on either side under the primary reading, at most `limit` named.

        Those that are flaky on both sides first, then by sample id. One item for each item of the keys; arms
        without a scale have none.

        Raises:
            ValueError: as `pairs`.
        """
        keys = self._compare(pairs, most=limit)
        self._make_cells()
        self._make("names", pair_sql.NAMES)
        return keys, results.flaky(keys, self._query(pair_sql.FLAKY))

    def latency(self) -> LatencyHistograms:
        """The latency histogram of every entry; one more scan."""
        return results.latency(len(self._entries), self._query(sql.LATENCY))

    def _number_entries(self) -> dict[Entry, int]:
        """The number of every entry, in their order; makes `matched` and `samples`."""
        self._engine.add("sliced", tables.sliced_table(self._selection))
        entries = [Entry(arm, "") for arm, row in self._by_arm.items() if row.slice_key is None]
        if len(entries) < len(self._by_arm):
            found = self._query(sql.SLICES)
            entries += map(Entry, found["arm"].to_pylist(), found["slice"].to_pylist())
        numbered = {entry: number for number, entry in enumerate(sorted(entries))}
        self._engine.add("entries", tables.entries_table(numbered, self._by_arm))
        self._engine.add("plain", tables.plain_table(self._selection, numbered))
        self._engine.add("scales", tables.scales_table(numbered, self._by_arm))
        self._make("samples", sql.SAMPLES)
        has_conditions = any(row.where for row in self._by_arm.values())
        self._engine.view("matched", sql.MATCHED_WHERE if has_conditions else sql.MATCHED)
        return numbered

    def _make_cells(self) -> None:
        """Makes `cells` and `members`; metadata is read only where a cluster key asks for it."""
        self._make("cells", sql.CELLS)
        is_clustered = any(row.cluster_key is not None for row in self._by_arm.values())
        self._make("members", sql.MEMBERS if is_clustered else _NO_MEMBERS)

    def _compare(self, pairs: Sequence[tuple[int, int]], *, most: int = 0) -> PairKeys:
        """What the pairs come to entry by entry; makes `pairs`."""
        for arm in {arm for pair in pairs for arm in pair}:
            if arm not in self._by_arm:
                raise ValueError(f"arm {arm} is not in the selection")
        slices: dict[int, dict[str, int]] = defaultdict(dict)
        for entry, number in self._entries.items():
            slices[entry.arm][entry.slice] = number
        found: list[tuple[int, str, int, int]] = []
        for pair, (old, new) in enumerate(pairs):
            if (self._by_arm[old].slice_key is None) != (self._by_arm[new].slice_key is None):
                raise ValueError(f"of the arms {old} and {new}, only one is cut into slices")
            of_old, of_new = slices[old], slices[new]
            found += [(pair, value, of_old[value], of_new[value]) for value in of_old if value in of_new]
        index, values, olds, news = zip(*found, strict=True) if found else ((), (), (), ())
        self._engine.add("pairs", tables.pairs_table(olds, news, most))
        return PairKeys(
            pair=np.array(index, np.int64),
            slice_value=tuple(map(tables.slice_value, values)),
            old=np.array(olds, np.int64),
            new=np.array(news, np.int64),
        )

    def _make(self, name: str, text: str) -> None:
        """Makes a table from a query, once."""
        if name not in self._made:
            self._engine.table(name, text)
            self._made.add(name)

    def _query(self, text: str) -> pa.Table:
        return self._engine.query(text)
