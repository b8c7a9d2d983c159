"""Latency and cost of two subjects on the same samples, as ratios new ÷ old."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from mbe_docs import stats
from mbe_docs.evidence.sums import PairUsage
from mbe_docs.records.estimates import Ratio
from mbe_docs.registry.estimate import tidy

MARGIN = 1.1
"""A latency or cost within 10 % either way is as good as the same."""


def usage_ratios(
    usage: PairUsage, pages: Sequence[int], *, alpha: float
) -> tuple[list[Ratio | None], list[Ratio | None]]:
    """Latency and cost of every pair, `None` where they are not known on both sides.

    `pages` is the page of each pair: all latencies of a page are one family of tests, all costs another.
    """
    page = np.array([pages[pair] for pair in usage.keys.pair], np.int64)
    latency = stats.latency_ratio(stats.PairSums(**usage.log_latency.columns()), margin_ratio=MARGIN)
    cost = stats.cost_ratio(stats.CostSums(**usage.cost.columns()), margin_ratio=MARGIN)
    return (
        _ratios(latency, usage.log_latency.samples, page, alpha),
        _ratios(cost, usage.cost.samples, page, alpha),
    )


def _ratios(found: stats.Ratios, samples: np.ndarray, page: np.ndarray, alpha: float) -> list[Ratio | None]:
    q_diff = stats.adjust(found.p_diff, family=page)
    q_equivalent = stats.adjust(found.p_equivalent, family=page)
    rows: list[Ratio | None] = []
    for at, n in enumerate(samples):
        ends = [float(part[at]) for part in (found.ratio, found.low, found.high)]
        if any(math.isnan(end) for end in ends):
            rows.append(None)
            continue
        verdict: Literal["unchanged", "higher", "lower", "inconclusive"] = "inconclusive"
        if q_equivalent[at] <= alpha:
            verdict = "unchanged"
        elif q_diff[at] <= alpha:
            verdict = "higher" if ends[0] > 1 else "lower"
        value, low, high = (tidy(end) for end in ends)
        rows.append(Ratio(value=value, low=low, high=high, verdict=verdict, n_samples=int(n)))
    return rows
