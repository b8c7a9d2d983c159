"""What counts, at which bar, and what a person accepted."""

from __future__ import annotations

import datetime
import itertools
import typing

import pytest

from mbe_docs.cli.diff import FAIL_ON as CHOICES
from mbe_docs.config import FailOn
from mbe_docs.registry.diff import FAIL_ON
from mbe_docs.registry.gate import RULES, Gate, judge
from tests.gate.diffs import DAY, diff, exempt, part, row

YESTERDAY = DAY - datetime.timedelta(days=1)


def codes(found, severity=None):
    return [finding.code for finding in found.findings if severity in (None, finding.severity)]


def test_the_words_of_fail_on_are_the_same_everywhere():
    """Command line, settings and gate know the same bars."""
    assert tuple(FAIL_ON) == CHOICES == typing.get_args(FailOn)


def test_each_bar_includes_the_one_before_it():
    """A stricter word never lets something pass that a laxer one stops."""
    bars = [FAIL_ON[word] for word in ("never", "regressed", "inferior", "inconclusive", "any-change")]

    assert all(lower < higher for lower, higher in itertools.pairwise(bars))
    assert bars[-1] == set(RULES)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("regressed", (1, 1, 1, 1, 0)),
        ("inconclusive", (0, 1, 1, 1, 0)),
        ("improved", (0, 0, 0, 1, 0)),
        ("increased", (0, 0, 0, 1, 0)),
        ("decreased", (0, 0, 0, 1, 0)),
        ("unchanged", (0, 0, 0, 0, 0)),
        ("refused", (0, 1, 1, 1, 0)),
    ],
)
def test_the_exit_code_is_the_verdict_at_the_bar(verdict, expected):
    """0 nothing that counts, 1 something; beside a row that could be compared."""
    direction = "neither" if verdict in ("increased", "decreased") else "higher"
    rows = (row(verdict, direction=direction), row("unchanged", behavior="json"))

    assert expected == tuple(judge(diff(*rows), Gate(word)).exit_code for word in CHOICES)


@pytest.mark.parametrize("word", CHOICES)
def test_nothing_comparable_is_2_at_every_bar(word):
    """A green run over nothing is the worst result."""
    assert judge(diff(row("refused")), Gate(word)).exit_code == 2


def test_nothing_comparable_stays_2_when_it_is_accepted():
    """An exception excuses a finding, it does not make a comparison."""
    accepted = judge(diff(row("refused")), Gate(), [exempt(verdict="refused")])

    assert accepted.exit_code == 2


@pytest.mark.parametrize("verdict", ["inconclusive", "refused"])
def test_require_decided_makes_what_is_not_known_a_finding(verdict):
    """Undecided and not comparable count besides whatever --fail-on says."""
    rows = (row(verdict), row("unchanged", behavior="json"))

    assert judge(diff(*rows), Gate("regressed")).exit_code == 0
    assert judge(diff(*rows), Gate("regressed", require_decided=True)).exit_code == 1


def test_inferior_lets_an_undecided_row_pass_that_is_not_worse_by_the_margin():
    """Non-inferiority is the bar: the lower end is above minus the margin."""
    fine, open_ = row("inconclusive", is_noninferior=True), row("inconclusive", is_noninferior=False)

    assert codes(judge(diff(fine), Gate("inferior")), "error") == []
    assert codes(judge(diff(open_), Gate("inferior")), "error") == ["MBE308"]


@pytest.mark.parametrize(
    "note",
    [
        "undecided: too many attempts lost",
        "undecided: depends on errors",
        "undecided: 12 samples compared, …",
    ],
)
def test_inferior_is_not_shown_where_errors_took_the_verdict(note):
    """An interval from the attempts that happened to survive shows nothing."""
    lost = row("inconclusive", is_noninferior=True, notes=(note,))

    assert codes(judge(diff(lost), Gate("inferior")), "error") == ["MBE308"]


def test_inferior_counts_a_behavior_without_a_margin():
    """Without a margin nothing can be ruled out."""
    loose = row("inconclusive", margin=None, is_noninferior=None)

    assert codes(judge(diff(loose), Gate("inferior")), "error") == ["MBE308"]


def test_inferior_has_nothing_to_say_where_no_direction_is_worse():
    """An undecided length is undecided, not inferior."""
    loose = row("inconclusive", direction="neither", is_noninferior=None)

    assert codes(judge(diff(loose), Gate("inferior")), "error") == []


def test_a_slice_that_got_worse_under_a_calm_mean_counts_as_a_regression():
    """The mean hides it; the gate does not."""
    calm = row("unchanged", slices=(part("easy", "unchanged", 0.0), part("hard", "regressed", -0.3)))

    found = judge(diff(calm), Gate())

    assert (found.exit_code, codes(found)) == (1, ["MBE302"])
    assert found.findings[0].slice == "kind=hard"
    assert found.headline().startswith("Hidden by the mean: “Adds two numbers”; ")


def test_slices_in_opposite_directions_are_found_under_a_worse_mean_too():
    """A flip is a headline of its own."""
    flip = row(hidden_flip=True, slices=(part("easy", "improved", 0.2), part("hard", "regressed", -0.3)))

    assert codes(judge(diff(flip), Gate())) == ["MBE301", "MBE302"]


def test_slices_that_are_worse_like_their_mean_are_no_findings_of_their_own():
    """One regression is one finding."""
    plain = row(slices=(part("easy", "regressed", -0.2), part("hard", "regressed", -0.3)))

    assert codes(judge(diff(plain), Gate())) == ["MBE301"]


def test_a_flip_without_a_worse_side_is_one_finding_of_the_behavior():
    """Where no direction is worse, only that they moved apart is known."""
    parts = (part("easy", "increased", 0.2), part("hard", "decreased", -0.3))
    flip = row("unchanged", direction="neither", hidden_flip=True, slices=parts)

    found = judge(diff(flip), Gate())

    assert [(one.code, one.slice, one.verdict) for one in found.findings] == [("MBE302", None, "hidden-flip")]


def test_an_exception_excuses_what_it_names():
    """The finding stays in the report, with the reason and the last day."""
    found = judge(diff(row()), Gate(), [exempt()])

    assert (found.exit_code, codes(found)) == (0, ["MBE301"])
    assert found.findings[0].accepted == "until 2026-12-23: a calculator does it"
    assert found.headline().endswith("accepted: 1 finding.")


@pytest.mark.parametrize(
    "other",
    [{"verdict": "inconclusive"}, {"slice": "kind=hard"}],
)
def test_an_exception_excuses_nothing_else(other):
    """Accepting an undecided behavior does not accept that it gets worse."""
    found = judge(diff(row()), Gate(), [exempt(**other)])

    assert codes(found, "error") == ["MBE301", "MBE307"]


@pytest.mark.parametrize("other", [{"new": "atlas-3"}, {"old": "atlas-0"}, {"behavior": "json"}])
def test_an_exception_for_something_else_is_not_looked_at(other):
    """Of another upgrade nothing is known here: neither needed nor not."""
    found = judge(diff(row()), Gate(), [exempt(**other)])

    assert codes(found) == ["MBE301"]


def test_an_exception_excuses_one_slice_only():
    """The other slice is a regression still."""
    parts = (part("easy", "regressed", -0.2), part("hard", "regressed", -0.3))
    found = judge(diff(row("unchanged", slices=parts)), Gate(), [exempt(slice="kind=hard")])

    assert [(one.severity, one.slice) for one in found.findings] == [
        ("error", "kind=easy"),
        ("note", "kind=hard"),
    ]


def test_an_exception_holds_on_its_last_day():
    """`expires` is the last day, not the first without."""
    assert judge(diff(row()), Gate(), [exempt(expires=DAY)]).exit_code == 0


def test_an_expired_exception_is_a_finding_and_excuses_nothing():
    """Judged on the day of the newest run: no clock is read."""
    found = judge(diff(row()), Gate(), [exempt(expires=YESTERDAY)])

    assert codes(found, "error") == ["MBE301", "MBE306"]
    assert found.findings[1].at.path == "behaviors/exceptions.yaml"


def test_exceptions_are_judged_on_the_day_that_is_given():
    """A release is judged on its own day."""
    lapsed = [exempt(expires=YESTERDAY)]

    assert judge(diff(row()), Gate(today=YESTERDAY), lapsed).exit_code == 0


def test_without_any_dated_run_nothing_expires():
    """A day that is not known has not passed."""
    assert judge(diff(row(), as_of=None), Gate(), [exempt(expires=YESTERDAY)]).exit_code == 0


def test_an_exception_that_nothing_needs_is_a_finding():
    """It would let the next regression through in silence."""
    found = judge(diff(row("unchanged")), Gate(), [exempt()])

    assert codes(found, "error") == ["MBE307"]


def test_an_exception_for_a_slice_is_needed_while_the_slice_is_worse():
    """Even where the whole behavior is worse by now, and the slice no finding of its own."""
    worse = row(slices=(part("hard", "regressed", -0.3),))

    assert codes(judge(diff(worse), Gate(), [exempt(slice="kind=hard")])) == ["MBE301"]


def test_whether_an_exception_is_needed_does_not_depend_on_the_bar():
    """What is accepted is there or not, whatever --fail-on counts."""
    undecided = [exempt(verdict="inconclusive")]

    assert codes(judge(diff(row("inconclusive")), Gate("regressed"), undecided)) == ["MBE303"]


def test_exceptions_count_for_nothing_at_never():
    """`never` fails at nothing, and still says it."""
    found = judge(diff(row("unchanged")), Gate("never"), [exempt()])

    assert (found.exit_code, codes(found, "warning")) == (0, ["MBE307"])


def test_findings_that_count_come_first():
    """GitHub shows ten annotations of a kind, a reader fewer."""
    rows = (row("improved"), row("inconclusive", behavior="json"), row(behavior="short"))

    assert codes(judge(diff(*rows), Gate())) == ["MBE301", "MBE303", "MBE305"]


def test_a_finding_points_at_the_measure_of_its_behavior():
    """That is the line to open."""
    found = judge(diff(row()), Gate())

    assert str(found.findings[0].at) == "behaviors/adds.md:4:1"
