"""What repeating a prompt shows: how often two attempts differ, and how often k attempts all or any pass.

Each measure is first taken per sample, from its attempts alone, in a form that is unbiased at any number of
attempts; samples with too few are left out and the number used is returned. The interval is that of a rate
over these values.
"""

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import Bools, Floats, floats
from mbe_docs.stats.rate import Intervals, rate_interval
from mbe_docs.stats.sums import ONE_RESULT, Grouping, rate_sums, total_by


def score_flakes(attempts: ArrayLike, total: ArrayLike, total_sq: ArrayLike) -> Floats:
    """Per sample, the mean squared difference of two attempts; NaN below two attempts.

    For scores of 0 or 1 this is the probability that two attempts disagree, 2k(m - k) / (m(m - 1)).
    `total` and `total_sq` are the sums of a sample's scores and of their squares.
    """
    m, s1, s2 = floats(attempts), floats(total), floats(total_sq)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = 2 * (s2 - s1 * s1 / m) / (m - 1)
    return np.where(m >= 2, np.maximum(value, 0), np.nan)


def label_flakes(attempts: ArrayLike, counts_sq: ArrayLike) -> Floats:
    """Per sample, the probability that two attempts get different labels; NaN below two attempts.

    `counts_sq` is the sum, over the labels seen, of the squared number of attempts that got the label.
    """
    m, squares = floats(attempts), floats(counts_sq)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = 1 - (squares - m) / (m * (m - 1))
    return np.where(m >= 2, value, np.nan)


def all_pass(attempts: ArrayLike, passed: ArrayLike, k: int) -> Floats:
    """Per sample, the probability that `k` attempts drawn from it all pass, C(s,k) / C(m,k); NaN below `k`.

    Raises:
        ValueError: `k` is under 1.

    Source: pass^k, Yao and others (2024), arXiv 2406.12045.
    """
    m, s = floats(attempts), floats(passed)
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1")
    value = np.ones(np.broadcast(m, s).shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for i in range(k):
            value = value * np.maximum(s - i, 0) / (m - i)
    return np.where(m >= k, value, np.nan)


def any_pass(attempts: ArrayLike, passed: ArrayLike, k: int) -> Floats:
    """Per sample, the probability that one of `k` attempts drawn from it passes; NaN below `k` attempts.

    Source: pass@k, Chen and others (2021), arXiv 2107.03374.
    """
    return 1 - all_pass(attempts, floats(attempts) - floats(passed), k)


def flake(
    attempts: ArrayLike,
    total: ArrayLike,
    total_sq: ArrayLike,
    grouping: Grouping = ONE_RESULT,
    *,
    binary: bool,
    width: float = 1.0,
    level: float = 0.95,
) -> Intervals:
    """The flake of each arm from one row per sample; `width` is that of the scale of scores.

    Binary: the probability that two attempts at the same prompt disagree. Graded: the mean squared
    difference of two attempts, between 0 and `width` squared.
    """
    values, coins = score_flakes(attempts, total, total_sq), binary & (floats(attempts) == 2)
    return _mean_of(values, coins, grouping, level, highest=width**2)


def label_flake(
    attempts: ArrayLike, counts_sq: ArrayLike, grouping: Grouping = ONE_RESULT, *, level: float = 0.95
) -> Intervals:
    """The flake of each arm for outputs that are labels, from one row per sample (see `label_flakes`)."""
    return _mean_of(label_flakes(attempts, counts_sq), floats(attempts) == 2, grouping, level)


def pass_hat_k(
    attempts: ArrayLike, passed: ArrayLike, k: int, grouping: Grouping = ONE_RESULT, *, level: float = 0.95
) -> Intervals:
    """pass^k of each arm: the probability that `k` attempts at a prompt all pass.

    One row per sample; samples with fewer than `k` attempts are left out, never clipped.
    """
    return _mean_of(all_pass(attempts, passed, k), floats(attempts) == k, grouping, level)


def pass_at_k(
    attempts: ArrayLike, passed: ArrayLike, k: int, grouping: Grouping = ONE_RESULT, *, level: float = 0.95
) -> Intervals:
    """pass@k of each arm: the probability that at least one of `k` attempts at a prompt passes.

    One row per sample; samples with fewer than `k` attempts are left out, never clipped.
    """
    return _mean_of(any_pass(attempts, passed, k), floats(attempts) == k, grouping, level)


def _mean_of(
    values: Floats, coins: Bools, grouping: Grouping, level: float, *, highest: float = 1.0
) -> Intervals:
    """The mean of the known values of each arm; where all of them are `coins` (0 or 1), a plain rate."""
    known = ~np.isnan(values)
    used = grouping.only(known)
    sums = rate_sums(values[known], 1, used, highest=highest)
    of_arm, _ = used.of_rows(int(known.sum()))
    graded = total_by(of_arm, ~coins[known], used.results)
    return rate_interval(sums, binary=graded == 0, level=level, highest=highest)
