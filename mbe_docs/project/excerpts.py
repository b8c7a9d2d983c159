"""Which texts of attempts a site shows: none, those of failing attempts, or all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.behaviors import Measure
from mbe_docs.records.evals import Excerpt, Run
from mbe_docs.records.registry import Registry
from mbe_docs.registry.arms import Arm, measures_task, quirk_measure

EXCERPTS_READ = 5_000
"""Attempts of a run whose text is looked at for its page."""

Attempt = tuple[str, int]
"""Sample id and epoch."""
_NOTHING_SAID = frozenset({"infra_error", "unscored"})
"""Outcomes without a value that say nothing about the model."""


def published(
    store: EvidenceStore, registry: Registry, choice: Literal["none", "failing", "all"]
) -> dict[str, tuple[Excerpt, ...]]:
    """Texts by run key."""
    if choice == "none":
        return {}
    runs = [summary.run for summary in registry.runs]
    kept = {run.run_key: store.excerpts(run.run_key, EXCERPTS_READ) for run in runs}
    if choice == "all":
        return kept
    failed = _failed(store, [run for run in runs if kept[run.run_key]], list(_measures(registry)))
    return {
        key: tuple(excerpt for excerpt in some if (excerpt.sample_id, excerpt.epoch) in failed.get(key, ()))
        for key, some in kept.items()
    }


def _measures(registry: Registry) -> Iterable[Measure]:
    behaviors = {behavior.id: behavior for behavior in registry.behaviors}
    yield from (behavior.measure for behavior in registry.behaviors)
    for quirk in registry.quirks:
        if quirk.behavior in behaviors:
            measure = quirk_measure(quirk, behaviors[quirk.behavior])
            if measure is not None:
                yield measure


def _failed(
    store: EvidenceStore, runs: Iterable[Run], measures: Iterable[Measure]
) -> dict[str, set[Attempt]]:
    """Attempts that some score shows to fall short, by run key.

    A score falls short that is not the best of the scale which the registry gives its scorer, or not 1 where
    it gives none. A value that no scale can place shows nothing: what is not shown to fail is not failing.
    """
    wanted = {run.run_key: _best(run, measures) for run in runs}
    failed: dict[str, set[Attempt]] = {}
    for key, sample_id, epoch, scorer, value, outcome in _scores(store, wanted):
        best = wanted[key].get(scorer, {1.0})
        is_short = outcome not in _NOTHING_SAID if value is None else any(value != one for one in best)
        if is_short:
            failed.setdefault(key, set()).add((sample_id, epoch))
    return failed


def _best(run: Run, measures: Iterable[Measure]) -> dict[str, set[float]]:
    """The best possible scores by scorer; empty where no end of a scale is better."""
    found: dict[str, set[float]] = {}
    for measure in measures:
        if measures_task(measure, run):
            best = found.setdefault(measure.scorer, set())
            worst = Arm("", "", measure, ()).failure_value
            if worst is not None:
                low, high = measure.range or (0.0, 1.0)
                best.add(high if worst == low else low)
    return found


def _scores(
    store: EvidenceStore, run_keys: Mapping[str, object]
) -> Iterable[tuple[str, str, int, str, float | None, str]]:
    import pyarrow.parquet as pq

    columns = ["run_key", "sample_id", "epoch", "scorer", "value", "outcome"]
    for entry, path in store.parts_of(run_keys.keys()):
        live = entry.live() & run_keys.keys()
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=columns):
                for row in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
                    if row[0] in live:
                        yield row
