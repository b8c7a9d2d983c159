"""One behavior across all subjects: forest plot, trend along the lineage, slices, quirks, evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mbe_docs.pages import numbers
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.model_card import MeasuredRow, in_order, measured_row
from mbe_docs.pages.numbers import Number
from mbe_docs.pages.views import ComparisonRow, Link, Lookup, QuirkRow, RunRow
from mbe_docs.records.behaviors import Behavior
from mbe_docs.records.estimates import Estimate
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording

MOST_NAMED = 3
"""Snapshots on a trend plot that all have room for their names; of more, the first and last are named."""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One subject on the forest plot."""

    subject: Link
    row: MeasuredRow
    as_of: str | None


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One snapshot on the trend plot; x and y in plot units (0–640 × 0–180), y grows downwards."""

    x: float
    y: float
    y_low: float
    y_high: float
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A lineage measured on one behavior."""

    family: str
    points: tuple[TrendPoint, ...]
    ticks: tuple[tuple[float, str], ...]
    bar_y: float | None
    label: str


@dataclass(frozen=True, slots=True)
class SliceTable:
    """One slice key: a row per value, a column per subject."""

    key: str
    subjects: tuple[Link, ...]
    rows: tuple[tuple[str, tuple[Number | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class BehaviorView:
    """Everything a behavior page shows."""

    behavior: Behavior
    category: str
    category_meaning: str | None
    direction: str
    margin: str | None
    bar: str | None
    method: str
    forest: tuple[ForestRow, ...]
    not_measured: tuple[Link, ...]
    trends: tuple[Trend, ...]
    slices: tuple[SliceTable, ...]
    quirks: tuple[QuirkRow, ...]
    comparisons: tuple[tuple[Link, ComparisonRow], ...]
    runs: tuple[RunRow, ...]


class _Behaviors:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """One page per behavior, withdrawn ones included: ids resolve for ever."""
        del context
        lookup = Lookup(registry)
        for behavior in registry.behaviors:
            yield PageFile(
                id=f"behavior:{behavior.id}",
                path=f"behaviors/{behavior.id}.md",
                template="behavior.md.j2",
                view=behavior_view(lookup, behavior),
                title=behavior.title,
                description=behavior.summary,
                anchors=frozenset({"measured", "evidence"}),
                nav=("Behaviors",),
            )


PAGE = _Behaviors()


def behavior_view(lookup: Lookup, behavior: Behavior) -> BehaviorView:
    """The view of one behavior."""
    measure = behavior.measure
    measured = {
        subject: lookup.estimates[behavior.id, subject]
        for subject in lookup.subject_ids()
        if (behavior.id, subject) in lookup.estimates
    }
    category = next(
        (entry for entry in lookup.registry.taxonomy.categories if entry.id == behavior.category), None
    )
    run_keys = dict.fromkeys(key for entry in measured.values() for key in (*entry.runs, *entry.other_runs))
    quirks = [quirk.id for quirk in lookup.registry.quirks if quirk.behavior == behavior.id]
    return BehaviorView(
        behavior=behavior,
        category=category.title if category else behavior.category,
        category_meaning=category.meaning if category else None,
        direction={
            "higher": "Higher is better",
            "lower": "Lower is better",
            "neither": "Neither direction is better",
        }[measure.direction],
        margin=_amount(measure.margin, behavior) if measure.margin is not None else None,
        bar=_bar(behavior),
        method=_method(behavior),
        forest=tuple(
            ForestRow(lookup.model_link(subject), measured_row(lookup, entry), entry.as_of)
            for subject, entry in measured.items()
        ),
        not_measured=tuple(
            lookup.model_link(subject)
            for subject in lookup.subject_ids()
            if subject not in measured and lookup.subject(subject).variant is None
        ),
        trends=tuple(_trends(lookup, behavior)),
        slices=tuple(_slices(lookup, behavior, measured)),
        quirks=tuple(
            lookup.quirk_row(statement)
            for statement in lookup.registry.statements
            if statement.quirk in quirks and statement.status in ("affected", "flaky")
        ),
        comparisons=tuple(
            (lookup.diff_link(entry.old, entry.new), lookup.comparison_row(entry))
            for entry in in_order(
                [entry for entry in lookup.registry.comparisons if entry.behavior == behavior.id]
            )
        ),
        runs=tuple(lookup.run_row(lookup.runs[key]) for key in run_keys),
    )


def _amount(value: float, behavior: Behavior) -> str:
    if behavior.measure.unit == "proportion":
        return f"{value * 100:g}{wording.THIN}pts"
    return f"{value:g} {behavior.measure.unit}"


def _bar(behavior: Behavior) -> str | None:
    measure = behavior.measure
    if measure.require is None:
        return None
    sign = "at least" if measure.direction == "higher" else "at most"
    shown = (
        f"{measure.require * 100:g}{wording.THIN}%"
        if measure.unit == "proportion"
        else f"{measure.require:g}"
    )
    return f"{sign} {shown}"


def _method(behavior: Behavior) -> str:
    measure = behavior.measure
    where = " and ".join(f"{key} = {value}" for key, value in measure.where.items())
    task = wording.listed(list(measure.task), last="or")
    version = f", version {measure.task_version}" if measure.task_version else ""
    only = f", only samples with {where}" if where else ""
    return f"task {task}{version}, scorer {measure.scorer}{only}"


def _trends(lookup: Lookup, behavior: Behavior) -> Iterator[Trend]:
    for family in lookup.registry.families:
        for branch in family.lineage:
            estimates = [lookup.estimates.get((behavior.id, snapshot)) for snapshot in branch]
            measured = [entry for entry in estimates if entry and not entry.is_partial]
            if len(measured) >= 2:
                yield _trend(lookup, family.title, behavior, measured)


def _trend(lookup: Lookup, family: str, behavior: Behavior, estimates: list[Estimate]) -> Trend:
    """A plot 640 × 180 units: value axis from the behavior's range, or 0 to the largest upper bound."""
    top = max(entry.rate.high for entry in estimates)
    low, high = behavior.measure.range or (0.0, 1.0 if behavior.measure.unit == "proportion" else top * 1.1)

    def y(value: float) -> float:
        return round(160 - (value - low) / ((high - low) or 1) * 145, 2)

    step = 400 / (len(estimates) - 1)
    named = {0, len(estimates) - 1} if len(estimates) > MOST_NAMED else set(range(len(estimates)))
    points = []
    for index, entry in enumerate(estimates):
        number = numbers.estimate_number(entry, behavior.measure)
        points.append(
            TrendPoint(
                x=round(135 + index * step, 2),
                y=y(entry.rate.value),
                y_low=y(entry.rate.low),
                y_high=y(entry.rate.high),
                label=lookup.subject(entry.subject).title if index in named else "",
                value=f"{number.value} {number.interval}",
            )
        )
    ticks = [low + (high - low) * part / 4 for part in range(5)]
    percent = behavior.measure.unit == "proportion"
    said = "; ".join(
        f"{lookup.subject(entry.subject).title}: {point.value}"
        for entry, point in zip(estimates, points, strict=True)
    )
    return Trend(
        family=family,
        points=tuple(points),
        ticks=tuple((y(tick), f"{tick * 100:g} %" if percent else f"{tick:.3g}") for tick in ticks),
        bar_y=None if behavior.measure.require is None else y(behavior.measure.require),
        label=f"{behavior.title} along {family}: {said}",
    )


def _slices(lookup: Lookup, behavior: Behavior, measured: dict[str, Estimate]) -> Iterator[SliceTable]:
    for key in behavior.measure.slices:
        cells: dict[str, dict[str, Number]] = {}
        for subject, estimate in measured.items():
            for entry in () if estimate.is_partial else estimate.slices:
                if entry.key == key:
                    cells.setdefault(entry.value, {})[subject] = numbers.rate_number(
                        entry.estimate,
                        estimate.unit,
                        n_samples=entry.n_samples,
                        n_attempts=entry.n_attempts,
                        scale=behavior.measure.range,
                    )
        if cells:
            subjects = [subject for subject in measured if any(subject in row for row in cells.values())]
            yield SliceTable(
                key=key,
                subjects=tuple(lookup.model_link(subject) for subject in subjects),
                rows=tuple(
                    (value, tuple(row.get(subject) for subject in subjects))
                    for value, row in sorted(cells.items())
                ),
            )
