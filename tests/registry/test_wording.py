"""One number format everywhere, and a word for every state."""

import pytest

from mbe_docs.registry import wording
from tests import make

T = wording.THIN


@pytest.mark.parametrize(
    ("interval", "value", "ends"),
    [
        (make.interval(0.93, 0.88, 0.96), f"93{T}%", "[88, 96]"),
        (make.interval(0.5114, 0.5041, 0.5187), f"51.1{T}%", "[50.4, 51.9]"),
        (make.interval(0.0, 0.0, 0.168), f"0{T}%", "[0, 17]"),
        (make.interval(1.0, 0.83, 1.0), f"100{T}%", "[83, 100]"),
    ],
)
def test_a_rate_is_rounded_to_what_its_interval_can_carry(interval, value, ends):
    """Whole percent, one decimal only where the interval is narrower than two points."""
    assert wording.value_text(interval, "proportion") == value
    assert wording.interval_text(interval, "proportion") == ends


@pytest.mark.parametrize(
    ("interval", "text", "ends"),
    [
        (make.interval(-0.06, -0.11, -0.01), f"−6{T}pts", "[−11, −1]"),
        (make.interval(0.28, 0.05, 0.5), f"+28{T}pts", "[+5, +50]"),
        (make.interval(-0.001, -0.04, 0.04), f"0{T}pts", "[−4, +4]"),
    ],
)
def test_a_difference_has_its_sign_and_zero_has_none(interval, text, ends):
    """Points, never percent of percent; minus is a minus sign, and nothing is "−0"."""
    assert wording.difference_text(interval, "proportion") == text
    assert wording.signed_interval_text(interval, "proportion") == ends


@pytest.mark.parametrize(
    ("samples", "attempts", "text"),
    [(120, 600, "120 × 5"), (40, 198, "40 × 5.0"), (1506, 1506, "1,506 × 1"), (0, 0, "0")],
)
def test_samples_and_attempts_are_told_apart(samples, attempts, text):
    """Asking one prompt ten times does not make ten prompts."""
    assert wording.n_text(samples, attempts) == text


def test_a_headline_names_the_worst_first_and_leaves_no_verdict_out():
    """It could be pasted into a ticket as it is."""
    titles = {"adds": "Adds", "subtracts": "Subtracts", "writes": "Writes"}
    comparisons = [
        make.comparison(behavior="writes", verdict="unchanged"),
        make.comparison(behavior="adds", verdict="regressed"),
        make.comparison(behavior="subtracts", verdict="inconclusive"),
    ]

    line = wording.headline(comparisons, titles)

    assert line == "Worse: “Adds”; undecided: “Subtracts”; unchanged: “Writes”."


def test_a_headline_of_nothing_says_so():
    """Not an empty line in a ticket."""
    assert wording.headline([], {}) == "Nothing was measured on both."


def test_a_headline_counts_what_is_too_much_to_name():
    """Four and more."""
    comparisons = [make.comparison(behavior=f"b{n}") for n in range(4)]

    assert wording.headline(comparisons, {f"b{n}": "B" for n in range(4)}) == "Worse: 4 behaviors."
