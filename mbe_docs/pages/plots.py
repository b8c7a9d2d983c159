"""Trend plots: several estimates in a row as positions on a 640 × 200 plot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from mbe_docs.records.behaviors import Unit
from mbe_docs.records.estimates import Interval
from mbe_docs.registry.wording import interval_text, value_text

MOST_NAMED: Final = 3
"""Points that all have room for their names; of more, the first and last are named."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One estimate; x and y in plot units, y grows downwards."""

    x: float
    y: float
    y_low: float
    y_high: float
    label: str
    value: str
    is_marked: bool = False
    is_start: bool = False
    """No line leads here from the point before."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Estimates in order, oldest first."""

    caption: str
    points: tuple[TrendPoint, ...]
    ticks: tuple[tuple[float, str], ...]
    bar_y: float | None
    label: str
    """One sentence for who cannot see the plot."""
    breaks: tuple[float, ...] = ()
    """Where the line is broken, between two points."""


def trend(
    names: Sequence[str],
    rates: Sequence[Interval],
    unit: Unit,
    *,
    title: str,
    caption: str,
    scale: tuple[float, float] | None = None,
    bar: float | None = None,
    marked: int | None = None,
    breaks: Collection[int] = (),
) -> Trend:
    """A plot of two or more estimates.

    `marked` is the position of one that is pointed out, `breaks` are those before which the line is broken.
    """
    low, high = scale or (0.0, 1.0)
    if scale is None and unit != "proportion":
        low = min(0.0, *(rate.low for rate in rates))
        high = max(0.0, bar or 0.0, *(rate.high for rate in rates)) * 1.1 or 1.0

    def y(value: float) -> float:
        return round(160 - (value - low) / ((high - low) or 1) * 145, 2)

    named = {0, len(names) - 1} if len(names) > MOST_NAMED else set(range(len(names)))
    step = 400 / (len(names) - 1)
    points = tuple(
        TrendPoint(
            x=round(135 + index * step, 2),
            y=y(rate.value),
            y_low=y(rate.low),
            y_high=y(rate.high),
            label=name if index in named else "",
            value=f"{value_text(rate, unit)} {interval_text(rate, unit)}",
            is_marked=index == marked,
            is_start=index == 0 or index in breaks,
        )
        for index, (name, rate) in enumerate(zip(names, rates, strict=True))
    )
    ticks = [low + (high - low) * part / 4 for part in range(5)]
    said = "; ".join(f"{name}: {point.value}" for name, point in zip(names, points, strict=True))
    return Trend(
        caption=caption,
        points=points,
        ticks=tuple((y(tick), _tick_text(tick, unit)) for tick in ticks),
        bar_y=None if bar is None else y(bar),
        label=f"{title}: {said}",
        breaks=tuple(round(135 + (index - 0.5) * step, 2) for index in sorted(breaks)),
    )


def _tick_text(value: float, unit: Unit) -> str:
    return f"{value * 100:g} %" if unit == "proportion" else f"{value:.3g}"
