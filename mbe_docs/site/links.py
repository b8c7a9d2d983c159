"""Links: page ids to addresses while pages are written, and a check of every built page after it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final
from urllib.parse import quote

from mbe_docs.errors import TemplateError
from mbe_docs.pages.interface import PageFile

ASSETS: Final = "assets"
"""Folder of style sheets and scripts, in the template folders and in the site."""


def page_url(path: str) -> str:
    """Address of a page below the site's root: `models/gpt-4.md` is served at `models/gpt-4/`."""
    stem = path.removesuffix(".md")
    folder, _, name = stem.rpartition("/")
    if name == "index":
        return f"{folder}/" if folder else ""
    return f"{stem}/"


def relative_url(start: str, target: str) -> str:
    """Address of a path below the site's root (`assets/x.css`, `models/gpt-4/`) from the page at `start`.

    From any page but an index it begins with `../`: the page's own folder is not the folder of its source.
    """
    folder = posixpath.dirname(start)
    url = posixpath.relpath(f"/{target}", f"/{folder}")
    if target.endswith("/") or not target:
        url = "" if url == "." else f"{url}/"
    if page_url(start) != (f"{folder}/" if folder else ""):
        return f"../{url}"
    return url or "./"


def _clash(page: PageFile, other: PageFile, shared: str) -> TemplateError:
    return TemplateError(
        f"pages '{other.path}' and '{page.path}' share the {shared}", fix="rename one of them"
    )


class PageLinks:
    """Pages by id, and the links between them.

    Raises:
        TemplateError: two pages share an id, or an address on some file system.
    """

    def __init__(self, pages: Iterable[PageFile]) -> None:
        self._pages: dict[str, PageFile] = {}
        taken: dict[str, PageFile] = {}
        for page in pages:
            address = page_url(page.path).casefold()
            if other := self._pages.get(page.id):
                raise _clash(page, other, f"id '{page.id}'")
            if other := taken.get(address):
                raise _clash(page, other, f"address '{address}'")
            self._pages[page.id] = taken[address] = page

    def __contains__(self, page_id: str) -> bool:
        return page_id in self._pages

    @property
    def kinds(self) -> frozenset[str]:
        """What stands before the `:` of page ids."""
        return frozenset(page_id.partition(":")[0] for page_id in self._pages if ":" in page_id)

    def __getitem__(self, page_id: str) -> PageFile:
        try:
            return self._pages[page_id]
        except KeyError:
            near = get_close_matches(page_id, self._pages, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"the site has {len(self._pages)} pages"
            raise TemplateError(f"link to '{page_id}', which no page has as its id", fix=hint) from None

    def href(self, page_id: str, anchor: str | None = None, *, start: str) -> str:
        """Relative address of a page as seen from the page at path `start`.

        Raises:
            TemplateError: there is no such page, or it does not declare this anchor.
        """
        page = self[page_id]
        if anchor is not None and anchor not in page.anchors:
            known = ", ".join(sorted(page.anchors)) or "none"
            raise TemplateError(
                f"link to anchor '{anchor}' of '{page_id}', which declares {known}",
                fix="add it to the `anchors` of its page type",
            )
        fragment = "" if anchor is None else f"#{quote(anchor)}"
        return relative_url(start, page_url(page.path)) + fragment
