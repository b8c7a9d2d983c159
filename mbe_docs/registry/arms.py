"""Arms: which runs measure what on whom. An arm is one measure on one subject, runs of one fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mbe_docs.config import Policy
from mbe_docs.evidence.store import StoredRun
from mbe_docs.records.behaviors import Behavior, Measure
from mbe_docs.records.evals import Run
from mbe_docs.records.quirks import Quirk
from mbe_docs.registry.fingerprint import group_key
from mbe_docs.registry.subjects import Subjects


@dataclass(frozen=True, slots=True)
class Arm:
    """One measure on one subject."""

    name: str
    """Id of the behavior or quirk that is measured."""
    subject: str
    measure: Measure
    runs: tuple[Run, ...]
    """Newest first; all of one fingerprint, so their attempts may be pooled."""
    others: tuple[str, ...] = ()
    """Keys of runs of the same measure and subject that are not part of this: other settings, unfinished."""
    is_partial: bool = False
    """No finished run measured it; these ones did not finish and are no result."""

    @property
    def failure_value(self) -> float | None:
        """What a failed attempt scores: the worse end of the scale; unknown where neither end is worse."""
        if self.measure.direction == "neither" or (
            self.measure.range is None and self.measure.unit != "proportion"
        ):
            return None
        low, high = self.scale or (0.0, 1.0)
        return low if self.measure.direction == "higher" else high

    @property
    def scale(self) -> tuple[float, float] | None:
        """Lowest and highest possible score; `None` is unbounded."""
        return self.measure.range or ((0.0, 1.0) if self.measure.unit == "proportion" else None)


def quirk_measure(quirk: Quirk, behavior: Behavior) -> Measure | None:
    """How a quirk's rule is measured: its task, scorer and samples; direction and scale of its behavior."""
    if quirk.detect is None:
        return None
    return behavior.measure.model_copy(
        update={
            "task": quirk.detect.task,
            "scorer": quirk.detect.scorer,
            "where": quirk.detect.where,
            "slices": (),
            "require": None,
            "min_samples": 1,
        }
    )


def find_arms(
    measures: Mapping[str, Measure], runs: Iterable[StoredRun], subjects: Subjects, policy: Policy
) -> list[Arm]:
    """Every arm that has a run, in the order of measures and subjects."""
    by_subject: dict[str, list[Run]] = {}
    for stored in runs:
        subject = subjects.of_run(stored.run)
        if subject is not None and stored.superseded_by is None:
            by_subject.setdefault(subject, []).append(stored.run)
    found = []
    for name, measure in measures.items():
        for subject in subjects.all:
            arm = _arm(name, subject, measure, by_subject.get(subject, []), policy)
            if arm is not None:
                found.append(arm)
    return found


def measures_task(measure: Measure, run: Run) -> bool:
    """Whether a run is of the task, version and scorer that a measure names."""
    if run.task not in measure.task or (measure.task_version or run.task_version) != run.task_version:
        return False
    names = {spec.name for spec in run.scorers}
    return not names or measure.scorer in names or measure.scorer.partition("/")[0] in names


def _arm(name: str, subject: str, measure: Measure, runs: list[Run], policy: Policy) -> Arm | None:
    mine = sorted((run for run in runs if measures_task(measure, run)), key=_age, reverse=True)
    finished = [run for run in mine if run.status == "success"]
    if not mine:
        return None
    pool = finished or mine
    key = group_key(pool[0], measure.scorer, policy)
    same = tuple(run for run in pool if group_key(run, measure.scorer, policy) == key)
    kept = {run.run_key for run in same}
    return Arm(
        name=name,
        subject=subject,
        measure=measure,
        runs=same,
        others=tuple(run.run_key for run in mine if run.run_key not in kept),
        is_partial=not finished,
    )


def _age(run: Run) -> tuple[str, str]:
    return (run.started_at or "", run.run_key)
