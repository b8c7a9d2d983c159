"""The registry by id, and its records as the rows that pages show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from mbe_docs.curated.rules import parse_rule
from mbe_docs.pages import numbers
from mbe_docs.pages.numbers import Number
from mbe_docs.pages.views import (
    ComparisonRow,
    Link,
    MitigationRow,
    QuirkCells,
    QuirkRow,
    SliceRow,
    State,
)
from mbe_docs.records.behaviors import Behavior, Unit
from mbe_docs.records.estimates import (
    Comparison,
    Estimate,
    Interval,
    MitigationEffect,
    QuirkStatement,
    SliceComparison,
)
from mbe_docs.records.hashing import text_hash
from mbe_docs.records.quirks import Mitigation, Quirk
from mbe_docs.records.registry import Registry, RunSummary
from mbe_docs.registry import wording
from mbe_docs.registry.gate import flaky_words, to_decide
from mbe_docs.registry.subjects import Subject, Subjects
from mbe_docs.stats import CHANGES
from mbe_docs.text import page_slug

STATUS_ORDER: Final = ("affected", "flaky", "unknown", "fixed", "not_affected")
"""What a reader must know first comes first."""
FLAKE: Final = "attempts that disagree"
FLAKY_NAMED: Final = 8
"""Samples that flip by themselves, named on a page."""
RUNS_LINKED: Final = 3
"""Runs of a side that a row links to."""


class Lookup:
    """The registry by id: what pages need to find each other."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.subjects = Subjects(registry.families)
        self.behaviors: dict[str, Behavior] = {behavior.id: behavior for behavior in registry.behaviors}
        self.quirks: dict[str, Quirk] = {quirk.id: quirk for quirk in registry.quirks}
        self.runs: dict[str, RunSummary] = {summary.run.run_key: summary for summary in registry.runs}
        self.estimates: dict[tuple[str, str], Estimate] = {
            (estimate.behavior, estimate.subject): estimate for estimate in registry.estimates
        }

    @cached_property
    def titles(self) -> dict[str, str]:
        """Behavior titles by id."""
        return {behavior.id: behavior.title for behavior in self.registry.behaviors}

    @cached_property
    def pairs(self) -> dict[tuple[str, str], list[Comparison]]:
        """Comparisons by (old, new), in registry order."""
        found: dict[tuple[str, str], list[Comparison]] = {}
        for comparison in self.registry.comparisons:
            found.setdefault((comparison.old, comparison.new), []).append(comparison)
        return found

    @cached_property
    def moved_samples(self) -> dict[str, set[str]]:
        """Samples that some comparison names as moved, by run key."""
        found: dict[str, set[str]] = {}
        for comparison in self.registry.comparisons:
            for flip in comparison.flipped_samples:
                for runs, name in ((comparison.old_runs, flip.old_id), (comparison.new_runs, flip.id)):
                    for key in runs:
                        found.setdefault(key, set()).add(name)
        return found

    def subject_ids(self) -> tuple[str, ...]:
        """Subjects with a card, family by family, snapshots in lineage order, each before its variants."""
        ordered: list[str] = []
        for family in self.registry.families:
            lineage = [snapshot for branch in family.lineage for snapshot in branch]
            for snapshot in dict.fromkeys((*lineage, *family.snapshots)):
                ordered.append(snapshot)
                ordered.extend(variant.id for variant in self.subjects.variants_of(snapshot))
        return tuple(ordered)

    def subject(self, subject: str) -> Subject:
        """The subject with this id."""
        return self.subjects.all[subject]

    def model_link(self, subject: str) -> Link:
        """Link to a model card."""
        return Link(f"model:{subject}", self.subject(subject).title)

    def behavior_link(self, behavior: str) -> Link:
        """Link to a behavior page."""
        return Link(f"behavior:{behavior}", self.behaviors[behavior].title)

    def quirk_link(self, quirk: str) -> Link:
        """Link to a quirk page."""
        return Link(f"quirk:{quirk}", self.quirks[quirk].title)

    def diff_link(self, old: str, new: str, text: str | None = None) -> Link:
        """Link to an upgrade diff."""
        return Link(diff_id(old, new), text or f"{self.subject(old).title} → {self.subject(new).title}")

    def statements_of(self, subject: str) -> list[QuirkStatement]:
        """Statements on a subject of quirks that are not withdrawn, most certain and most severe first."""
        mine = [
            statement
            for statement in self.registry.statements
            if statement.subject == subject and self.quirks[statement.quirk].withdrawn is None
        ]
        return sorted(
            mine,
            key=lambda statement: (
                STATUS_ORDER.index(statement.status),
                wording.SEVERITY_ORDER.index(self.quirks[statement.quirk].severity),
                statement.quirk,
            ),
        )

    def mitigation_rows(self, quirk: Quirk, subject: str | None = None) -> tuple[MitigationRow, ...]:
        """Mitigations of a quirk with their effects, on one subject or on all."""
        rows: list[MitigationRow] = []
        for mitigation in quirk.mitigations:
            effects = [
                entry
                for entry in self.registry.mitigations
                if (entry.quirk, entry.mitigation) == (quirk.id, mitigation.id)
                and subject in (None, entry.subject)
            ]
            measured = [self._effect_row(mitigation, effect) for effect in effects]
            measured = measured or list(self._status_rows(quirk, mitigation, subject))
            rows.extend(measured or [MitigationRow(mitigation.kind, mitigation.how, None, None, None)])
        return tuple(sorted(rows, key=lambda row: row.effect is None))

    def _effect_row(self, mitigation: Mitigation, effect: MitigationEffect) -> MitigationRow:
        row, subject = self.comparison_row(effect.comparison), self.model_link(effect.comparison.new)
        return MitigationRow(mitigation.kind, mitigation.how, row.difference, row.state, subject)

    def _status_rows(
        self, quirk: Quirk, mitigation: Mitigation, subject: str | None
    ) -> Iterator[MitigationRow]:
        """The quirk's own status where the mitigation is in force, for rules that no difference speaks of."""
        for statement in self.registry.statements:
            variant = self.subject(statement.subject).variant
            if statement.quirk != quirk.id or variant is None or mitigation.measured_by is None:
                continue
            if variant.when == mitigation.measured_by.when and subject in (None, variant.of):
                number = self._statement_number(statement)
                link = self.model_link(variant.id)
                yield MitigationRow(mitigation.kind, mitigation.how, number, status_state(statement), link)

    def _statement_number(self, statement: QuirkStatement) -> Number | None:
        """The number a status was computed from, in the unit of the quirk's rule."""
        quirk = self.quirks[statement.quirk]
        measure = self.behaviors[quirk.behavior].measure
        return numbers.statement_number(statement, None if _is_flake(quirk) else measure)

    def quirk_row(self, statement: QuirkStatement) -> QuirkRow:
        """One line of a card's quirk list."""
        quirk = self.quirks[statement.quirk]
        return QuirkRow(
            link=self.quirk_link(quirk.id),
            severity=quirk.severity,
            state=status_state(statement),
            quantity=FLAKE if _is_flake(quirk) else quirk.detect.scorer if quirk.detect else "",
            number=self._statement_number(statement),
            reason=statement.reason,
            since=self._since(statement),
            seen=statement.samples,
            mitigations=self.mitigation_rows(quirk, statement.subject),
        )

    def quirk_cells(self, quirk: Quirk) -> QuirkCells:
        """A quirk's status on every subject that anything is known of."""
        mine = {entry.subject: entry for entry in self.registry.statements if entry.quirk == quirk.id}
        return QuirkCells(
            link=self.quirk_link(quirk.id),
            severity=quirk.severity,
            cells=tuple(
                (self.model_link(subject), status_state(mine[subject]), mine[subject].reason)
                for subject in self.subject_ids()
                if subject in mine
            ),
        )

    def _since(self, statement: QuirkStatement) -> str | None:
        """Title of the first snapshot of an unbroken line of affected ones up to this one."""
        if statement.status not in ("affected", "flaky"):
            return None
        subject = self.subject(statement.subject)
        affected = {
            entry.subject
            for entry in self.registry.statements
            if entry.quirk == statement.quirk and entry.status in ("affected", "flaky")
        }
        first = subject.snapshot.id
        if first not in affected:
            return subject.title
        while previous := [name for name in subject.family.predecessors(first) if name in affected]:
            first = previous[0]
        return self.subject(first).title

    def comparison_row(self, comparison: Comparison) -> ComparisonRow:
        """One line of a diff."""
        tone = wording.VERDICT_TONE[comparison.verdict]
        unit = comparison.unit
        behavior = comparison.behavior
        link = self.behavior_link(behavior) if behavior in self.behaviors else Link("", behavior)
        old = _side(comparison.old_rate, unit, comparison.n_old, comparison.attempts_old)
        new = _side(comparison.new_rate, unit, comparison.n_new, comparison.attempts_new)
        difference = None
        if comparison.difference is not None:
            difference = numbers.difference_number(
                comparison.difference, unit, margin=comparison.margin, n=f"{comparison.n_common:,}", tone=tone
            )
        return ComparisonRow(
            behavior=link,
            anchor=f"b-{behavior}",
            state=verdict_state(comparison),
            old=old,
            new=new,
            difference=difference,
            sentence=sentence_of(comparison, link.text),
            detail=(*comparison.refused_because, *comparison.notes),
            moved=_moved(comparison),
            more=tuple(_more(comparison)),
            slices=tuple(_slice_row(entry, comparison) for entry in comparison.slices),
            hidden_flip=comparison.hidden_flip,
            comparison=comparison,
            runs=(self._run_links(comparison.old_runs), self._run_links(comparison.new_runs)),
        )

    def _run_links(self, run_keys: Sequence[str]) -> tuple[Link, ...]:
        known = [self.runs[key].run for key in run_keys if key in self.runs][:RUNS_LINKED]
        return tuple(
            Link(run_id(run.run_key), f"{run.task}, {(run.started_at or 'no date')[:10]}") for run in known
        )


def _is_flake(quirk: Quirk) -> bool:
    return quirk.detect is not None and parse_rule(quirk.detect.affected_when).quantity == "flake"


def status_state(statement: QuirkStatement) -> State:
    """A quirk's status as word, shape and tone."""
    status = statement.status
    return State(wording.STATUS_WORD[status], wording.STATUS_SHAPE[status], wording.STATUS_TONE[status])


def verdict_state(comparison: Comparison) -> State:
    """A verdict as word, shape and tone."""
    verdict = comparison.verdict
    return State(wording.VERDICT_WORD[verdict], wording.VERDICT_SHAPE[verdict], wording.VERDICT_TONE[verdict])


def sentence_of(comparison: Comparison, title: str) -> str:
    """What a careful colleague would say of one comparison."""
    if comparison.verdict == "refused":
        return f"“{title}” cannot be compared."
    words = {
        "regressed": f"Worse at “{title}”.",
        "improved": f"Better at “{title}”.",
        "increased": f"“{title}” went up.",
        "decreased": f"“{title}” went down.",
        "unchanged": f"“{title}” is unchanged: the whole interval lies inside the margin.",
        "inconclusive": f"“{title}” is undecided.",
    }[comparison.verdict]
    if (
        comparison.verdict == "inconclusive"
        and comparison.n_needed
        and comparison.n_needed > comparison.n_common
    ):
        words = f"“{title}” is undecided; about {comparison.n_needed:,} samples in all would settle it."
    return words


def _moved(comparison: Comparison) -> str | None:
    if not comparison.n_worse and not comparison.n_better:
        return None
    worse = wording.counted(comparison.n_worse, "sample")
    return f"{worse} worse, {comparison.n_better:,} better of {comparison.n_common:,}"


def _more(comparison: Comparison) -> Iterator[str]:
    """What would decide it and what that costs, how sure it is, what flips by itself, latency and cost."""
    if (needed := to_decide(comparison)) is not None:
        yield needed
    is_said = any("compared together" in note for note in comparison.notes)
    if comparison.p_diff is not None and comparison.q_diff is not None and not is_said:
        p, q = wording.p_text(comparison.p_diff), wording.p_text(comparison.q_diff)
        yield f"chance alone: p = {p} by itself, q = {q} among everything compared here"
    if (flaky := flaky_words(comparison, FLAKY_NAMED)) is not None:
        yield f"{flaky} (attempts at them differ among themselves)"
    for name, ratio in (("latency", comparison.latency), ("cost", comparison.cost)):
        if ratio is not None:
            word = {
                "higher": f"{name} went up",
                "lower": f"{name} went down",
                "unchanged": f"{name} is unchanged within 10 %",
                "inconclusive": f"{name} is undecided",
            }[ratio.verdict]
            ends = f"[{ratio.low:.2f}, {ratio.high:.2f}]"
            yield f"{word}: × {ratio.value:.2f} {ends}, {wording.counted(ratio.n_samples, 'sample')}"


def _side(rate: Interval | None, unit: Unit, n_samples: int, n_attempts: int) -> Number | None:
    if rate is None:
        return None
    return numbers.rate_number(rate, unit, n_samples=n_samples, n_attempts=n_attempts)


def _slice_row(entry: SliceComparison, comparison: Comparison) -> SliceRow:
    tone, unit, n = wording.VERDICT_TONE[entry.verdict], comparison.unit, entry.n_common
    return SliceRow(
        key=entry.key,
        value=entry.value,
        state=State(wording.VERDICT_WORD[entry.verdict], wording.VERDICT_SHAPE[entry.verdict], tone),
        is_change=entry.verdict in CHANGES,
        old=numbers.rate_number(entry.old, unit, n_samples=n, n_attempts=entry.attempts_old),
        new=numbers.rate_number(entry.new, unit, n_samples=n, n_attempts=entry.attempts_new),
        difference=numbers.difference_number(
            entry.difference, unit, margin=comparison.margin, n=f"{n:,}", tone=tone
        ),
    )


def diff_id(old: str, new: str) -> str:
    """Page id of an upgrade diff."""
    return f"diff:{old}..{new}"


def run_id(run_key: str) -> str:
    """Page id of a run."""
    return f"run:{run_key}"


def sample_anchor(sample_id: str) -> str:
    """Where the page of a run shows a sample."""
    return f"s-{text_hash(sample_id)[:16]}"


def model_path(subject: str) -> str:
    """Path of a model card; part of its permalink."""
    return f"models/{page_slug(subject)}.md"
