"""The same subject measured again and again."""

import hashlib

import pytest

from mbe_docs.config import Policy
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.evals import Observation, ScorerSpec
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.drift import drift_reports
from tests import make

SAMPLES, EPOCHS = 40, 3


def coin(*parts):
    """A number in [0, 1) that is the same for the same parts on every machine."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def store_of(root, rates, **changes):
    """A store with one run per rate, a day apart; `changes` maps a run number to other fields of its run."""
    store, runs, entries = EvidenceStore(root), [], []
    for number, rate in enumerate(rates):
        run = make.run(
            run_key=f"inspect:r{number}",
            started_at=f"2026-05-{number + 1:02d}T00:00:00+00:00",
            **changes.get(f"r{number}", {}),
        )
        rows = [
            Observation(
                run.run_key,
                f"s{sample}",
                f"{sample:032x}",
                epoch + 1,
                "match",
                float(coin(number, sample, epoch) < rate),
                None,
                "scored",
                {},
            )
            for sample in range(SAMPLES)
            for epoch in range(EPOCHS)
        ]
        entry, _ = store.write_part(
            [run, *rows],
            source_sha256=f"{number:064x}",
            source_uri=f"r{number}.eval",
            source_format="inspect",
        )
        runs.append(run)
        entries.append(entry)
    store.commit(entries)
    return store, Arm("adds", "atlas-1", make.measure(), tuple(reversed(runs)))


def report_of(root, rates, **changes):
    store, arm = store_of(root, rates, **changes)
    return drift_reports([arm], store, Policy())[0]


def test_a_drop_under_the_same_name_is_drift_and_names_the_run_where_it_began(tmp_path):
    """From 80 to 50 % at the sixth of ten runs, nothing else changed."""
    report = report_of(tmp_path, [0.8] * 5 + [0.5] * 5)

    assert report.verdict == "drifted"
    assert report.change_run == "inspect:r5"
    assert report.is_reliable


def test_a_drop_together_with_a_new_harness_is_named_and_not_called_drift(tmp_path):
    """The model is not blamed for what a new harness version may have done."""
    newer = {f"r{number}": {"harness_version": "2"} for number in range(5, 10)}

    report = report_of(tmp_path, [0.8] * 5 + [0.5] * 5, **newer)

    assert report.verdict == "setup_changed"
    assert report.cause == "harness version from unknown to 2"


def test_quiet_runs_are_steady(tmp_path):
    """Twelve runs at one rate raise no alarm."""
    report = report_of(tmp_path, [0.8] * 12)

    assert (report.verdict, report.alarm_run) == ("steady", None)
    assert len(report.points) == 12
    assert [point.date for point in report.points] == sorted(point.date for point in report.points)


@pytest.mark.parametrize("runs", [1, 2])
def test_two_runs_are_no_series(tmp_path, runs):
    """One earlier run does not say how much runs vary."""
    store, arm = store_of(tmp_path, [0.8] * runs)

    assert drift_reports([arm], store, Policy()) == []


def added(store, key, samples, attempts, *, day):
    """Another run of the first samples, every attempt passed."""
    extra = make.run(run_key=key, started_at=f"2026-05-{day}T00:00:00+00:00")
    rows = [
        Observation(key, f"s{sample}", f"{sample:032x}", epoch + 1, "match", 1.0, None, "scored", {})
        for sample in range(samples)
        for epoch in range(attempts)
    ]
    entry, _ = store.write_part(
        [extra, *rows], source_sha256="f" * 64, source_uri=f"{key}.eval", source_format="inspect"
    )
    store.commit([entry])
    return extra


def test_a_run_of_a_few_samples_does_not_end_the_series(tmp_path):
    """Somebody tried one sample by hand: that run is left out, the others stay what they were."""
    store, arm = store_of(tmp_path, [0.8] * 3)
    extra = added(store, "inspect:r9", 1, EPOCHS, day=20)

    (report,) = drift_reports([Arm("adds", "atlas-1", make.measure(), (extra, *arm.runs))], store, Policy())

    assert [point.run for point in report.points] == ["inspect:r0", "inspect:r1", "inspect:r2"]


def test_a_run_with_more_attempts_belongs_to_the_series(tmp_path):
    """Five attempts at each sample where the others have three."""
    store, arm = store_of(tmp_path, [0.8] * 3)
    extra = added(store, "inspect:r9", SAMPLES, EPOCHS + 2, day=20)

    (report,) = drift_reports([Arm("adds", "atlas-1", make.measure(), (extra, *arm.runs))], store, Policy())

    assert (len(report.points), report.points[-1].rate.value) == (4, 1.0)


def judged(number):
    """A run whose scorer had another judge from the fifth on."""
    spec = ScorerSpec(name="match", judge_model="judge-a" if number < 5 else "judge-b")
    return {"scorers": (spec,)}


@pytest.mark.parametrize(("after", "verdict"), [(2, "too_short"), (5, "steady")])
def test_a_new_judge_starts_the_series_anew_and_is_named(tmp_path, after, verdict):
    """From 80 to 30 % with another judge: the fall is shown, with its cause, and is no drift."""
    changes = {f"r{number}": judged(number) for number in range(5 + after)}
    store, whole = store_of(tmp_path, [0.8] * 5 + [0.3] * after, **changes)
    older, newer = whole.runs[after:], whole.runs[:after]
    arm = Arm("adds", "atlas-1", make.measure(), newer, others=tuple(run.run_key for run in older))

    (report,) = drift_reports([arm], store, Policy(), runs=whole.runs)

    assert len(report.points) == 5 + after
    assert (report.verdict, report.alarm_run, report.change_run) == (verdict, None, None)
    (there,) = report.breaks
    assert (there.run, there.cause) == ("inspect:r5", "judge model from judge-a to judge-b")


def test_drift_after_a_new_judge_is_found_among_the_runs_of_that_judge(tmp_path):
    """What came before under another ruler neither hides nor causes an alarm."""
    changes = {f"r{number}": judged(number) for number in range(13)}
    store, whole = store_of(tmp_path, [0.2] * 5 + [0.8] * 4 + [0.5] * 4, **changes)
    older, newer = whole.runs[8:], whole.runs[:8]
    arm = Arm("adds", "atlas-1", make.measure(), newer, others=tuple(run.run_key for run in older))

    (report,) = drift_reports([arm], store, Policy(), runs=whole.runs)

    assert (report.verdict, report.change_run) == ("drifted", "inspect:r9")


def test_another_setup_beside_it_is_no_break(tmp_path):
    """Two settings measured in turns are two series: none of them changed into the other."""
    store, whole = store_of(tmp_path, [0.8] * 8, **{f"r{n}": judged(n % 2 * 5) for n in range(8)})
    arm = Arm(
        "adds", "atlas-1", make.measure(), whole.runs[0::2], others=tuple(r.run_key for r in whole.runs[1::2])
    )

    (report,) = drift_reports([arm], store, Policy(), runs=whole.runs)

    assert (report.breaks, len(report.points)) == ((), 4)
