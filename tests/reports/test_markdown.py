"""The comment on a pull request, rendered as GitHub renders it, and read as its filters do."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from mbe_docs.reports.markdown import REPORT
from mbe_docs.text import terminal_safe
from tests.gate.diffs import diff, row
from tests.reports.diffs import HOSTILE, check_golden, hostile, varied


class Page(HTMLParser):
    """Tags, comments, and text by whether it stands in `code`: where GitHub looks for no mention, issue or link."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.plain, self.comments, self.in_code = [], [], "", [], ""
        self.feed(
            MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").render(text)
        )

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "code" in self.open:
            self.in_code += data
        else:
            self.plain += data

    def handle_comment(self, data):
        self.comments.append(data)


def test_a_diff_of_every_kind_of_row():
    """Golden: marker, one line of verdict, folded tables."""
    check_golden("markdown.md", REPORT.render(varied()))


def test_the_first_line_is_the_marker_and_the_second_the_verdict():
    """A bot finds its comment by the first, a reader needs the second only."""
    first, second, *_ = REPORT.render(varied()).splitlines()

    assert first == "<!-- mbe-docs diff atlas-1..atlas-2 -->"
    assert second.startswith("**<code>Atlas 1</code> → <code>Atlas 2</code>**: Hidden by the mean: ")


def test_the_marker_is_the_same_for_the_same_pair_only():
    """One comment for each pair on a pull request, whatever is in the names."""
    same = [REPORT.render(diff(row(), old=name)).splitlines()[0] for name in ("a -->", "a --> ", "a -->")]

    assert same[0] == same[2] != same[1]
    assert same[0].count("-->") == 1


@pytest.fixture(scope="module")
def page():
    return Page(REPORT.render(hostile()))


def test_no_name_becomes_a_tag(page):
    """Only ours, without attributes but those of table cells; every one is closed."""
    assert {tag for tag, _ in page.tags} <= {
        *("p", "strong", "code", "details", "summary"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {attributes for _, attributes in page.tags} == {()}
    assert page.open == []


def test_no_name_hides_in_a_comment(page):
    """The marker is the only one."""
    assert len(page.comments) == 1


def test_names_stand_in_code_only(page):
    """GitHub links mentions, issues and commits in all other text, entities or not."""
    for text in ("octocat", "#1", "evil", "cde6e137", "merge", "::", "secrets", "done", "bold"):
        assert text not in page.plain, text
    assert "@octocat" in page.in_code


def test_names_are_shown_as_they_are(page):
    """Evidence is not altered by being harmless."""
    for text in HOSTILE:
        shown = terminal_safe(text.replace("\n", " ").replace("\r ", "\r "))
        assert "".join(shown.split()) in "".join(page.in_code.split()) or "\r" in text, text


def test_a_table_stays_a_table(page):
    """A pipe or a line end in a name makes no cell and no row: all rows have the cells of their head."""
    rows = MarkdownIt("commonmark", {"html": True}).enable("table").render(REPORT.render(hostile()))
    sizes = [
        {len(re.findall(r"<t[hd]>", one)) for one in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}
        for table in re.findall(r"<table>.*?</table>", rows, re.DOTALL)
    ]

    assert [len(size) for size in sizes] == [1] * len(sizes)
    assert len(sizes) == 8


def test_no_control_character_is_in_the_source():
    """It is printed to terminals, too."""
    text = REPORT.render(hostile())

    assert terminal_safe(text) == text


@pytest.mark.parametrize("texts", [HOSTILE, ("@" * 5000,), ("\U0001f600" * 5000,)])
def test_it_fits_into_a_comment_and_says_what_was_cut(texts):
    """GitHub refuses more than 65,536 characters."""
    text = REPORT.render(hostile(times=300 // len(texts), texts=texts))

    assert len(text) <= 65_536
    assert re.search(r"Cut here: [\d,]+ rows? left out\.", text)
    assert Page(text).open == []


def test_a_short_comment_is_not_cut():
    """Nothing is left out that fits."""
    assert "Cut here" not in REPORT.render(varied())


def test_nothing_new_is_a_comment_without_rows():
    """It replaces the comment of before."""
    text = REPORT.render(dataclasses.replace(diff(), notes=("nothing new since blessing: adds",)))

    assert "Nothing new since blessing." in text.splitlines()[1]
