"""Silent drift: the same subject measured again and again, and the run at which it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mbe_docs import stats
from mbe_docs.config import Policy
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.series import Series, series
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.estimates import DriftPoint, DriftReport, Interval
from mbe_docs.records.evals import Run
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.estimate import tidy, tidy_p
from mbe_docs.registry.fingerprint import differing, slots

FEWEST_RUNS: Final = 3
FEWEST_FLAKY: Final = 8.0
"""Attempts of a run that should differ from another run's; with fewer, quiet streams alarm too often."""


@dataclass(frozen=True, slots=True)
class _Stream:
    arm: Arm
    runs: tuple[Run, ...]
    """Oldest first."""
    table: Series
    found: stats.Drift


def drift_reports(arms: Sequence[Arm], store: EvidenceStore, policy: Policy) -> list[DriftReport]:
    """One report for every arm measured in at least three finished runs of the same settings.

    An alarm only says where to look: a paired comparison of the runs before and after decides, and all of
    them are one family of tests.
    """
    streams = list(_streams(arms, store))
    alarmed = [stream for stream in streams if stream.found.change_run is not None]
    q = dict(zip((id(stream) for stream in alarmed), _before_after(alarmed, store), strict=True))
    return [_report(stream, q.get(id(stream)), policy) for stream in streams]


def _streams(arms: Sequence[Arm], store: EvidenceStore) -> Iterator[_Stream]:
    for arm in arms:
        runs = tuple(sorted(arm.runs, key=lambda run: (run.started_at or "", run.run_key)))
        if len(runs) < FEWEST_RUNS or arm.is_partial or any(run.started_at is None for run in runs):
            continue
        table = series(
            store,
            [run.run_key for run in runs],
            arm.measure.scorer,
            failure_value=arm.failure_value,
            where=arm.measure.where,
        )
        if table is not None:
            found = stats.drift(table.totals, table.attempts, totals_sq=table.totals_sq)
            yield _Stream(arm, runs, table, found)


def _before_after(streams: Sequence[_Stream], store: EvidenceStore) -> list[float]:
    """Adjusted p-values of the difference between the runs before the change and from it on."""
    if not streams:
        return []
    selection = []
    for number, stream in enumerate(streams):
        assert stream.found.change_run is not None
        lowest, highest = stream.arm.scale or (None, None)
        for position, run in enumerate(stream.runs):
            selection.append(
                Selected(
                    arm=2 * number + (position >= stream.found.change_run - 1),
                    run_key=run.run_key,
                    scorer=stream.arm.measure.scorer,
                    failure_value=stream.arm.failure_value,
                    lowest=lowest,
                    highest=highest,
                    where=tuple(sorted(stream.arm.measure.where.items())),
                )
            )
    with Aggregation(store, selection) as aggregation:
        sums = aggregation.pairs([(2 * number, 2 * number + 1) for number in range(len(streams))])
    own = stats.PairSums(**sums.primary.columns())
    width = np.array(
        [1.0 if entry.arm.scale is None else entry.arm.scale[1] - entry.arm.scale[0] for entry in streams]
    )
    return [float(value) for value in stats.adjust(stats.paired_difference(own, width=width).p_diff)]


def _report(stream: _Stream, q: float | None, policy: Policy) -> DriftReport:
    arm, found = stream.arm, stream.found
    change = None if found.change_run is None else found.change_run - 1
    cause = _cause(stream, change, policy) if change else None
    is_shown = q is not None and q <= policy.alpha
    return DriftReport(
        behavior=arm.name,
        subject=arm.subject,
        unit=arm.measure.unit,
        points=tuple(_points(stream)),
        verdict="steady" if not is_shown else "setup_changed" if cause else "drifted",
        alarm_run=None if found.alarm_run is None else stream.runs[found.alarm_run - 1].run_key,
        change_run=None if change is None else stream.runs[change].run_key,
        q_diff=None if q is None else tidy_p(q),
        cause=cause,
        is_reliable=found.flaky_attempts >= FEWEST_FLAKY,
    )


def _points(stream: _Stream) -> Iterator[DriftPoint]:
    samples = stream.table.totals.shape[1]
    lowest, highest = stream.arm.scale or (0.0, 1.0)
    for position, run in enumerate(stream.runs):
        sums = stats.rate_sums(
            stream.table.totals[position] / stream.table.attempts,
            np.full(samples, stream.table.attempts),
            lowest=lowest,
            highest=highest,
        )
        found = (
            stats.mean_interval(sums)
            if stream.arm.scale is None
            else stats.rate_interval(sums, binary=False, lowest=lowest, highest=highest)
        )
        value, low, high = (tidy(part[0]) for part in (found.value, found.low, found.high))
        yield DriftPoint(
            run=run.run_key,
            date=(run.started_at or "")[:10],
            rate=Interval(value=value, low=low, high=high),
            z=tidy(stream.found.z[position]),
        )


def _cause(stream: _Stream, change: int, policy: Policy) -> str | None:
    """What else changed at that run: a new harness or setting is named as such and never called drift."""
    scorer = stream.arm.measure.scorer
    before, after = stream.runs[change - 1], stream.runs[change]
    names = [
        f"{entry.slot.replace('_', ' ')} from {entry.old or 'unknown'} to {entry.new or 'unknown'}"
        for entry in differing([slots(before, scorer)], [slots(after, scorer)], policy)
    ]
    return ", ".join(names) or None
