"""Reads every built page: links lead somewhere, nothing is loaded from elsewhere, no id is taken twice."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from mbe_docs.errors import Location
from mbe_docs.records.findings import Finding
from mbe_docs.site.armour import is_safe_url
from mbe_docs.text import terminal_safe

_RESOURCES: Final = frozenset(
    {
        ("script", "src"),
        ("img", "src"),
        ("source", "src"),
        ("iframe", "src"),
        ("embed", "src"),
        ("video", "src"),
    }
    | {("audio", "src"), ("track", "src"), ("input", "src"), ("object", "data"), ("video", "poster")}
    | {("use", "href"), ("image", "href"), ("use", "xlink:href"), ("image", "xlink:href"), ("frame", "src")}
    | {("form", "action"), ("button", "formaction"), ("input", "formaction"), ("body", "background")}
)
"""Attributes that a browser follows by itself, or sends what a reader typed to."""
_NAVIGATION_RELS: Final = frozenset(
    {"canonical", "alternate", "next", "prev", "author", "license", "help", "edit"}
)
_STYLE_URL = re.compile(r"(?:url\(\s*|@import\s+)[\"']?([^\"')\s;]+)", re.IGNORECASE)
_REFRESH = re.compile(r"url\s*=\s*[\"']?([^\"';]+)", re.IGNORECASE)


_RAW = re.compile(r"<!--.*?-->|(<script\b[^>]*>).*?(?=</script)", re.DOTALL | re.IGNORECASE)
"""What is no markup: comments, and the text of scripts."""
_TAG = re.compile(r"<([a-z][^\s/>]*+)((?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([^\s=>\"'/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+)))?")
_OF_INTEREST = re.compile(
    r"\s(?:id|href|src|srcset|imagesrcset|data|action|formaction|poster|ping|style|background|http-equiv"
    r"|xlink:href)\s*=",
    re.IGNORECASE,
)
_STYLE_SHEET = re.compile(r"<style\b[^>]*>([^<]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Reference:
    url: str
    at: int
    """Offset in the page."""
    is_resource: bool


@dataclass(slots=True)
class _Document:
    ids: set[str] = field(default_factory=set)
    twice: list[tuple[str, int]] = field(default_factory=list)
    references: list[_Reference] = field(default_factory=list)

    def add(self, url: str, at: int, *, resource: bool = False) -> None:
        """Notes an address."""
        self.references.append(_Reference(url.strip(), at, resource))

    def add_id(self, name: str, at: int) -> None:
        """Notes an id; the second time, as one too many."""
        if name in self.ids:
            self.twice.append((name, at))
        self.ids.add(name)

    def add_style(self, css: str, at: int) -> None:
        """Notes what a style sheet loads."""
        for found in _STYLE_URL.finditer(css):
            self.add(found[1], at, resource=True)


def _read(html: str) -> _Document:
    """What one page says. Expressions do for what generators write, at a fifth of the time of a parser."""
    document = _Document()
    markup = _RAW.sub(lambda found: (found[1] or "").ljust(len(found[0])), html)
    for found in _STYLE_SHEET.finditer(markup):
        document.add_style(found[1], found.start())
    for found in _TAG.finditer(markup):
        if _OF_INTEREST.search(found[2]):
            values: dict[str, str] = {}
            for name, *quoted in _ATTRIBUTE.findall(found[2]):
                values.setdefault(name.lower(), unescape("".join(quoted)))
            _note(document, found[1].lower(), values, found.start())
    return document


def _note(document: _Document, tag: str, values: dict[str, str], at: int) -> None:
    relations = set(values.get("rel", "").lower().split())
    if values.get("http-equiv", "").lower() == "refresh":
        for found in _REFRESH.finditer(values.get("content", "")):
            document.add(found[1], at, resource=True)
    for name, value in values.items():
        match name:
            case "id":
                document.add_id(value, at)
            case "href" if tag in ("a", "area", "link"):
                document.add(value, at, resource=tag == "link" and not relations & _NAVIGATION_RELS)
            case "srcset" | "imagesrcset":
                for candidate in value.split(","):
                    document.add(candidate.strip().split(" ")[0], at, resource=True)
            case "ping":
                for url in value.split():
                    document.add(url, at, resource=True)
            case "style":
                document.add_style(value, at)
            case _ if (tag, name) in _RESOURCES:
                document.add(value, at, resource=True)


def check_site(site_dir: Path, *, site_url: str | None = None) -> list[Finding]:
    """Findings about a built site, by page and line; none if it holds together.

    Codes: `MBE391` a link leads nowhere, `MBE392` its anchor is missing, `MBE393` something would be loaded
    from another host, `MBE394` a link could do more than open a page, `MBE395` an id occurs twice on a page
    (the first one takes the links of the second).

    Args:
        site_dir: The built site; `x/` is served from `x/index.html`.
        site_url: Its published address: links there are inside.
    """
    files = {path.relative_to(site_dir).as_posix() for path in site_dir.rglob("*") if path.is_file()}
    pages = {path: _read(_text(site_dir / path)) for path in sorted(files) if path.endswith(".html")}
    site = _Site(site_dir, files, pages, site_url)
    findings = [finding for path in pages for finding in site.findings(path)]
    for path in sorted(files):
        if path.endswith(".css"):
            findings.extend(_style_findings(path, _text(site_dir / path)))
    return sorted(findings, key=Finding.sort_key)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


class _Site:
    def __init__(
        self, folder: Path, files: set[str], pages: dict[str, _Document], site_url: str | None
    ) -> None:
        self._folder = folder
        self._files = files
        self._pages = pages
        self._url = urlsplit(site_url) if site_url else None
        self._base = (self._url.path.rstrip("/") if self._url else "") + "/"

    def findings(self, page: str) -> Iterator[Finding]:
        """Everything wrong on one page, each address once."""
        document = self._pages[page]
        found = [
            (at, _Fault("MBE395", f"id '{name}' occurs twice", "rename one")) for name, at in document.twice
        ]
        first: dict[tuple[str, bool], _Reference] = {}
        for reference in document.references:
            first.setdefault((reference.url, reference.is_resource), reference)
        for reference in first.values():
            if fault := self._fault(page, reference):
                found.append((reference.at, fault))
        if found:
            text = _text(self._folder / page)
            yield from (fault.at(page, text, offset) for offset, fault in found)

    def _fault(self, page: str, reference: _Reference) -> _Fault | None:
        url = reference.url
        try:
            parts = urlsplit(url)
        except ValueError:
            return _Fault("MBE391", f"'{url}' is no address", "correct it")
        scheme = parts.scheme.lower()
        inside = not parts.netloc and not scheme
        if self._url and (scheme, parts.netloc) == (self._url.scheme, self._url.netloc):
            inside = parts.path.startswith(self._base)
        if not inside:
            if reference.is_resource:
                return None if scheme == "data" else _foreign(url)
            problem = f"link to '{url}'; expected the address of a page"
            return None if is_safe_url(url) else _Fault("MBE394", problem, "link to http, https or mailto")
        target = self._target(page, unquote(parts.path))
        if target is None:
            return _Fault("MBE391", f"link to '{url}', where nothing is", "correct or remove the link")
        if parts.fragment and target in self._pages and not self._has(target, unquote(parts.fragment)):
            return _Fault("MBE392", f"link to '{url}', which has no such anchor", "correct the anchor")
        return None

    def _has(self, target: str, anchor: str) -> bool:
        return anchor in self._pages[target].ids or anchor == "top"

    def _target(self, page: str, path: str) -> str | None:
        """The file an internal address is served from."""
        if not path:
            return page
        if path.startswith("/"):
            if not path.startswith(self._base):
                return None
            joined = path.removeprefix(self._base)
        else:
            joined = posixpath.join(posixpath.dirname(page), path)
        clean = posixpath.normpath(joined or ".")
        if clean.startswith(".."):
            return None
        if clean in self._files and not path.endswith("/"):
            return clean
        index = "index.html" if clean == "." else f"{clean}/index.html"
        return index if index in self._files else None


def _style_findings(path: str, css: str) -> Iterator[Finding]:
    for found in _STYLE_URL.finditer(css):
        if re.match(r"(?:https?:)?//", found[1], re.IGNORECASE):
            yield _foreign(found[1]).at(path, css, found.start())


@dataclass(frozen=True, slots=True)
class _Fault:
    code: str
    problem: str
    fix: str

    def at(self, path: str, text: str, offset: int) -> Finding:
        """The finding, with the line of an offset."""
        place = Location(path, text.count("\n", 0, offset) + 1)
        problem = terminal_safe(self.problem, one_line=True)
        return Finding(code=self.code, severity="error", problem=problem, at=place, fix=self.fix)


def _foreign(url: str) -> _Fault:
    return _Fault("MBE393", f"loads '{url}' from another host", "ship the file with the site")
