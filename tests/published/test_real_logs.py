"""Real logs of Inspect through the whole pipeline: read or refused with a reason, and never more than they say."""

from __future__ import annotations

import collections
import json
import zipfile

import pytest

from mbe_docs.project import Project
from tests.conftest import PUBLISHED_DATA
from tests.project import small
from tests.published.registries import MARKS, start

pytestmark = MARKS

LOGS = PUBLISHED_DATA / "inspect-logs"


@pytest.fixture(scope="module")
def ingest(tmp_path_factory):
    """The folder, ingested by the command into an empty project: the project, and what the command said."""
    root = start(tmp_path_factory.mktemp("real") / "registry")
    return root, small.run("ingest", str(LOGS), cwd=root)


@pytest.fixture(scope="module")
def runs(ingest):
    """Every run that was read."""
    return [stored.run for stored in Project(ingest[0]).store.runs()]


@pytest.fixture(scope="module")
def registry(ingest, runs):
    """The same project with a behavior for every task and scorer and a card for every model that occurs."""
    root, _ = ingest
    models = sorted({run.model_requested for run in runs})
    known = "".join(
        f"  model-{n}: {{known_as: [{', '.join(map(json.dumps, [name, *resolved(runs, name)]))}]}}\n"
        for n, name in enumerate(models)
    )
    (root / "behaviors" / "models" / "all.yaml").write_text(
        f"provider: many\ntitle: All\nsnapshots:\n{known}"
    )
    store = Project(root).store
    scored = {(run.task, spec.name) for run in runs for spec in run.scorers} | {
        (run.task, metric.scorer) for run in runs for metric in run.reported
    }
    for n, (task, scorer) in enumerate(sorted(scored)):
        (root / "behaviors" / f"behavior-{n}.md").write_text(
            f"---\ntitle: Behavior {n}\ncategory: accuracy\nmeasure:\n  task: {json.dumps(task)}\n"
            f"  scorer: {json.dumps(scorer)}\n  direction: higher\n  unit: points\n  min_samples: 1\n---\n\nText.\n"
        )
    assert store.verify() == ()
    return Project(root).registry()


def resolved(runs, name):
    """The one name under which a requested model answered, where no other requested model did."""
    found = {
        run.models_resolved[0]
        for run in runs
        if run.model_requested == name and len(run.models_resolved) == 1
    }
    others = {
        one
        for run in runs
        if run.model_requested != name
        for one in (run.model_requested, *run.models_resolved)
    }
    return sorted(found - others - {name})


def test_every_log_is_read_or_says_why_not(ingest):
    """One line a file, with a mark, and a count of each at the end."""
    _, done = ingest
    shown = done.stdout.decode("utf-8")
    files = [path for path in LOGS.rglob("*") if path.suffix in (".eval", ".json")]
    lines = shown.splitlines()
    read, refused = (sum(line.startswith(mark) for line in lines) for mark in ("✓", "✗"))

    print(lines[-1])
    assert (done.returncode, refused) == (0, 0)
    assert read + int(lines[-1].split(", ")[1].split()[0]) == len(files) == 36
    assert b"Traceback" not in done.stderr


def stated(path):
    """The status that a log states in its header, read here without our reader."""
    if path.suffix == ".json":
        return json.loads(path.read_bytes())["status"]
    return json.loads(zipfile.ZipFile(path).read("header.json"))["status"]


DEMOTED = {"every_eval_ever/data_cvebench_empty_choices.json": "its one sample ended in an error"}
"""Logs that say success and are none."""


def test_a_run_has_the_status_that_its_log_states(runs):
    """34 finished, 2 cancelled; one that says success holds only errors, and is none."""
    expected = {
        path.relative_to(LOGS).as_posix(): stated(path)
        for path in LOGS.rglob("*")
        if path.suffix in (".eval", ".json")
    }

    assert {run.log_uri: run.status for run in runs} == expected | dict.fromkeys(DEMOTED, "error")
    counts = collections.Counter(run.status for run in runs)
    assert counts == {"success": 33, "cancelled": 2, "error": 1}


def test_a_run_that_did_not_finish_is_no_estimate(registry, runs):
    """Cancelled, failed or cut off: shown as partial, never as a number to compare."""
    unfinished = {run.run_key for run in runs if run.status != "success"}

    assert unfinished
    for estimate in registry.estimates:
        assert estimate.is_partial or not unfinished & set(estimate.runs)
    for comparison in registry.comparisons:
        assert not unfinished & {*comparison.old_runs, *comparison.new_runs}


def test_a_run_without_a_scored_sample_is_no_estimate(registry):
    """A log that describes a result without holding its samples gives none."""
    silent = {summary.run.run_key for summary in registry.runs if not summary.outcomes.get("scored")}

    assert silent
    assert [entry for entry in registry.estimates if silent >= set(entry.runs) and not entry.is_partial] == []


def test_missing_samples_lower_the_coverage(registry):
    """No estimate claims more attempts than its logs hold."""
    seen = {summary.run.run_key: summary.attempts_seen for summary in registry.runs}

    for estimate in registry.estimates:
        assert estimate.n_attempts <= sum(seen[key] for key in estimate.runs)
        assert 0 <= estimate.coverage <= 1
