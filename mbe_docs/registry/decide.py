"""What the sums of pairs say: differences, p-values and verdicts, family by family."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from mbe_docs import stats
from mbe_docs.config import Policy
from mbe_docs.evidence.sums import Bools, ChangeSums, Floats, Ints, PairKeys, PairSums, RateSums
from mbe_docs.records.estimates import Interval, SlotDifference
from mbe_docs.registry import wording
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.estimate import Measured, scales, tidy


@dataclass(frozen=True, slots=True)
class Item:
    """A pair of arms to compare; with a slice key, all slice values that both have."""

    page: int
    name: str
    old: int
    new: int
    differences: tuple[SlotDifference, ...]
    slice_key: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """Everything about all pairs as arrays, one item per compared pair or slice value."""

    sums: PairSums
    is_unpaired: Bools
    """No samples in common, but a declared pool: compared by the means of both sides."""
    primary: stats.Comparisons
    verdicts: stats.Verdicts
    strict: stats.Verdicts
    most_lost: float
    """Share of attempts lost on one side above which nothing is decided."""
    alpha: float
    family_size: Ints
    """How many were tested together with each, itself included."""
    n_to_show: Floats
    n_to_detect: Floats

    @classmethod
    def of(cls, sums: PairSums, items: Sequence[Item], measured: Measured, policy: Policy) -> Decided:
        """Two families a page: its behaviors, and all their slices."""
        arms = [measured.arms[items[pair].old] for pair in sums.keys.pair]
        margin = np.array([math.nan if arm.measure.margin is None else arm.measure.margin for arm in arms])
        width = np.array([1.0 if arm.scale is None else arm.scale[1] - arm.scale[0] for arm in arms])
        is_bounded = np.array([arm.scale is not None for arm in arms], np.bool_)
        better = [
            {"higher": "higher", "lower": "lower", "neither": "neutral"}[arm.measure.direction]
            for arm in arms
        ]
        family = np.array(
            [2 * items[pair].page + (items[pair].slice_key is not None) for pair in sums.keys.pair], np.int64
        )
        is_pool = np.array([arm.measure.pool for arm in arms], np.bool_)
        is_unpaired = is_pool & is_bounded & (sums.primary.samples == 0)
        results = []
        for reading in ("primary", "strict"):
            paired = _paired(getattr(sums, reading), margin, width, is_bounded)
            apart = _unpaired(getattr(measured.sums, reading), sums.keys, measured, margin)
            results.append(_chosen(is_unpaired, apart, paired))
        verdicts = [
            stats.page_verdicts(
                found.diff,
                found.p_diff,
                found.p_equivalent,
                better,  # type: ignore[arg-type]
                refused=(sums.primary.samples == 0) & ~is_unpaired,
                family=family,
                alpha=policy.alpha,
            )
            for found in results
        ]
        primary = results[0]
        tested = ~np.isnan(verdicts[0].q_diff)
        return cls(
            sums=sums,
            is_unpaired=is_unpaired,
            primary=primary,
            verdicts=verdicts[0],
            strict=verdicts[1],
            most_lost=policy.max_missing,
            alpha=policy.alpha,
            family_size=np.bincount(family[tested], minlength=2 * len(family) + 2)[family],
            n_to_show=stats.n_needed(primary.sigma_sq, margin, kind="equivalence"),
            n_to_detect=stats.n_needed(primary.sigma_sq, margin, kind="difference"),
        )

    def difference(self, at: int) -> Interval | None:
        """The difference of one pair; none where nothing is known of how it varies."""
        found = self.primary
        value, low, high = (tidy(part[at]) for part in (found.diff, found.low, found.high))
        return None if math.isnan(low) else Interval(value=value, low=low, high=high)

    def shown_alone(self, at: int) -> str | None:
        """What an undecided pair would have shown had it been compared alone, and what the company costs."""
        found, q = self.primary, self.verdicts
        among = f"not among the {self.family_size[at]} compared together"
        if found.p_equivalent[at] <= self.alpha < q.q_equivalent[at]:
            p, adjusted = wording.p_text(found.p_equivalent[at]), wording.p_text(q.q_equivalent[at])
            return f"inside the margin by itself (p = {p}), {among} (q = {adjusted})"
        if found.p_diff[at] <= self.alpha < q.q_diff[at]:
            p, adjusted = wording.p_text(found.p_diff[at]), wording.p_text(q.q_diff[at])
            return f"distinguishable from zero by itself (p = {p}), {among} (q = {adjusted})"
        return None

    def is_noninferior(self, at: int, arm: Arm) -> bool | None:
        """Whether "worse by the margin or more" is ruled out, one-sided at 2.5 %; unknown without either."""
        if arm.measure.margin is None or arm.measure.direction == "neither":
            return None
        found = self.primary
        p = found.p_not_lower if arm.measure.direction == "higher" else found.p_not_higher
        return bool(p[at] <= 0.025)

    def n_needed(self, at: int, arm: Arm, n_common: int) -> int | None:
        """Samples in all that would decide, with 80 % power.

        Where a difference of the margin or more was seen: to detect one of the margin. Else to show that
        there is none.
        """
        margin = arm.measure.margin
        if margin is None:
            return None
        is_large = abs(self.primary.diff[at]) >= margin
        needed = self.n_to_detect[at] if is_large else self.n_to_show[at]
        if math.isnan(needed):
            return None
        return max(int(needed), n_common + 1, arm.measure.min_samples)


def _paired(sums: ChangeSums, margin: Floats, width: Floats, is_bounded: Bools) -> stats.Comparisons:
    own = stats.PairSums(**sums.columns())
    closed = stats.paired_difference(own, margin=margin, width=width)
    return _chosen(is_bounded, closed, stats.paired_mean_difference(own, margin=margin))


def _unpaired(sums: RateSums, keys: PairKeys, measured: Measured, margin: Floats) -> stats.Comparisons:
    """As if nothing were paired; only for arms with a scale, the others' sums are set aside."""
    lowest, highest, is_bounded = scales(measured)
    old, new = (
        stats.RateSums(**{name: (column * is_bounded)[side] for name, column in sums.columns().items()})
        for side in (keys.old, keys.new)
    )
    return stats.unpaired_difference(
        old, new, margin=margin, lowest=lowest[keys.old], highest=highest[keys.old]
    )


def _chosen(which: Bools, yes: stats.Comparisons, no: stats.Comparisons) -> stats.Comparisons:
    names = [field.name for field in fields(stats.Comparisons)]
    return stats.Comparisons(
        **{name: np.where(which, getattr(yes, name), getattr(no, name)) for name in names}
    )
