"""Estimates, comparisons and verdicts as pure functions of sums: no files, no clock, no randomness.

The prompt is the unit, not the attempt. Every function takes arrays with one item per arm or comparison and
returns arrays of the same length; NaN means unknown, in and out.
"""

from mbe_docs.stats.comparable import Comparability, Mode, comparability
from mbe_docs.stats.comparison import Better, Comparisons
from mbe_docs.stats.drift import Drift, drift
from mbe_docs.stats.missing import (
    DEPENDS_ON_ERRORS,
    TOO_MUCH_LOST,
    ErrorReport,
    Standing,
    error_report,
    standing,
)
from mbe_docs.stats.paired import paired_difference, paired_mean_difference
from mbe_docs.stats.power import adjust_looks, n_needed, sigma_sq_with_epochs
from mbe_docs.stats.quantile import Quantile, histogram_quantile, quantile_interval, quantile_ranks
from mbe_docs.stats.rate import Intervals, mean_interval, rate_interval
from mbe_docs.stats.ratio import CostSums, Ratios, cost_ratio, cost_sums, latency_ratio
from mbe_docs.stats.repeat import (
    all_pass,
    any_pass,
    flake,
    label_flake,
    label_flakes,
    pass_at_k,
    pass_hat_k,
    score_flakes,
)
from mbe_docs.stats.sums import Grouping, PairSums, RateSums, pair_sums, rate_sums
from mbe_docs.stats.unpaired import unpaired_difference
from mbe_docs.stats.verdict import CHANGES, Verdict, Verdicts, adjust, page_verdicts

__all__ = [
    "CHANGES",
    "DEPENDS_ON_ERRORS",
    "TOO_MUCH_LOST",
    "Better",
    "Comparability",
    "Comparisons",
    "CostSums",
    "Drift",
    "ErrorReport",
    "Grouping",
    "Intervals",
    "Mode",
    "PairSums",
    "Quantile",
    "RateSums",
    "Ratios",
    "Standing",
    "Verdict",
    "Verdicts",
    "adjust",
    "adjust_looks",
    "all_pass",
    "any_pass",
    "comparability",
    "cost_ratio",
    "cost_sums",
    "drift",
    "error_report",
    "flake",
    "histogram_quantile",
    "label_flake",
    "label_flakes",
    "latency_ratio",
    "mean_interval",
    "n_needed",
    "page_verdicts",
    "pair_sums",
    "paired_difference",
    "paired_mean_difference",
    "pass_at_k",
    "pass_hat_k",
    "quantile_interval",
    "quantile_ranks",
    "rate_interval",
    "rate_sums",
    "score_flakes",
    "sigma_sq_with_epochs",
    "standing",
    "unpaired_difference",
]
