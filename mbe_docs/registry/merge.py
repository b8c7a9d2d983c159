"""Evidence + curated notes → registry."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from mbe_docs import stats
from mbe_docs.config import Config
from mbe_docs.curated.bundle import Curated
from mbe_docs.curated.rules import parse_rule
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.engine import OpenEngine
from mbe_docs.evidence.run_counts import RunCounts, run_counts
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.store import EvidenceStore, StoredRun
from mbe_docs.records.behaviors import Measure
from mbe_docs.records.estimates import Comparison, Estimate, MitigationEffect
from mbe_docs.records.findings import Finding
from mbe_docs.records.models import Snapshot
from mbe_docs.records.registry import Registry, RunSummary
from mbe_docs.registry.arms import Arm, find_arms, quirk_measure
from mbe_docs.registry.claims import claim_findings
from mbe_docs.registry.compare import Page, compare
from mbe_docs.registry.coverage import coverage_findings
from mbe_docs.registry.drift import drift_reports
from mbe_docs.registry.estimate import Measured, estimates, with_slices
from mbe_docs.registry.publish import with_hash
from mbe_docs.registry.sightings import by_statement, sighting_findings, sightings
from mbe_docs.registry.statuses import statements
from mbe_docs.registry.subjects import Subjects

QUIRK = "quirk:"
"""Prefix of a quirk's measure: a quirk and a behavior may share an id."""


LOST = tuple(f"undecided: {reason}" for reason in (stats.TOO_MUCH_LOST, stats.DEPENDS_ON_ERRORS))
"""How a comparison's note begins where errors and lost attempts took its verdict."""


class Evidence:
    """Everything measured, for one set of curated notes."""

    def __init__(
        self, curated: Curated, store: EvidenceStore, config: Config, *, engine: OpenEngine | None = None
    ) -> None:
        self.curated = curated
        self.config = config
        self.subjects = Subjects(curated.families)
        loaded = store.load()
        self.runs: tuple[StoredRun, ...] = loaded.runs
        self.findings = loaded.findings
        self.store = store
        self.engine = engine
        behaviors = {behavior.id: behavior for behavior in curated.behaviors}
        self.measures: dict[str, Measure] = {
            behavior.id: behavior.measure for behavior in curated.behaviors if behavior.status != "withdrawn"
        }
        for quirk in curated.quirks:
            if quirk.behavior in behaviors and quirk.withdrawn is None:
                measure = quirk_measure(quirk, behaviors[quirk.behavior])
                if measure is not None:
                    self.measures[QUIRK + quirk.id] = measure
        self.arms = find_arms(self.measures, self.runs, self.subjects, config.policy)

    @property
    def as_of(self) -> datetime.date | None:
        """The day of the newest run."""
        days = [stored.run.started_at[:10] for stored in self.runs if stored.run.started_at]
        return datetime.date.fromisoformat(max(days)) if days else None

    @contextmanager
    def measured(self, arms: Sequence[Arm] | None = None) -> Iterator[tuple[Aggregation, Measured]]:
        """The sums of every arm, or of these, and the means to compare them."""
        arms, keys = with_slices(self.arms if arms is None else arms)
        with Aggregation(self.store, list(_selection(arms, keys)), engine=self.engine) as aggregation:
            latency = aggregation.latency()
            yield (
                aggregation,
                Measured(arms, keys, aggregation.arms(), latency.quantile(0.5), latency.quantile(0.95)),
            )

    def pages(self) -> list[Page]:
        """Neighbours of every lineage, the same variant on both, and each variant against its base."""
        found = []
        for family in self.curated.families:
            for old, new in family.neighbours():
                found.append((old, new))
                for before in self.subjects.variants_of(old):
                    found.extend(
                        (before.id, after.id)
                        for after in self.subjects.variants_of(new)
                        if after.when == before.when
                    )
            for snapshot in family.snapshots:
                found.extend((snapshot, variant.id) for variant in self.subjects.variants_of(snapshot))
        names = tuple(name for name in self.measures if not name.startswith(QUIRK))
        return [Page(old, new, names) for old, new in dict.fromkeys(found)]

    def mitigation_pages(self) -> list[Page]:
        """Each quirk's rate with and without its measured mitigations: one family per quirk and subject.

        A rule over flips is left out: its statement on the variant says how often they happen there.
        """
        found = []
        for quirk in self.curated.quirks:
            if quirk.detect is None or parse_rule(quirk.detect.affected_when).quantity != "rate":
                continue
            wanted = [entry.measured_by.when for entry in quirk.mitigations if entry.measured_by]
            name = QUIRK + quirk.id
            for subject in self.subjects.all.values():
                if name in self.measures and subject.variant is not None and subject.variant.when in wanted:
                    found.append(Page(subject.snapshot.id, subject.id, (name,)))
        return found


def _selection(arms: Sequence[Arm], keys: Sequence[str | None]) -> Iterator[Selected]:
    for index, (arm, key) in enumerate(zip(arms, keys, strict=True)):
        lowest, highest = arm.scale or (None, None)
        for run in arm.runs:
            yield Selected(
                arm=index,
                run_key=run.run_key,
                scorer=arm.measure.scorer,
                failure_value=arm.failure_value,
                lowest=lowest,
                highest=highest,
                cluster_key=_key(arm.measure.cluster),
                slice_key=_key(key),
                where=tuple((_key(name) or "", value) for name, value in sorted(arm.measure.where.items())),
            )


def _key(name: str | None) -> str | None:
    """`metadata.passage` and `passage` are the same key."""
    return None if name is None else name.removeprefix("metadata.")


def merge(
    curated: Curated, store: EvidenceStore, config: Config, *, engine: OpenEngine | None = None
) -> tuple[Registry, tuple[Finding, ...]]:
    """The registry, and what is wrong with the evidence or with numbers in prose."""
    evidence = Evidence(curated, store, config, engine=engine)
    counts = run_counts(store, {stored.run.run_key for stored in evidence.runs})
    pages, mitigations = evidence.pages(), evidence.mitigation_pages()
    with evidence.measured() as (aggregation, measured):
        found = estimates(measured)
        compared = compare(
            [*pages, *mitigations], measured, found, evidence.subjects, config.policy, aggregation=aggregation
        )
    behaviors = {key: entry for key, entry in found.items() if not key[0].startswith(QUIRK)}
    quirks = {
        (name.removeprefix(QUIRK), subject): entry
        for (name, subject), entry in found.items()
        if name.startswith(QUIRK)
    }
    seen = sightings(curated, evidence.runs, evidence.subjects, store)
    registry = Registry(
        title=config.title,
        as_of=evidence.as_of.isoformat() if evidence.as_of else None,
        taxonomy=curated.taxonomy,
        families=curated.families,
        behaviors=curated.behaviors,
        quirks=curated.quirks,
        runs=tuple(_summaries(evidence, counts, behaviors)),
        estimates=tuple(behaviors.values()),
        comparisons=tuple(
            with_cost(entry, found, evidence.subjects) for page in compared[: len(pages)] for entry in page
        ),
        statements=tuple(statements(curated.quirks, quirks, evidence.subjects, by_statement(seen))),
        mitigations=tuple(_effects(curated, evidence.subjects, compared[len(pages) :])),
        drifts=tuple(
            drift_reports(
                [arm for arm in evidence.arms if not arm.name.startswith(QUIRK)],
                store,
                config.policy,
                runs=[stored.run for stored in evidence.runs if stored.superseded_by is None],
                engine=engine,
            )
        ),
    )
    findings = (
        *evidence.findings,
        *coverage_findings(
            curated, evidence.runs, counts, evidence.arms, behaviors, evidence.subjects, config.policy
        ),
        *claim_findings(curated, behaviors, evidence.subjects),
        *sighting_findings(curated, seen),
    )
    return with_hash(registry), tuple(sorted(findings, key=Finding.sort_key))


def _summaries(
    evidence: Evidence, counts: Mapping[str, RunCounts], estimates: Mapping[tuple[str, str], Estimate]
) -> Iterator[RunSummary]:
    used: dict[str, list[str]] = {}
    for (name, _), estimate in estimates.items():
        for key in estimate.runs:
            used.setdefault(key, []).append(name)
    for stored in evidence.runs:
        if stored.superseded_by is not None:
            continue
        run = stored.run
        seen = counts[run.run_key]
        yield RunSummary(
            run=run,
            subject=evidence.subjects.of_run(run),
            attempts_seen=seen.attempts,
            samples_seen=seen.samples,
            outcomes=dict(seen.outcomes),
            behaviors=tuple(dict.fromkeys(used.get(run.run_key, ()))),
        )


def _effects(
    curated: Curated, subjects: Subjects, compared: Sequence[Sequence[Comparison]]
) -> Iterator[MitigationEffect]:
    quirks = {QUIRK + quirk.id: quirk for quirk in curated.quirks}
    for page in compared:
        for comparison in page:
            quirk, variant = quirks[comparison.behavior], subjects.all[comparison.new].variant
            for mitigation in quirk.mitigations:
                if variant and mitigation.measured_by and mitigation.measured_by.when == variant.when:
                    yield MitigationEffect(
                        quirk=quirk.id,
                        mitigation=mitigation.id,
                        subject=comparison.old,
                        comparison=comparison.model_copy(update={"behavior": quirk.behavior}),
                    )


def with_cost(
    comparison: Comparison, estimates: Mapping[tuple[str, str], Estimate], subjects: Subjects
) -> Comparison:
    """An undecided comparison with what its missing samples would take on both sides; others as they are.

    Each missing sample is tried as often as those before. What one side does not state is unknown for both.
    """
    if comparison.n_needed is None or not more_would_help(comparison):
        return comparison
    tokens: float | None = 0.0
    usd: float | None = 0.0
    for name, missing in zip((comparison.old, comparison.new), samples_missing(comparison), strict=True):
        estimate, subject = estimates[comparison.behavior, name], subjects.all[name]
        attempts = missing * estimate.n_attempts / estimate.n_samples
        used = _tokens(estimate)
        price = _attempt_usd(estimate, subject.snapshot)
        tokens = None if tokens is None or used is None else tokens + attempts * used
        usd = None if usd is None or price is None else usd + attempts * price
    return comparison.model_copy(
        update={
            "tokens_to_decide": None if tokens is None else round(tokens),
            "cost_usd_to_decide": None if usd is None else round(usd, 6),
        }
    )


def samples_missing(comparison: Comparison) -> tuple[int, int]:
    """How many samples more each side needs to be decided; 0 where that is unknown."""
    is_unpaired = comparison.mode == "unpaired"
    had = (comparison.n_old, comparison.n_new) if is_unpaired else (comparison.n_common, comparison.n_common)
    needed = comparison.n_needed or 0
    return max(0, needed - had[0]), max(0, needed - had[1])


def more_would_help(comparison: Comparison) -> bool:
    """Whether samples are what is missing: where attempts were lost, more of the same decide nothing."""
    return not any(note.startswith(LOST) for note in comparison.notes)


def _tokens(estimate: Estimate) -> float | None:
    """Tokens of an attempt, in and out; unknown unless both are stated."""
    if estimate.tokens_in_mean is None or estimate.tokens_out_mean is None:
        return None
    return estimate.tokens_in_mean + estimate.tokens_out_mean


def _attempt_usd(estimate: Estimate, snapshot: Snapshot) -> float | None:
    """What an attempt cost as the log states it, else its tokens at the price on the newest run's day."""
    if estimate.cost_usd_mean is not None:
        return estimate.cost_usd_mean
    if estimate.as_of is None or estimate.tokens_in_mean is None or estimate.tokens_out_mean is None:
        return None
    day = datetime.date.fromisoformat(estimate.as_of)
    price = max((p for p in snapshot.prices if p.start <= day), key=lambda p: p.start, default=None)
    if price is None:
        return None
    return (estimate.tokens_in_mean * price.input + estimate.tokens_out_mean * price.output) / 1_000_000
