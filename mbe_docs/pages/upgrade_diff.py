"""The upgrade diff of two subjects: a verdict line, then worse, undecided, better, unchanged, refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mbe_docs.pages.changed import changed_samples
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import Lookup, diff_id
from mbe_docs.pages.model_card import in_order, verdict_states
from mbe_docs.pages.views import ComparisonRow, Link, QuirkRow, State
from mbe_docs.records.estimates import Comparison
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording
from mbe_docs.text import page_slug


@dataclass(frozen=True, slots=True)
class VerdictGroup:
    """All comparisons with one verdict."""

    state: State
    heading: str
    explanation: str
    rows: tuple[ComparisonRow, ...]


@dataclass(frozen=True, slots=True)
class QuirkChange:
    """A quirk whose status differs between the two."""

    quirk: Link
    severity: str
    old: QuirkRow
    new: QuirkRow


@dataclass(frozen=True, slots=True)
class DiffView:
    """Everything an upgrade diff shows."""

    old: Link
    new: Link
    relation: str
    headline: str
    counts: tuple[tuple[State, int], ...]
    hidden: tuple[ComparisonRow, ...]
    """Rows whose mean hides what their slices show."""
    groups: tuple[VerdictGroup, ...]
    quirk_changes: tuple[QuirkChange, ...]
    family_size: int
    reverse: Link | None
    command: str
    as_of: str | None


_HEADINGS = {
    "regressed": (
        "Worse",
        "The interval and the test agree on a change for the worse, corrected for the whole page.",
    ),
    "increased": ("Went up", "It changed; neither direction is better by itself."),
    "decreased": ("Went down", "It changed; neither direction is better by itself."),
    "inconclusive": ("Undecided", "Neither a change nor its absence is shown. “Undecided” is not “fine”."),
    "improved": ("Better", "The interval and the test agree on a change for the better."),
    "unchanged": (
        "Unchanged",
        "Shown, not assumed: the whole interval lies inside the margin that anyone would act on.",
    ),
    "refused": ("Not comparable", "Something other than the model differs, or one side was not measured."),
}


class _UpgradeDiffs:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """One page per compared pair."""
        lookup = Lookup(registry)
        for (old, new), comparisons in lookup.pairs.items():
            view = diff_view(lookup, old, new, comparisons, context)
            yield PageFile(
                id=diff_id(old, new),
                path=f"diffs/{page_slug(f'{old}..{new}')}.md",
                template="upgrade_diff.md.j2",
                view=view,
                title=f"{view.old.text} → {view.new.text}",
                description=view.headline,
                anchors=frozenset(f"b-{entry.behavior}" for entry in comparisons),
                nav=("Upgrades",),
            )


PAGE = _UpgradeDiffs()


def diff_view(
    lookup: Lookup, old: str, new: str, comparisons: list[Comparison], context: Context
) -> DiffView:
    """The view of one diff."""
    rows = {
        entry.behavior: replace(
            lookup.comparison_row(entry),
            changed=changed_samples(entry, lookup.behaviors[entry.behavior].measure.scorer, lookup, context),
        )
        for entry in in_order(comparisons)
    }
    groups = []
    for verdict, _ in wording.verdict_counts(comparisons):
        heading, explanation = _HEADINGS[verdict]
        mine = tuple(row for row in rows.values() if row.comparison.verdict == verdict)
        groups.append(VerdictGroup(mine[0].state, heading, explanation, mine))
    same = lookup.subject(old).snapshot.id == lookup.subject(new).snapshot.id
    return DiffView(
        old=lookup.model_link(old),
        new=lookup.model_link(new),
        relation="the same weights in another configuration"
        if same
        else "upgrade between neighbours of the lineage",
        headline=wording.headline(comparisons, lookup.titles),
        counts=verdict_states(comparisons),
        hidden=tuple(row for row in rows.values() if wording.is_hidden(row.comparison)),
        groups=tuple(groups),
        quirk_changes=tuple(_quirk_changes(lookup, old, new)),
        family_size=sum(entry.verdict != "refused" for entry in comparisons),
        reverse=lookup.diff_link(new, old) if (new, old) in lookup.pairs else None,
        command=f"mbe-docs diff {old} {new}",
        as_of=lookup.registry.as_of,
    )


def _quirk_changes(lookup: Lookup, old: str, new: str) -> Iterator[QuirkChange]:
    before = {statement.quirk: statement for statement in lookup.statements_of(old)}
    for statement in lookup.statements_of(new):
        earlier = before.get(statement.quirk)
        if earlier and earlier.status != statement.status:
            yield QuirkChange(
                quirk=lookup.quirk_link(statement.quirk),
                severity=lookup.quirks[statement.quirk].severity,
                old=lookup.quirk_row(earlier),
                new=lookup.quirk_row(statement),
            )
