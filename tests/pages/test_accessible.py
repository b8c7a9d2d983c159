"""What a reader who cannot see the plots, or only uses a keyboard, gets from every built page."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tests.pages.html_tree import article, parse

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@pytest.fixture(scope="module")
def articles(atlas_site):
    """Our part of every page, by path."""
    paths = [path for path in sorted(atlas_site.rglob("index.html")) if "assets" not in path.parts]
    assert len(paths) > 30
    return {path.relative_to(atlas_site).as_posix(): article(path) for path in paths}


def each(articles, *tags, **attributes):
    """(path, element) of every page."""
    return [(path, found) for path, page in articles.items() for found in page.all(*tags, **attributes)]


def test_every_picture_is_described_in_words(articles):
    """`role=img` with a sentence: value, interval, attempts."""
    pictures = each(articles, "svg")

    assert len(pictures) > 50
    for path, picture in pictures:
        assert picture.attributes.get("role") == "img", path
        assert (
            "95 % interval" in picture.attributes["aria-label"] or "[" in picture.attributes["aria-label"]
        ), path


def test_every_plot_stands_beside_the_number_it_shows(articles):
    """The picture only repeats the row."""
    for path, plot in [(path, p) for path, p in each(articles, "svg") if "mbe-plot" in p.classes]:
        value = plot.attributes["aria-label"].removeprefix("difference ").partition(",")[0]
        row = plot
        while row.parent is not None and row.tag not in ("tr", "div"):
            row = row.parent
        assert " ".join(value.split()) in row.text, (path, value)


def test_every_input_has_a_label(articles):
    """Around it, or by id."""
    for path, field in each(articles, "input", "select", "textarea"):
        id = field.attributes.get("id")
        labels = articles[path].all("label")
        assert field.within("label") or any(id and label.attributes.get("for") == id for label in labels), (
            path,
            str(field),
        )


def test_every_group_of_fields_has_a_legend(articles):
    """The first thing in it."""
    for path, group in each(articles, "fieldset"):
        assert group.all("legend")[0].text, path


def test_every_header_cell_says_what_it_heads(articles):
    """`scope`, in every table."""
    assert {cell.attributes.get("scope") for _, cell in each(articles, "th")} == {"col", "row"}


def test_every_row_of_a_table_has_a_header(articles):
    """Its first cell, so that a cell can be read with what it is about."""
    for path, row in each(articles, "tr"):
        assert row.all("th"), (path, row.text)


def test_headings_do_not_skip_a_level(articles):
    """h1, then h2, h3 …; a note's own headings are below all of ours."""
    for path, page in articles.items():
        levels = [HEADINGS.index(found.tag) + 1 for found in page.all(*HEADINGS) if not _in_note(found)]
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        steps = [later - earlier for earlier, later in pairwise(levels)]
        assert max(steps, default=0) <= 1, (path, levels)


def _in_note(element):
    while element is not None and "mbe-note" not in element.classes:
        element = element.parent
    return element is not None


def test_no_id_is_taken_twice(atlas_site):
    """On the whole page, the theme's part too."""
    for path in sorted(atlas_site.rglob("index.html")):
        ids = Counter(found.attributes["id"] for found in parse(path).walk() if "id" in found.attributes)
        assert [id for id, n in ids.items() if n > 1] == [], path


def test_no_link_and_no_button_is_empty(articles):
    """There is a word for where it leads and what it does."""
    for path, found in each(articles, "a", "button"):
        assert found.text or found.attributes.get("aria-label"), (path, str(found))
        assert found.tag == "button" or found.attributes.get("href"), (path, str(found))


def test_every_copy_button_says_what_it_copies(articles):
    """ "Copy" alone is said twenty times on a page."""
    for path, button in each(articles, "button", type="button"):
        assert button.attributes["aria-label"] == f"Copy {button.attributes['data-mbe-copy']}", path


def test_every_state_has_a_word_and_its_shape_is_hidden(articles):
    """Colour and shape only repeat the word."""
    states = [(path, s) for path, page in articles.items() for s in page.of_class("mbe-state")]

    assert len(states) > 100
    for path, state in states:
        shapes = [found for found in state.walk() if found.attributes.get("aria-hidden") == "true"]
        words = state.text
        for shape in shapes:
            words = words.replace(shape.text, "", 1)
        assert words.strip(), path
        assert len(shapes) == 1 or words.strip().startswith("withdrawn"), (path, state.text)


def test_every_rate_has_its_interval_and_its_samples(articles):
    """Value, interval, samples × attempts; a difference has value and interval, with its samples in the row."""
    found = [(path, number) for path, page in articles.items() for number in page.of_class("mbe-number")]

    assert len(found) > 100
    for path, number in found:
        (value,) = number.all("b")
        (interval,) = number.of_class("mbe-interval")
        assert value.text, path
        assert interval.text.startswith("["), path
        is_difference = value.text[0] in "+−" or value.text == "0 pts"
        assert number.of_class("mbe-n") or is_difference, (path, number.text)


def test_no_percentage_stands_alone(articles):
    """Outside of notes every `n %` of ours is followed by its interval, or names a bar or a rule."""
    allowed = (
        "mbe-number",  # with its interval: the test before this one
        "mbe-note",
        "mbe-raw",
        "mbe-facts",  # bar, rule
        "mbe-plot-head",
        "mbe-tick",
    )
    for path, page in articles.items():
        for element in page.walk():
            own = " ".join(child for child in element.children if isinstance(child, str))
            if "%" not in own or _is_within(element, allowed):
                continue
            for part in own.split("%")[:-1]:
                words = own[own.index(part) + len(part) + 1 :].lstrip()
                said = part.rstrip().rpartition(" ")[0].rpartition(" ")[2]
                assert (
                    words.startswith(("[", "interval"))
                    or said in ("below", "above", "≥", "≤", "rate")
                    or (path.startswith(("reading", "diffs")))
                ), (path, own)


def _is_within(element, classes):
    while element is not None:
        if set(classes) & set(element.classes):
            return True
        element = element.parent
    return False


def test_every_page_says_where_it_is(articles):
    """Breadcrumbs on all but the home page, the last of them this page."""
    for path, page in articles.items():
        crumbs = page.of_class("mbe-crumbs")
        assert len(crumbs) == (path != "index.html"), path
        for crumb in crumbs:
            assert crumb.all()[-1].attributes.get("aria-current") == "page", path


def test_every_page_with_numbers_leads_to_how_to_read_them(articles):
    """One click away."""
    for path, page in articles.items():
        if page.of_class("mbe-number") and not path.startswith(("reading", "behaviors/index")):
            assert any(link.attributes["href"].endswith("reading/") for link in page.all("a")), path
