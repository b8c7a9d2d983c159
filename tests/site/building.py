"""Builds the test pages: `python -m tests.site.building FOLDER [TEXT]`."""

from __future__ import annotations

import sys
from pathlib import Path

from mbe_docs.config import Config
from mbe_docs.site.build import Built, assets, build_site
from mbe_docs.site.generator import navigation
from mbe_docs.site.render import render_pages
from tests.fixtures.site import text_pages

MKDOCS_YML = Path(__file__).resolve().parents[2] / "mkdocs.yml"
EVERYTHING_YML = text_pages.HERE / "mkdocs-everything.yml"
TEXTS = (
    ("plain", "gpt-4.1 & co"),
    ("script", "<script>alert(1)</script>"),
    ("table", "a | b\n\n## Evidence\n\n[x]: y"),
)


def build(root: Path, texts=TEXTS, *, static=None, **settings) -> Built:
    """Builds the test pages in a project, every text everywhere."""
    config = Config(**{"title": "Test <b>site</b>", **settings})
    pages = text_pages.pages(texts)
    files = render_pages(pages, templates=[text_pages.TEMPLATES], config=config)
    files |= assets((text_pages.TEMPLATES,))
    return build_site(root, files, config=config, nav=navigation(pages), static=static)


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), [("only", sys.argv[2])] if sys.argv[2:] else TEXTS).digest)
