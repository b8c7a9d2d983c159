"""Checks of bodies and addresses: no raw HTML, only harmless links, and claims that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mbe_docs.curated.checks import Check, Complaint, Everything, Text
from mbe_docs.curated.checks_models import unknown_name
from mbe_docs.curated.claims import each_mention
from mbe_docs.errors import Location
from mbe_docs.records.quirks import Quirk
from mbe_docs.safe_yaml import shorten

if TYPE_CHECKING:
    from markdown_it.token import Token

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE | re.ASCII)
_ALLOWED = frozenset({"http", "https", "mailto", "mbe"})
_EXPECTED = "http, https, mailto, mbe or a relative address"


def _html(everything: Everything) -> Iterator[Complaint]:
    for text in everything.texts:
        for block, token, line in _tokens(text):
            if token.type in ("html_block", "html_inline") and not token.content.startswith("</"):
                first = shorten(token.content.strip().partition("\n")[0], 40)
                problem = f"raw HTML '{first}'; it is shown as text"
                yield Complaint(
                    problem,
                    _place(text, block, line, token.content),
                    "write Markdown, or put it in backticks",
                )


def _links(everything: Everything) -> Iterator[Complaint]:
    for text in everything.texts:
        for block, token, line in _tokens(text):
            url = token.attrGet("href") if token.type == "link_open" else token.attrGet("src")
            if isinstance(url, str) and (wrong := _wrong_with(url)):
                yield Complaint(
                    f"link to '{shorten(url)}' {wrong}",
                    _place(text, block, line, url),
                    "write its https address",
                )
    for file in everything.quirks:
        for path, url in _urls(file.partial) if file.partial else ():
            if wrong := _wrong_with(url):
                yield Complaint(
                    f"address '{shorten(url)}' {wrong}", file.at(*path), "write its https address"
                )


def _urls(quirk: Quirk) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for number, statement in enumerate(quirk.statements):
        if statement.source:
            yield ("statements", number, "source", "url"), statement.source.url
    for number, reference in enumerate(quirk.references):
        yield ("references", number, "url"), reference.url


def _wrong_with(url: str) -> str | None:
    """Why an address is refused; browsers drop tabs and line feeds in it, and so does this."""
    bare = re.sub(r"%0[9ad]|[\t\n\r]", "", url, flags=re.IGNORECASE).lstrip("\x00\x01\x02 ")
    scheme = _SCHEME.match(bare)
    if scheme and scheme.group(1).lower() not in _ALLOWED:
        return f"has the scheme '{scheme.group(1).lower()}'; expected {_EXPECTED}"
    if re.match(r"[/\\]{2}", bare.replace("%5C", "\\")):
        return f"begins with two slashes; expected {_EXPECTED}"
    return None


def _tokens(text: Text) -> Iterator[tuple[Token, Token, int]]:
    """Tokens of a text with the block around each and its line in the text, as far as it is known."""
    if not text.body or len(text.body) > 262_144:
        return
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": True})
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    for block in markdown.parse(text.body):
        line = block.map[0] if block.map else 0
        yield block, block, line
        for token in block.children or ():
            yield block, token, line
            line += token.type in ("softbreak", "hardbreak")


def _place(text: Text, block: Token, line: int, content: str) -> Location:
    """Where something stands in a text: its column where the line has it as written."""
    lines = text.body.split("\n")
    start = text.body_at
    first = start.line or 1
    end = block.map[1] if block.map else len(lines)
    needle = content.strip().partition("\n")[0]
    for at in range(line, max(end, line + 1)):
        if at < len(lines) and needle and (column := lines[at].find(needle)) >= 0:
            return Location(start.path, first + at, column + (1 if at else start.column or 1))
    return Location(start.path, first + line, 1)


def _malformed(everything: Everything) -> Iterator[Complaint]:
    for prose in everything.prose:
        for problem in prose.problems:
            yield Complaint(problem.text, problem.at, problem.fix)


def _dangling(everything: Everything) -> Iterator[Complaint]:
    known = {
        "behavior": (everything.behavior_ids, "the id of a file in behaviors/", "write the file"),
        "quirk": (everything.quirk_ids, "the id of a file in behaviors/quirks/", "write the file"),
        "model": (everything.model_ids, "a model of behaviors/models/", "add the model to its family"),
    }
    for prose in everything.prose:
        for kind, id, at in each_mention(prose):
            ids, where, add = known[kind]
            if id not in ids and not (kind == "model" and everything.has_broken_family):
                yield unknown_name(f"the text names {kind}", id, ids, at, expected=where, add=add)


PROSE_CHECKS: Final = (
    Check(
        "MBE160",
        "no raw HTML",
        "warning",
        "HTML in a body could change the page around it, so it is shown as text.",
        "Write Markdown, or put the tag in backticks.",
        _html,
    ),
    Check(
        "MBE161",
        "harmless links",
        "error",
        "`javascript:` and `data:` links run code; other schemes open programs.",
        "Link to http, https, mailto, mbe or a relative address.",
        _links,
    ),
    Check(
        "MBE162",
        "readable claims",
        "error",
        "A number in prose is checked against the data, if it can be read.",
        "Write `[[rate: BEHAVIOR @ MODEL = 20 %]]`, `[[behavior: id]]`, `[[quirk: id]]` or `[[model: id]]`.",
        _malformed,
    ),
    Check(
        "MBE163",
        "claims and links to known entries",
        "error",
        "A claim about an unknown model or a link to an unknown entry leads nowhere.",
        "Write the id of an entry; a renamed one keeps its old id in `aliases:`.",
        _dangling,
    ),
)
"""About bodies and addresses."""
