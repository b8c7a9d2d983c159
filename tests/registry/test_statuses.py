"""The status of a quirk: a rule over the whole interval, then history, then what people reported."""

import datetime

import pytest

from mbe_docs.records.estimates import Repeatability
from mbe_docs.records.models import Snapshot
from mbe_docs.records.quirks import Detect, Override, Statement, StatementSource
from mbe_docs.registry.statuses import statements
from mbe_docs.registry.subjects import Subjects
from mbe_docs.registry.wording import THIN
from tests import make

ORDER = ("atlas-1", "atlas-2", "atlas-3")
GOOD, BAD, ACROSS = (
    make.interval(0.97, 0.93, 0.99),
    make.interval(0.3, 0.2, 0.4),
    make.interval(0.5, 0.4, 0.6),
)


def family(**changes):
    return make.family(
        lineage=(ORDER,), snapshots={name: Snapshot(id=name) for name in ORDER}, aliases={}, **changes
    )


def rule(text):
    return Detect(task=("arithmetic",), scorer="match", affected_when=text)


def found(quirk, estimates, families=None):
    """Statements by subject; `estimates` maps a subject to a rate or to a whole estimate."""
    made = {
        (quirk.id, subject): entry
        if not hasattr(entry, "low")
        else make.estimate(behavior=quirk.id, subject=subject, rate=entry)
        for subject, entry in estimates.items()
    }
    return {entry.subject: entry for entry in statements([quirk], made, Subjects(families or [family()]))}


@pytest.mark.parametrize(
    ("text", "rate", "status"),
    [
        ("rate < 0.50", BAD, "affected"),
        ("rate < 0.50", ACROSS, "unknown"),
        ("rate < 0.50", GOOD, "not_affected"),
        ("rate < 0.40", BAD, "unknown"),
        ("rate <= 0.40", BAD, "affected"),
        ("rate < 0.20", BAD, "not_affected"),
        ("rate > 0.10", BAD, "affected"),
        ("rate >= 0.40", BAD, "unknown"),
        ("rate > 0.40", BAD, "not_affected"),
    ],
)
def test_the_whole_interval_decides_and_never_the_mean(text, rate, status):
    """All of it satisfies the rule: affected; none of it: not affected; else nobody can say."""
    assert found(make.quirk(detect=rule(text)), {"atlas-1": rate})["atlas-1"].status == status


def test_the_reason_says_which_rule_over_which_interval():
    """A sentence that can be checked by hand."""
    entry = found(make.quirk(), {"atlas-1": BAD})["atlas-1"]

    assert entry.reason == f"The whole interval 30{THIN}% [20, 40] is below 50{THIN}%."
    assert (entry.evidence_level, entry.rate, entry.n_samples, entry.runs) == (
        "measured",
        BAD,
        120,
        ("inspect:r1",),
    )


def test_an_unknown_status_says_how_many_samples_would_settle_it():
    """At 60 % of 120 samples with an effective size of 200, against 50 %."""
    rate = make.interval(0.6, 0.49, 0.7)

    entry = found(make.quirk(), {"atlas-1": rate})["atlas-1"]

    assert entry.n_more is not None
    assert entry.reason.endswith(f"below 50{THIN}%; about {entry.n_more:,} more samples would settle it.")


def test_a_rule_in_the_unit_of_its_behavior_is_spoken_of_in_that_unit():
    """Tokens are not percent, and no number of samples is promised for a scale that has no ends."""
    estimate = make.estimate(behavior="drops-carry", unit="tokens", rate=make.interval(150.0, 120.0, 210.0))

    entry = found(make.quirk(detect=rule("rate > 200")), {"atlas-1": estimate})["atlas-1"]

    assert entry.reason == f"Only a part of the interval 150{THIN}tok [120, 210] is above 200{THIN}tok."
    assert (entry.status, entry.n_more) == ("unknown", None)


@pytest.mark.parametrize(
    ("flake", "status"),
    [
        (make.interval(0.3, 0.2, 0.4), "affected"),
        (make.interval(0.1, 0.05, 0.2), "unknown"),
        (make.interval(0.0, 0.0, 0.05), "not_affected"),
    ],
)
def test_a_rule_over_flips_looks_at_flips_and_not_at_the_rate(flake, status):
    """`flake > 0.10`: how often two attempts at a sample differ."""
    repeatability = Repeatability(flake=flake, n_samples=40, n_effective=40.0, flaky_samples=9)
    estimate = make.estimate(behavior="drops-carry", repeatability=repeatability)

    entry = found(make.quirk(detect=rule("flake > 0.10")), {"atlas-1": estimate})["atlas-1"]

    assert (entry.status, entry.rate, entry.n_samples) == (status, flake, 40)


def test_flips_are_unknown_where_nothing_was_tried_twice():
    """One attempt a sample says nothing about the next."""
    entry = found(make.quirk(detect=rule("flake > 0.10")), {"atlas-1": GOOD})["atlas-1"]

    assert (entry.status, entry.rate) == ("unknown", None)
    assert entry.reason == "No sample was tried twice, so nothing is known of how answers vary."


def test_an_unfinished_run_is_no_status_and_shows_no_number():
    """The interval would say affected."""
    estimate = make.estimate(behavior="drops-carry", rate=BAD, is_partial=True)

    entry = found(make.quirk(), {"atlas-1": estimate})["atlas-1"]

    assert (entry.status, entry.rate) == ("unknown", None)
    assert entry.reason == "The only run of it did not finish, so it is no result."


@pytest.mark.parametrize(
    ("rates", "statuses"),
    [
        ((BAD, GOOD, GOOD), ("affected", "fixed", "fixed")),
        ((GOOD, BAD, GOOD), ("not_affected", "affected", "fixed")),
        ((GOOD, GOOD, BAD), ("not_affected", "not_affected", "affected")),
        ((ACROSS, GOOD, GOOD), ("unknown", "not_affected", "not_affected")),
        ((BAD, None, GOOD), ("affected", "unknown", "fixed")),
        ((None, None, GOOD), ("unknown", "unknown", "not_affected")),
        ((BAD, ACROSS, GOOD), ("affected", "unknown", "fixed")),
    ],
)
def test_not_affected_after_an_affected_predecessor_is_fixed(rates, statuses):
    """However far back it was; a gap breaks nothing, and an undecided predecessor proves nothing."""
    entries = found(make.quirk(), {name: rate for name, rate in zip(ORDER, rates, strict=True) if rate})

    assert tuple(entries[name].status for name in ORDER) == statuses


def test_a_branch_that_was_never_affected_is_not_fixed():
    """atlas-3 follows atlas-1 on its own branch."""
    forked = family().model_copy(update={"lineage": (("atlas-1", "atlas-2"), ("atlas-1", "atlas-3"))})

    entries = found(make.quirk(), {"atlas-1": GOOD, "atlas-2": BAD, "atlas-3": GOOD}, [forked])

    assert entries["atlas-3"].status == "not_affected"


def test_branches_that_meet_again_are_each_looked_at_once():
    """1 → 2 → 4 and 1 → 3 → 4: nobody was affected, so the last one was not fixed."""
    names = [f"atlas-{n}" for n in range(1, 5)]
    diamond = make.family(
        lineage=((names[0], names[1], names[3]), (names[0], names[2], names[3])),
        snapshots={name: Snapshot(id=name) for name in names},
        aliases={},
        variants={},
    )

    entries = found(make.quirk(), dict.fromkeys(names, GOOD), [diamond])

    assert {entry.status for entry in entries.values()} == {"not_affected"}


def test_a_variant_is_never_called_fixed():
    """Another configuration of the same weights comes after nothing."""
    entries = found(make.quirk(), {"atlas-1": BAD, "atlas-1+t0": GOOD})

    assert entries["atlas-1+t0"].status == "not_affected"


def test_nobody_measured_is_said_for_snapshots_of_a_touched_family_only():
    """Not for variants, and not for a family nobody looked at."""
    other = make.family(
        id="globe", lineage=(), snapshots={"globe-1": Snapshot(id="globe-1")}, aliases={}, variants={}
    )

    entries = found(make.quirk(), {"atlas-2": GOOD}, [family(), other])

    assert sorted(entries) == list(ORDER)
    assert (entries["atlas-1"].status, entries["atlas-1"].evidence_level) == ("unknown", "none")
    assert entries["atlas-1"].reason == "Nobody has measured this here."


def test_a_quirk_that_nobody_looked_at_has_no_statement():
    """The page says so in one sentence instead of in a row for every model of the world."""
    assert found(make.quirk(), {}) == {}


SOURCE = StatementSource(url="https://example.org/report", read=datetime.date(2026, 4, 1))


def authored(**changes):
    fields = {"snapshots": ("atlas-1",), "status": "affected", "evidence_level": "reported", "source": SOURCE}
    return Statement(**(fields | changes))


def test_a_reported_status_names_its_source_and_has_no_rate():
    """Somebody else's word is not our number."""
    entry = found(make.quirk(statements=(authored(),)), {})["atlas-1"]

    assert (entry.status, entry.evidence_level, entry.rate) == ("affected", "reported", None)
    assert entry.reason == "Reported, https://example.org/report (read 2026-04-01); no rate of our own."


def test_our_own_evidence_wins_over_a_report():
    """Without a reason to override it."""
    entry = found(make.quirk(statements=(authored(),)), {"atlas-1": GOOD})["atlas-1"]

    assert (entry.status, entry.evidence_level) == ("not_affected", "measured")


def test_an_override_wins_and_says_why():
    """It does not claim that there is no rate of our own: there is one, and it is overridden."""
    override = Override(reason="the scorer misses half of them.", expires=datetime.date(2027, 1, 1))
    quirk = make.quirk(statements=(authored(override=override, note="Seen by three teams."),))

    entry = found(quirk, {"atlas-1": GOOD})["atlas-1"]

    assert (entry.status, entry.evidence_level) == ("affected", "reported")
    assert entry.reason == (
        "Reported, https://example.org/report (read 2026-04-01); this overrides our evidence: "
        "the scorer misses half of them. Seen by three teams."
    )


def test_a_reported_predecessor_makes_fixed_too():
    """Affected is affected, whoever saw it."""
    entries = found(make.quirk(statements=(authored(),)), {"atlas-2": GOOD})

    assert entries["atlas-2"].status == "fixed"


def test_a_reported_flaky_predecessor_makes_fixed_too():
    """Flaky is a way of being affected."""
    entries = found(make.quirk(statements=(authored(status="flaky"),)), {"atlas-2": GOOD})

    assert (entries["atlas-1"].status, entries["atlas-2"].status) == ("flaky", "fixed")


def test_a_withdrawn_quirk_leaves_no_gaps_to_fill():
    """Nobody has to measure what is withdrawn."""
    quirk = make.quirk(statements=(authored(),), withdrawn=datetime.date(2026, 6, 1))

    assert sorted(found(quirk, {})) == ["atlas-1"]
