"""Every type of page as it is built, against the page that was looked at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mbe_docs.plugins import discover
from tests.pages.html_tree import article, printed

GOLDEN = Path(__file__).parent / "golden"
PAGES = {
    "home": "index.html",
    "model_card": "models/atlas-2/index.html",
    "model_card_variant": "models/{model:atlas-2+json}",
    "model_card_unmeasured": "models/atlas-3/index.html",
    "behavior": "behaviors/valid-json/index.html",
    "behavior_drift": "behaviors/exact-sums/index.html",
    "quirk": "quirks/prose-around-json/index.html",
    "catalogue": "quirks/index.html",
    "upgrade_diff": "diffs/{diff:atlas-1..atlas-2}",
    "run": "evidence/{run:inspect:json-format-2}",
    "reading": "reading/index.html",
    "models_index": "models/index.html",
    "behaviors_index": "behaviors/index.html",
    "diffs_index": "diffs/index.html",
    "evidence_index": "evidence/index.html",
}
"""Golden page → built page; a page id in braces stands for its path."""
HASH = re.compile(r"\b[0-9a-f]{12,64}\b")


def pages(project):
    """Every page of the project by id."""
    registry, context = project.registry(), project.context()
    members = discover("pages", "PAGE")
    return {
        page.id: (name, page) for name, member in members.items() for page in member.pages(registry, context)
    }


def built(page):
    """Where a page is in the site."""
    return page.path if page.path.endswith("index.md") else f"{page.path.removesuffix('.md')}/index.md"


def place(project, name):
    """Where the page of a golden page is in the site."""
    id = re.search(r"\{(.+)\}", PAGES[name])
    return PAGES[name] if id is None else built(pages(project)[id[1]][1]).replace(".md", ".html")


@pytest.mark.parametrize("name", PAGES)
def test_a_built_page_is_the_one_that_was_looked_at(atlas_project, name, update_golden):
    """White space as a reader sees it, hashes left out; after a change: `pytest tests/pages --update-golden`."""
    page = atlas_project.root / "site" / place(atlas_project, name)
    found = HASH.sub("…", printed(article(page))) + "\n"
    golden = GOLDEN / f"{name}.html"
    if update_golden:
        golden.write_text(found, encoding="utf-8")

    assert found == golden.read_text(encoding="utf-8")


def test_every_type_of_page_has_a_golden_page(atlas_project):
    """Whoever adds a page type adds the page that was looked at."""
    seen = {place(atlas_project, name) for name in PAGES}
    covered = {
        module
        for module, page in pages(atlas_project).values()
        if built(page).replace(".md", ".html") in seen
    }

    assert covered == set(discover("pages", "PAGE"))


def test_every_template_has_a_golden_page(atlas_project):
    """The index pages are four templates of one type."""
    seen = {place(atlas_project, name) for name in PAGES}
    every = [page for _, page in pages(atlas_project).values()]

    assert {page.template for page in every if built(page).replace(".md", ".html") in seen} == {
        page.template for page in every
    }


def test_no_golden_page_is_left_over():
    """A golden page that nothing is compared with says nothing."""
    assert sorted(path.stem for path in GOLDEN.glob("*")) == sorted(PAGES)


def test_building_again_gives_the_same_pages(atlas_project, tmp_path):
    """No clock and no order of hashing in a page."""
    from mbe_docs.project import Project
    from tests.pages import atlas

    Project(atlas.write(tmp_path)).build(pages_only=True)

    first = atlas_project.root / "build" / "docs"
    names = sorted(path.relative_to(first) for path in first.rglob("*.md"))
    again = tmp_path / "build" / "docs"
    assert len(names) > 30
    assert [(again / name).read_bytes() for name in names] == [(first / name).read_bytes() for name in names]
