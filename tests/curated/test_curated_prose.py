"""Claims, mentions and rules are read as written, with their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbe_docs.curated import find_claims, find_mentions, parse_rule
from mbe_docs.curated.claims import read_prose, without_code
from mbe_docs.errors import CuratedError, Location

ORIGIN = Location("x.md", 10, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[rate: a @ b]]", ("a", "b", None, 0, False)),
        ("[[rate:a@b]]", ("a", "b", None, 0, False)),
        ("[[ rate: a @ b+thinking = 20 % ]]", ("a", "b+thinking", 0.2, 0, True)),
        ("[[rate: a @ b = 93.5%]]", ("a", "b", 0.935, 1, True)),
        ("[[rate: a @ b = -0.25]]", ("a", "b", -0.25, 2, False)),
        ("[[rate: a @\norg/b.1 = 1]]", ("a", "org/b.1", 1.0, 0, False)),
    ],
)
def test_claims_are_read(text, expected):
    """Behavior, subject, the number and how precisely it is stated."""
    claim = find_claims(text, ORIGIN)[0]

    found = (claim.behavior, claim.subject, claim.stated, claim.digits, claim.is_percent)
    assert found == (*expected[:2], pytest.approx(expected[2]), *expected[3:])


def test_claims_have_place_and_offsets():
    """The text can be replaced, and the mistake can be opened."""
    body = "ü\nsee [[rate: a @ b]].\n"
    claim = find_claims(body, ORIGIN)[0]

    assert claim.at == Location("x.md", 11, 5)
    assert body[claim.start : claim.end] == claim.text == "[[rate: a @ b]]"


@pytest.mark.parametrize(
    "text",
    ["`[[rate: a @ b]]`", "``x` [[rate: a @ b]]``", "```\n[[rate: a @ b]]\n```", "~~~ x\n[[quirk: a]]\n~~~~\n",
     "[[x]]", "[[1, 2], [3, 4]]", "[[see: x]]", "[rate: a @ b]"],
)  # fmt: skip
def test_code_and_other_brackets_are_left_alone(text):
    """Only our words in double brackets mean something."""
    prose = read_prose(text, ORIGIN)

    assert (prose.claims, prose.mentions, prose.problems) == ((), (), ())


@pytest.mark.parametrize("text", ["` [[quirk: a]]", "``x` [[quirk: a]]", "`x\n\n` [[quirk: a]]", "```x``` [[quirk: a]]",
                                  "```\n`\n```\n[[quirk: a]] `"])  # fmt: skip
def test_an_open_backtick_hides_nothing(text):
    """A code span ends with as many backticks, in the same paragraph."""
    assert [mention.id for mention in find_mentions(text, ORIGIN)] == ["a"]


@pytest.mark.parametrize(
    "text",
    ["[[rate: a]]", "[[rate: a @ b = about 20]]", "[[rate: a @ b = 20 30]]", "[[rate a @ b]]", "[[rates: a @ b]]",
     "[[rate: a @ b", "[[behavior:]]", "[[model: a b]]", "[[rate: a @ b / lang=de]]", "[[rate: a @ b = 20 % ± 2]]"],
)  # fmt: skip
def test_malformed_brackets_are_one_problem_each(text):
    """Nothing that looks like a claim is passed over."""
    prose = read_prose(text, ORIGIN)

    assert [problem.kind for problem in prose.problems] == ["claim"]
    assert not prose.claims


@given(st.text(alphabet="[]rate: @=%`~\nb/", max_size=80))
def test_blanking_code_keeps_offsets(text):
    """Every character outside of code stays where it is."""
    shown = without_code(text)

    assert len(shown) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, shown, strict=True))


@pytest.mark.parametrize(
    ("text", "affected", "unaffected"),
    [
        ("rate < 0.90", 0.89, 0.90),
        ("rate <= 0.9", 0.9, 0.91),
        ("rate>0.1", 0.11, 0.1),
        (" rate >= 1 ", 1, 0.99),
    ],
)
def test_rules_are_read(text, affected, unaffected):
    """`rate`, an operator, a number."""
    rule = parse_rule(text)

    assert rule.holds(affected)
    assert not rule.holds(unaffected)


@pytest.mark.parametrize("text", ["", "rate", "rate < ", "score < 1", "rate < 90 %", "rate == 1", "rate < nan", "rate < 1e9",
                                  "0.1 < rate", "rate < 0.1 or rate > 0.9", "rate < ٣"])  # fmt: skip
def test_other_rules_are_refused(text):
    """Nothing is evaluated, nothing is guessed."""
    with pytest.raises(CuratedError, match="is no rule"):
        parse_rule(text)


def test_a_rule_prints_as_it_is_written():
    """For reasons and messages."""
    assert str(parse_rule("rate<0.90")) == "rate < 0.9"
