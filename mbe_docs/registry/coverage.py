"""What the evidence does not say, and what was left out of it: findings about runs and measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mbe_docs.config import Policy
from mbe_docs.curated.bundle import Curated
from mbe_docs.errors import Location
from mbe_docs.evidence.run_counts import RunCounts
from mbe_docs.evidence.store import StoredRun
from mbe_docs.records.estimates import Estimate
from mbe_docs.records.evals import Run
from mbe_docs.records.findings import Finding
from mbe_docs.registry.arms import Arm, measures_task, quirk_measure
from mbe_docs.registry.fingerprint import differing, grouping_slots, slots
from mbe_docs.registry.subjects import Subjects


def coverage_findings(
    curated: Curated,
    runs: Sequence[StoredRun],
    counts: Mapping[str, RunCounts],
    arms: Sequence[Arm],
    estimates: Mapping[tuple[str, str], Estimate],
    subjects: Subjects,
    policy: Policy,
) -> Iterator[Finding]:
    """Findings MBE230 to MBE239, in no particular order."""
    current = [stored.run for stored in runs if stored.superseded_by is None]
    yield from _unlisted_models(current, subjects)
    yield from _unfinished(current, counts)
    yield from _left_out(arms, {run.run_key: run for run in current}, curated, policy)
    yield from _unmeasured(curated, estimates)
    yield from _off_scale(curated, arms, counts, estimates)
    yield from _unused(curated, current, counts)
    yield from _undeclared_mitigations(curated, subjects)


def _unlisted_models(runs: Sequence[Run], subjects: Subjects) -> Iterator[Finding]:
    """A model that no family lists has no card, whatever was measured."""
    models: dict[str, list[Run]] = {}
    for run in runs:
        if subjects.of_run(run) is None:
            models.setdefault(run.model_requested, []).append(run)
    for model, mine in sorted(models.items()):
        more = f" and {len(mine) - 1} more" if len(mine) > 1 else ""
        yield Finding(
            "MBE230",
            "warning",
            f"no family lists the model '{model}'; {mine[0].log_uri}{more} counts for nothing",
            Location("behaviors/models"),
            f"add a snapshot with `known_as: ['{model}']` to a file in behaviors/models/",
        )


def _unfinished(runs: Sequence[Run], counts: Mapping[str, RunCounts]) -> Iterator[Finding]:
    for run in runs:
        if run.status != "success":
            seen = counts[run.run_key].attempts if run.run_key in counts else 0
            of = f" of {run.samples_planned * (run.epochs or 1)}" if run.samples_planned else ""
            reason = f", {run.status_reason}" if run.status_reason else ""
            yield Finding(
                "MBE231",
                "warning",
                f"{seen}{of} attempts (run {run.status}{reason}); it counts for nothing",
                Location(run.log_uri),
                f"run the task '{run.task}' again",
            )


def _left_out(
    arms: Sequence[Arm], runs: Mapping[str, Run], curated: Curated, policy: Policy
) -> Iterator[Finding]:
    """Finished runs of the same measure and subject whose settings differ from those of the newest."""
    behaviors = {behavior.id: behavior.path for behavior in curated.behaviors}
    for arm in arms:
        for key in arm.others:
            run = runs.get(key)
            if arm.name not in behaviors or run is None or run.status != "success":
                continue
            found = differing(
                [slots(run, arm.measure.scorer)], [slots(arm.runs[0], arm.measure.scorer)], policy
            )
            names = ", ".join(entry.slot for entry in found if entry.slot in grouping_slots(policy))
            yield Finding(
                "MBE232",
                "warning",
                f"'{arm.name}' on {arm.subject} leaves out {run.log_uri}: {names} differ from the newest run",
                Location(behaviors[arm.name]),
                "declare a variant with this setting in behaviors/models/, or pin task_version",
            )


def _unmeasured(curated: Curated, estimates: Mapping[tuple[str, str], Estimate]) -> Iterator[Finding]:
    measured = {name for name, _ in estimates}
    for behavior in curated.behaviors:
        if behavior.status == "active" and behavior.id not in measured:
            yield Finding(
                "MBE233",
                "warning",
                f"nobody has measured '{behavior.id}': no run of task {' or '.join(behavior.measure.task)} "
                f"with scorer {behavior.measure.scorer}",
                curated.place("behavior", behavior.id, "measure"),
                "check the names against `mbe-docs evidence list`, or set `status: draft`",
            )
    for (name, subject), estimate in sorted(estimates.items()):
        least = next((entry.measure.min_samples for entry in curated.behaviors if entry.id == name), 0)
        if estimate.n_samples < least and not estimate.is_partial:
            yield Finding(
                "MBE234",
                "note",
                f"'{name}' on {subject} has {estimate.n_samples} samples; verdicts need {least}",
                curated.place("behavior", name, "measure", "min_samples"),
                "measure on more samples, or lower `min_samples`",
            )


def _off_scale(
    curated: Curated,
    arms: Sequence[Arm],
    counts: Mapping[str, RunCounts],
    estimates: Mapping[tuple[str, str], Estimate],
) -> Iterator[Finding]:
    """Values that are not on the behavior's scale: they count as unscored, beyond what the logs say."""
    for arm in arms:
        estimate = estimates.get((arm.name, arm.subject))
        if estimate is None or arm.scale is None:
            continue
        scorer = arm.measure.scorer
        of_runs = [counts[run.run_key].by_scorer.get(scorer, {}) for run in arm.runs if run.run_key in counts]
        off_scale = estimate.outcomes.unscored - sum(seen.get("unscored", 0) for seen in of_runs)
        if off_scale > 0:
            low, high = arm.scale
            yield Finding(
                "MBE237",
                "warning",
                f"'{arm.name}' on {arm.subject} leaves out {off_scale} of {estimate.outcomes.planned} scores:"
                f" they are outside of [{low:g}, {high:g}]",
                curated.place("behavior", arm.name, "measure"),
                f"write the `range:` and `unit:` that scorer {scorer} has",
            )


def _unused(curated: Curated, runs: Sequence[Run], counts: Mapping[str, RunCounts]) -> Iterator[Finding]:
    """Scores that no behavior and no quirk reads."""
    behaviors = {behavior.id: behavior for behavior in curated.behaviors}
    measures = [behavior.measure for behavior in curated.behaviors]
    for quirk in curated.quirks:
        own = quirk_measure(quirk, behaviors[quirk.behavior]) if quirk.behavior in behaviors else None
        measures += [own] if own else []
    unused: dict[tuple[str, str], str] = {}
    for run in runs:
        for scorer in counts[run.run_key].by_scorer if run.run_key in counts else ():
            if not any(measure.scorer == scorer and measures_task(measure, run) for measure in measures):
                unused.setdefault((run.task, scorer), run.log_uri)
    for (task, scorer), uri in sorted(unused.items()):
        yield Finding(
            "MBE235",
            "note",
            f"no behavior reads scorer '{scorer}' of task '{task}'",
            Location(uri),
            "write a behavior for it, or leave it",
        )


def _undeclared_mitigations(curated: Curated, subjects: Subjects) -> Iterator[Finding]:
    declared = [subject.variant.when for subject in subjects.all.values() if subject.variant]
    for quirk in curated.quirks:
        for index, mitigation in enumerate(quirk.mitigations):
            if mitigation.measured_by and mitigation.measured_by.when not in declared:
                yield Finding(
                    "MBE236",
                    "warning",
                    f"mitigation '{mitigation.id}' says it was measured, but no variant has exactly "
                    f"`when: {mitigation.measured_by.when}`",
                    curated.place("quirk", quirk.id, "mitigations", index, "measured_by"),
                    "declare that variant in behaviors/models/",
                )
