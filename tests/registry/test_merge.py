"""Evidence and notes merged: who is measured, what is compared, what a mitigation does."""

import datetime

import pytest
from scipy import stats as oracle

from mbe_docs.records.models import Price, Snapshot
from mbe_docs.records.quirks import Detect, MeasuredBy, Mitigation
from tests import make

WITHOUT, WITH = "1 " * 12 + "0 " * 28, "1 " * 30 + "0 " * 10


def log(number, attempts, **changes):
    run = make.run(
        **(
            {
                "run_key": f"inspect:r{number}",
                "log_uri": f"logs/r{number}.eval",
                "samples_planned": len(attempts.split()),
                "started_at": f"2026-05-{number + 1:02d}T00:00:00+00:00",
            }
            | changes
        )
    )
    return run, make.observations(run, attempts, tokens_in=1000, tokens_out=500)


def cold(text="rate < 0.50"):
    """A quirk with a mitigation that was measured at temperature 0."""
    measured = MeasuredBy(task=("arithmetic",), when={"temperature": 0})
    return make.quirk(
        id="adds",
        detect=Detect(task=("arithmetic",), scorer="match", affected_when=text),
        mitigations=(Mitigation(id="cold", kind="parameter", how="Cool it.", measured_by=measured),),
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Two snapshots, a variant of each, a withdrawn behavior, and a quirk called as a behavior is."""
    variants = make.family().variants
    second = variants["atlas-1+t0"].model_copy(update={"id": "atlas-2+t0", "of": "atlas-2"})
    price = Price.model_validate({"from": "2026-01-01", "input": 2.0, "output": 10.0})
    late = Price.model_validate({"from": "2027-01-01", "input": 200.0, "output": 1000.0})
    family = make.family(
        variants={**variants, second.id: second},
        snapshots={
            "atlas-1": Snapshot(id="atlas-1", prices=(price, late)),
            "atlas-2": Snapshot(id="atlas-2", prices=(price,)),
        },
    )
    registry, findings = make.merged(
        tmp_path_factory.mktemp("merge"),
        log(0, WITHOUT),
        log(1, WITH, generation_params={"temperature": 0}),
        log(2, WITHOUT.replace("1", "0", 1), model_requested="acme/atlas-2"),
        log(3, WITH, generation_params={"temperature": 0}, model_requested="acme/atlas-2"),
        log(4, "1 1", model_requested="acme/globe-9"),
        behaviors=[
            make.behavior(),
            make.behavior(id="old", status="withdrawn", withdrawn=datetime.date(2026, 6, 1)),
        ],
        quirks=[cold(), cold("flake > 0.10").model_copy(update={"id": "flips"})],
        families=[family],
    )
    assert {finding.code for finding in findings} == {"MBE230"}
    return registry


def test_pages_are_neighbours_the_same_variant_of_both_and_each_variant_against_its_base(found):
    """Nothing else is compared: every further comparison would cost all others power."""
    pairs = [(entry.old, entry.new) for entry in found.comparisons]

    assert pairs == [
        ("atlas-1", "atlas-2"),
        ("atlas-1+t0", "atlas-2+t0"),
        ("atlas-1", "atlas-1+t0"),
        ("atlas-1", "atlas-1+prompted"),
        ("atlas-2", "atlas-2+t0"),
    ]


def test_a_quirk_may_be_called_as_a_behavior_is(found):
    """Estimates are of behaviors only; the quirk has statements."""
    assert {entry.behavior for entry in found.estimates} == {"adds"}
    assert ("adds", "atlas-1", "affected") in {(s.quirk, s.subject, s.status) for s in found.statements}


def test_a_withdrawn_behavior_is_not_measured_and_stays_in_the_registry(found):
    """Its id resolves for ever."""
    assert [behavior.id for behavior in found.behaviors] == ["adds", "old"]
    assert not [entry for entry in found.estimates if entry.behavior == "old"]


def test_the_effect_of_a_mitigation_is_the_difference_with_minus_without(found):
    """18 of 40 more pass with it, by McNemar's mid-p; the comparison carries the behavior's id."""
    effects = {entry.subject: entry for entry in found.mitigations}

    effect = effects["atlas-1"]
    assert (effect.quirk, effect.mitigation, effect.comparison.behavior) == ("adds", "cold", "adds")
    assert (effect.comparison.old, effect.comparison.new) == ("atlas-1", "atlas-1+t0")
    assert effect.comparison.difference.value == pytest.approx(18 / 40)
    assert effect.comparison.p_diff == pytest.approx(oracle.binom.pmf(0, 18, 0.5))
    assert (effect.comparison.verdict, sorted(effects)) == ("improved", ["atlas-1", "atlas-2"])


def test_each_mitigation_is_a_family_of_its_own(found):
    """Not corrected for the pages of the site."""
    for effect in found.mitigations:
        assert effect.comparison.q_diff == effect.comparison.p_diff


def test_a_rule_over_flips_has_no_difference_of_rates(found):
    """The status on the variant says how often flips happen there."""
    assert {effect.quirk for effect in found.mitigations} == {"adds"}


def test_every_run_is_summed_up_with_what_it_is_used_for(found):
    """The run of a model that no family lists is there, and used for nothing."""
    runs = {entry.run.run_key: entry for entry in found.runs}

    assert (runs["inspect:r0"].subject, runs["inspect:r0"].behaviors) == ("atlas-1", ("adds",))
    assert (runs["inspect:r1"].subject, runs["inspect:r1"].attempts_seen) == ("atlas-1+t0", 40)
    assert (runs["inspect:r4"].subject, runs["inspect:r4"].behaviors) == (None, ())
    assert (runs["inspect:r4"].outcomes, runs["inspect:r4"].samples_seen) == ({"scored": 2}, 2)


def test_a_registry_is_as_of_its_newest_run(found):
    """No clock is read."""
    assert found.as_of == "2026-05-05"


def test_what_would_decide_has_a_price(found):
    """Missing samples × 1,500 tokens on both sides, at the price on the day of the run: 2 $ and 10 $."""
    (entry,) = [c for c in found.comparisons if (c.old, c.new) == ("atlas-1", "atlas-2")]

    missing = entry.n_needed - entry.n_common
    assert entry.verdict == "inconclusive"
    assert entry.tokens_to_decide == 2 * missing * 1500
    assert entry.cost_usd_to_decide == pytest.approx(2 * missing * (1000 * 2 + 500 * 10) / 1e6, abs=1e-6)


def test_an_edited_log_replaces_the_run_it_edits(tmp_path):
    """Only the newer version counts, whichever was ingested first."""
    from mbe_docs.config import Config
    from mbe_docs.registry.merge import merge

    store = make.stored(tmp_path, log(0, WITHOUT))
    run, rows = log(0, WITH)
    entry, _ = store.write_part(
        [run.model_copy(update={"file_sha256": "f" * 64, "finished_at": "2026-05-02T00:00:00+00:00"}), *rows],
        source_sha256="f" * 64,
        source_uri="logs/r0.eval",
        source_format="inspect_ai",
    )
    store.commit([entry])
    notes = make.Notes(families=(make.family(),), behaviors=(make.behavior(),))

    registry, _ = merge(notes, store, Config())

    assert len(registry.runs) == 1
    counting = next(stored for stored in store.runs() if stored.superseded_by is None)
    assert registry.runs[0].run.file_sha256 == counting.run.file_sha256
