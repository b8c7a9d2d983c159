"""The home page: which models, what is wrong with them, what changed last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import Lookup
from mbe_docs.pages.model_card import MeasuredRow, card_view, verdict_states
from mbe_docs.pages.views import Link, State
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One snapshot on the home page."""

    link: Link
    life: State
    lead: str
    good: tuple[MeasuredRow, ...]
    poor: tuple[MeasuredRow, ...]
    open: tuple[MeasuredRow, ...]
    quirk_counts: str
    variants: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One upgrade on the home page."""

    link: Link
    headline: str
    counts: tuple[tuple[State, int], ...]


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything the home page shows."""

    title: str
    lead: str
    families: tuple[tuple[str, str | None, tuple[ModelLine, ...]], ...]
    diffs: tuple[DiffLine, ...]
    as_of: str | None
    content_hash: str


class _Home:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """The one home page."""
        del context
        view = home_view(Lookup(registry))
        yield PageFile(
            id="home",
            path="index.md",
            template="home.md.j2",
            view=view,
            title="Home",
            description=view.lead,
            nav=(),
        )


PAGE = _Home()


def home_view(lookup: Lookup) -> HomeView:
    """The view of the home page."""
    registry = lookup.registry
    families = []
    for family in registry.families:
        lines = [
            model_line(lookup, subject)
            for subject in lookup.subject_ids()
            if lookup.subject(subject).family.id == family.id and lookup.subject(subject).variant is None
        ]
        families.append((family.title, family.summary, tuple(lines)))
    behaviors = [behavior.id for behavior in registry.behaviors if behavior.status != "withdrawn"]
    quirks = {quirk.id for quirk in registry.quirks if quirk.withdrawn is None}
    affected = {entry.quirk for entry in registry.statements if entry.status in ("affected", "flaky")}
    lead = (
        f"{wording.counted(len(behaviors), 'behavior')}, "
        f"{wording.counted(len(quirks), 'known quirk')} ({len(affected & quirks)} showing on some model), "
        f"read from {wording.counted(len(registry.runs), 'run')}."
    )
    return HomeView(
        title=registry.title,
        lead=lead,
        families=tuple(families),
        diffs=tuple(diff_lines(lookup)),
        as_of=registry.as_of,
        content_hash=registry.content_hash[:12],
    )


def model_line(lookup: Lookup, subject: str) -> ModelLine:
    """The short form of a card."""
    card = card_view(lookup, lookup.subject(subject))
    return ModelLine(
        link=Link(f"model:{subject}", card.title),
        life=card.life,
        lead=card.lead,
        good=card.good,
        poor=card.poor,
        open=card.open,
        quirk_counts=card.quirk_counts,
        variants=tuple(lookup.model_link(variant.id) for variant in lookup.subjects.variants_of(subject)),
    )


def diff_lines(lookup: Lookup) -> Iterator[DiffLine]:
    """Every compared pair with its one-line verdict."""
    for (old, new), comparisons in lookup.pairs.items():
        yield DiffLine(
            link=lookup.diff_link(old, new),
            headline=wording.headline(comparisons, lookup.titles),
            counts=verdict_states(comparisons),
        )
