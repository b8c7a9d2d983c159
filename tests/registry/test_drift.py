"""The same subject measured again and again."""

import hashlib

import pytest

from mbe_docs.config import Policy
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.evals import Observation
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


def test_samples_that_some_run_did_not_try_are_left_out(tmp_path):
    """Only what every run tried equally often is compared run by run."""
    store, arm = store_of(tmp_path, [0.8] * 3)
    extra = make.run(run_key="inspect:r9", started_at="2026-05-20T00:00:00+00:00")
    row = Observation("inspect:r9", "s0", f"{0:032x}", 1, "match", 1.0, None, "scored", {})
    entry, _ = store.write_part(
        [extra, row], source_sha256="f" * 64, source_uri="r9.eval", source_format="inspect"
    )
    store.commit([entry])

    assert drift_reports([Arm("adds", "atlas-1", make.measure(), (extra, *arm.runs))], store, Policy()) == []
