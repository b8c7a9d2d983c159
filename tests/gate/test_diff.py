"""Names at a date, slices as rows, flaky samples, what deciding costs."""

from __future__ import annotations

import datetime

import pytest

from mbe_docs.config import Config
from mbe_docs.curated.bundle import Curated
from mbe_docs.errors import ConfigError
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.project import Project
from mbe_docs.records.models import Price, Snapshot
from mbe_docs.registry.diff import diff, subject_named
from mbe_docs.registry.gate import flaky_words, flipped_words, to_decide
from mbe_docs.registry.merge import Evidence, with_cost
from mbe_docs.registry.subjects import Subjects
from tests import make
from tests.gate.diffs import flip, row
from tests.project import small
from tests.sources.build_logs import eval_log, header, sample


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """A family with an alias, and nothing measured."""
    store = EvidenceStore(tmp_path_factory.mktemp("empty"))
    lapsed = make.family(
        id="borealis",
        lineage=(),
        variants={},
        snapshots={"borealis-1": Snapshot(id="borealis-1", known_as=("vertex/borealis@20260101",))},
        aliases={"borealis-beta": make.family().aliases["atlas-latest"][:1]},
    )
    return Evidence(Curated(families=(make.family(), lapsed)), store, Config())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("atlas-2", "atlas-2"),
        ("atlas-1+t0", "atlas-1+t0"),
        ("atlas-latest", "atlas-2"),
        ("atlas-latest@2026-03-15", "atlas-1"),
        ("acme/atlas-latest@2026-03-15", "atlas-1"),
        ("atlas-latest@2026-05-31", "atlas-1"),
        ("atlas-latest@2026-06-01", "atlas-2"),
        ("atlas-1@2026-07-01", "atlas-1"),
        ("vertex/borealis@20260101", "borealis-1"),
    ],
)
def test_a_name_means_one_subject(names, text, expected):
    """An alias means what it meant on that day; a snapshot is itself on every day."""
    assert expected == subject_named(names, text)


@pytest.mark.parametrize(
    ("text", "said", "fix"),
    [
        (
            "atlas-latest@2025-12-31",
            "the alias 'atlas-latest' means no snapshot on 2025-12-31",
            "it meant atlas-1 from 2026-01-01 until 2026-06-01; atlas-2 from 2026-06-01 on",
        ),
        (
            "borealis-beta",
            "the alias 'borealis-beta' means no snapshot now",
            "it meant atlas-1 from 2026-01-01 until 2026-06-01",
        ),
        (
            "atlas-latest@june",
            "'june' in 'atlas-latest@june' is no date",
            "write it like atlas-latest@2026-01-31",
        ),
        ("atlas-9@2026-01-01", "no family lists the model 'atlas-9'", "did you mean 'atlas-2'?"),
        ("zzz", "no family lists the model 'zzz'", "expected one of: atlas-1, "),
    ],
)
def test_a_name_that_means_nothing_is_said_with_what_is_known(names, text, said, fix):
    """The intervals of the alias, the nearest name, or all of them."""
    with pytest.raises(ConfigError) as raised:
        subject_named(names, text)

    assert raised.value.problem == said
    assert fix.split("'")[0] in (raised.value.fix or "")


def test_two_names_of_one_model_are_no_comparison(names):
    """It would be unchanged for ever."""
    with pytest.raises(ConfigError, match="'atlas-latest' and 'atlas-2' both mean atlas-2"):
        diff(names, "atlas-latest", "atlas-2")


def log(path, model, scores, **changes):
    """A log of several attempts at each sample: `scores` holds a text like `CCI` for each."""
    spec = {
        "eval_id": path.stem,
        "run_id": path.stem,
        "model": f"acme/{model}",
        "config": {"epochs": len(scores[0])},
    }
    samples = [
        sample(number, epoch, value, metadata={"kind": "easy" if number % 2 else "hard"}, **changes)
        for number, text in enumerate(scores, start=1)
        for epoch, value in enumerate(text, start=1)
    ]
    return eval_log(path, samples, header(eval=spec | {"dataset": {"name": "sums", "samples": len(scores)}}))


@pytest.fixture(scope="module")
def sliced(tmp_path_factory):
    """Hard samples got worse, easy ones better; three are flaky."""
    root = small.start(tmp_path_factory.mktemp("sliced") / "registry", logs=False)
    (root / "logs").mkdir()
    old = ["II" if number % 2 else "CC" for number in range(1, 101)]
    new = ["CC" if number % 2 else "II" for number in range(1, 101)]
    old[3], new[3], new[4], old[7] = "CI", "IC", "CI", "CI"
    log(root / "logs" / "one.eval", "atlas-1", old)
    log(root / "logs" / "two.eval", "atlas-2", new)
    Project(root).ingest([str(root / "logs")])
    return Project(root)


def test_a_flip_that_the_mean_hides_fails_the_gate(sliced):
    """The means are alike, and half of the samples turned over."""
    found = sliced.diff("atlas-1", "atlas-2")

    (only,) = found.comparisons
    assert only.verdict not in ("regressed", "improved")
    assert [(one.code, one.slice) for one in found.findings if one.severity == "error"] == [
        ("MBE302", "kind=hard")
    ]
    assert found.exit_code == 1


def test_slices_become_rows(sliced):
    """Each with its own verdict, and what the whole says of no slice is gone."""
    found = sliced.diff("atlas-1", "atlas-2", by="kind")

    assert [(one.slice, one.verdict) for one in found.comparisons] == [
        ("kind=hard", "regressed"),
        ("kind=easy", "improved"),
    ]
    assert {one.behavior for one in found.comparisons} == {"adds"}
    assert found.title(found.comparisons[0]) == "Adds two numbers [kind=hard]"


def test_one_slice_is_decided_among_all_of_its_key(sliced):
    """Naming one does not make its family smaller."""
    every = {one.slice: one.q_diff for one in sliced.diff("atlas-1", "atlas-2", by="kind").comparisons}
    (one,) = sliced.diff("atlas-1", "atlas-2", by="kind=easy").comparisons

    assert (one.slice, one.q_diff) == ("kind=easy", every["kind=easy"])


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("size", "no behavior here is cut by 'size'; expected one of: kind"),
        ("kind=odd", "no sample has kind=odd"),
    ],
)
def test_an_unknown_slice_is_an_error(sliced, by, said):
    """No empty report that looks fine."""
    with pytest.raises(ConfigError, match=said):
        sliced.diff("atlas-1", "atlas-2", by=by)


def test_flaky_samples_are_listed_those_of_both_sides_first(sliced):
    """Attempts at them differ among themselves, so a difference of theirs means little."""
    (only,) = sliced.diff("atlas-1", "atlas-2").comparisons

    assert (only.n_flaky, only.flaky_samples) == (3, ("4", "5", "8"))
    assert flaky_words(only) == "flaky: 4, 5 and 8"


def test_flaky_samples_of_a_slice_are_those_in_it(sliced):
    """4 and 8 are hard."""
    (only,) = sliced.diff("atlas-1", "atlas-2", by="kind=hard").comparisons

    assert only.flaky_samples == ("4", "8")


def test_many_flaky_samples_are_counted():
    """A line of the report stays a line."""
    many = row(n_flaky=17, flaky_samples=tuple(map(str, range(17))))

    assert flaky_words(many) == "flaky: 0, 1, 2 and 14 more"


def test_the_samples_that_moved_most_are_named_with_their_scores():
    """Three in a line; passes among attempts, and means where a score is no share."""
    flips = (flip("s1", 1.0, 0.2), flip("s2", 0.8, 0.4), flip("s3", 0.4, 0.2), flip("s4", 0.0, 0.2))
    words = "moved most: s1 (5 of 5 → 1 of 5), s2 (4 of 5 → 2 of 5), s3 (2 of 5 → 1 of 5) and 9 more"
    tokens = (flip("s1", 120.25, 130.0),)

    assert flipped_words(row(n_worse=11, n_better=1, flipped_samples=flips)) == words
    assert (
        flipped_words(row(unit="tokens", n_worse=1, n_better=0, flipped_samples=tokens))
        == "moved most: s1 (120.2\u202ftok → 130\u202ftok)"
    )
    assert flipped_words(row()) is None


def priced(**prices):
    """Atlas with a price for each snapshot from days on."""
    family = make.family(variants={})
    snapshots = {
        name: snapshot.model_copy(update={"prices": prices.get(name.replace("-", "_"), ())})
        for name, snapshot in family.snapshots.items()
    }
    return Subjects([family.model_copy(update={"snapshots": snapshots})])


def price(day, input, output):
    return Price.model_validate({"from": day, "input": input, "output": output})


def sides(old=None, new=None):
    """Estimates of both sides: 100 samples × 2 attempts, 100 tokens in and 50 out."""
    common = {"n_samples": 100, "n_attempts": 200, "tokens_in_mean": 100.0, "tokens_out_mean": 50.0}
    return {
        ("adds", "atlas-1"): make.estimate(**(common | (old or {}))),
        ("adds", "atlas-2"): make.estimate(subject="atlas-2", **(common | (new or {}))),
    }


OPEN = row("inconclusive", n_common=100, n_needed=600, n_old=100, n_new=100)
ONE_DOLLAR = (price("2026-01-01", 1.0, 2.0),)


def test_deciding_costs_the_missing_samples_on_both_sides():
    """500 samples × 2 attempts × 150 tokens × 2 sides; 1 $ per million in, 2 $ out: 0.20 $ a side."""
    found = with_cost(OPEN, sides(), priced(atlas_1=ONE_DOLLAR, atlas_2=ONE_DOLLAR))

    assert (found.tokens_to_decide, found.cost_usd_to_decide) == (300_000, pytest.approx(0.4))
    assert to_decide(found) == (
        "about 600 samples in all would decide it: 500 more on each side, 300,000 tokens, $0.40"
    )


def test_the_price_is_that_of_the_day_of_the_run():
    """A later price change is no cost of then."""
    prices = (price("2026-01-01", 1.0, 2.0), price("2026-06-01", 100.0, 200.0))
    found = with_cost(OPEN, sides(), priced(atlas_1=prices, atlas_2=prices))

    assert found.cost_usd_to_decide == pytest.approx(0.4)


def test_a_cost_that_the_log_states_wins_over_a_price():
    """It knows about caches and discounts."""
    stated = {"cost_usd_mean": 0.001}
    found = with_cost(OPEN, sides(stated, stated), priced(atlas_1=ONE_DOLLAR, atlas_2=ONE_DOLLAR))

    assert found.cost_usd_to_decide == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("old", "prices", "tokens"),
    [
        ({}, {"atlas_2": ONE_DOLLAR}, 300_000),
        ({}, {"atlas_1": (price("2026-06-01", 1.0, 2.0),), "atlas_2": ONE_DOLLAR}, 300_000),
        ({"tokens_out_mean": None}, {"atlas_1": ONE_DOLLAR, "atlas_2": ONE_DOLLAR}, None),
    ],
)
def test_what_one_side_does_not_state_is_unknown(old, prices, tokens):
    """Half a price is no price; unknown is not zero."""
    found = with_cost(OPEN, sides(old), priced(**prices))

    assert (found.tokens_to_decide, found.cost_usd_to_decide) == (tokens, None)
    assert (to_decide(found) or "").endswith("price unknown")


@pytest.mark.parametrize("note", ["undecided: too many attempts lost", "undecided: depends on errors"])
def test_no_number_of_samples_is_named_where_errors_decide(note):
    """More of the same logs would decide nothing; the note says what hangs on errors."""
    lost = OPEN.model_copy(update={"notes": (note,)})

    assert with_cost(lost, sides(), priced()) == lost
    assert to_decide(lost) is None


def test_an_unpaired_comparison_needs_its_samples_in_each_arm():
    """100 of 600 are there on one side, 250 on the other."""
    apart = OPEN.model_copy(update={"mode": "unpaired", "n_common": 0, "n_new": 250})
    found = with_cost(apart, sides(), priced())

    assert found.tokens_to_decide == 500 * 2 * 150 + 350 * 2 * 150
    assert "500 and 350 more on each side" in (to_decide(found) or "")


def test_a_reason_that_hangs_on_errors_is_in_the_report(tmp_path):
    """Model errors count as failures; here they are most of the difference, and they were infrastructure."""
    root = small.start(tmp_path / "registry", logs=False)
    (root / "logs").mkdir()
    small.log(root / "logs" / "one.eval", "atlas-1", "C" * 40)
    samples = [sample(number, value="I" if number > 28 else "C") for number in range(1, 41)]
    for one in samples[:8]:
        one |= {"scores": {}, "error": {"message": "connection reset", "traceback": ""}}
    spec = {
        "eval_id": "two",
        "run_id": "two",
        "model": "acme/atlas-2",
        "dataset": {"name": "sums", "samples": 40},
    }
    eval_log(root / "logs" / "two.eval", samples, header(eval=spec))
    project = Project(root)
    project.ingest([str(root / "logs")])

    found = project.diff("atlas-1", "atlas-2")

    assert found.comparisons[0].verdict == "inconclusive"
    assert "undecided: too many attempts lost" in project.report(found, "text")


def test_the_newest_run_dates_the_diff(sliced):
    """Exceptions are judged on that day."""
    assert sliced.diff("atlas-1", "atlas-2").as_of == datetime.date(2026, 11, 1)
