"""Estimates: one per arm, from sums."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from mbe_docs import stats
from mbe_docs.evidence.sums import ArmSums, Bools, Floats, RateSums
from mbe_docs.records.estimates import (
    Estimate,
    Interval,
    OutcomeCounts,
    Repeatability,
    SliceEstimate,
)
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.bars import n_more, sufficiency

BOUNDED: Final = "Clopper–Pearson at effective n"
UNBOUNDED: Final = "Student t over clusters"
SMALLEST_P: Final = 1e-300
"""What a p-value below it is published as."""


@dataclass(frozen=True)
class Measured:
    """Arms with their sums: entry `position[i, slice]` of `sums` belongs to `arms[i]`."""

    arms: tuple[Arm, ...]
    """Every arm, then every (arm, slice key) that is measured by slices."""
    slice_keys: tuple[str | None, ...]
    """The slice key of each; `None` for the arm itself."""
    sums: ArmSums
    latency_p50_us: Floats
    latency_p95_us: Floats

    @cached_property
    def intervals(self) -> dict[str, stats.Intervals]:
        """Intervals of every entry by reading."""
        sums = {name: getattr(self.sums, name) for name in ("primary", "strict", "scored_only")}
        sums["strict"] = _with_absent(self, sums["strict"])
        return {name: _intervals(self, columns) for name, columns in sums.items()}

    @cached_property
    def rates(self) -> tuple[Interval | None, ...]:
        """The primary rate of every entry."""
        return tuple(_interval(self.intervals["primary"], entry) for entry in range(len(self.sums.arm)))


def with_slices(arms: Sequence[Arm]) -> tuple[tuple[Arm, ...], tuple[str | None, ...]]:
    """Every arm, then each of its slice keys."""
    rows = [(arm, None) for arm in arms]
    sliced: list[tuple[Arm, str | None]] = [(arm, key) for arm in arms for key in arm.measure.slices]
    everything = [*rows, *sliced]
    return tuple(arm for arm, _ in everything), tuple(key for _, key in everything)


def estimates(measured: Measured) -> dict[tuple[str, str], Estimate]:
    """Estimates by (measure name, subject); arms without a single attempt have none."""
    flake = stats.rate_interval(_own(measured.sums.flake), binary=measured.sums.is_flake_binary)
    slices: dict[tuple[str, str], list[SliceEstimate]] = {}
    for entry, key, value in _slice_entries(measured):
        arm = measured.arms[measured.sums.arm[entry]]
        rate = measured.rates[entry]
        if rate is not None:
            slices.setdefault((arm.name, arm.subject), []).append(
                SliceEstimate(
                    key=key,
                    value=value,
                    estimate=rate,
                    n_samples=int(measured.sums.primary.samples[entry]),
                    n_attempts=int(measured.sums.primary.attempts[entry]),
                )
            )
    found = {}
    for index, arm in enumerate(measured.arms):
        if measured.slice_keys[index] is None:
            entry = measured.sums.position[index, None]
            estimate = _estimate(measured, arm, entry, flake)
            if estimate is not None:
                mine = tuple(slices.get((arm.name, arm.subject), ()))
                found[arm.name, arm.subject] = estimate.model_copy(update={"slices": mine})
    return found


def _slice_entries(measured: Measured) -> Iterator[tuple[int, str, str]]:
    for entry, value in enumerate(measured.sums.slice_value):
        key = measured.slice_keys[measured.sums.arm[entry]]
        if key is not None and value is not None:
            yield entry, key, value


def _own(sums: RateSums) -> stats.RateSums:
    return stats.RateSums(**sums.columns())


def scales(measured: Measured) -> tuple[Floats, Floats, Bools]:
    """Per entry: lowest and highest score, and whether there is a scale at all (0–1 stands in where not)."""
    ends = [measured.arms[arm].scale for arm in measured.sums.arm]
    lowest = np.array([0.0 if scale is None else scale[0] for scale in ends])
    highest = np.array([1.0 if scale is None else scale[1] for scale in ends])
    return lowest, highest, np.array([scale is not None for scale in ends])


def _intervals(measured: Measured, sums: RateSums) -> stats.Intervals:
    lowest, highest, is_bounded = scales(measured)
    own = _own(sums)
    mean = stats.mean_interval(own)
    # An open scale has no ends: the formula for closed ones must not see its sums.
    closed = stats.RateSums(**{name: column * is_bounded for name, column in sums.columns().items()})
    rate = stats.rate_interval(closed, binary=measured.sums.is_binary, lowest=lowest, highest=highest)
    return stats.Intervals(
        value=np.where(is_bounded, rate.value, mean.value),
        low=np.where(is_bounded, rate.low, mean.low),
        high=np.where(is_bounded, rate.high, mean.high),
        n_eff=np.where(is_bounded, rate.n_eff, mean.n_eff),
        samples=own.samples,
    )


def _with_absent(measured: Measured, sums: RateSums) -> RateSums:
    """The sums with what was planned and is in no log as failed samples, tried as often as those in the logs.

    Whole arms only: no plan says how many samples a slice has.
    """
    samples, failure, below, above = np.zeros((4, len(measured.sums.arm)))
    for entry, index in enumerate(measured.sums.arm):
        arm, seen = measured.arms[index], int(measured.sums.attempts[entry])
        absent = max(0, (planned_attempts(arm) or seen) - seen)
        if measured.slice_keys[index] is None and arm.failure_value is not None and arm.scale and seen:
            samples[entry] = absent * measured.sums.seen[entry] / seen
            failure[entry] = arm.failure_value
            below[entry] = samples[entry] * (arm.failure_value < arm.scale[1])
            above[entry] = samples[entry] * (arm.failure_value > arm.scale[0])
    more = {
        "clusters": samples,
        "samples": samples,
        "attempts": samples * measured.sums.attempts / np.maximum(1, measured.sums.seen),
        "total": samples * failure,
        "total_sq": samples * failure**2,
        "total_n": samples * failure,
        "n_sq": samples,
        "below_highest": below,
        "above_lowest": above,
    }
    return RateSums(**{name: column + more[name] for name, column in sums.columns().items()})


def _interval(intervals: stats.Intervals, entry: int) -> Interval | None:
    value, low, high = (float(part[entry]) for part in (intervals.value, intervals.low, intervals.high))
    if math.isnan(value) or math.isnan(low):
        return None
    return Interval(value=tidy(value), low=tidy(low), high=tidy(high))


def tidy(value: float) -> float:
    """Twelve decimals: what is beyond is the rounding of the arithmetic, not of the evidence."""
    return round(float(value), 12) + 0.0


def tidy_p(value: float) -> float:
    """A p-value to nine significant digits, however small; where it is too small for a float, 1e-300.

    Decimals would make 0 of the smallest, and no evidence shows a chance of exactly 0.
    """
    return max(float(f"{value:.9g}"), SMALLEST_P)


def planned_attempts(arm: Arm) -> int | None:
    """Attempts that the runs of an arm planned; unknown where a run does not say, or a part is measured."""
    if arm.measure.where or any(run.samples_planned is None for run in arm.runs):
        return None
    return sum((run.samples_planned or 0) * (run.epochs or 1) for run in arm.runs)


def _estimate(measured: Measured, arm: Arm, entry: int, flake: stats.Intervals) -> Estimate | None:
    sums, measure, readings = measured.sums, arm.measure, measured.intervals
    rate = measured.rates[entry]
    if rate is None:
        return None
    strict, scored = (_interval(readings[name], entry) or rate for name in ("strict", "scored_only"))
    outcomes = _outcomes(arm, sums, entry)
    n_samples, n_effective = int(sums.primary.samples[entry]), float(readings["primary"].n_eff[entry])
    settled = sufficiency(rate, measure, n_samples=n_samples, is_partial=arm.is_partial)
    more = None
    if settled == "undecided" and measure.require is not None and arm.scale and not arm.is_partial:
        more = n_more(rate, measure.require, n_samples=n_samples, n_effective=n_effective, scale=arm.scale)
        more = None if more is None else max(more, measure.min_samples - n_samples)
    dates = [run.started_at[:10] for run in arm.runs if run.started_at]
    used = {name: _mean(sums.used[name].total[entry], sums.used[name].attempts[entry]) for name in sums.used}
    return Estimate(
        behavior=arm.name,
        subject=arm.subject,
        unit=measure.unit,
        direction=measure.direction,
        rate=rate,
        strict=strict,
        scored_only=scored,
        bounds=_bounds(arm, strict, outcomes),
        method=BOUNDED if arm.scale else UNBOUNDED,
        n_samples=n_samples,
        n_attempts=int(sums.primary.attempts[entry]),
        n_effective=None if math.isnan(n_effective) else round(n_effective, 6),
        outcomes=outcomes,
        coverage=round(int(sums.primary.attempts[entry]) / outcomes.planned, 6) if outcomes.planned else 0.0,
        repeatability=_repeatability(sums, flake, entry),
        sufficiency=settled,
        n_more_for_bar=more,
        latency_p50_ms=_known(measured.latency_p50_us[entry], 1e-3),
        latency_p95_ms=_known(measured.latency_p95_us[entry], 1e-3),
        tokens_in_mean=used["tokens_in"],
        tokens_out_mean=used["tokens_out"],
        cost_usd_mean=None if used["cost_nusd"] is None else used["cost_nusd"] * 1e-9,
        runs=tuple(run.run_key for run in arm.runs),
        other_runs=arm.others,
        as_of=max(dates, default=None),
        is_partial=arm.is_partial,
    )


def _outcomes(arm: Arm, sums: ArmSums, entry: int) -> OutcomeCounts:
    """Attempts by outcome; a value off the scale is none, so that its attempt is an unscored one."""
    seen = {name: int(counts[entry]) for name, counts in sums.outcomes.items()}
    off_scale = min(int(sums.off_scale[entry]), seen["scored"])
    seen |= {"scored": seen["scored"] - off_scale, "unscored": seen["unscored"] + off_scale}
    total = sum(seen.values())
    planned = max(planned_attempts(arm) or total, total)
    return OutcomeCounts(planned=planned, absent=planned - total, **seen)


def _bounds(arm: Arm, strict: Interval, outcomes: OutcomeCounts) -> tuple[float, float]:
    """The value if every missing attempt had got the lowest score, and the highest.

    Exact where every sample was planned equally often, as runs do.
    """
    if arm.scale is None or arm.failure_value is None:
        return strict.value, strict.value
    width = arm.scale[1] - arm.scale[0]
    share = outcomes.missing / outcomes.planned if outcomes.planned else 0.0
    shift = share * width
    failing_is_lowest = arm.failure_value == arm.scale[0]
    low, high = (
        (strict.value, strict.value + shift) if failing_is_lowest else (strict.value - shift, strict.value)
    )
    return tidy(max(low, arm.scale[0])), tidy(min(high, arm.scale[1]))


def _repeatability(sums: ArmSums, flake: stats.Intervals, entry: int) -> Repeatability | None:
    interval = _interval(flake, entry)
    if interval is None:
        return None
    return Repeatability(
        flake=interval,
        n_samples=int(sums.flake.samples[entry]),
        n_effective=round(float(flake.n_eff[entry]), 6),
        flaky_samples=int(sums.flaky_samples[entry]),
    )


def _mean(total: int, attempts: int) -> float | None:
    return round(float(total) / float(attempts), 3) if attempts else None


def _known(value: float, scale: float) -> float | None:
    return None if math.isnan(value) else round(float(value) * scale, 3)
