"""Pure text: what a string shows, made safe for a terminal, for HTML and Markdown, and for a file name.

Every function is total (any `str`, lone surrogates included) and takes linear time. The character sets are
written out, so output does not depend on the Unicode version of the Python that runs.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

_HARMFUL: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff"
    "\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xE0000, 0x10000))
    + "\U000e0000-\U0010ffff"
)
"""Controls but tab and LF, bidi, zero width, fillers, tags, variation selectors, private use, surrogates."""
_BLANK: Final = "\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
"""White space that looks like a space and is another character."""
_EMOJI: Final = "©®‼⁉™ℹ↔-⇿⌀-⏿Ⓜ▪-➿⤴⤵⬀-⯿〰〽㊗㊙\U0001f000-\U0001faff"
_IN_EMOJI: Final = (
    f"(?<=[{_EMOJI}])\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
)
_UNSAFE = re.compile(f"({_IN_EMOJI})|[{_HARMFUL}]")
_UNSEEN = re.compile(f"({_IN_EMOJI})|[{_HARMFUL}{_BLANK}]")

_LETTERS: Final = "A-Za-z0-9À-ʯͰ-῾Ⰰ-ⷿぁ-\ud7fb\uf900-\ufaff\U00020000-\U0003ffff"
_NOT_ARMOURED = re.compile(f"[^{_LETTERS} .,;?()/-]")
_NOT_INERT = re.compile(f"[^{_LETTERS}, ]|(?<![^ ]) ")

_CANONICAL_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_RESERVED_SLUGS: Final = frozenset(
    {"con", "prn", "aux", "nul", "index", "readme", "assets", "search", "404"}
    | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)
_SLUG_BYTES: Final = 80


def _mark(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟦U+{code:04X}⟧"


def visible(text: str) -> str:
    """The text as it is shown to a reader: nothing in it is invisible or moves its neighbours.

    CRLF becomes LF. Tab, LF and the ordinary space stay. Other C0 controls and DEL become their control
    picture (`␛`); C1 controls, every other white space, soft hyphens, zero-width, bidi, tag, filler,
    variation, private-use and never-assigned characters and lone surrogates become `⟦U+200B⟧`. A variation
    selector or joiner inside one emoji stays: it is part of what is seen.
    """
    return _UNSEEN.sub(_mark, text.replace("\r\n", "\n"))


def terminal_safe(text: str, *, one_line: bool = False) -> str:
    """The text with every control, bidi and invisible character marked as by `visible`; other spaces stay.

    Only tab and LF are left of the controls. With `one_line` they are marked too, so that a value cannot
    pretend to be a line of a report.
    """
    safe = _UNSAFE.sub(_mark, text.replace("\r\n", "\n"))
    return safe.replace("\n", "␊").replace("\t", "␉") if one_line else safe


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def _armoured(text: str, special: re.Pattern[str]) -> str:
    text, parts, done = text.replace("\r\n", "\n"), [], 0
    for match in _UNSEEN.finditer(text):
        parts.append(special.sub(_entity, text[done : match.start()]))
        mark = special.sub(_entity, _mark(match))
        parts.append(mark if match[1] else f'<span class="mbe-unseen">{mark}</span>')
        done = match.end()
    parts.append(special.sub(_entity, text[done:]))
    return "".join(parts)


def armour(text: str) -> str:
    """An HTML block of one line that shows `visible(text)` exactly and in which nothing can act.

    Everything but letters, digits, space and `.,;?()/-` is a numeric entity, line ends included, so neither
    Markdown, nor an extension or template engine of the site around it, finds anything to read.
    """
    return f'<pre class="mbe-raw"><code>{_armoured(text, _NOT_ARMOURED)}</code></pre>'


def armour_inline(text: str) -> str:
    """As `armour`, for a short string in running text: all but letters, digits, `,` and space coded."""
    return f'<code class="mbe-raw">{_armoured(text, _NOT_INERT)}</code>'


def inert(text: str) -> str:
    """Plain text for any place of a page: safe in Markdown, in HTML text and in a quoted HTML attribute.

    Letters, digits, `,` and single spaces stay; all else is a numeric entity. Harmful characters are marked
    as by `terminal_safe`; no-break and thin spaces stay what they are, our own numbers use them.
    """
    return _NOT_INERT.sub(_entity, terminal_safe(text))


def page_slug(name: str) -> str:
    """A file name of `[a-z0-9-]`, at most 80 bytes, different for different names on every file system.

    A name that is such a slug already is kept. Any other gets its readable part, `--`, and 10 hex digits of
    its SHA-256; a kept name has no `--` in it, so the two never meet. Names that are special as a file
    (`con`, `index`) count as other.
    """
    if _CANONICAL_SLUG.fullmatch(name) and len(name) <= _SLUG_BYTES and name not in _RESERVED_SLUGS:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", plain)[: _SLUG_BYTES - 12].strip("-")
    return f"{readable or 'id'}--{digest}"
