"""Text in templates: what Jinja prints is inert, and the few things that are HTML are marked so."""

from __future__ import annotations

import datetime
import re
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Undefined
from markupsafe import Markup

from mbe_docs import text
from mbe_docs.errors import TemplateError

SAFE_SCHEMES = frozenset({"http", "https", "mailto"})
"""URL schemes that a link may have."""
_OUTWARD = re.compile(r"https?://|mailto:", re.IGNORECASE)


def armour(value: str) -> Markup:
    """Text from a log as a block; see `mbe_docs.text.armour`."""
    return Markup(text.armour(value))  # noqa: S704  armoured: nothing in it is HTML


def armour_inline(value: str) -> Markup:
    """A short text from a log in running text; see `mbe_docs.text.armour_inline`."""
    return Markup(text.armour_inline(value))  # noqa: S704  armoured


def finalize(value: object) -> Markup:
    """What a template prints: `Markup` as it is, text inert, numbers as Python has them, dates as ISO 8601.

    Raises:
        TemplateError: anything else, `None` and booleans included; a page never shows Python's words.
    """
    match value:
        case Markup():
            return value
        case str():
            return Markup(text.inert(value))  # noqa: S704  every special is an entity
        case bool() | None:
            pass
        case int() | float():
            return Markup(str(value))  # noqa: S704  digits
        case Undefined():
            return Markup(str(value))  # noqa: S704  raises, with the name that is undefined
        case datetime.date():
            return Markup(text.inert(value.isoformat()))  # noqa: S704  inert
    raise TemplateError(
        f"a template prints {value!r}; expected text or a number",
        fix="print a word for it, e.g. `{{ view.value if view.value is not none else 'unknown' }}`",
    )


def is_safe_url(url: str) -> bool:
    """Whether a link to this address can only open a page or a mail; relative addresses count."""
    if any(ord(char) <= 0x20 or 0x7F <= ord(char) <= 0x9F for char in url):
        return False
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return False
    return scheme in SAFE_SCHEMES if scheme else ":" not in url.split("/", 1)[0]


def external(url: str, label: Any = None) -> Markup:
    """A link out of the site, or its address as inert text where it could do more than open a page."""
    shown = finalize(url if label is None else label)
    if not is_safe_url(url) or not _OUTWARD.match(url):
        return armour_inline(url)
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(finalize(url), shown)
