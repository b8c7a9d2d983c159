"""A quantile with its interval, from the values themselves or from a histogram that can be merged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import binomial_quantile, floats, tail_of


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile in the unit of the values; an end is None where too few values were seen for it."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def quantile_ranks(n: int, q: float, *, level: float = 0.95) -> tuple[int | None, int | None]:
    """Ranks, from 1, of the two order statistics that hold the `q` quantile between them.

    None where even the smallest or largest of `n` values may lie on its wrong side: the 95th percentile
    needs 72 values for an upper end at level 0.95.

    Source: binomial order-statistic interval, e.g. David & Nagaraja (2003), Order Statistics, 7.1.
    """
    if not 0 < q < 1:
        raise ValueError(f"q is {q}; expected a number between 0 and 1, such as 0.5")
    tail = tail_of(level)
    low, high = binomial_quantile(tail, n, q), binomial_quantile(1 - tail, n, q) + 1
    return (low if low >= 1 else None), (high if high <= n else None)


def quantile_interval(values: ArrayLike, q: float, *, level: float = 0.95) -> Quantile:
    """The `q` quantile of exact values (interpolated, R type 7) with its order-statistic interval."""
    x = np.sort(floats(values))
    if not x.size:
        return Quantile(None, None, None, 0)
    low, high = quantile_ranks(x.size, q, level=level)
    return Quantile(
        value=float(np.quantile(x, q)),
        low=None if low is None else float(x[low - 1]),
        high=None if high is None else float(x[high - 1]),
        n=x.size,
    )


def histogram_quantile(edges: ArrayLike, counts: ArrayLike, q: float, *, level: float = 0.95) -> Quantile:
    """The same from a histogram: `counts[i]` values lie from `edges[i]` to `edges[i + 1]`.

    Histograms over the same edges are merged by adding their counts. Values are spread evenly inside a bin;
    the interval runs from the lower edge of its first bin to the upper edge of its last, so that it is never
    narrower than that of the exact values.

    Raises:
        ValueError: there is not one more edge than counts, the edges do not rise, or a count is negative.
    """
    ends, held = floats(edges), np.atleast_1d(np.asarray(counts, dtype=np.int64))
    if ends.size != held.size + 1 or np.any(np.diff(ends) <= 0) or np.any(held < 0):
        raise ValueError("a histogram needs counts of 0 or more between edges that rise")
    upto = held.cumsum()
    n = int(upto[-1]) if upto.size else 0
    if n == 0:
        return Quantile(None, None, None, 0)

    def bin_of(rank: int) -> int:
        return int(np.searchsorted(upto, rank))

    def at(rank: int) -> float:
        i = bin_of(rank)
        inside = (rank - (upto[i] - held[i]) - 0.5) / held[i]
        return float(ends[i] + inside * (ends[i + 1] - ends[i]))

    position = (n - 1) * q
    before = int(position)
    value = at(before + 1) + (position - before) * (at(min(before + 2, n)) - at(before + 1))
    low, high = quantile_ranks(n, q, level=level)
    return Quantile(
        value=value,
        low=None if low is None else float(ends[bin_of(low)]),
        high=None if high is None else float(ends[bin_of(high) + 1]),
        n=n,
    )
