"""The catalogue of known quirks: one line each, searched by what people see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.pages.lookup import Lookup
from mbe_docs.pages.views import QuirkCells
from mbe_docs.records.quirks import Quirk
from mbe_docs.records.registry import Registry
from mbe_docs.registry import wording


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One quirk."""

    quirk: QuirkCells
    category: str
    symptoms: tuple[str, ...]
    statuses: str
    """Statuses that occur, space separated, for the filter."""
    has_mitigation: bool
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """Everything the catalogue shows."""

    rows: tuple[CatalogueRow, ...]
    severities: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]
    lead: str


class _Catalogue:
    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """The one catalogue page."""
        del context
        lookup = Lookup(registry)
        view = catalogue_view(lookup)
        yield PageFile(
            id="quirks",
            path="quirks/index.md",
            template="catalogue.md.j2",
            view=view,
            title="Known quirks",
            description=view.lead,
            nav=("Known quirks",),
        )


PAGE = _Catalogue()


def _by_severity(quirk: Quirk) -> tuple[int, str]:
    return wording.SEVERITY_ORDER.index(quirk.severity), quirk.title


def catalogue_view(lookup: Lookup) -> CatalogueView:
    """The view of the catalogue, most severe first."""
    rows = []
    titles = {category.id: category.title for category in lookup.registry.taxonomy.categories}
    used: dict[str, str] = {}
    quirks = sorted(lookup.registry.quirks, key=_by_severity)
    for quirk in quirks:
        said = {entry.status for entry in lookup.registry.statements if entry.quirk == quirk.id}
        category = lookup.behaviors[quirk.behavior].category
        used[category] = titles.get(category, category)
        rows.append(
            CatalogueRow(
                quirk=lookup.quirk_cells(quirk),
                category=category,
                symptoms=quirk.symptoms,
                statuses=" ".join(sorted(status.replace("_", "-") for status in said)) or "unknown",
                has_mitigation=bool(quirk.mitigations),
                withdrawn=quirk.withdrawn is not None,
            )
        )
    known = wording.counted(sum(not row.withdrawn for row in rows), "known quirk")
    return CatalogueView(
        rows=tuple(rows),
        severities=tuple(
            name for name in wording.SEVERITY_ORDER if any(row.quirk.severity == name for row in rows)
        ),
        categories=tuple(sorted(used.items())),
        lead=f"{known}. Paste what the model wrote to find yours.",
    )
