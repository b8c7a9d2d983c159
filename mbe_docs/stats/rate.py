"""The interval of a rate, a graded score or an unbounded mean, for every arm at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import Bools, Floats, clopper_pearson, floats, t_quantile, tail_of
from mbe_docs.stats.sums import RateSums


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Estimates with their intervals, one item per arm; NaN where there is nothing to estimate from.

    Attributes:
        value: The estimate, in the unit of the scores.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n_eff: The number of independent attempts that would say as much.
        samples: Samples used.
    """

    value: Floats
    low: Floats
    high: Floats
    n_eff: Floats
    samples: Floats


def rate_interval(
    sums: RateSums,
    *,
    binary: ArrayLike,
    level: float = 0.95,
    lowest: ArrayLike = 0.0,
    highest: ArrayLike = 1.0,
) -> Intervals:
    """The mean score of each arm, with a Clopper-Pearson interval at its effective sample size.

    `binary` says that every attempt scores `lowest` or `highest`: then the effective size never exceeds the
    attempts, and one attempt for each of n ungrouped samples counts exactly n. Both ends stay on the scale.

    Raises:
        ValueError: the mean of an arm lies outside the scale.

    Source: Korn & Graubard (1998), Survey Methodology 24:193-201, as R `survey::svyciprop("beta")`; the
    variance is first shrunk towards that of clusters that are one coin each (statistics.md, "One rate").
    """
    unit = sums.on_unit_scale(lowest, highest)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = unit.total / unit.samples
        rate = np.where(unit.below_highest == 0, 1.0, np.where(unit.above_lowest == 0, 0.0, rate))
        rate = np.where(unit.samples > 0, rate, np.nan)
        n_eff = _effective_n(unit, rate, np.asarray(binary, np.bool_))
        low, high = clopper_pearson(rate * n_eff, n_eff, level)
    start, width = floats(lowest), floats(highest) - floats(lowest)
    return Intervals(
        value=start + rate * width,
        low=start + low * width,
        high=start + high * width,
        n_eff=n_eff,
        samples=unit.samples,
    )


def mean_interval(sums: RateSums, *, level: float = 0.95) -> Intervals:
    """The mean of each arm's unbounded scores, with a cluster t interval; no ends below two clusters.

    Source: Student's t on cluster totals, clusters - 1 degrees of freedom, as R `survey::svymean`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums.total / sums.samples
        reach = t_quantile(sums.clusters - 1, 1 - tail_of(level)) * np.sqrt(_variance(sums, mean))
        n_eff = sums.samples**2 / sums.n_sq
    return Intervals(value=mean, low=mean - reach, high=mean + reach, n_eff=n_eff, samples=sums.samples)


def _variance(sums: RateSums, mean: Floats) -> Floats:
    """Of the mean over clusters; NaN for a single cluster."""
    spread = sums.total_sq - 2 * mean * sums.total_n + mean**2 * sums.n_sq
    share = np.where(sums.clusters > 1, sums.clusters / (sums.clusters - 1), np.nan)
    return share * np.maximum(spread, 0) / sums.samples**2


def _effective_n(sums: RateSums, rate: Floats, binary: Bools) -> Floats:
    coin = rate * (1 - rate)
    coins = sums.samples**2 / sums.n_sq
    as_coins = coin / coins
    seen = np.where(sums.clusters > 1, _variance(sums, rate), as_coins)
    weight = np.minimum(sums.below_highest, sums.above_lowest)
    variance = (weight * seen + 2 * as_coins) / (weight + 2)
    n_eff = np.where(coin > 0, coin / variance, coins)
    n_eff = np.where(binary, np.minimum(n_eff, sums.attempts), n_eff)
    is_plain = binary & (sums.clusters == sums.samples) & (sums.samples == sums.attempts)
    return np.where(is_plain, sums.samples, n_eff)
