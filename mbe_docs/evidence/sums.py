"""What the aggregation returns: sums as arrays, one item per entry or per compared pair.

All arrays are float64 or int64 of one dimension. Scores are in their own unit again (the SQL counts in nano
units, so that a mean such as 1/3 is 0.333333333). The fields of `RateSums`, `ChangeSums` and `CostSums` have
the names and meanings of those in `mbe_docs.stats`: `stats.RateSums(**sums.columns())`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class _Columns:
    """A record of arrays that can be handed on by name."""

    def columns(self) -> dict[str, Any]:
        """The arrays by field name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class RateSums(_Columns):
    """Sums over the clusters of each entry; a sample without a cluster is one of its own.

    With n samples in a cluster and y the sum of their mean scores. 0 where an entry has no samples.

    Attributes:
        clusters: Number of clusters.
        samples: Sum of n.
        attempts: Attempts that count, of all samples.
        total: Sum of y.
        total_sq: Sum of y².
        total_n: Sum of y·n.
        n_sq: Sum of n².
        below_highest: Clusters with a sample mean under the highest score; 0 where the scale is open.
        above_lowest: Clusters with a sample mean over the lowest score; 0 where the scale is open.
    """

    clusters: Floats
    samples: Floats
    attempts: Floats
    total: Floats
    total_sq: Floats
    total_n: Floats
    n_sq: Floats
    below_highest: Floats
    above_lowest: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Used:
    """What the attempts of each entry state of one resource; divide for the mean of an attempt.

    Attributes:
        attempts: Attempts that state it.
        total: Their sum: tokens, nano-USD or µs.
    """

    attempts: Ints
    total: Ints


@dataclass(frozen=True, slots=True, eq=False)
class ArmSums:
    """All about each entry: an arm, or one slice value of an arm with a slice key.

    Entries are in the order of (arm, slice value), the slice without the key first. An arm without a slice
    key is always there, with zeros where it has no attempts.

    Attributes:
        arm: As given in the selection.
        slice_value: None for an arm without a slice key, and for attempts without the key.
        primary: The value where the scorer gave one; the failure value for model errors, limits and refusals
            without one; other attempts are left out.
        strict: As primary, with the failure value for every other attempt in the logs. Attempts that were
            planned and are in no log are not in it: see `seen`.
        scored_only: Only what the scorer gave a value for.
        flake: Over samples with two or more attempts in `primary`: the mean squared difference of two
            attempts as a share of the squared width of the scale, in [0, 1]; for two-valued scores the
            probability that they differ. `attempts` counts each sample once. Zeros where the scale is open.
        flaky_samples: Samples among those whose attempts differ.
        is_flake_binary: Every value of `flake` is 0 or 1: two-valued scores, two attempts a sample.
        is_binary: Every score is the lowest or the highest of the scale, the failure value too.
        seen: Distinct samples with any attempt, whatever came of it.
        attempts: Attempts in the logs.
        off_scale: Attempts whose value is outside the scale (or 10⁸ and more in size): counted as lost, as if
            unscored. More than 0 wants a finding: the scale or the log is wrong.
        outcomes: Attempts by outcome: arrays by the words of `records.evals.Outcome`.
        used: By `tokens_in`, `tokens_in_cached`, `tokens_out`, `tokens_reasoning`, `cost_nusd`, `latency_us`
            (that one without infrastructure errors).
        position: Index of each (arm, slice value).
    """

    arm: Ints
    slice_value: tuple[str | None, ...]
    primary: RateSums
    strict: RateSums
    scored_only: RateSums
    flake: RateSums
    flaky_samples: Ints
    is_flake_binary: Bools
    is_binary: Bools
    seen: Ints
    attempts: Ints
    off_scale: Ints
    outcomes: Mapping[str, Ints]
    used: Mapping[str, Used]
    position: Mapping[tuple[int, str | None], int]


@dataclass(frozen=True, slots=True, eq=False)
class ChangeSums(_Columns):
    """Sums over the clusters of common samples of each pair: the fields of `stats.PairSums`.

    With n common samples in a cluster and D the sum of their differences, new mean - old mean.

    Attributes:
        clusters: Number of clusters.
        samples: Sum of n.
        change: Sum of D.
        change_sq: Sum of D².
        change_n: Sum of D·n.
        n_sq: Sum of n².
        moved: Clusters with D other than 0 (by more than the rounding to nano units).
        up: Samples with a positive difference.
        down: Samples with a negative difference.
        is_single: Scores are two-valued, each common sample was tried once a side, none are grouped.
    """

    clusters: Floats
    samples: Floats
    change: Floats
    change_sq: Floats
    change_n: Floats
    n_sq: Floats
    moved: Floats
    up: Floats
    down: Floats
    is_single: Bools


@dataclass(frozen=True, slots=True, eq=False)
class PairKeys:
    """What each item of a result over pairs compares.

    In the order of the pairs given; for two arms with a slice key one item for each slice value that both
    have, in the order of `ArmSums`.

    Attributes:
        pair: Index of the pair in the list given.
        slice_value: As in `ArmSums`.
        old: Index of the old side's entry in `ArmSums`.
        new: Index of the new side's entry.
    """

    pair: Ints
    slice_value: tuple[str | None, ...]
    old: Ints
    new: Ints


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """What each pair has in common. `clusters` of a sample are those of the old side, else of the new.

    Attributes:
        keys: What is compared.
        primary: Under the primary reading of `ArmSums`.
        strict: Under the strict reading.
        samples_old: Samples of the old side under the primary reading; the common ones are `primary.samples`.
        samples_new: The same of the new side.
    """

    keys: PairKeys
    primary: ChangeSums
    strict: ChangeSums
    samples_old: Floats
    samples_new: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CostSums(_Columns):
    """Sums over the common samples of each pair of their mean costs in nano-USD: as `stats.CostSums`."""

    samples: Floats
    old: Floats
    new: Floats
    old_sq: Floats
    new_sq: Floats
    old_new: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PairUsage:
    """Latency and cost of each pair, over the common samples where both sides state them.

    Attributes:
        keys: What is compared.
        log_latency: Differences of the mean natural logarithm of the latency; `is_single` is False.
        cost: Costs of both sides.
    """

    keys: PairKeys
    log_latency: ChangeSums
    cost: CostSums


@dataclass(frozen=True, slots=True)
class Flip:
    """A sample whose mean score under the primary reading moved."""

    sample_id: str
    """As the new side's log calls it; of several names, the first in the order of text."""
    old_id: str
    """As the old side's log calls it."""
    input_hash: str
    old: float
    new: float
    old_attempts: int
    new_attempts: int


@dataclass(frozen=True, slots=True)
class Flaky:
    """The samples of a pair whose attempts on a side differ among themselves."""

    count: int
    sample_ids: tuple[str, ...]
    """As the new side's log calls them, else the old one's; not all, where there are many."""


@dataclass(frozen=True, slots=True, eq=False)
class LatencyHistograms:
    """The latency of each entry's attempts, infrastructure errors left out.

    Attributes:
        entries: Number of entries, as in `ArmSums`.
        edges: In µs, rising; bin i lies from `edges[i]` up to `edges[i + 1]`. The same for every histogram.
        entry: Of each filled bin, in rising order.
        bin: Index of the filled bin, rising within an entry.
        count: Attempts in it.
    """

    entries: int
    edges: Floats
    entry: Ints
    bin: Ints
    count: Ints

    def counts(self, entry: int) -> Ints:
        """One entry's attempts in every bin; sums of these over entries are histograms too."""
        mine = slice(*np.searchsorted(self.entry, [entry, entry + 1]))
        dense = np.zeros(self.edges.size - 1, np.int64)
        dense[self.bin[mine]] = self.count[mine]
        return dense

    def quantile(self, q: float) -> Floats:
        """The `q` quantile of each entry in µs (R type 7, values spread evenly in a bin); NaN without any."""
        n = np.bincount(self.entry, self.count, self.entries).astype(np.int64)
        if not self.entry.size:
            return np.full(self.entries, np.nan)
        upto = self.count.cumsum()
        before = np.r_[0, n.cumsum()[:-1]]
        position = np.maximum(n - 1, 0) * q
        rank = position.astype(np.int64) + 1

        def at(ranks: Ints) -> Floats:
            i = np.minimum(np.searchsorted(upto, before + ranks), upto.size - 1)
            inside = (before + ranks - (upto[i] - self.count[i]) - 0.5) / self.count[i]
            low, high = self.edges[self.bin[i]], self.edges[self.bin[i] + 1]
            return np.asarray(low + inside * (high - low), np.float64)

        value = at(rank) + (position - (rank - 1)) * (at(np.minimum(rank + 1, np.maximum(n, 1))) - at(rank))
        return np.where(n > 0, value, np.nan)


def floats(column: pa.ChunkedArray, unit: float = 1.0) -> Floats:
    """A DECIMAL(38,0) column as doubles, divided by `unit`; the same bits wherever this runs.

    Whole numbers under 2⁶³ are rounded once, larger ones are right to the last place but one.
    """
    array = column.combine_chunks()
    words = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)[array.offset :][: len(array)]
    low, high = words[:, 0], words[:, 1]
    if np.array_equal(high, low >> 63):
        return low.astype(np.float64) / unit
    negative = high < 0
    low_abs = np.where(negative, ~low.view(np.uint64) + np.uint64(1), low.view(np.uint64))
    high_abs = np.where(negative, ~high + (low == 0), high)
    size = high_abs.astype(np.float64) * 2.0**64 + low_abs.astype(np.float64)
    return np.where(negative, -size, size) / unit
