"""Real logs of many versions of Inspect: read or refused, and their own aggregates come out again."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt
from pathlib import Path
from statistics import stdev

import pytest

from tests.sources.build_logs import Read, accuracies

SHARED = Path(__file__).parents[3] / "shared"
LOGS = sorted(
    path
    for folder in (SHARED / "data" / "inspect-logs", SHARED / "own" / "smollm2" / "logs")
    for path in folder.rglob("*")
    if path.suffix in (".eval", ".json")
)
pytestmark = [
    pytest.mark.published,
    pytest.mark.skipif(not LOGS, reason="the real logs are not beside the project"),
]

DIFFERENT = {
    ("data_cvebench_empty_choices.json", "mean"): "1 of 80 samples is in the file, and it failed",
    ("data_intercode_ctf_local_path.json", "accuracy"): "1 of 79 samples is in the file",
    ("data_intercode_ctf_local_path.json", "stderr"): "1 of 79 samples is in the file",
    ("log_tool_call_error.json", "accuracy"): "1 of 4 samples is in the file, without its score",
    ("log_tool_call_error.json", "stderr"): "1 of 4 samples is in the file, without its score",
    ("2025-05-12T20-28-13-04-00_no-samples.json", "accuracy"): "the samples were taken out",
    ("2025-05-12T20-28-13-04-00_no-samples.json", "stderr"): "the samples were taken out",
}
"""Logs that describe more samples than they hold: their aggregates are reported, not measured."""

SMOLLM2 = {
    ("q4_1-t0", "arithmetic", "match"): 0.225,
    ("q4_1-t0", "arithmetic", "includes"): 0.325,
    ("q4_1-t08", "arithmetic", "match"): 0.110,
    ("q2_k-t08", "arithmetic", "match"): 0.050,
    ("q4_1-t08-sys", "arithmetic", "match"): 0.0833,
    ("q4_1-t0", "json_format", "json_exact"): 0.250,
    ("q4_1-t08-sys", "json_format", "json_exact"): 0.2833,
    ("q2_k-t08", "instruction_following", "constraint"): 0.200,
    ("q4_1-t08", "benign_compliance", "complies"): 0.970,
    ("q2_k-t08", "benign_compliance", "complies"): 1.000,
}


def names(path):
    """How a log is called in test ids."""
    return path.name


@pytest.mark.parametrize("path", LOGS, ids=names)
def test_every_real_log_is_read_without_a_loss(path):
    """No sample, score or field of a log that Inspect wrote is unreadable."""
    read = Read(path)

    assert read.run.task
    assert read.run.model_requested
    assert {"MBE215"} >= set(read.codes)


def aggregates(observations, scorer):
    """Mean and standard error over samples of the mean over epochs."""
    values = defaultdict(list)
    for one in observations:
        if one.scorer == scorer and one.value is not None:
            values[one.sample_id].append(one.value)
    means = [sum(some) / len(some) for some in values.values()]
    if not means:
        return {}
    mean = sum(means) / len(means)
    error = stdev(means) / sqrt(len(means)) if len(means) > 1 else 0.0
    return {"accuracy": mean, "mean": mean, "stderr": error}


@pytest.mark.parametrize("path", LOGS, ids=names)
def test_the_aggregates_of_a_log_come_out_of_its_samples(path):
    """Accuracy, mean and stderr over samples, of means over epochs, equal the log's own; or it is said why not."""
    read = Read(path)

    for metric in read.run.reported:
        ours = aggregates(read.observations, metric.scorer).get(metric.metric)
        is_equal = ours is not None and metric.value == pytest.approx(ours, abs=1e-12)
        assert is_equal is ((path.name, metric.metric) not in DIFFERENT)


def test_how_many_aggregates_come_out():
    """96 of the 103 that the logs state; the seven others are of logs that hold fewer samples than they describe."""
    stated = [(path.name, metric.metric) for path in LOGS for metric in Read(path).run.reported]

    assert (len(stated), len([one for one in stated if one not in DIFFERENT])) == (103, 96)


def test_the_story_of_the_small_model_comes_out():
    """Accuracies of the runs as their own report printed them."""
    found = {}
    for path in LOGS:
        if "smollm2" in str(path):
            read = Read(path)
            for scorer, value in accuracies(read.observations).items():
                found[path.parent.name, read.run.task, scorer] = value

    assert {key: pytest.approx(value, abs=5e-5) for key, value in SMOLLM2.items()} == {
        key: found[key] for key in SMOLLM2
    }


def test_a_changed_solver_is_seen(tmp_path):
    """The DNS logs fell to zero because the solver changed, not the model."""
    runs = [Read(path).run for path in LOGS if "dns-troubleshooter" in path.name]
    solvers = [run.solver or "" for run in sorted(runs, key=lambda run: run.started_at or "")]

    assert ["generate" in solver for solver in solvers] == [True, True, True, True, False]
    assert len(set(solvers)) == 2


def test_scores_beyond_one_are_kept_as_they_are():
    """A metric called accuracy is 7.67 in the log; the values are grades from 0 to 10, written as text."""
    (path,) = (path for path in LOGS if "qm-problems" in path.name)
    read = Read(path)

    assert max(o.value for o in read.observations) == 10.0
    assert pytest.approx(read.run.reported[0].value, abs=0.005) == 7.67


def test_a_killed_run_is_partial_with_what_it_has():
    """50 of 90 attempts, no header."""
    (read,) = (Read(path) for path in LOGS if path.name.startswith("2026-11-23T17-19-42"))

    assert (
        read.run.status,
        len(read.observations),
        read.run.samples_planned,
        read.run.epochs,
    ) == ("partial", 50, 30, 3)
