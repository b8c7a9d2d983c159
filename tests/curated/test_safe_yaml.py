"""YAML is text with places; what expands, runs or hides is refused, and nothing crashes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mbe_docs.errors import CuratedError, Location
from mbe_docs.safe_yaml import (
    MAX_BYTES,
    List,
    Map,
    Text,
    closest,
    invisible_in,
    load,
    quote,
    read,
    shorten,
    without_invisible,
)

CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"
BOMBS = sorted((CORPORA / "yaml_bombs").glob("*.yaml"))
SUITE = sorted((CORPORA / "yaml-test-suite").glob("*.yaml"))
without_corpora = pytest.mark.skipif(not BOMBS, reason="no ../shared/corpora beside the project")

REFUSED_BOMBS = {
    "bidi", "bomb-merge", "bomb9", "complexkey", "deep-flow-100k", "deep-flow-2k", "dupkey",
    "merge-override", "multi-doc", "nul", "recursive", "tag", "tag-tuple",
}  # fmt: skip


def value_of(text: str) -> object:
    """The value under the only key of a mapping, as text."""
    node = load(text, "x.yaml")
    assert isinstance(node, Map)
    value = node.entries[0].value
    assert isinstance(value, Text)
    return value.text


def kinds(text: str) -> list[str]:
    """What is wrong with a text."""
    return [problem.kind for problem in read(text, "x.yaml")[1]]


@pytest.mark.parametrize(
    "word", ["no", "4.10", "1e3", "0o17", "12:30:00", "2026-01-31", "0x1f", ".nan", "007"]
)
def test_words_stay_as_written(word):
    """No YAML type is guessed: `no` is not false, `4.10` is not 4.1."""
    assert word == value_of(f"a: {word}\n")


def test_places_count_from_one_and_from_the_first_line_given():
    """Key and value have line and column, also behind wide characters."""
    node = load('a: 1\n"ü": [x, y]\n', "x.md", first_line=5)

    assert isinstance(node, Map)
    second = node.entries[1]
    assert isinstance(second.value, List)
    assert Location("x.md", 6, 1) == second.at
    assert Location("x.md", 6, 10) == second.value.items[1].at


@pytest.mark.parametrize(
    ("text", "is_plain"), [("a: x", True), ("a: 'x'", False), ('a: "x"', False), ("a: |\n  x", False)]
)
def test_quoted_text_is_told_from_plain(text, is_plain):
    """Only plain words may mean null, numbers or truth values."""
    node = load(text, "x.yaml")

    assert isinstance(node, Map)
    assert is_plain == node.entries[0].value.is_plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\n", ["unsafe"]),
        ("a: &x 1\nb: *x\n", ["unsafe", "unsafe"]),
        ("a: !!str 1\n", ["unsafe"]),
        ("a: !x 1\n", ["unsafe"]),
        ("<<: {a: 1}\n", ["unsafe"]),
        ("? [a]\n: 1\n", ["unsafe"]),
        ("'': 1\n", ["unsafe"]),
        ("a: 1\n---\nb: 1\n", ["unsafe"]),
        ("[" * 41 + "]" * 41, ["unsafe"]),
        ("a: 1\na: 2\n", ["duplicate"]),
        ("a: b\u202ec\n", ["invisible"]),
        ('a: "b\\u202ec"\n', ["invisible"]),
        ('a: "\\ud800"\n', ["invisible"]),
        ("a: b: c\n", ["syntax"]),
        ("a: 'b\n", ["syntax"]),
        ("a:\n\tb: 1\n", ["syntax"]),
        ('a: "\\U00110000"\n', ["syntax"]),
        # what must not be refused
        ("[" * 40 + "]" * 40, []),
        ("a: '<<'\n", []),
        ("'<<': 1\n", []),
        ("a: '&x *y !z'\n", []),
        ("---\na: 1\n", []),
        ("\ufeffa: 1\r\nb: 2\r\n", []),
        ("a: می\u200cخواهم 👩\u200d💻 ❤\ufe0f\n", []),
        ("", []),
        ("# nothing\n", []),
    ],
)
def test_what_expands_runs_or_hides_is_refused(text, expected):
    """Anchors, aliases, tags, merges, depth, duplicates and invisible characters; and nothing else."""
    assert expected == kinds(text)


def test_more_than_256_kib_is_refused():
    """A hand-written file is short."""
    assert kinds("a: " + "x" * MAX_BYTES) == ["unsafe"]


def test_problems_of_one_kind_are_cut():
    """A damaged file is not a thousand lines of report."""
    assert len(kinds("a: 1\n" * 100)) == 20


def test_invisible_characters_have_line_and_column():
    """The place is that of the character."""
    problem = read("a: 1\nb: x\u200by\n", "x.yaml")[1][0]

    assert f"{problem.at}: {problem.text}" == "x.yaml:2:5: invisible character U+200B zero width space"


def test_load_raises_the_first_problem_with_place_and_fix():
    """One error family: place, problem, fix."""
    with pytest.raises(CuratedError) as caught:
        load("a: 1\na: 2\n", "x.yaml")

    assert (
        str(caught.value)
        == "x.yaml:2:1: key 'a' is written twice; first in line 1\n  fix: keep one of the two"
    )


def test_an_unclosed_quote_is_reported_where_it_opens():
    """The end of the file is not where to look."""
    assert Location("x.yaml", 2, 4) == read("a: 1\nb: 'x\nc: 1\n", "x.yaml")[1][0].at


def test_without_the_c_parser_the_outcome_is_the_same(monkeypatch):
    """An installation may lack libyaml."""
    texts = ["a: [1, {b: 'c'}]\n", "a: b: c\n", "a: |\n  x\n  y\n", "[" * 50, "a: &x 1\n"]
    fast = [read(text, "x.yaml") for text in texts]
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)

    assert fast == [read(text, "x.yaml") for text in texts]


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{},&*!|>'\"%@`?#\n \t\\u200", max_size=80))
def test_no_text_crashes(text):
    """Any text gives a tree, or problems that say why there is none."""
    node, problems = read(text, "x.yaml")

    assert node is not None or problems
    assert all(problem.at.line and not list(invisible_in(problem.text)) for problem in problems)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "- " * 130_000, "? " * 130_000, "a: b\n" * 50_000, '"a\n' * 60_000, "\u202e" * 80_000,
     "{" * 39 + "a," * 100_000, "!!str " * 40_000, "a: >\n" + " b\n" * 80_000],
    ids=lambda text: ascii(text[:6]),
)  # fmt: skip
def test_time_grows_with_the_length_of_a_text_and_no_faster(text):
    """No text within the size limit stalls a build: ten times as long takes no more than fifteen times."""
    taken = []
    for part in (text[: len(text) // 10], text):
        start = time.process_time()
        read(part, "x.yaml")
        taken.append(time.process_time() - start)

    assert taken[1] <= 15 * taken[0] + 0.5


@without_corpora
@pytest.mark.parametrize("path", BOMBS, ids=lambda path: path.stem)
def test_bombs_are_refused_or_harmless(path):
    """Each bomb is refused with a place in bounded time; the others are plain text."""
    start = time.process_time()
    _, problems = read(path.read_bytes().decode("utf-8", "surrogateescape"), path.name)

    assert (path.stem in REFUSED_BOMBS) == bool(problems)
    assert time.process_time() - start < 2


@without_corpora
@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.stem)
def test_every_yaml_of_the_test_suite_ends_in_a_value_or_a_problem(path):
    """No syntax of YAML crashes, neither as a suite file nor as the text it carries."""
    text = path.read_text(encoding="utf-8")
    node, problems = read(text, path.name)
    assert node is not None or problems
    for entry in node.items if isinstance(node, List) else ():
        for item in entry.entries if isinstance(entry, Map) else ():
            if item.key == "yaml" and isinstance(item.value, Text):
                inner = item.value.text.replace("␣", " ").replace("»", "\t").replace("∎", "").replace("↵", "")
                value, found = read(inner, path.name)
                assert value is not None or found


def test_joiners_at_the_edge_of_a_text_are_invisible():
    """A joiner joins two characters."""
    assert [at for at, _ in invisible_in("\u200dé")] == [0]
    assert [at for at, _ in invisible_in("é\u200d")] == [1]


def test_invisible_characters_are_replaced_in_place():
    """Offsets stay, so that places stay right."""
    assert without_invisible("a\u202eb") == "a\ufffdb"


def test_long_values_are_cut_in_messages():
    """A message is a line."""
    assert shorten("a\nb  c d", 4) == "a b…"
    assert [quote(load(text, "x")) for text in ("x", "[]", "{}")] == ["'x'", "a list", "a mapping"]


@pytest.mark.parametrize(("word", "meant"), [("actve", "active"), ("Active", "active"), ("zzz", None)])
def test_the_closest_word_is_suggested(word, meant):
    """Only where it is close."""
    assert meant == closest(word, ["draft", "active", "withdrawn"])
