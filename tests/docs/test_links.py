"""Links between pages, and to files and anchors in them."""

from __future__ import annotations

import re

import pytest

from tests.docs import console

_LINK = re.compile(r"(?<!\\)\]\(([^()\s]+(?:\([^()\s]*\))?)\)")
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.MULTILINE)
_OWN_ID = re.compile(r"\{\s*#([\w-]+)\s*\}")


def prose(page):
    """The page without its code blocks."""
    lines, fence = [], ""
    for line in page.read_text(encoding="utf-8").splitlines():
        mark = re.match(r"(`{3,}|~{3,})", line)
        if mark and (not fence or line.strip() == fence):
            fence = "" if fence else mark[1]
        elif not fence:
            lines.append(line)
    return "\n".join(lines)


def anchors(page):
    """Anchors of a page's headings, as GitHub makes them; and those that a heading states."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        if own := _OWN_ID.search(heading):
            found.add(own[1])
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", _OWN_ID.sub("", heading)).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = sum(
            anchor == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", anchor) is not None for anchor in found
        )
        found.add(f"{slug}-{count}" if count else slug)
    return found


def relative_links(page):
    """Targets of the links of a page that lead to files of the project."""
    text = _CODE.sub("", prose(page))
    return [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("page", console.pages(), ids=lambda page: page.relative_to(console.ROOT).as_posix())
def test_links_lead_somewhere(page):
    """Every relative link names a file that is there, and an anchor that it has."""
    wrong = []
    for target in relative_links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(console.ROOT) or not file.exists():
            wrong.append(f"{target}: no such file")
        elif anchor and anchor not in anchors(file):
            wrong.append(f"{target}: no such anchor")

    assert wrong == []


def test_every_page_can_be_reached_from_the_readme():
    """A page that nothing links to is not found by anybody."""
    seen, todo = set(), [console.ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            files = ((page.parent / target.partition("#")[0]).resolve() for target in relative_links(page))
            todo.extend(file for file in files if file.is_file())

    assert [page for page in console.pages() if page not in seen] == []
