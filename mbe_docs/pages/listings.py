"""Section index pages: models, behaviors, upgrades, evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mbe_docs.pages.behavior import ForestRow, behavior_view
from mbe_docs.pages.home import DiffLine, ModelLine, diff_lines, model_line
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import Lookup
from mbe_docs.pages.run_table import run_rows
from mbe_docs.pages.views import Link, RunRow
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording


@dataclass(frozen=True, slots=True)
class ModelsView:
    """All cards, by family."""

    families: tuple[tuple[str, str, tuple[ModelLine, ...]], ...]


@dataclass(frozen=True, slots=True)
class BehaviorsView:
    """All behaviors by category, each with its forest plot."""

    categories: tuple[tuple[str, str | None, tuple[tuple[Link, str | None, tuple[ForestRow, ...]], ...]], ...]


@dataclass(frozen=True, slots=True)
class DiffsView:
    """All compared pairs."""

    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """All runs, newest first; those no family claims are listed apart."""

    runs: tuple[RunRow, ...]
    unclaimed: tuple[RunRow, ...]
    lead: str


class _Listings:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """The four index pages."""
        del context
        lookup = Lookup(registry)
        for name, title, view in (
            ("models", "Models", _models(lookup)),
            ("behaviors", "Behaviors", _behaviors(lookup)),
            ("diffs", "Upgrades", DiffsView(tuple(diff_lines(lookup)))),
            ("evidence", "Evidence", _evidence(lookup)),
        ):
            yield PageFile(
                id=name,
                path=f"{name}/index.md",
                template=f"{name}_index.md.j2",
                view=view,
                title=title,
                nav=(title,),
            )


PAGE = _Listings()


def _models(lookup: Lookup) -> ModelsView:
    families = []
    for family in lookup.registry.families:
        mine = [subject for subject in lookup.subject_ids() if lookup.subject(subject).family.id == family.id]
        families.append(
            (family.title, family.provider, tuple(model_line(lookup, subject) for subject in mine))
        )
    return ModelsView(tuple(families))


def _behaviors(lookup: Lookup) -> BehaviorsView:
    titles = {entry.id: (entry.title, entry.meaning) for entry in lookup.registry.taxonomy.categories}
    grouped: dict[str, list[tuple[Link, str | None, tuple[ForestRow, ...]]]] = {}
    for behavior in lookup.registry.behaviors:
        forest = behavior_view(lookup, behavior).forest
        grouped.setdefault(behavior.category, []).append(
            (lookup.behavior_link(behavior.id), behavior.summary, forest)
        )
    return BehaviorsView(
        tuple(
            (*titles.get(category, (category, None)), tuple(rows))
            for category, rows in sorted(
                grouped.items(), key=lambda item: list(titles).index(item[0]) if item[0] in titles else 999
            )
        )
    )


def _evidence(lookup: Lookup) -> EvidenceView:
    newest = sorted(
        lookup.registry.runs, key=lambda entry: (entry.run.started_at or "", entry.run.run_key), reverse=True
    )
    unfinished = sum(entry.run.status != "success" for entry in newest)
    attempts = sum(entry.attempts_seen for entry in newest)
    lead = f"{wording.counted(len(newest), 'run')}, {wording.counted(attempts, 'attempt')}"
    if unfinished:
        lead += f"; {unfinished} did not finish and count{'s' if unfinished == 1 else ''} for nothing"
    return EvidenceView(
        runs=run_rows(entry for entry in newest if entry.subject),
        unclaimed=run_rows(entry for entry in newest if not entry.subject),
        lead=f"{lead}.",
    )
