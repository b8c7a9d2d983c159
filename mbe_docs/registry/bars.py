"""Whether an interval clears a bar, and how many samples more would tell."""

from __future__ import annotations

import math

import numpy as np

from mbe_docs.records.behaviors import Measure
from mbe_docs.records.estimates import Interval, Sufficiency
from mbe_docs.stats.distributions import clopper_pearson

MOST_SAMPLES = 1_000_000


def sufficiency(rate: Interval, measure: Measure, *, n_samples: int, is_partial: bool) -> Sufficiency:
    """Whether the whole interval lies on the good side of the bar.

    A run that did not finish, or fewer samples than the behavior asks for, decides nothing.
    """
    if measure.require is None or measure.direction == "neither":
        return "no_bar"
    if is_partial or n_samples < measure.min_samples:
        return "undecided"
    bar = measure.require
    good, bad = (
        (rate.low >= bar, rate.high < bar)
        if measure.direction == "higher"
        else (rate.high <= bar, rate.low > bar)
    )
    return "sufficient" if good else "insufficient" if bad else "undecided"


def n_more(
    rate: Interval,
    threshold: float,
    *,
    n_samples: int,
    n_effective: float | None,
    scale: tuple[float, float] = (0.0, 1.0),
) -> int | None:
    """Samples more until the interval leaves the threshold, if the rate stays as it is.

    `rate` and `threshold` are in the unit of `scale`, the lowest and highest possible score. `None` where no
    number of samples would do: the rate is the threshold.
    """
    if not n_samples or not n_effective or not math.isfinite(n_effective) or rate.value == threshold:
        return None
    value, bar = ((number - scale[0]) / (scale[1] - scale[0]) for number in (rate.value, threshold))
    per_sample = n_effective / n_samples
    low, high = n_samples, MOST_SAMPLES
    if not _decides(value, bar, high * per_sample):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _decides(value, bar, middle * per_sample) else (middle, high)
    return high - n_samples


def _decides(value: float, threshold: float, n: float) -> bool:
    low, high = clopper_pearson(np.array([value * n]), np.array([n]), 0.95)
    return bool(low[0] > threshold or high[0] < threshold)
