"""The policy blesses what the theme wrote, and nothing that got into the content."""

from __future__ import annotations

import base64
import hashlib

import pytest

from mbe_docs.errors import GeneratorError
from mbe_docs.site.csp import policy, with_policy


def digest(code: str) -> str:
    """As in a policy."""
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def page(head: str = "", article: str = "", tail: str = "") -> str:
    """A page as themes build it."""
    return f'<html><head><meta charset="utf-8"><title>x</title>{head}</head><body><article>{article}</article>{tail}</body></html>'


def test_inline_scripts_of_the_theme_have_their_hash():
    """Of head and tail, each once, in an order that does not depend on the page."""
    found = policy(page("<script>one()</script>", "", "<SCRIPT>two()</SCRIPT><script>one()</script>"))

    hashes = sorted(f"'sha256-{digest(code)}'" for code in ("one()", "two()"))
    assert f"script-src 'self' {' '.join(hashes)};" in found


def test_scripts_in_the_article_have_none():
    """Even with an article inside the article, or an end of one."""
    for article in (
        "<script>evil()</script>",
        "<article></article><script>evil()</script><article></article>",
    ):
        assert "script-src 'self';" in policy(page(article=article))


@pytest.mark.parametrize(
    "script", ['<script src="x.js"></script>', '<script id="__config" type="application/json">{}</script>']
)
def test_what_is_no_inline_script_needs_no_hash(script):
    """Files are allowed by `'self'`; data is not executed."""
    assert "script-src 'self';" in policy(page(script))


def test_style_sheets_come_from_where_the_generator_needs_them():
    """From the site; more only where it is asked for."""
    assert "; style-src 'self'; " in policy(page())
    assert "; style-src 'self' 'unsafe-inline'; " in policy(page(), styles="'self' 'unsafe-inline'")


def test_carriage_returns_do_not_change_a_hash():
    """A browser normalises line ends before it hashes."""
    assert digest("a\nb\n") in policy(page("<script>a\r\nb\r</script>"))


def test_a_page_without_an_article_is_the_themes_own():
    """A redirect or an error page."""
    assert digest("x()") in policy("<head></head><script>x()</script>")


def test_the_policy_comes_before_anything_it_governs():
    """Right after the character set; nothing else of the page changes."""
    before = page("<script>one()</script>")

    after = with_policy(before)

    start = '<html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    assert after.startswith(start)
    assert before == after.replace(
        after[len('<html><head><meta charset="utf-8">') : after.index("<title>")], ""
    )


def test_a_page_without_a_head_is_refused():
    """Nothing could govern it."""
    with pytest.raises(GeneratorError, match="no <head>"):
        with_policy("<p>x")
