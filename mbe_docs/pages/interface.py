"""What a page type offers: the files it adds to the site, each a template and one frozen view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from mbe_docs.records.evals import Excerpt
from mbe_docs.records.registry import Registry


@dataclass(frozen=True, slots=True)
class PageFile:
    """One page before rendering."""

    id: str
    """Stable page id, `kind:name`, what links are made to."""
    path: str
    """POSIX path below the docs folder, ends in `.md`; it decides the URL and never changes."""
    template: str
    view: object
    """Frozen; the only thing the template reads."""
    title: str
    """As text; escaped where it is printed."""
    description: str | None = None
    anchors: frozenset[str] = frozenset()
    """Anchors that other pages may link to."""
    nav: tuple[str, ...] | None = None
    """Section titles above this page in the navigation; `None` leaves it out."""
    search_exclude: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What page types may read besides the registry."""

    excerpts: dict[str, tuple[Excerpt, ...]] = field(default_factory=dict)
    """Published excerpts by run key; empty where publishing is off."""
    log_viewer: str | None = None


class Page(Protocol):
    """A page type; a module of this package exposes one as `PAGE`."""

    def pages(self, registry: Registry, context: Context) -> Iterator[PageFile]:
        """The pages of this type, in a stable order."""
        ...
