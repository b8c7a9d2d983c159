"""A note is prose: emphasis, lists, tables, links out. Nothing in it acts, and nothing around it acts on it."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from mbe_docs.site.notes import note, note_inline
from mbe_docs.text import inert

TAGS = {
    "div",
    "span",
    "a",
    "blockquote",
    "br",
    "code",
    "em",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "s",
} | {*("strong", "table", "tbody", "td", "th", "thead", "tr", "ul")}
LINK = 'rel="noopener noreferrer nofollow"'


def island(content: str) -> str:
    """What a note is wrapped in."""
    return f'<div class="mbe-note" markdown="0">{content}</div>'


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("", ""),
        ("plain", "<p>plain</p> "),
        ("# One\n\n## Two\n\n### Three", "<h4>One</h4> <h5>Two</h5> <h6>Three</h6> "),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p> "),
        ("[l](https://a.example)", f'<p><a href="{inert("https://a.example")}" {LINK}>l</a></p> '),
        ("[l](mailto:a@b.example)", f'<p><a href="{inert("mailto:a@b.example")}" {LINK}>l</a></p> '),
        (
            "![p](https://a.example/p.png)",
            f'<p><a href="{inert("https://a.example/p.png")}" {LINK}>p</a></p> ',
        ),
        (
            "![](https://a.example)",
            f'<p><a href="{inert("https://a.example")}" {LINK}>{inert("https://a.example")}</a></p> ',
        ),
        ("[l](../other.md)", f"<p><a {LINK}>l</a></p> "),
        ("[l](//evil.example)", f"<p><a {LINK}>l</a></p> "),
        ("[l](javascript:alert(1))", f"<p>{inert('[l](javascript:alert(1))')}</p> "),
        ("<b onclick=x>y</b>", f"<p>{inert('<b onclick=x>y</b>')}</p> "),
        ("<script>x</script>", f"<p>{inert('<script>x</script>')}</p> "),
        ("```mermaid\na\n\nb\n```", "<pre><code>a&#10;&#10;b&#10;</code></pre> "),
        ("a\nb", "<p>a&#10;b</p> "),
        (
            "| a |\n|---|\n| 1 |",
            "<table> <thead> <tr> <th>a</th> </tr> </thead> <tbody> <tr> <td>1</td> </tr> </tbody> </table> ",
        ),
        ("{{ x }} {% y %} --8<-- :smile:", f"<p>{inert('{{ x }} {% y %} --8<-- :smile:')}</p> "),
        ("zero\u200bwidth", f"<p>{inert('zero⟦U+200B⟧width')}</p> "),
    ],
)
def test_a_note_becomes_one_inert_line(body, content):
    """Allowed tags with their text in entities; what is not allowed is shown as it was written."""
    assert island(content) == note(body)


def test_a_short_note_stays_in_its_line():
    """Emphasis, code and links, no paragraph around them."""
    expected = f'<span class="mbe-note">Start with <code>{inert("{")}</code></span>'

    assert expected == note_inline("Start with `{`")


def test_references_are_resolved_outside_of_code_only():
    """`[[kind: text]]` is HTML of ours; in code, in a title or half written it is text."""
    asked = []

    def resolve(kind: str, text: str) -> Markup:
        asked.append((kind, text))
        return Markup("<b>{}</b>").format(text)

    shown = note(
        "[[quirk: some-id | label]] [[plain]] `[[in: code]]` [x](https://a.example '[[in: title]]') [a [[y]]](https://b.example) [[open",
        resolve,
    )

    assert asked == [("quirk", "some-id | label"), ("", "plain"), ("", "y")]
    assert "<b>some-id | label</b>" in shown
    assert f"<code>{inert('[[in: code]]')}</code>" in shown
    assert f'title="{inert("[[in: title]]")}"' in shown
    assert f"{inert('[a ')}<b>y</b>{inert('](https://b.example)')}" in shown  # no link in a link
    assert inert("[[open") in shown


def test_without_a_resolver_references_are_shown():
    """As code, so that a reader sees what was meant."""
    shown = note("[[rate: a @ b]] and [[c]]")

    assert f'<code class="mbe-raw">{inert("[[rate: a @ b]]")}</code>' in shown
    assert f'<code class="mbe-raw">{inert("[[c]]")}</code>' in shown


def test_the_marks_of_references_cannot_be_written():
    """The private-use characters between which references travel are marked when a note contains them."""
    shown = note("\ue0000\ue001 [[x]]", lambda _kind, _text: Markup("RESOLVED"))

    assert inert("⟦U+E000⟧0⟦U+E001⟧") in shown
    assert shown.count("RESOLVED") == 1


@given(st.text(st.sampled_from("ab <>&\"'`*_[]()!#|-=:/\\\n\t{}%+~\u200b\ue000\ue0010") | st.characters()))
@example("[a]: javascript:alert(1)\n\n[a]")
@example('[x](https://a.example "\n\n<img src=x onerror=alert(1)>")')
@example("[x](https://a.example/%22onmouseover=alert(1)//)")
@example("![<script>](https://a.example)")
def test_whatever_is_in_a_note_only_allowed_tags_come_out(body):
    """One line, tags and attributes from the list, links out of the site only, no special left in any text."""
    shown = note(body)
    reader = _Reader()
    reader.feed(shown)

    assert "\n" not in shown
    assert reader.tags <= TAGS
    assert reader.attributes <= {"class", "markdown", "href", "title", "rel", "start", "align"}
    assert all(re.match("(?i)https?:|mailto:", href) for href in reader.hrefs)
    assert not re.search(r"[`*_{}\[\]!|~:]", re.sub(r"<[^>]*>", "", shown))


@pytest.mark.parametrize(
    "body",
    [
        *("[" * 20_000, "![" * 10_000, "[[" * 10_000, "<a " * 7_000, "*[w]: y\n" * 2_000, "- " * 400 + "x"),
        *("[a](" * 5_000, "[[a:" * 5_000, "> " * 2_000 + "x", "|a\n|-\n" + "|b\n" * 5_000, "`a``" * 5_000),
        "*a_" * 7_000,
    ],
    ids=lambda body: body[:6],
)
def test_no_note_stalls_a_build(body):
    """Strings that keep other Markdown engines busy for a minute, or make them fail."""
    started = time.process_time()

    note(body)

    assert time.process_time() - started < 5


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.hrefs.extend(value or "" for name, value in attrs if name == "href")
