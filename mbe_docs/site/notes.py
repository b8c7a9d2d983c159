"""Curated prose: CommonMark without raw HTML, rendered alone, sanitised, and inserted as an inert island."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping, Sequence
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from mbe_docs.site.armour import SAFE_SCHEMES
from mbe_docs.text import armour_inline, inert, terminal_safe

Resolve = Callable[[str, str], Markup]
"""Turns a reference `[[kind: text]]` into HTML; `kind` is empty for `[[text]]`."""

_TAGS: Final = frozenset(
    {"a", "blockquote", "br", "code", "em", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "strong"}
    | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
)
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}}
_VOID: Final = frozenset({"br", "hr"})
_OUTWARD = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_REFERENCE = re.compile(r"\[\[[ \t]*(?:([a-z][a-z-]{0,30})[ \t]*:)?[ \t]*([^\[\]\n]{1,300})\]\]")
# Private-use characters never survive in a note's own text: `terminal_safe` marks them first.
_OPEN, _CLOSE = "\ue000", "\ue001"
_FOUND: Final = "mbe-references"
_PLACEHOLDER = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")


def note(body: str, resolve: Resolve | None = None, *, id_prefix: str = "note-") -> Markup:
    """A note's body as one line of HTML that neither Markdown nor an extension of the site can act on.

    Headings start at level 4, images become links, raw HTML is shown as text. Links out are http, https or
    mailto; a relative one is shown as its text, since no path is right both beside the note and in the site:
    links inside are `[[kind: text]]`, replaced by what `resolve` returns, and shown as code without it. In
    code they stay as written. An empty body gives an empty island.
    """
    return Markup(f'<div class="mbe-note" markdown="0">{_island(body, resolve, id_prefix)}</div>')  # noqa: S704


def note_inline(text: str, resolve: Resolve | None = None) -> Markup:
    """A short curated text as inert HTML in running text: emphasis, code, links and references only."""
    return Markup(f'<span class="mbe-note">{_island(text, resolve, inline=True)}</span>')  # noqa: S704


def _island(body: str, resolve: Resolve | None, id_prefix: str = "note-", *, inline: bool = False) -> str:
    """Inert HTML on one line: every piece is an allowed tag, an entity-coded text or a resolved reference."""
    references: list[tuple[str, str]] = []
    env = {_FOUND: references}
    source = terminal_safe(body)
    rendered = _markdown().renderInline(source, env) if inline else _markdown().render(source, env)
    clean = nh3.clean(
        rendered,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes=set(SAFE_SCHEMES),
        link_rel="noopener noreferrer nofollow",
        id_prefix=id_prefix,
        strip_comments=True,
    )
    island = _Island([_resolved(resolve, kind, text) for kind, text in references])
    island.feed(clean)
    island.close()
    return "".join(island.parts)


def _resolved(resolve: Resolve | None, kind: str, text: str) -> str:
    if resolve is None:
        return armour_inline(f"[[{kind}: {text}]]" if kind else f"[[{text}]]")
    return str(resolve(kind, text))


class _Island(HTMLParser):
    """Writes clean HTML again with every character of its text inert, all on one line."""

    def __init__(self, references: Sequence[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._references = references
        self._verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = _ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        kept = [(name, _PLACEHOLDER.sub("", value or "")) for name, value in attrs if name in allowed]
        shown = "".join(
            f' {name}="{inert(text)}"' for name, text in kept if name != "href" or _OUTWARD.match(text)
        )
        assert tag in _TAGS
        self.parts.append(f"<{tag}{shown}>")
        self._verbatim += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        assert tag in _TAGS - _VOID
        self.parts.append(f"</{tag}>")
        self._verbatim -= tag == "pre"

    def handle_data(self, data: str) -> None:
        if not self._verbatim and not data.strip(" \n"):
            self.parts.append(" ")
            return
        for index, piece in enumerate(_PLACEHOLDER.split(data)):
            self.parts.append(self._references[int(piece)] if index % 2 else inert(piece))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.inline.ruler.before("link", "reference", _read_reference)
    markdown.core.ruler.push("demote", _demote)
    markdown.add_render_rule("reference", _write_reference)
    markdown.add_render_rule("image", _write_image)
    return markdown


def _read_reference(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("[[", state.pos):
        return False
    match = _REFERENCE.match(state.src, state.pos)
    if match is None or match.end() > state.posMax:
        return False
    if not silent:
        token = state.push("reference", "", 0)
        token.meta = {"kind": match[1] or "", "text": match[2].strip()}
    state.pos = match.end()
    return True


def _demote(state: Any) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 3)}"


def _write_reference(
    _self: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    meta = tokens[index].meta
    env[_FOUND].append((meta["kind"], meta["text"]))
    return f"{_OPEN}{len(env[_FOUND]) - 1}{_CLOSE}"


def _write_image(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    """A link in place of the picture: a page loads nothing from elsewhere."""
    link = Token("link_open", "a", 1, attrs={"href": tokens[index].attrs["src"]})
    alt = renderer.renderInlineAsText(tokens[index].children, options, env) or str(link.attrs["href"])
    return f"{renderer.renderToken([link], 0, options, env)}{nh3.clean_text(alt)}</a>"
