"""Silent drift: the same subject measured again and again, and the run at which it changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

import numpy as np

from mbe_docs import stats
from mbe_docs.config import Policy
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.engine import OpenEngine
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.series import Series, series
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.estimates import DriftPoint, DriftReport, Interval, SetupChange
from mbe_docs.records.evals import Run
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.estimate import tidy, tidy_p
from mbe_docs.registry.fingerprint import differing, group_key, slots
from mbe_docs.registry.wording import setting_text

FEWEST_RUNS: Final = 3
FEWEST_FLAKY: Final = 8.0
"""Attempts of a run that should differ from another run's; with fewer, quiet streams alarm too often."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """Runs of one setup, oldest first."""

    runs: tuple[Run, ...]
    table: Series


@dataclass(frozen=True, slots=True)
class _Stream:
    """One behavior on one subject, run by run."""

    arm: Arm
    earlier: tuple[_Segment, ...]
    """Under other setups, oldest first."""
    runs: tuple[Run, ...]
    """Under the newest setup, oldest first."""
    table: Series
    found: stats.Drift | None
    """None: too few runs under this setup."""

    @property
    def change(self) -> int | None:
        """Position of the run where an alarm says it began."""
        return self.found.change_run - 1 if self.found and self.found.change_run else None


def drift_reports(
    arms: Sequence[Arm],
    store: EvidenceStore,
    policy: Policy,
    *,
    runs: Iterable[Run] = (),
    engine: OpenEngine | None = None,
) -> list[DriftReport]:
    """One report for every arm whose behavior and subject were measured in at least three finished runs.

    An alarm only says where to look: a paired comparison of the runs before and after decides, and all of
    them are one family of tests. `runs` are those the arms may name among their others: finished ones under
    an earlier setup are shown, and the report names what changed.
    """
    known = {run.run_key: run for run in runs}
    streams = list(_streams(arms, known, store, policy))
    alarmed = [stream for stream in streams if stream.change is not None]
    q = dict(zip((id(stream) for stream in alarmed), _before_after(alarmed, store, engine), strict=True))
    return [_report(stream, q.get(id(stream)), policy) for stream in streams]


def _streams(
    arms: Sequence[Arm], known: Mapping[str, Run], store: EvidenceStore, policy: Policy
) -> Iterator[_Stream]:
    for arm in arms:
        if arm.is_partial or any(run.started_at is None for run in arm.runs):
            continue
        runs = sorted(arm.runs, key=_age)
        before = _before(arm, runs[0], known, policy)
        if len(runs) + len(before) < FEWEST_RUNS:
            continue
        newest = _segment(arm, runs, store)
        if newest is None:
            continue
        setups = groupby(before, key=lambda run: group_key(run, arm.measure.scorer, policy))
        earlier = [_segment(arm, list(mine), store) for _, mine in setups]
        shown = tuple(segment for segment in earlier if segment is not None)
        if len(newest.runs) + sum(len(segment.runs) for segment in shown) < FEWEST_RUNS:
            continue
        table, found = newest.table, None
        if len(newest.runs) >= FEWEST_RUNS:
            found = stats.drift(table.totals, table.attempts, totals_sq=table.totals_sq)
        yield _Stream(arm, shown, newest.runs, table, found)


def _before(arm: Arm, first: Run, known: Mapping[str, Run], policy: Policy) -> list[Run]:
    """Finished runs from before this setup, oldest first; not those of a setup that went on beside it."""
    others = [known[key] for key in arm.others if key in known]
    dated = sorted((run for run in others if run.status == "success" and run.started_at), key=_age)
    setup = {run.run_key: group_key(run, arm.measure.scorer, policy) for run in dated}
    beside = {setup[run.run_key] for run in dated if _age(run) > _age(first)}
    return [run for run in dated if _age(run) < _age(first) and setup[run.run_key] not in beside]


def _age(run: Run) -> tuple[str, str]:
    return (run.started_at or "", run.run_key)


def _segment(arm: Arm, runs: Sequence[Run], store: EvidenceStore) -> _Segment | None:
    table = series(
        store,
        [run.run_key for run in runs],
        arm.measure.scorer,
        failure_value=arm.failure_value,
        where=arm.measure.where,
    )
    if table is None:
        return None
    return _Segment(tuple(run for run in runs if run.run_key in table.run_keys), table)


def _before_after(streams: Sequence[_Stream], store: EvidenceStore, engine: OpenEngine | None) -> list[float]:
    """Adjusted p-values of the difference between the runs before the change and from it on."""
    if not streams:
        return []
    selection = []
    for number, stream in enumerate(streams):
        assert stream.change is not None
        lowest, highest = stream.arm.scale or (None, None)
        for position, run in enumerate(stream.runs):
            selection.append(
                Selected(
                    arm=2 * number + (position >= stream.change),
                    run_key=run.run_key,
                    scorer=stream.arm.measure.scorer,
                    failure_value=stream.arm.failure_value,
                    lowest=lowest,
                    highest=highest,
                    where=tuple(sorted(stream.arm.measure.where.items())),
                )
            )
    with Aggregation(store, selection, engine=engine) as aggregation:
        sums = aggregation.pairs([(2 * number, 2 * number + 1) for number in range(len(streams))])
    own = stats.PairSums(**sums.primary.columns())
    width = np.array(
        [1.0 if entry.arm.scale is None else entry.arm.scale[1] - entry.arm.scale[0] for entry in streams]
    )
    return [float(value) for value in stats.adjust(stats.paired_difference(own, width=width).p_diff)]


def _report(stream: _Stream, q: float | None, policy: Policy) -> DriftReport:
    arm, found, change = stream.arm, stream.found, stream.change
    cause = _cause(arm, stream.runs[change - 1], stream.runs[change], policy) if change else None
    is_shown = q is not None and q <= policy.alpha
    settled = "too_short" if found is None else "steady"
    return DriftReport(
        behavior=arm.name,
        subject=arm.subject,
        unit=arm.measure.unit,
        points=tuple(_points(stream)),
        verdict=settled if not is_shown else "setup_changed" if cause else "drifted",
        breaks=tuple(_breaks(stream, policy)),
        alarm_run=stream.runs[found.alarm_run - 1].run_key if found and found.alarm_run else None,
        change_run=None if change is None else stream.runs[change].run_key,
        q_diff=None if q is None else tidy_p(q),
        cause=cause,
        is_reliable=found is not None and found.flaky_attempts >= FEWEST_FLAKY,
    )


def _points(stream: _Stream) -> Iterator[DriftPoint]:
    for segment in (*stream.earlier, _Segment(stream.runs, stream.table)):
        is_newest = segment.table is stream.table
        for position, run in enumerate(segment.runs):
            yield DriftPoint(
                run=run.run_key,
                date=(run.started_at or "")[:10],
                rate=_rate(segment.table, position, stream.arm),
                z=tidy(stream.found.z[position]) if stream.found and is_newest else 0.0,
            )


def _rate(table: Series, position: int, arm: Arm) -> Interval:
    lowest, highest = arm.scale or (0.0, 1.0)
    sums = stats.rate_sums(
        table.totals[position] / table.attempts[position],
        np.full(table.totals.shape[1], table.attempts[position]),
        lowest=lowest,
        highest=highest,
    )
    found = (
        stats.mean_interval(sums)
        if arm.scale is None
        else stats.rate_interval(sums, binary=False, lowest=lowest, highest=highest)
    )
    value, low, high = (tidy(part[0]) for part in (found.value, found.low, found.high))
    return Interval(value=value, low=low, high=high)


def _breaks(stream: _Stream, policy: Policy) -> Iterator[SetupChange]:
    """Where the setup changed so that another question was asked from there on."""
    setups = [segment.runs for segment in stream.earlier] + [stream.runs]
    for before, after in pairwise(setups):
        cause = _cause(stream.arm, before[-1], after[0], policy)
        yield SetupChange(run=after[0].run_key, cause=cause or "a setting that the logs do not name")


def _cause(arm: Arm, before: Run, after: Run, policy: Policy) -> str | None:
    """What else changed between two runs: a new harness or setting is named and never called drift."""
    scorer = arm.measure.scorer
    names = [
        f"{entry.slot.replace('_', ' ')} from {setting_text(entry.old)} to {setting_text(entry.new)}"
        for entry in differing([slots(before, scorer)], [slots(after, scorer)], policy)
    ]
    return ", ".join(names) or None
