"""Two versions on the same samples: the difference of their means, for every comparison at once."""

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.comparison import Center, Comparisons
from mbe_docs.stats.distributions import Bools, Floats, binomial_cdf, floats
from mbe_docs.stats.sums import PairSums


def paired_difference(
    sums: PairSums,
    *,
    margin: ArrayLike = np.nan,
    level: float = 0.95,
    width: ArrayLike = 1.0,
) -> Comparisons:
    """Each difference with its add-two interval and p-values; `width` is that of the scale of scores.

    Two pseudo-clusters of average size are added, one that gained the whole width and one that lost it, so
    that seeing no disagreement is not taken for proof of none. Where the test and the interval would
    contradict each other (a p-value at or below 1 - level with 0 inside, or above it with 0 outside), the
    interval's nearer end is set to 0. `margin` is in the unit of the scores; NaN: no p-value needs it.

    Source: Bonett & Price (2012), J. Educ. Behav. Stat. 37:479-488, extended to clusters; p-value: Fagerland,
    Lydersen & Laake (2013), BMC Med. Res. Methodol. 13:91, or cluster t not below the sign-flip bound.
    """
    wide = floats(width)
    with np.errstate(divide="ignore", invalid="ignore"):
        diff = sums.change / sums.samples
        center = _add_two(sums, wide)
        low, high = center.interval(level)
        p_diff = _p_diff(sums, diff)
        low, high = _agree(low, high, center.value, p_diff <= 1 - level)
        return Comparisons(
            diff=diff,
            low=np.maximum(low, -wide),
            high=np.minimum(high, wide),
            p_diff=p_diff,
            p_not_lower=center.p_not_lower(margin),
            p_not_higher=center.p_not_higher(margin),
            sigma_sq=center.se**2 * (sums.clusters + 2),
            clusters=sums.clusters,
        )


def paired_mean_difference(sums: PairSums, *, margin: ArrayLike = np.nan, level: float = 0.95) -> Comparisons:
    """Each difference of unbounded scores, with a cluster t interval and the p-values of the same t.

    Below two clusters, or where all clusters moved by exactly the same amount per sample, the spread is
    unknown: there is no interval and no p-value.

    Source: Student's paired t on cluster totals, clusters - 1 degrees of freedom.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        center = _center(sums)
        known = Center(center.value, np.where(center.se > 0, center.se, np.nan), center.df)
        low, high = known.interval(level)
        return Comparisons(
            diff=center.value,
            low=low,
            high=high,
            p_diff=known.p_diff(),
            p_not_lower=known.p_not_lower(margin),
            p_not_higher=known.p_not_higher(margin),
            sigma_sq=known.se**2 * sums.clusters,
            clusters=sums.clusters,
        )


def _center(sums: PairSums) -> Center:
    """The mean difference and its cluster standard error; a spread within rounding of 0 is 0."""
    value = sums.change / sums.samples
    spread = sums.change_sq - 2 * value * sums.change_n + value**2 * sums.n_sq
    spread = np.where(spread > 1e-14 * sums.change_sq, spread, 0)
    share = np.where(sums.clusters > 1, sums.clusters / (sums.clusters - 1), np.nan)
    return Center(value, np.sqrt(share * spread) / sums.samples, sums.clusters - 1)


def _add_two(sums: PairSums, width: Floats) -> Center:
    size = sums.samples / sums.clusters
    return _center(
        PairSums(
            clusters=sums.clusters + 2,
            samples=sums.samples + 2 * size,
            change=sums.change,
            change_sq=sums.change_sq + 2 * (size * width) ** 2,
            change_n=sums.change_n,
            n_sq=sums.n_sq + 2 * size**2,
            moved=sums.moved,
            up=sums.up,
            down=sums.down,
            is_single=sums.is_single,
        )
    )


def _p_diff(sums: PairSums, diff: Floats) -> Floats:
    """Mid-p McNemar where it applies, else cluster t held at the sign-flip bound; 1 where nothing moved."""
    raw = np.fmax(_center(sums).p_diff(), 0.5**sums.moved)
    p = np.where(sums.is_single, _mid_p(sums.up, sums.down), raw)
    return np.where(np.isnan(diff), np.nan, np.where(sums.moved == 0, 1.0, p))


def _mid_p(up: Floats, down: Floats) -> Floats:
    """2·P(X <= fewer) - P(X = fewer) = P(X <= fewer) + P(X < fewer); at a tie, 1 - P(X = fewer) / 2."""
    fewer, moved = np.minimum(up, down), up + down
    at_most, under = binomial_cdf(fewer, moved, 0.5), binomial_cdf(fewer - 1, moved, 0.5)
    return np.where(up == down, 1 - (at_most - under) / 2, at_most + under)


def _agree(low: Floats, high: Floats, center: Floats, is_different: Bools) -> tuple[Floats, Floats]:
    """The interval with its end nearer to 0 set to 0 where the test says otherwise."""
    crosses = (low < 0) & (high > 0)
    clash = crosses == is_different
    return np.where(clash & (center > 0), 0.0, low), np.where(clash & (center < 0), 0.0, high)
