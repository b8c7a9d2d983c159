"""A Content-Security-Policy in every built page: the site's own files and the theme's own inline scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from mbe_docs.errors import GeneratorError

_INLINE_SCRIPT = re.compile(
    r"<script(?P<attributes>(?:\s[^>]*)?)>(?P<code>.*?)</script>", re.DOTALL | re.IGNORECASE
)
_HAS_SOURCE = re.compile(r"\ssrc\s*=", re.IGNORECASE)
_DATA_TYPE = re.compile(r"\stype\s*=\s*[\"']?application/(?:ld\+)?json", re.IGNORECASE)
_HEAD = re.compile(r"<head[^>]*>\s*(?:<meta charset=[^>]*>)?", re.IGNORECASE)
_DIRECTIVES: Final = (
    "default-src 'none'",
    "script-src 'self'{hashes}",
    "worker-src 'self'",
    "style-src {styles}",
    # The theme aligns table cells with style attributes; an attribute loads nothing under these rules.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
)


def policy(page: str, *, styles: str = "'self'") -> str:
    """The policy of one page, with the hashes of the inline scripts outside of its article, in sorted order.

    Only what the theme wrote is looked at: a script that got into the content is never blessed. `styles` is
    where style sheets may come from.
    """
    theme = page.partition("<article")[0] + page.rpartition("</article>")[2]
    hashes = sorted(
        f" 'sha256-{_digest(found['code'])}'"
        for found in _INLINE_SCRIPT.finditer(theme if "<article" in page else page)
        if not _HAS_SOURCE.search(found["attributes"]) and not _DATA_TYPE.search(found["attributes"])
    )
    return "; ".join(_DIRECTIVES).format(hashes="".join(dict.fromkeys(hashes)), styles=styles)


def with_policy(page: str, *, styles: str = "'self'") -> str:
    """The page with its policy as the first thing a browser reads.

    Raises:
        GeneratorError: the page has no `<head>`.
    """
    head = _HEAD.search(page)
    if head is None:
        raise GeneratorError("a built page has no <head>", fix="the theme's `main.html` must keep it")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(page, styles=styles)}">'
    return f"{page[: head.end()]}{meta}{page[head.end() :]}"


def _digest(code: str) -> str:
    # Browsers hash the script after line ends are normalised.
    text = code.replace("\r\n", "\n").replace("\r", "\n")
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
