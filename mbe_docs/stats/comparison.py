"""What a comparison of two versions says: the difference, its interval, and three questions answered."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mbe_docs.stats.distributions import Floats, floats, t_quantile, t_tail, tail_of

Better = Literal["higher", "lower", "neutral"]


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Differences, new - old, in the unit of the scores; one item per comparison, NaN where unknown.

    Attributes:
        diff: The difference of the means.
        low: Lower end of its interval.
        high: Upper end of its interval.
        p_diff: Two-sided: small where the difference is not 0. Never contradicts the interval.
        p_not_lower: One-sided: small where the difference is shown to be above -margin.
        p_not_higher: One-sided: small where the difference is shown to be below +margin.
        sigma_sq: Variance of one cluster's difference: what `power.n_needed` wants.
        clusters: Clusters compared; of two unpaired arms, the smaller number.
    """

    diff: Floats
    low: Floats
    high: Floats
    p_diff: Floats
    p_not_lower: Floats
    p_not_higher: Floats
    sigma_sq: Floats
    clusters: Floats

    @property
    def p_equivalent(self) -> Floats:
        """At most 1 - level exactly where the whole interval, before any cut at 0, is inside the margin."""
        return floats(np.minimum(1, 2 * np.maximum(self.p_not_lower, self.p_not_higher)))

    def p_noninferior(self, better: Better) -> Floats:
        """One-sided, to be held against .025: small where "worse by the margin or more" is ruled out.

        Raises:
            ValueError: `better` is neutral; without a direction nothing is worse.
        """
        if better == "neutral":
            raise ValueError("a neutral measure has no worse side")
        return self.p_not_lower if better == "higher" else self.p_not_higher


@dataclass(frozen=True, slots=True, eq=False)
class Center:
    """A difference with its standard error and degrees of freedom: what a t interval is built on."""

    value: Floats
    se: Floats
    df: Floats

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Both ends, uncut."""
        reach = t_quantile(self.df, 1 - tail_of(level)) * self.se
        return self.value - reach, self.value + reach

    def p_diff(self) -> Floats:
        """Two-sided p-value of "the difference is 0"; 1 where both are exactly 0."""
        p = 2 * t_tail(np.abs(self.value) / self.se, self.df)
        return np.where((self.value == 0) & (self.se == 0), 1.0, p)

    def p_not_lower(self, margin: ArrayLike) -> Floats:
        """One-sided p-value of "the difference is -margin or less"."""
        return t_tail((self.value + np.asarray(margin)) / self.se, self.df)

    def p_not_higher(self, margin: ArrayLike) -> Floats:
        """One-sided p-value of "the difference is +margin or more"."""
        return t_tail((np.asarray(margin) - self.value) / self.se, self.df)
