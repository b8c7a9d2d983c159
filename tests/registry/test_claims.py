"""Numbers in prose, held against the data."""

import pytest

from mbe_docs.curated.bundle import Curated
from mbe_docs.curated.claims import find_claims
from mbe_docs.errors import Location
from mbe_docs.registry.claims import claim_findings
from mbe_docs.registry.subjects import Subjects
from mbe_docs.registry.wording import THIN
from tests import make

AT = Location("behaviors/adds.md", 20, 1)


def findings(text, *estimates):
    curated = Curated(claims=find_claims(text, AT))
    by_key = {(entry.behavior, entry.subject): entry for entry in estimates or [make.estimate()]}
    return list(claim_findings(curated, by_key, Subjects([make.family()])))


@pytest.mark.parametrize(
    ("value", "stated"),
    [
        (0.93, "93 %"),
        (0.9312, "93 %"),
        (0.9312, "93.1 %"),
        (0.9312, "93.12 %"),
        (0.9312, "0.93"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.925, "92 %"),
        (0.925, "93 %"),
        (0.1125, "11.2 %"),
        (0.1125, "11.3 %"),
    ],
)
def test_a_number_that_the_value_rounds_to_is_supported(value, stated):
    """To the digits written; half-way between two, both are right."""
    estimate = make.estimate(rate=make.interval(value, 0, 1))

    assert findings(f"[[rate: adds @ atlas-1 = {stated}]]", estimate) == []


def test_a_number_that_the_value_does_not_round_to_names_the_right_one():
    """An error in its place, the value with its interval, and the exact text to write."""
    (found,) = findings("[[rate: adds @ atlas-1 = 95 %]]")

    assert (found.code, found.severity, found.at) == ("MBE165", "error", AT)
    assert found.problem == (
        f"'[[rate: adds @ atlas-1 = 95 %]]' is not what the evidence says; expected 93{THIN}% [88, 96]"
    )
    assert found.fix == "write `[[rate: adds @ atlas-1 = 93 %]]`"


@pytest.mark.parametrize(
    ("stated", "fix"),
    [("95 %", "93 %"), ("95.0 %", "93.1 %"), ("0.95", "0.93"), ("0.950", "0.931"), ("94 %", "93 %")],
)
def test_the_fix_has_the_digits_and_the_sign_of_the_claim(stated, fix):
    """Written as the author writes."""
    (found,) = findings(
        f"[[rate: adds @ atlas-1 = {stated}]]", make.estimate(rate=make.interval(0.9312, 0.88, 0.96))
    )

    assert found.fix == f"write `[[rate: adds @ atlas-1 = {fix}]]`"


def test_the_fix_is_supported_itself():
    """Whoever pastes it is done."""
    estimate = make.estimate(rate=make.interval(0.8765, 0.8, 0.9))
    (found,) = findings("[[rate: adds @ atlas-1 = 12.3 %]]", estimate)

    assert findings(found.fix.split("`")[1], estimate) == []


@pytest.mark.parametrize(
    ("value", "stated"), [(0.9351, "93 %"), (0.9249, "93 %"), (0.93, "93.1 %"), (0.0051, "0 %")]
)
def test_the_next_digit_is_not_supported(value, stated):
    """Just beyond half-way."""
    estimate = make.estimate(rate=make.interval(value, 0, 1))

    assert [found.code for found in findings(f"[[rate: adds @ atlas-1 = {stated}]]", estimate)] == ["MBE165"]


def test_a_claim_without_a_number_is_filled_in_by_the_data():
    """Nothing to be wrong."""
    assert findings("[[rate: adds @ atlas-1]]") == []


@pytest.mark.parametrize(("claim", "severity"), [("= 93 %", "error"), ("", "warning")])
@pytest.mark.parametrize("subject", ["atlas-2", "atlas-1+t0"])
def test_a_claim_about_what_nobody_measured_is_a_finding(claim, severity, subject):
    """An error where it states a number, else a warning."""
    (found,) = findings(f"[[rate: adds @ {subject} {claim}]]".replace(" ]]", "]]"))

    assert (found.code, found.severity) == ("MBE164", severity)
    assert found.fix == "take the claim out, or measure it"


def test_an_unfinished_run_supports_no_claim():
    """3 of 100 samples are no result, whatever they say."""
    (found,) = findings("[[rate: adds @ atlas-1 = 93 %]]", make.estimate(is_partial=True))

    assert found.code == "MBE164"


@pytest.mark.parametrize("name", ["local/atlas_one", "ATLAS-1", "acme/atlas-1"])
def test_another_name_of_a_snapshot_means_the_snapshot(name):
    """As in a log."""
    assert findings(f"[[rate: adds @ {name} = 93 %]]") == []


def test_an_alias_means_the_snapshot_that_it_means_now():
    """atlas-latest has meant atlas-2 since June."""
    estimates = (
        make.estimate(rate=make.interval(0.93, 0.88, 0.96)),
        make.estimate(subject="atlas-2", rate=make.interval(0.71, 0.6, 0.8)),
    )

    assert findings("[[rate: adds @ atlas-latest = 71 %]]", *estimates) == []
    (found,) = findings("[[rate: adds @ atlas-latest = 93 %]]", *estimates)
    assert found.fix == "write `[[rate: adds @ atlas-latest = 71 %]]`"


def test_a_number_in_points_is_held_against_points():
    """7.3 of 10 is neither 73 % nor 0.73."""
    estimate = make.estimate(unit="points", rate=make.interval(7.26, 6.9, 7.6))

    assert findings("[[rate: adds @ atlas-1 = 7.3]]", estimate) == []
    (found,) = findings(
        "[[rate: adds @ atlas-1 = 7]]", make.estimate(unit="points", rate=make.interval(7.6, 7, 8))
    )
    assert found.fix == "write `[[rate: adds @ atlas-1 = 8]]`"
