"""From the registry to files: registry.json, its schema, Markdown pages, the site."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from mbe_docs import bundled
from mbe_docs.config import Config
from mbe_docs.curated.schemas import authored_schemas
from mbe_docs.errors import GeneratorError
from mbe_docs.pages.interface import Context, PageFile
from mbe_docs.plugins import discover
from mbe_docs.records.registry import Registry
from mbe_docs.registry.publish import registry_json, registry_schema
from mbe_docs.registry.wording import value_text
from mbe_docs.site.build import assets, build_site, write_pages
from mbe_docs.site.generator import navigation
from mbe_docs.site.render import Resolver, render_pages

SECTIONS: Final = ("Models", "Known quirks", "Behaviors", "Upgrades", "Evidence")
"""Order of the navigation; sections of other page types follow."""
LARGEST_SECTION: Final = 50
"""Pages of a larger section are reached from its index: the navigation is rendered into every page."""


def publish(
    root: Path, registry: Registry, context: Context, config: Config, *, pages_only: bool
) -> tuple[int, str]:
    """Write everything; the number of pages and where they are.

    Raises:
        TemplateError: a template is wrong or links to nowhere.
        GeneratorError: the site generator failed, or a built page has a dead link.
    """
    pages = in_order(
        page for member in discover("pages", "PAGE").values() for page in member.pages(registry, context)
    )
    folders = [folder for folder in (root / "site_templates", bundled.templates()) if folder.is_dir()]
    folders = list(dict.fromkeys(folder.resolve() for folder in folders))
    published = {
        "registry.json": registry_json(registry).encode("utf-8"),
        "schema/registry.json": (json.dumps(registry_schema(), indent=1, sort_keys=True) + "\n").encode(
            "utf-8"
        ),
    }
    for kind, schema in authored_schemas().items():
        published[f"schema/{kind}.json"] = (json.dumps(schema, indent=1, sort_keys=True) + "\n").encode(
            "utf-8"
        )
    files = render_pages(pages, templates=folders, config=config, resolve=resolver(registry))
    files |= assets(tuple(folders)) | published
    if pages_only:
        written = write_pages(files, root / "build" / "docs")
        return len(pages), f"build/docs/ ({len(written.changed)} files changed)"
    built = build_site(root, files, config=config, nav=navigation(pages))
    if not built.is_published:
        listing = "\n".join(str(finding) for finding in built.findings[:20])
        raise GeneratorError(
            f"the built site has {len(built.findings)} faults, so the previous one stays:\n{listing}",
            fix="mend the template or note named above, and build again",
        )
    aside = f"; the folder site/ of before is {built.moved_aside.name}/ now" if built.moved_aside else ""
    return len(pages), f"site/index.html{aside}"


def in_order(pages: Iterable[PageFile]) -> list[PageFile]:
    """Pages in the order of the navigation; those of large sections are left out of it."""
    found = list(pages)
    sizes = Counter(page.nav for page in found if page.nav)

    def key(page: PageFile) -> tuple[int, int, int]:
        if not page.nav:
            return (0 if page.id == "home" else 3, 0, 0)
        known = page.nav[0] in SECTIONS
        return (
            1 if known else 2,
            SECTIONS.index(page.nav[0]) if known else 0,
            not page.path.endswith("index.md"),
        )

    return [
        replace(page, nav=None)
        if page.nav and sizes[page.nav] > LARGEST_SECTION and not page.path.endswith("index.md")
        else page
        for page in sorted(found, key=key)
    ]


def resolver(registry: Registry) -> Resolver:
    """What `[[rate: …]]`, `[[quirk: …]]` and the like mean in a note."""
    estimates = {(entry.behavior, entry.subject): entry for entry in registry.estimates}

    def resolve(kind: str, text: str) -> str | None:
        if kind != "rate":
            return None
        behavior, _, subject = text.partition("=")[0].partition("@")
        estimate = estimates.get((behavior.strip(), subject.strip()))
        return value_text(estimate.rate, estimate.unit) if estimate else "not measured"

    return resolve
