"""The few distributions the method needs, over `scipy.special`, which is imported at the first call.

`scipy.special` costs half a CPU second to import; a command that does no statistics never pays for it.
"""

from bisect import bisect_left

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def floats(values: ArrayLike) -> Floats:
    """`values` as float64 with at least one dimension."""
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


def tail_of(level: float) -> float:
    """The probability left on each side of a two-sided interval: 0.025 for 0.95.

    Raises:
        ValueError: `level` is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; expected a number between 0 and 1, such as 0.95")
    return (1 - level) / 2


def normal_quantile(p: float) -> float:
    """The value a standard normal stays below with probability `p`."""
    from scipy import special

    return float(special.ndtri(p))


def t_quantile(df: Floats, p: float) -> Floats:
    """The value Student's t stays below with probability `p`; NaN where `df` is not positive."""
    from scipy import special

    return floats(special.stdtrit(np.where(df > 0, df, np.nan), p))


def t_tail(t: Floats, df: Floats) -> Floats:
    """P(T > t) for Student's t; NaN where `df` is not positive."""
    from scipy import special

    return floats(special.stdtr(np.where(df > 0, df, np.nan), -t))


def binomial_cdf(k: ArrayLike, n: ArrayLike, p: float) -> Floats:
    """P(X <= k) for X successes in `n` trials; 0 for k < 0 and 1 for k >= n."""
    from scipy import special

    k, n = np.broadcast_arrays(floats(k), floats(n))
    inside = (k >= 0) & (k < n)
    cdf = special.betainc(np.where(inside, n - k, 1), np.where(inside, k + 1, 1), 1 - p)
    return np.where(inside, cdf, np.where(k < 0, 0.0, 1.0))


def binomial_quantile(q: float, n: int, p: float) -> int:
    """The smallest k with P(X <= k) >= q, for X successes in `n` trials."""
    return bisect_left(range(n), q, key=lambda k: float(binomial_cdf(k, n, p)[0]))


def clopper_pearson(k: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Bounds of a proportion from `k` of `n`, both in [0, 1]; neither count needs to be whole.

    The low end is exactly 0 at k = 0, the high end exactly 1 at k = n; NaN where `k` or `n` is NaN.

    Source: Clopper & Pearson (1934), Biometrika 26:404-413, as beta quantiles.
    """
    from scipy import special

    tail, rest = tail_of(level), n - k
    low = np.where(k <= 0, 0.0, special.betaincinv(np.where(k <= 0, 1, k), rest + 1, tail))
    high = np.where(rest <= 0, 1.0, special.betaincinv(k + 1, np.where(rest <= 0, 1, rest), 1 - tail))
    return low, high
