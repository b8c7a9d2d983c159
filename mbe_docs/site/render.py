"""Page files to Markdown: one template and one view each, with generated front matter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import unescape
from pathlib import Path
from traceback import walk_tb
from typing import Final
from urllib.parse import quote

from jinja2 import TemplateNotFound, TemplateSyntaxError
from markupsafe import Markup

from mbe_docs.config import Config
from mbe_docs.errors import Location, TemplateError
from mbe_docs.pages.interface import PageFile
from mbe_docs.site.armour import armour, armour_inline, external, finalize
from mbe_docs.site.environment import DYNAMIC, PageEnvironment
from mbe_docs.site.links import ASSETS, PageLinks, relative_url
from mbe_docs.site.notes import note, note_inline
from mbe_docs.text import terminal_safe

Resolver = Callable[[str, str], "Markup | str | None"]
"""Turns `[[kind: text]]` of a note into HTML or text; `None` leaves it to the page ids."""

_PAGE_PATH = re.compile(r"(?:[a-z0-9][a-z0-9._-]{0,90}/){0,8}[a-z0-9][a-z0-9._-]{0,90}\.md")
_TITLE_SPECIALS = re.compile(r"[!-'*+<-@\[-`{-~]|[⟦⟧]")
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*$", re.MULTILINE)
_DYNAMIC_HEADING = re.compile(rf"{DYNAMIC}(#{{1,6}})[ \t]+(.*?)[ \t]*$", re.MULTILINE)
_ID = re.compile(r"""\sid=["']([^"'\s]+)""")
_PLAIN_HEADING = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:;()/%+-]*")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")


def render_pages(
    pages: Iterable[PageFile],
    *,
    templates: Sequence[Path],
    config: Config,
    resolve: Resolver | None = None,
) -> dict[str, bytes]:
    """Markdown by path, in the order of the pages.

    Args:
        pages: All pages of the site: links are made between them.
        templates: Folders of templates, the project's first, the shipped one last.
        config: Its title is `site_title` in templates.
        resolve: What a note's `[[kind: text]]` means, asked before the page ids (`[[quirk: some-id]]`, or
            `[[quirk: some-id | label]]`). What neither knows is shown as it is written, but a page id that
            begins like one and does not exist is an error.

    Raises:
        TemplateError: a template is missing or wrong, prints an undefined value, or links to nowhere; two
            pages share an id or an address; a path is not plain lower case.
    """
    return Renderer(tuple(pages), templates=templates, config=config, resolve=resolve).render()


class Renderer:
    """Renders pages that may link to each other."""

    def __init__(
        self,
        pages: Sequence[PageFile],
        *,
        templates: Sequence[Path],
        config: Config,
        resolve: Resolver | None = None,
    ) -> None:
        for page in pages:
            if not _PAGE_PATH.fullmatch(page.path):
                raise TemplateError(
                    f"page '{page.id}' has the path {page.path!r}; expected [a-z0-9._-] and `/`",
                    fix="build the name with `mbe_docs.text.page_slug`",
                )
        self.links = PageLinks(pages)
        self._pages = pages
        self._resolve = resolve
        self._current: PageFile
        self._environment = PageEnvironment(templates)
        self._environment.globals.update(
            link=self._link,
            asset=self._asset,
            note=lambda body: note(body, self._reference),
            note_inline=lambda text: note_inline(text, self._reference),
            armour=armour,
            armour_inline=armour_inline,
            external=external,
            site_title=config.title,
        )

    def render(self) -> dict[str, bytes]:
        """All pages."""
        return {page.path: self.render_page(page) for page in self._pages}

    def render_page(self, page: PageFile) -> bytes:
        """One page: front matter, then what its template prints."""
        self._current = page
        try:
            body = self._environment.get_template(page.template).render(view=page.view, page=page)
        except Exception as error:
            raise _explained(error, page, self._environment.files.folders) from error
        return (front_matter(page) + _tidy(_headed(body))).encode("utf-8")

    def _link(self, page_id: str, anchor: str | None = None) -> Markup:
        return Markup(self.links.href(page_id, anchor, start=self._current.path))  # noqa: S704  [a-z0-9./#-]

    def _asset(self, name: str) -> Markup:
        if self._environment.files.find(f"{ASSETS}/{name}") is None:
            raise TemplateError(f"no asset '{name}'", fix=f"put it into site_templates/{ASSETS}/")
        return Markup(quote(relative_url(self._current.path, f"{ASSETS}/{name}")))  # noqa: S704  quoted

    def _reference(self, kind: str, text: str) -> Markup:
        found = self._resolve(kind, text) if self._resolve else None
        if found is not None:
            return finalize(found)
        name, _, label = (part.strip() for part in text.partition("|"))
        page_id = f"{kind}:{name}" if kind else name
        if page_id not in self.links and kind not in self.links.kinds:
            return armour_inline(f"[[{kind}: {text}]]" if kind else f"[[{text}]]")
        href = self._link(page_id)
        shown = finalize(label or self.links[page_id].title)
        return Markup('<a href="{}">{}</a>').format(href, shown)


def front_matter(page: PageFile) -> str:
    """The page's metadata as YAML: generated from the page's own fields, every value escaped.

    The theme prints titles and descriptions unescaped, on every page.
    """
    fields: dict[str, object] = {"title": plain_title(page.title)}
    if page.description:
        fields["description"] = plain_title(page.description)
    if page.search_exclude:
        fields["search"] = {"exclude": True}
    # A JSON value is a YAML value; invisible characters, which YAML refuses, are marks by now.
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items())
    return f"---\n{''.join(lines)}---\n\n"


def plain_title(text: str) -> str:
    """One line of text for places that themes print unescaped: titles, descriptions, navigation."""
    line = " ".join(terminal_safe(text).split())
    return _TITLE_SPECIALS.sub(lambda match: f"&#{ord(match[0])};", line)


def _headed(body: str) -> str:
    """Headings that print a value stay Markdown if the value is plain and its anchor free, else become HTML.

    Markdown makes an anchor of a heading's text. A value must not take one of the page, of the theme
    (`__config`) or of another heading: permalinks to those would lead to its text.
    """
    taken = {_anchor(unescape(found[1])) for found in _HEADING.finditer(body)}
    taken |= set(_ID.findall(body))

    def headed(found: re.Match[str]) -> str:
        level, text = len(found[1]), unescape(found[2])
        if _PLAIN_HEADING.fullmatch(text) and _anchor(text) not in taken:
            taken.add(_anchor(text))
            return f"{found[1]} {found[2]}"
        return f"\n<h{level}>{found[2]}</h{level}>\n"

    return _DYNAMIC_HEADING.sub(headed, body)


def _anchor(text: str) -> str:
    """What Python-Markdown makes of a heading's text."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def _tidy(body: str) -> str:
    """At most one blank line at a time: armoured text has no line ends of its own, so none is lost."""
    return _BLANK_LINES.sub("\n\n", body).strip("\n") + "\n"


_REASONS: Final[Mapping[str, str]] = {
    "UndefinedError": "name a field of the view; see the page type in `mbe_docs/pages/`",
    "SecurityError": "templates may only read the view and call the documented helpers",
}


def _explained(error: Exception, page: PageFile, folders: Sequence[Path]) -> TemplateError:
    """The error with the template's line and the page it was met on."""
    at = _place(error, folders)
    if isinstance(error, TemplateError):
        return TemplateError(f"{error.problem} (page '{page.id}')", at=error.at or at, fix=error.fix)
    if isinstance(error, TemplateSyntaxError):
        shown = _shown(Path(error.filename or page.template), folders)
        return TemplateError(error.message or "syntax error", at=Location(shown, error.lineno))
    if isinstance(error, TemplateNotFound):
        looked = ", ".join(str(folder) for folder in folders)
        return TemplateError(
            f"template '{error.name}' (page '{page.id}') is missing; looked in {looked}", at=at
        )
    name = type(error).__name__
    said = terminal_safe(str(error), one_line=True)
    return TemplateError(f"{name}: {said} (page '{page.id}')", at=at, fix=_REASONS.get(name))


def _place(error: Exception, folders: Sequence[Path]) -> Location | None:
    """The innermost template line of a traceback; Jinja gives its frames the template's own line numbers."""
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    lines = [(path, line) for path, line in frames if any(path.is_relative_to(folder) for folder in folders)]
    return Location(_shown(lines[-1][0], folders), lines[-1][1]) if lines else None


def _shown(path: Path, folders: Sequence[Path]) -> str:
    """The path as a person knows it: from the template folder on."""
    folder = next((folder for folder in folders if path.is_relative_to(folder)), path.parent)
    return path.relative_to(folder.parent).as_posix()
