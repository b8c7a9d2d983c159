"""Text is shown exactly or marked, and cannot act anywhere."""

from __future__ import annotations

import html
import re
import sys
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mbe_docs.text import armour, armour_inline, inert, page_slug, terminal_safe, visible

ANY_TEXT = st.text(st.characters())
"""All code points, lone surrogates included."""
SEEN_FORMAT_CHARACTERS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Of category Cf, and yet drawn: Arabic, Syriac and Kaithi number and abbreviation signs."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with é, 模型, = and 😀", "plain, with é, 模型, = and 😀"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("dos\r\nline", "dos\nline"),
        ("old mac\rline", "old mac␍line"),
        ("\x00 \x1b[31m \x7f", "␀ ␛[31m ␡"),
        ("\x9b31m", "⟦U+009B⟧31m"),
        ("no\u00a0break, thin\u202fspace", "no⟦U+00A0⟧break, thin⟦U+202F⟧space"),
        ("zero\u200bwidth\u200djoiner", "zero⟦U+200B⟧width⟦U+200D⟧joiner"),
        ("\u202eevil\u2066", "⟦U+202E⟧evil⟦U+2066⟧"),
        ("tags \U000e0041\U000e007f", "tags ⟦U+E0041⟧⟦U+E007F⟧"),
        ("filler \u3164 \uffa0 \u2800", "filler ⟦U+3164⟧ ⟦U+FFA0⟧ ⟦U+2800⟧"),
        ("bom \ufeff selector A\ufe0f", "bom ⟦U+FEFF⟧ selector A⟦U+FE0F⟧"),
        ("half \ud83d pair", "half ⟦U+D83D⟧ pair"),
        ("private \ue000 \U0010fffd never \uffff", "private ⟦U+E000⟧ ⟦U+10FFFD⟧ never ⟦U+FFFF⟧"),
        ("⚠️ 👩‍💻 🏳️‍🌈 1️⃣", "⚠️ 👩‍💻 🏳️‍🌈 1️⃣"),
    ],
)
def test_what_cannot_be_seen_is_marked(text, shown):
    """Only what a reader sees stays; the rest has a mark that names it."""
    assert shown == visible(text)


def test_every_control_format_space_and_private_character_is_marked():
    """The written-out ranges miss none of the characters that Unicode calls invisible."""
    invisible = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"}

    missed = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in invisible
        and chr(code) not in "\t\n "
        and code not in SEEN_FORMAT_CHARACTERS
        and visible(f"a{chr(code)}b") == f"a{chr(code)}b"
    ]

    assert missed == []


@given(ANY_TEXT)
@example("\x1b]0;title\x07 \x9b31m \u202e")
def test_no_control_reaches_a_terminal(text):
    """Of C0 only tab and line feed, of C1 and the bidi controls none."""
    safe = terminal_safe(text)

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", safe)
    safe.encode("utf-8")


def test_a_value_cannot_pretend_to_be_a_line_of_a_report():
    """On one line, line ends and tabs are marks too; thin spaces of our numbers stay."""
    assert terminal_safe("x\nerror: 5\u202f%\ty", one_line=True) == "x␊error: 5\u202f%␉y"


@given(ANY_TEXT)
@example("a\r\nb\x1b\u200b<b>&amp;{{ x }}--8<--")
def test_armour_shows_the_visible_text_and_nothing_else(text):
    """What a browser shows is `visible(text)`; between the tags there are only safe characters."""
    block = armour(text)

    found = re.fullmatch(r'<pre class="mbe-raw"><code>(.*)</code></pre>', block)
    assert found
    content = re.sub(r'<span class="mbe-unseen">([^<]*)</span>', r"\1", found[1])
    assert visible(text) == _shown(content)
    assert not re.search(r"[^A-Za-z0-9 .,;?()/&#\u00c0-\U0003ffff-]", content)
    assert not re.search(r"&(?!#[0-9]+;)|(?<!&)#", content)


@given(ANY_TEXT)
@example("  # *a* _b_ [c](d) `e` | www.x.y 1. - +")
def test_inert_text_has_no_special_of_markdown_or_html(text):
    """Everything that means something to either is a numeric entity; it reads as the text did."""
    safe = inert(text)

    assert terminal_safe(text) == _shown(safe)
    assert not re.search(r"[^A-Za-z0-9, &#;\u00c0-\U0003ffff]|^ |  ", safe)
    assert not re.search(r"&(?!#[0-9]+;)|(?<!&)#", safe)


def test_inline_armour_is_one_word_of_code_without_a_full_stop():
    """`www.` links and `1.` lists begin with letters, digits and a full stop."""
    expected = '<code class="mbe-raw">www&#46;evil&#46;example&#10;1&#46; x</code>'

    assert expected == armour_inline("www.evil.example\n1. x")


@pytest.mark.parametrize("function", [visible, terminal_safe, armour, armour_inline, inert])
@pytest.mark.parametrize("part", ["<a ", "\u200b", "👩‍💻", "  ", "[" * 7, "\r\n"])
def test_time_grows_with_the_text(function, part):
    """Twenty times the text takes about twenty times as long, not four hundred times."""
    small = _seconds(function, part * (5_000 // len(part)))
    large = _seconds(function, part * (100_000 // len(part)))

    assert large < max(small, 0.002) * 100


@given(ANY_TEXT, ANY_TEXT)
@example("K", "\u212a")
@example("é", "e\u0301")
@example("a", "A")
@example("a-b", "a--b")
@example("x" * 300, "x" * 301)
def test_different_names_never_share_a_file(one, other):
    """Also where the file system folds case or normalises."""
    slugs = page_slug(one), page_slug(other)

    assert (one == other) == (slugs[0] == slugs[1])
    for slug in slugs:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,79}", slug)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("x" * 80, "x" * 80),
        ("GPT-4", r"gpt-4--[0-9a-f]{10}"),
        ("../../x", r"x--[0-9a-f]{10}"),
        ("con", r"con--[0-9a-f]{10}"),
        ("index", r"index--[0-9a-f]{10}"),
        ("模型", r"id--[0-9a-f]{10}"),
        ("a--b", r"a-b--[0-9a-f]{10}"),
        ("", r"id--[0-9a-f]{10}"),
    ],
)
def test_a_plain_name_is_its_own_slug_and_any_other_gets_a_hash(name, slug):
    """Readable where possible; `index` would take the place of a section's page."""
    assert re.fullmatch(slug, page_slug(name))


def _shown(text: str) -> str:
    """What entities stand for, number by number: `html.unescape` follows HTML's exceptions for C1."""
    return re.sub(r"&#([0-9]+);", lambda found: chr(int(found[1])), text)


def _seconds(function, text: str) -> float:
    started = time.process_time()
    function(text)
    return time.process_time() - started


def test_entities_are_read_by_browsers_as_written():
    """None of the numbers is one that HTML replaces (NUL, C1, surrogates)."""
    text = "".join(chr(code) for code in range(0x3000))

    assert _shown(inert(text)) == html.unescape(inert(text))
