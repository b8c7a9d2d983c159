"""Two versions on different samples of one declared pool: the difference of their means."""

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.comparison import Center, Comparisons
from mbe_docs.stats.distributions import Floats, floats
from mbe_docs.stats.sums import RateSums


def unpaired_difference(
    old: RateSums,
    new: RateSums,
    *,
    margin: ArrayLike = np.nan,
    level: float = 0.95,
    lowest: ArrayLike = 0.0,
    highest: ArrayLike = 1.0,
) -> Comparisons:
    """Each difference with a Welch interval and p-values from the same t.

    Each arm is given two pseudo-clusters of average size, one at the lowest and one at the highest score.
    `margin` is in the unit of the scores; NaN: no p-value needs it.

    Raises:
        ValueError: the mean of an arm lies outside the scale.

    Source: Agresti & Caffo (2000), Am. Stat. 54:280-288, with Welch's degrees of freedom and clusters.
    """
    width = floats(highest) - floats(lowest)
    old, new = old.on_unit_scale(lowest, highest), new.on_unit_scale(lowest, highest)
    with np.errstate(divide="ignore", invalid="ignore"):
        (old_mean, old_var), (new_mean, new_var) = _padded_mean(old), _padded_mean(new)
        se_sq = old_var + new_var
        df = se_sq**2 / (old_var**2 / (old.clusters + 1) + new_var**2 / (new.clusters + 1))
        center = Center((new_mean - old_mean) * width, np.sqrt(se_sq) * width, df)
        low, high = center.interval(level)
        return Comparisons(
            diff=(new.total / new.samples - old.total / old.samples) * width,
            low=np.maximum(low, -width),
            high=np.minimum(high, width),
            p_diff=center.p_diff(),
            p_not_lower=center.p_not_lower(margin),
            p_not_higher=center.p_not_higher(margin),
            sigma_sq=(old_var * (old.clusters + 2) + new_var * (new.clusters + 2)) * width**2,
            clusters=np.minimum(old.clusters, new.clusters),
        )


def _padded_mean(sums: RateSums) -> tuple[Floats, Floats]:
    """Mean and variance of one arm on the unit scale, with its two pseudo-clusters."""
    size = sums.samples / sums.clusters
    clusters, samples = sums.clusters + 2, sums.samples + 2 * size
    mean = (sums.total + size) / samples
    total_sq, total_n = sums.total_sq + size**2, sums.total_n + size**2
    spread = total_sq - 2 * mean * total_n + mean**2 * (sums.n_sq + 2 * size**2)
    return mean, clusters / (clusters - 1) * spread / samples**2
