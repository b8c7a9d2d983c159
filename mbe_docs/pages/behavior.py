"""One behavior across all subjects: forest plot, trend along the lineage, slices, quirks, evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mbe_docs.pages import numbers
from mbe_docs.pages.drifting import DriftRow, drift_row
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import Lookup
from mbe_docs.pages.model_card import MeasuredRow, in_order, measured_row
from mbe_docs.pages.numbers import Number
from mbe_docs.pages.plots import Trend, trend
from mbe_docs.pages.run_table import run_rows
from mbe_docs.pages.views import ComparisonRow, Link, QuirkCells, RunRow
from mbe_docs.records.behaviors import Behavior
from mbe_docs.records.estimates import Estimate
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One subject on the forest plot."""

    subject: Link
    row: MeasuredRow
    as_of: str | None


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
    drifts: tuple[DriftRow, ...]
    slices: tuple[SliceTable, ...]
    quirks: tuple[QuirkCells, ...]
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
                anchors=frozenset({"measured", "measured-again-and-again", "evidence"}),
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
        drifts=tuple(
            drift_row(lookup, entry) for entry in lookup.registry.drifts if entry.behavior == behavior.id
        ),
        slices=tuple(_slices(lookup, behavior, measured)),
        quirks=tuple(
            lookup.quirk_cells(quirk)
            for quirk in lookup.registry.quirks
            if quirk.behavior == behavior.id and quirk.withdrawn is None
        ),
        comparisons=tuple(
            (lookup.diff_link(entry.old, entry.new), lookup.comparison_row(entry))
            for entry in in_order(
                [entry for entry in lookup.registry.comparisons if entry.behavior == behavior.id]
            )
        ),
        runs=run_rows(lookup.runs[key] for key in run_keys),
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
    """Each branch of a lineage with at least two measured snapshots."""
    for family in lookup.registry.families:
        for branch in family.lineage:
            estimates = [lookup.estimates.get((behavior.id, snapshot)) for snapshot in branch]
            measured = [entry for entry in estimates if entry and not entry.is_partial]
            if len(measured) >= 2:
                yield trend(
                    [lookup.subject(entry.subject).title for entry in measured],
                    [entry.rate for entry in measured],
                    behavior.measure.unit,
                    title=f"{behavior.title} along {family.title}",
                    caption=f"{family.title}, oldest to newest",
                    scale=behavior.measure.range,
                    bar=behavior.measure.require,
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
