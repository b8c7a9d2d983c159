"""The sums every estimate is made of, and how they are taken from one row per sample.

A *sample* is one prompt; its attempts (epochs) are averaged first, so that it weighs the same however often
it was tried. A *cluster* is a group of samples that share a source, or else the single sample: clusters are
what is independent. Both kinds of sums can equally be written as two GROUP BYs: by cluster, then by arm.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import Bools, Floats, Ints, floats

# A cluster's difference is a sum of rounded fractions; smaller than this share of the scores, it is 0.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Where each row of a table of samples belongs.

    Attributes:
        result: The item of the result each row counts for, from 0; None: the first for all.
        results: Number of items in the result; one without rows has sums of 0.
        cluster: A whole number from 0 per row; None: every sample is a cluster of its own.
    """

    result: ArrayLike | None = None
    results: int = 1
    cluster: ArrayLike | None = None

    def of_rows(self, rows: int) -> tuple[Ints, Ints]:
        """The result and the cluster of each of `rows` rows.

        Raises:
            ValueError: a row belongs to a result that is not there.
        """
        result = np.zeros(rows, np.int64) if self.result is None else np.asarray(self.result, np.int64)
        cluster = np.arange(rows) if self.cluster is None else np.asarray(self.cluster, np.int64)
        if result.max(initial=0) >= self.results:
            raise ValueError(f"a row belongs to result {result.max()}, of {self.results} counted from 0")
        return result, cluster

    def only(self, keep: Bools) -> "Grouping":
        """The same for the rows that are kept."""
        result, cluster = self.of_rows(keep.size)
        return Grouping(result[keep], self.results, cluster[keep])


ONE_RESULT: Final = Grouping()


@dataclass(frozen=True, slots=True, eq=False)
class RateSums:
    """Sums over the clusters of one arm (one run's samples for one behavior), one item per arm.

    With n samples in a cluster and y the sum of their sample means.

    Attributes:
        clusters: Number of clusters.
        samples: Sum of n.
        attempts: Number of attempts behind all samples.
        total: Sum of y.
        total_sq: Sum of y².
        total_n: Sum of y·n.
        n_sq: Sum of n².
        below_highest: Clusters with a sample mean under the highest score of the scale (1 for a rate).
        above_lowest: Clusters with a sample mean over the lowest score of the scale (0 for a rate).
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

    def __post_init__(self) -> None:
        _same_shape(self)

    def on_unit_scale(self, lowest: ArrayLike, highest: ArrayLike) -> "RateSums":
        """The sums as they would be had each score x been (x - lowest) / (highest - lowest).

        Raises:
            ValueError: the mean of an arm lies outside the scale, or the scale has no width.
        """
        lowest, width = floats(lowest), floats(highest) - floats(lowest)
        if not np.all(width > 0):
            raise ValueError("a scale needs its highest score above its lowest")
        total = (self.total - lowest * self.samples) / width
        if np.any((total < -ROUNDING * self.samples) | (total > self.samples * (1 + ROUNDING))):
            raise ValueError("an arm's mean lies outside the scale; state the scale, or use mean_interval")
        return RateSums(
            clusters=self.clusters,
            samples=self.samples,
            attempts=self.attempts,
            total=np.clip(total, 0, self.samples),
            total_sq=(self.total_sq - 2 * lowest * self.total_n + lowest**2 * self.n_sq) / width**2,
            total_n=(self.total_n - lowest * self.n_sq) / width,
            n_sq=self.n_sq,
            below_highest=self.below_highest,
            above_lowest=self.above_lowest,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """Sums over the clusters of one comparison on common samples, one item per comparison.

    With n samples in a cluster and D the sum of their differences, new mean - old mean.

    Attributes:
        clusters: Number of clusters.
        samples: Sum of n.
        change: Sum of D.
        change_sq: Sum of D².
        change_n: Sum of D·n.
        n_sq: Sum of n².
        moved: Clusters with D other than 0.
        up: Samples with a positive difference; read only where `is_single`.
        down: Samples with a negative difference; read only where `is_single`.
        is_single: The scores are 0 or 1, each sample was tried once a side and none are grouped: McNemar.
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

    def __post_init__(self) -> None:
        _same_shape(self)


def rate_sums(
    means: ArrayLike,
    attempts: ArrayLike,
    grouping: Grouping = ONE_RESULT,
    *,
    lowest: float = 0.0,
    highest: float = 1.0,
) -> RateSums:
    """The sums of each arm, from one row per sample: its mean score and its number of attempts.

    `lowest` and `highest` are the ends of the scale of scores.
    """
    mean, tries = np.broadcast_arrays(floats(means), floats(attempts))
    of_arm, of_cluster = grouping.of_rows(mean.size)
    arm_of, n, place = _clusters(of_arm, of_cluster)
    y = total_by(place, mean, n.size)

    def per_arm(values: ArrayLike) -> Floats:
        return total_by(arm_of, values, grouping.results)

    return RateSums(
        clusters=per_arm(np.ones(n.size)),
        samples=per_arm(n),
        attempts=total_by(of_arm, tries, grouping.results),
        total=per_arm(y),
        total_sq=per_arm(y * y),
        total_n=per_arm(y * n),
        n_sq=per_arm(n * n),
        below_highest=per_arm(total_by(place, mean < highest, n.size) > 0),
        above_lowest=per_arm(total_by(place, mean > lowest, n.size) > 0),
    )


def pair_sums(
    old_means: ArrayLike,
    new_means: ArrayLike,
    grouping: Grouping = ONE_RESULT,
    *,
    is_single: bool = False,
) -> PairSums:
    """The sums of each comparison, from one row per common sample: its mean score in the old and new run.

    `is_single` (see `PairSums`) holds for all of them.
    """
    old, new = np.broadcast_arrays(floats(old_means), floats(new_means))
    of_pair, of_cluster = grouping.of_rows(old.size)
    pair_of, n, place = _clusters(of_pair, of_cluster)
    change = total_by(place, new - old, n.size)
    size = total_by(place, np.abs(new) + np.abs(old), n.size)

    def per_pair(values: ArrayLike) -> Floats:
        return total_by(pair_of, values, grouping.results)

    return PairSums(
        clusters=per_pair(np.ones(n.size)),
        samples=per_pair(n),
        change=per_pair(change),
        change_sq=per_pair(change * change),
        change_n=per_pair(change * n),
        n_sq=per_pair(n * n),
        moved=per_pair(np.abs(change) > ROUNDING * size),
        up=total_by(of_pair, new > old, grouping.results),
        down=total_by(of_pair, new < old, grouping.results),
        is_single=np.full(grouping.results, is_single),
    )


def total_by(key: Ints, values: ArrayLike, size: int) -> Floats:
    """The sum of `values` for each key from 0 to `size` - 1."""
    return np.bincount(key, floats(values), size).astype(np.float64)


def _clusters(of_result: Ints, of_cluster: Ints) -> tuple[Ints, Floats, Ints]:
    """Per cluster: which result it belongs to and its number of samples; per row: which cluster."""
    width = int(of_cluster.max(initial=0)) + 1
    keys, place, n = np.unique(of_result * width + of_cluster, return_inverse=True, return_counts=True)
    return keys // width, n.astype(np.float64), place


def _same_shape(sums: RateSums | PairSums) -> None:
    shapes = {field.name: np.shape(getattr(sums, field.name)) for field in fields(sums)}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"sums differ in shape: {shapes}")
