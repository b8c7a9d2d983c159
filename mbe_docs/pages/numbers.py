"""Numbers as views: what is printed, and where it lies on a plot."""

from __future__ import annotations

from dataclasses import dataclass

from mbe_docs.records.behaviors import Measure, Unit
from mbe_docs.records.estimates import Estimate, Interval, QuirkStatement
from mbe_docs.registry.wording import (
    STATUS_TONE,
    difference_text,
    interval_text,
    n_text,
    signed_interval_text,
    value_text,
)


@dataclass(frozen=True, slots=True)
class Bar:
    """Positions of an interval on a plot, each 0–100 from left to right."""

    low: float
    value: float
    high: float
    mark: float | None = None
    """The bar to reach, or the zero line of a difference."""
    band: tuple[float, float] | None = None
    """The margin around zero inside which nobody would act."""


@dataclass(frozen=True, slots=True)
class Number:
    """A value as it is printed everywhere: value, interval, samples × attempts; never one alone."""

    value: str
    interval: str
    n: str
    label: str
    """One sentence for who cannot see the plot."""
    bar: Bar
    tone: str = "neutral"


def estimate_number(estimate: Estimate, measure: Measure | None = None) -> Number:
    """The primary value of an estimate."""
    return rate_number(
        estimate.rate,
        estimate.unit,
        n_samples=estimate.n_samples,
        n_attempts=estimate.n_attempts,
        scale=measure.range if measure else None,
        mark=measure.require if measure else None,
        tone=tone_of(estimate),
    )


def rate_number(
    interval: Interval,
    unit: Unit,
    *,
    n_samples: int,
    n_attempts: int,
    scale: tuple[float, float] | None = None,
    mark: float | None = None,
    tone: str = "neutral",
) -> Number:
    """Any value with its interval; `scale` is the range of the plot, by default 0–1 or what fits."""
    low, high = scale or (
        (0.0, 1.0) if unit == "proportion" else (min(0.0, interval.low), max(0.0, interval.high) * 1.1 or 1.0)
    )
    value, bounds, n = (
        value_text(interval, unit),
        interval_text(interval, unit),
        n_text(n_samples, n_attempts),
    )
    return Number(
        value=value,
        interval=bounds,
        n=n,
        label=f"{value}, 95 % interval {bounds}, {n} attempts",
        bar=Bar(
            low=_position(interval.low, low, high),
            value=_position(interval.value, low, high),
            high=_position(interval.high, low, high),
            mark=None if mark is None else _position(mark, low, high),
        ),
        tone=tone,
    )


def _position(value: float, low: float, high: float) -> float:
    return round(min(100.0, max(0.0, (value - low) / ((high - low) or 1.0) * 100)), 2)


def tone_of(estimate: Estimate) -> str:
    """`good`, `bad`, `open` or `neutral`: colour repeats the word, it never replaces it."""
    return {"sufficient": "good", "insufficient": "bad", "undecided": "open", "no_bar": "neutral"}[
        estimate.sufficiency
    ]


def difference_number(interval: Interval, unit: Unit, *, margin: float | None, n: str, tone: str) -> Number:
    """A difference on a plot centred at zero, wide enough for its interval."""
    reach = max(abs(interval.low), abs(interval.high), (margin or 0.0) * 1.5, 1e-9) * 1.08
    value, bounds = difference_text(interval, unit), signed_interval_text(interval, unit)
    band = None if margin is None else (_position(-margin, -reach, reach), _position(margin, -reach, reach))
    return Number(
        value=value,
        interval=bounds,
        n=n,
        label=f"difference {value}, 95 % interval {bounds}, {n} samples in common",
        bar=Bar(
            low=_position(interval.low, -reach, reach),
            value=_position(interval.value, -reach, reach),
            high=_position(interval.high, -reach, reach),
            mark=50.0,
            band=band,
        ),
        tone=tone,
    )


def statement_number(statement: QuirkStatement, measure: Measure | None) -> Number | None:
    """The rate a quirk's status was computed from, in the unit of a measure; without one it is a share."""
    if statement.rate is None:
        return None
    return rate_number(
        statement.rate,
        measure.unit if measure else "proportion",
        n_samples=statement.n_samples,
        n_attempts=statement.n_attempts,
        scale=measure.range if measure else None,
        tone=STATUS_TONE[statement.status],
    )
